"""What a wire cannot show as it is, shown as well as it can: the one place where that is decided.

A wire's Capabilities declare the kinds of messages and the news it can show.  A message of another kind becomes a
text: rich text without its looks, a notice as a sentence, anything else as a line that says what it was.  Where a
wire shows rich text only, a text becomes a document; where it knows no groups, what is said in group N comes as if
*N had said it; where it shows nothing beside a body, who only forwards is said not to be the author, and what is
to be burnt to be so.  News of another kind are left out.  What was lost is counted by wire and kind, for the operator.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import compress

from zope.interface import implementer

from imserver.codecs import rtf
from imserver.core import asides, notices
from imserver.core.capabilities import Capabilities
from imserver.core.events import NEWS, Event, MessageArrived
from imserver.core.requests import Request
from imserver.core.run import Run
from imserver.core.values import Conversation, ConversationKind, Extra, Gone, Kind, Message
from imserver.interfaces import ICodec

_EVERYTHING = Capabilities("")
_BESIDE = "forwarded", "burning", "mentions", "reply"
_ABOUT_ANOTHER = frozenset([Kind.EDIT, Kind.RECALL])  # which their words say, while a reply's do not
_KIB, _MIB = 1024, 1024 * 1024


class Projection:
    """Onto one wire; `lost` is the core's count by (wire, kind)."""

    __slots__ = ("_events", "_extras", "_groups", "_kinds", "_lost", "_wire")

    def __init__(self, capabilities: Capabilities, lost: Counter[tuple[str, str]]) -> None:
        self._wire = capabilities.wire
        self._kinds = capabilities.kinds
        self._events = capabilities.events
        self._groups = capabilities.groups
        self._extras = capabilities.extras
        self._lost = lost

    @property
    def changes_nothing(self) -> bool:
        """The wire shows everything."""
        return (
            self._kinds == _EVERYTHING.kinds
            and self._events == _EVERYTHING.events
            and self._groups
            and self._extras
        )

    def event(self, event: Event) -> Event | None:
        """The event as the wire can show it; None if it cannot."""
        if type(event) is MessageArrived:
            if is_withheld(event.message) and Kind.TOMBSTONE not in self._kinds:
                return None
            message = self.message(event.message, event.conversation)
            return event if message is event.message else MessageArrived(message, event.conversation)
        if type(event) in NEWS and type(event) not in self._events:
            self._lost[self._wire, type(event).__name__] += 1
            return None
        return event

    def message(self, message: Message, conversation: Conversation) -> Message:
        """The message in a form that the wire can show: itself, or a copy in other words."""
        hides_group = conversation.kind is ConversationKind.GROUP and not self._groups
        remark = self._remark(message.kind, message.extra)
        if message.kind in self._kinds and not (hides_group or remark):
            return message
        sender, text = message.sender_name, self._text(message.kind, message.content_type, message.body)
        text = remark + text
        if hides_group:
            self._lost[self._wire, "group"] += 1
            text = text if message.kind == Kind.NOTICE else f"{sender}: {text}"
            sender = group_name(conversation)
        kind = Kind.TEXT if Kind.TEXT in self._kinds else Kind.RICH
        return _reworded(message, sender, kind, self._body(text))

    def bodies(self, run: Run) -> Sequence[bytes]:
        """Those of a run's messages in a kind that the wire can show; none if they are nothing to their reader."""
        remark = self._remark(run.kind, run.extra)
        if run.kind in self._kinds and not remark:
            return run.bodies
        if is_withheld(run):
            return ()
        return [self._body(remark + self._text(run.kind, run.content_type, body)) for body in run.bodies]

    def _remark(self, kind: int, extra: Extra | None) -> str:
        """What is said before a message where the wire does not show what it has beside its body."""
        if extra is None or self._extras:
            return ""
        is_reply = extra.about and kind not in _ABOUT_ANOTHER
        has = extra.origin, extra.burn_seconds, extra.mentions, is_reply
        self._lost.update((self._wire, what) for what in compress(_BESIDE, has))
        return asides.beside(extra)

    def _text(self, kind: int, content_type: str, body: bytes) -> str:
        if kind != Kind.TEXT:
            self._lost[self._wire, Kind(kind).name] += 1
        return _words(kind, content_type, body)

    def _body(self, text: str) -> bytes:
        return text.encode() if Kind.TEXT in self._kinds else rtf.from_text(text)


def group_name(conversation: Conversation) -> str:
    """As people write it, and as SendTo takes it."""
    return f"*{conversation.number}"


def is_withheld(message: Message | Run) -> bool:
    """Whether it is nothing to its reader, not even in other words."""
    return message.kind == Kind.TOMBSTONE and message.content_type == Gone.WITHHELD


def words(message: Message) -> str:
    """The message as a text, whatever it is; never raises."""
    return _words(message.kind, message.content_type, message.body)


def _words(kind: int, content_type: str, body: bytes) -> str:
    match kind:
        case Kind.TEXT:
            return body.decode(errors="replace")
        case Kind.RICH:
            return rtf.to_text(body)
        case Kind.NOTICE:
            return _sentence(body)
        case Kind.TOMBSTONE:
            return f"[{content_type}]"  # why it is gone
        case Kind.EDIT:
            return f"corrected: {body.decode(errors='replace')}"
        case Kind.RECALL:
            return "[has taken a message back]"
        case Kind.ATTENTION:
            return "[calls for your attention]"
    return f"[{content_type}, {_size(len(body))}]"


def _sentence(notice: bytes) -> str:
    try:
        return notices.sentence(notice)
    except (ValueError, KeyError, TypeError, RecursionError):
        return "[a notice that cannot be read]"  # it must not keep its readers from what follows it (T25)


def _size(size: int) -> str:
    if size >= _MIB:
        return f"{size / _MIB:.1f} MiB"
    return f"{size / _KIB:.0f} KiB" if size >= _KIB else f"{size} bytes"


def _reworded(message: Message, sender: str, kind: Kind, body: bytes) -> Message:
    return Message(
        message.conversation,
        message.seq,
        message.sender,
        sender,
        message.client_id,
        kind,
        "",
        body,
        message.time_ms,
    )


@implementer(ICodec)
class ProjectingCodec:
    """A codec that is asked for nothing but what its wire can show."""

    def __init__(self, codec: ICodec, projection: Projection) -> None:
        self._codec = codec
        self._projection = projection

    def decode(self, frame: bytes) -> tuple[int, Request]:
        """See ICodec."""
        return self._codec.decode(frame)

    def encode(self, event: Event, tag: int) -> bytes | None:
        """See ICodec; an answer is shown whatever it is."""
        shown = event if tag else self._projection.event(event)
        return None if shown is None else self._codec.encode(shown, tag)
