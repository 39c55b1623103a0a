"""Messages and memberships for tests of the model."""

from dataclasses import replace

from imserver.core.values import Conversation, Extra, Gone, Kind, Membership, Message
from tests.client.fake_server import ALICE, BOB, direct

DAY_MS = 24 * 3600 * 1000


def message(
    seq: int, text: str = "hello", sender: int = ALICE.number, time_ms: int = 0, of: int = 17
) -> Message:
    """Alice says something, or bob."""
    name = BOB.name if sender == BOB.number else ALICE.name
    return Message(of, seq, sender, name, b"%d" % seq, Kind.TEXT, "", text.encode(), time_ms or seq)


def edit(seq: int, about: int, text: str) -> Message:
    """Alice corrects a message."""
    return replace(message(seq, text), kind=Kind.EDIT, extra=Extra(about=about))


def recall(seq: int, about: int) -> Message:
    """Alice takes a message back."""
    return replace(message(seq, ""), kind=Kind.RECALL, extra=Extra(about=about))


def tombstone(seq: int, why: Gone = Gone.RECALLED) -> Message:
    """What is left of one of hers."""
    return replace(message(seq, ""), kind=Kind.TOMBSTONE, content_type=why)


def membership(
    last: int = 0, read: int = 0, conversation: Conversation | None = None, joined: int = 0, left: int = 0
) -> Membership:
    """Bob's, of the conversation with alice."""
    return Membership(conversation or direct(), last, joined, left, 0, read)
