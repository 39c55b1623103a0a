"""What a message with an extra requires and does, the same in every store: the store brings the tables.

All of it in the transaction that stores the message, so that nothing comes between, and only when it is new: a
retry of what was right once gets its answer again (delivery.md P2).
"""

from dataclasses import dataclass
from typing import Protocol

from imserver.core.errors import ChatError, Code
from imserver.core.posting import Posting
from imserver.core.values import Extra, Gone, Kind, Message
from imserver.store.outcomes import not_member

EDITABLE = frozenset((Kind.TEXT, Kind.RICH))
RECALLABLE = frozenset((Kind.TEXT, Kind.RICH, Kind.OPAQUE))


@dataclass(slots=True)
class Burning:
    """A message that goes at `due_ms`; or, while `seconds` is not 0, so long after the others have read it."""

    conversation: int
    seq: int
    sender: int
    seconds: int
    due_ms: int


class Tables(Protocol):
    """What the rules read and write, inside one transaction."""

    def joined_seq(self, conversation: int, account: int) -> int | None:
        """None unless a present member."""

    def message(self, conversation: int, seq: int) -> Message | None:
        """None if the log has no such seq."""

    def destroy(self, conversation: int, seq: int, why: Gone) -> None:
        """Leave nothing of a message but a tombstone."""

    def edits_of(self, conversation: int, seq: int) -> list[int]:
        """The seqs of those that were remembered."""

    def remember_edit(self, conversation: int, about: int, seq: int) -> None: ...

    def burn_later(self, burning: Burning) -> None: ...


def check(tables: Tables, posting: Posting) -> None:
    """Of one that is new.  Raises why it is barred, and for an extra NOT_FOUND or FORBIDDEN."""
    if posting.barred is not None:
        raise posting.barred
    if posting.extra is not None:
        _check_extra(tables, posting, posting.extra)


def _check_extra(tables: Tables, posting: Posting, extra: Extra) -> None:
    joined_seq = tables.joined_seq(posting.conversation, posting.sender)
    if joined_seq is None:
        raise not_member()
    for number in extra.mentions:
        if tables.joined_seq(posting.conversation, number) is None:
            raise ChatError(Code.NOT_FOUND, f"{number} is no member of that conversation")
    if extra.about:
        about = tables.message(posting.conversation, extra.about) if extra.about > joined_seq else None
        if about is None:
            raise ChatError(Code.NOT_FOUND, "there is no such message in that conversation")
        if posting.kind == Kind.EDIT:
            _check_edit(posting, about)
        elif posting.kind == Kind.RECALL:
            _check_recall(posting, about)


def _check_edit(posting: Posting, about: Message) -> None:
    _check_is_there(about)
    if about.kind not in EDITABLE or (about.extra and about.extra.burn_seconds):
        raise ChatError(Code.FORBIDDEN, "only texts can be edited, and not those to be burnt")
    _check_own(posting, about, "edited")


def _check_recall(posting: Posting, about: Message) -> None:
    _check_is_there(about)
    if about.kind not in RECALLABLE:
        raise ChatError(Code.FORBIDDEN, "only what somebody has said can be recalled")
    assert posting.terms is not None
    if not posting.terms.moderates:
        _check_own(posting, about, "recalled")


def _check_is_there(about: Message) -> None:
    if about.kind == Kind.TOMBSTONE:
        raise ChatError(Code.NOT_FOUND, "there is nothing left of that message")


def _check_own(posting: Posting, about: Message, done: str) -> None:
    assert posting.terms is not None
    if about.sender != posting.sender:
        raise ChatError(Code.FORBIDDEN, f"a message is {done} by who has sent it")
    if about.time_ms < posting.terms.since_ms:
        raise ChatError(Code.FORBIDDEN, f"the message is too old to be {done}")


def follow(tables: Tables, posting: Posting, seq: int) -> None:
    """What comes of a posting that is stored now, under `seq`."""
    conversation, extra = posting.conversation, posting.extra
    if extra is None:
        return
    if posting.kind == Kind.RECALL:
        for gone in (extra.about, *tables.edits_of(conversation, extra.about)):
            tables.destroy(conversation, gone, Gone.RECALLED)
    elif posting.kind == Kind.EDIT:
        tables.remember_edit(conversation, extra.about, seq)
    if extra.burn_seconds:
        assert posting.terms is not None
        # What is withheld nobody reads, however far the other one's cursor is.
        seconds = 0 if posting.withheld else extra.burn_seconds
        tables.burn_later(Burning(conversation, seq, posting.sender, seconds, posting.terms.burn_by_ms))
