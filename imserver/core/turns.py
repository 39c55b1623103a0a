"""Whose turn it is in a conversation: what was refused for now comes before what the same client has sent after it.

A client that does not wait for answers has sent more before it learns that something was refused, and some of that
could be accepted: it is shorter, or a moment has passed.  Then it would pass what comes again.  So it is refused as
well, until the refused message has come again, or for so long after its time as a client needs to learn of the refusal.
"""

from dataclasses import dataclass

from imserver.core.errors import ChatError, Code

GRACE_SECONDS = 1.0
Place = int | str  # a conversation, by id or as SendTo names it


@dataclass(slots=True)
class _Refused:
    """`until` then everything else waits for it, which is told the same: the code, and how long to wait."""

    client_id: bytes
    code: Code
    retry_after_ms: int
    until: float


class Turns:
    """Of one session; times are monotonic seconds."""

    def __init__(self) -> None:
        self._waiting: dict[Place, _Refused] = {}

    def check(self, place: Place, client_id: bytes, now: float) -> None:
        """Raises ChatError where something else has to come first."""
        first = self._waiting.get(place)
        if first is None:
            return
        if first.client_id == client_id or now >= first.until:
            del self._waiting[place]
            return
        text = "wait for what you have sent there before, and send it again first"
        raise ChatError(first.code, text, first.retry_after_ms)

    def refused(self, place: Place, client_id: bytes, error: ChatError, now: float) -> None:
        """For now; unless something before it waits already."""
        self._waiting = {place: one for place, one in self._waiting.items() if now < one.until}
        until = now + error.retry_after_ms / 1000 + GRACE_SECONDS
        self._waiting.setdefault(place, _Refused(client_id, error.code, error.retry_after_ms, until))
