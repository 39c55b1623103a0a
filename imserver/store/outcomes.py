"""What became of the messages of a posting that are not all new, piece by piece."""

from collections.abc import Iterator

from imserver.core.errors import ChatError, Code
from imserver.core.posting import Outcome, Posting
from imserver.core.run import Run


def not_member(start: int, end: int) -> Outcome:
    """Its sender may not write there."""
    refusal = ChatError(Code.NOT_MEMBER, "you are not a member of that conversation")
    return Outcome(start, end, 0, 0, False, refusal)


def reused(start: int, end: int) -> Outcome:
    """Their client ids are those of other messages."""
    refusal = ChatError(Code.CLIENT_ID_REUSED, "that client id belongs to another message; take a new one")
    return Outcome(start, end, 0, 0, False, refusal)


def retried(posting: Posting, start: int, stored: Run) -> Iterator[Outcome]:
    """Of the messages from `start` on, which the index of client ids says are those of the stored run."""
    is_alike = _likeness(posting, posting.number + start) == _likeness(stored, stored.number)
    for index, body in enumerate(stored.bodies):
        place = start + index
        if is_alike and posting.bodies[place] == body:
            yield Outcome(place, place + 1, stored.first_seq + index, stored.time_ms, False)
        else:
            yield reused(place, place + 1)


def _likeness(run: Run, number: int) -> tuple[object, ...]:
    return run.sender, run.stem, number, run.conversation, run.kind, run.content_type


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
