"""What became of each single message, out of the runs in which a store says so."""

from collections.abc import Sequence
from typing import Any

from imserver.core import client_ids
from imserver.core.posting import Posting
from imserver.core.run import Run
from imserver.core.values import Message


def fates(posting: Posting) -> list[Any]:
    """Of each of its messages, in order: (seq, time_ms, fresh), or the code of its refusal."""
    if not posting.outcomes:
        return [(posting.first_seq + n, posting.time_ms, True) for n in range(len(posting.bodies))]
    found: list[Any] = []
    for outcome in posting.outcomes:
        assert outcome.start == len(found) < outcome.end, posting.outcomes
        for n in range(outcome.end - outcome.start):
            place = outcome.first_seq + n, outcome.time_ms, outcome.fresh
            found.append(outcome.refusal.code if outcome.refusal else place)
    assert len(found) == len(posting.bodies), posting.outcomes
    return found


def fate(posting: Posting) -> Any:
    """Of its only message."""
    (only,) = fates(posting)
    return only


def messages(runs: Sequence[Run]) -> list[Message]:
    """Each message by itself."""
    return [message for run in runs for message in run.messages()]


def posting_of(
    conversation: int, sender: int, stem: bytes, number: int, bodies: Sequence[bytes], kind: int = 1
) -> Posting:
    """Several messages under client ids that count up."""
    client_id = client_ids.joined(stem, number)
    posting = Posting(conversation, sender, "", client_id, kind, "", bodies[0])
    for tag, body in enumerate(bodies[1:], 1):
        posting.add(tag, body)
    return posting
