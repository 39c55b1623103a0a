"""What became of the messages of a posting that are not all new, piece by piece."""

from collections.abc import Iterator

from imserver.core.errors import ChatError, Code
from imserver.core.posting import Outcome, Posting
from imserver.core.run import Run
from imserver.core.values import Gone, Kind


def not_member() -> ChatError:
    """Its sender may not write there."""
    return ChatError(Code.NOT_MEMBER, "you are not a member of that conversation")


def refused(start: int, end: int, refusal: ChatError) -> Outcome:
    """Of what is not stored."""
    return Outcome(start, end, 0, 0, False, refusal)


def reused(start: int, end: int) -> Outcome:
    """Their client ids are those of other messages."""
    refusal = ChatError(Code.CLIENT_ID_REUSED, "that client id belongs to another message; take a new one")
    return refused(start, end, refusal)


def retried(posting: Posting, start: int, stored: Run) -> Iterator[Outcome]:
    """Of the messages from `start` on, which the index of client ids says are those of the stored run."""
    is_alike, is_destroyed = _is_alike(posting, posting.number + start, stored), _is_destroyed(stored)
    for index, body in enumerate(stored.bodies):
        place = start + index
        if is_alike and (is_destroyed or posting.bodies[place] == body):
            yield Outcome(place, place + 1, stored.first_seq + index, stored.time_ms, False)
        else:
            yield reused(place, place + 1)


def _is_alike(posting: Posting, number: int, stored: Run) -> bool:
    """But for what they say; of what is destroyed nobody knows any more of what kind it was."""
    place = posting.sender, posting.stem, number, posting.conversation
    if place != (stored.sender, stored.stem, stored.number, stored.conversation):
        return False
    look = posting.kind, posting.content_type, posting.extra
    return _is_destroyed(stored) or look == (stored.kind, stored.content_type, stored.extra)


def _is_destroyed(stored: Run) -> bool:
    return stored.kind == Kind.TOMBSTONE and stored.content_type in (Gone.RECALLED, Gone.BURNT)


def settle(posting: Posting, outcomes: Iterator[Outcome]) -> None:
    """Fill in what became of it; in order, what is alike as one."""
    posting.first_seq = posting.time_ms = 0
    merged: list[Outcome] = []
    for outcome in outcomes:
        if merged and _continues(merged[-1], outcome):
            merged[-1].end = outcome.end
        else:
            merged.append(outcome)
    posting.outcomes = merged
    if len(merged) == 1 and merged[0].fresh:
        posting.first_seq, posting.time_ms, posting.outcomes = merged[0].first_seq, merged[0].time_ms, []


def _continues(before: Outcome, outcome: Outcome) -> bool:
    if before.refusal or outcome.refusal:
        return bool(before.refusal and outcome.refusal and before.refusal.code == outcome.refusal.code)
    return (before.first_seq + before.end - before.start, before.time_ms, before.fresh) == (
        outcome.first_seq,
        outcome.time_ms,
        outcome.fresh,
    )
