"""What happened, in lines for a person."""

from datetime import UTC, datetime

from imserver.core.errors import Code
from imserver.core.events import (
    Closing,
    ContactAdded,
    ContactRequested,
    ConversationOpened,
    Event,
    GoAway,
    JoinRequested,
    MessageArrived,
    Refused,
)
from imserver.core.values import (
    Account,
    ContactRequest,
    Conversation,
    ConversationKind,
    Kind,
    Membership,
    Message,
)
from imserver.dialogues.telnet.visible import lines, visible
from imserver.net.projection import group_name, words

# Who comes into a group or goes is told by the group's own log, and who is there by the command `who`.
SHOWN = frozenset([ContactAdded, ContactRequested, ConversationOpened, JoinRequested])


def told(event: Event, reader: Account | None) -> list[str]:
    """The lines about an event; none if there is nothing to say about it."""
    match event:
        case MessageArrived():
            return message_lines(event.message, event.conversation, reader)
        case Refused():
            return [sentence(reason(event))]
        case ContactRequested():
            return [contact_request(event.request)]
        case ContactAdded():
            return [f"{event.contact.account.name} is your contact now."]
        case ConversationOpened():
            return opened(event.membership)
        case GoAway():
            return ["The server is about to stop.  Come back in a minute."]
        case Closing(code=code) if (
            code != Code.PROTOCOL_ERROR
        ):  # a program that speaks otherwise reads no sentences
            return [sentence(event.text)]
    return []


def opened(membership: Membership) -> list[str]:
    """A group one is in from now on; of a conversation of two, its first message tells enough."""
    conversation = membership.conversation
    if conversation.kind is not ConversationKind.GROUP:
        return []
    first = f'You are in the group {group_name(conversation)} "{visible(conversation.title)}".'
    return (
        [first, *lines("Its announcement: ", conversation.announcement)]
        if conversation.announcement
        else [first]
    )


def message_lines(message: Message, conversation: Conversation, reader: Account | None) -> list[str]:
    """`bob: hello`, and in a group `*3 bob: hello`; what happened to a group has no name before its colon."""
    sender = message.sender_name or "?"  # which a damaged message may not tell
    if conversation.kind is ConversationKind.GROUP:
        name = "" if message.kind == Kind.NOTICE else f" {sender}"
        return lines(f"{group_name(conversation)}{name}: ", words(message))
    if reader is not None and message.sender == reader.number:
        return lines(f"you to {other(conversation, reader).name}: ", words(message))
    return lines(f"{sender}: ", words(message))


def time_of(message: Message) -> str:
    """To the minute, in UTC."""
    return f"{datetime.fromtimestamp(message.time_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def other(conversation: Conversation, reader: Account) -> Account:
    """With whom the reader has this direct conversation."""
    one, another = conversation.peers
    return another if one.number == reader.number else one


def contact_request(request: ContactRequest) -> str:
    """Who asks, and what to say to that."""
    name, text = request.account.name, f' "{visible(request.text)}"' if request.text else ""
    return f"{name} would like to be your contact.{text}  Say: add {name}, or: contacts refuse {name}"


def reason(refused: Refused) -> str:
    """Why not, and how long to wait where that helps."""
    seconds = -(-refused.retry_after_ms // 1000)
    return f"{refused.text} ({seconds} s)" if seconds else refused.text


def sentence(text: str) -> str:
    """The core's words, which begin small and end without a point, unless a usage ends with some."""
    return f"{text[:1].upper()}{visible(text[1:])}{'' if text.endswith('.') else '.'}"
