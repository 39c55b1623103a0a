"""What the core says of several messages at once, as one event for each, for whoever takes them one by one."""

from imserver.core.events import Event, MessageArrived, RunArrived, Sent


def singly(event: Event, tag: int) -> list[tuple[Event, int]]:
    """-> (event, tag) pairs; any other event by itself."""
    if type(event) is RunArrived:
        return [(MessageArrived(message, event.conversation), tag) for message in event.run.messages()]
    if type(event) is Sent and event.more:
        return [
            (Sent(event.conversation, event.seq + index, event.time_ms), tag + index)
            for index in range(event.more + 1)
        ]
    return [(event, tag)]
