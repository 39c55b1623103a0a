"""What a terminal shows, and what it asks: lines of text in which nobody else's bytes can command the terminal."""

import getpass
import sys
import time
import unicodedata

from imserver.core import asides, notices
from imserver.core.events import MessageArrived
from imserver.core.values import Conversation, ConversationKind, Extra, Kind, Message

_JOINERS = "\u200c\u200d"  # they belong to emoji and to several scripts, and move nothing
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def visible(text: str) -> str:
    """The text with every control, bidirectional and line-breaking character written as an escape."""
    return "".join(_escaped(letter) if _is_invisible(letter) else letter for letter in text)


def _is_invisible(letter: str) -> bool:
    return unicodedata.category(letter) in _INVISIBLE and letter not in _JOINERS


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def shown_text(message: Message) -> str:
    """What the message says, on one line."""
    return asides.beside(message.extra or Extra()) + content(message)


def content(message: Message) -> str:
    """What is in the message, without where it comes from and how long it lasts."""
    match message.kind:
        case Kind.TEXT:
            return visible(message.body.decode("utf-8", "replace"))
        case Kind.EDIT:
            return f"corrected: {visible(message.body.decode('utf-8', 'replace'))}"
        case Kind.RECALL:
            return "has taken a message back"
        case Kind.ATTENTION:
            return "calls for your attention"
        case Kind.NOTICE:
            return f"* {visible(_sentence(message.body))}"
        case Kind.RICH:
            return f"[rich text, {len(message.body)} bytes]"
        case Kind.TOMBSTONE:
            return f"[{visible(message.content_type)}]"
        case _:
            return f"[{visible(message.content_type)}, {len(message.body)} bytes]"


def _sentence(body: bytes) -> str:
    try:
        return notices.sentence(body)
    except (ValueError, KeyError, TypeError):
        return "the group has changed"


def title_of(conversation: Conversation, own_name: str) -> str:
    """A group's title, or the other one's name."""
    if conversation.kind is ConversationKind.GROUP:
        return conversation.title
    return next((peer.name for peer in conversation.peers if peer.name != own_name), own_name)


def said(message: Message) -> str:
    """Who says what, or does what; a notice speaks for itself."""
    text = shown_text(message)
    if message.kind in (Kind.RECALL, Kind.ATTENTION):
        return f"* {visible(message.sender_name)} {text}"
    return text if message.kind == Kind.NOTICE else f"{visible(message.sender_name)}: {text}"


def clear_line(arrived: MessageArrived, own_name: str, own_number: int = 0) -> str:
    """For people: bob: hello, or [team] bob: hello, or bob > alice: hello for what another own device said.

    A line that mentions the reader begins with (!).
    """
    message, conversation = arrived.message, arrived.conversation
    title = visible(title_of(conversation, own_name))
    if conversation.kind is ConversationKind.GROUP:
        is_mentioned = message.extra is not None and own_number in message.extra.mentions
        return f"{'(!) ' if is_mentioned else ''}[{title}] {said(message)}"
    return (
        f"{own_name} > {title}: {shown_text(message)}" if message.sender_name == own_name else said(message)
    )


def tab_line(arrived: MessageArrived, own_name: str) -> str:
    """For programs: time (ISO 8601, UTC), conversation, seq, sender and text between tabs."""
    message = arrived.message
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(message.time_ms / 1000))
    title = visible(title_of(arrived.conversation, own_name))
    return "\t".join((when, title, str(message.seq), visible(message.sender_name), shown_text(message)))


def is_terminal() -> bool:
    """Whether somebody sits there who can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> str:
    """A line typed by the user; the question does not mix with what the program prints."""
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip()


def ask_password(question: str) -> str:
    """A password, typed without echo."""
    return getpass.getpass(question)


def ask_new_password() -> str:
    """A password, typed twice until both agree."""
    while True:
        password = ask_password("Password: ")
        if password == ask_password("Again: "):
            return password
        sys.stderr.write("These were not the same; once more.\n")


def complain(sentence: str) -> None:
    """Say what is wrong."""
    sys.stderr.write(f"imchat: {visible(sentence)}\n")
