"""The oracle of every drill: what clients saw, held against the log that was left.

A drill writes down in order what its clients did and saw, and afterwards reads the whole log.  Every promise
about messages is then one pass over the two, and a broken one has a name: lost, duplicate, gap, divergent,
phantom, foreign, reordered, stuck.  A send without an answer may be in the log or not: both are right.
(After jepsen's tests/kafka.clj.)
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

STUCK_SECONDS = 30.0

MessageKey = tuple[int, bytes]  # sender, client_id
Place = tuple[int, int]  # conversation, seq
_T = TypeVar("_T")


class Fault(StrEnum):
    """What can be wrong with a history."""

    LOST = "lost"  # acknowledged, but not in the log, or not with a device that had everything
    DUPLICATE = "duplicate"  # one client id under two seqs, or one seq twice
    GAP = "gap"  # a seq skipped, or seen backwards on one connection
    DIVERGENT = "divergent"  # a device saw at some seq what is not there
    PHANTOM = "phantom"  # nobody sent it, or its sender was told that it was refused
    FOREIGN = "foreign"  # shown to somebody it was not for
    REORDERED = "reordered"  # two sends of one connection are in the log the other way round
    STUCK = "stuck"  # unanswered through 30 s of the server's being up


@dataclass(slots=True, frozen=True)
class Finding:
    """One broken promise."""

    fault: Fault
    text: str


# -- what a drill writes down, in the order it happened ------------------------------------------------


@dataclass(slots=True)
class Started:
    """The server answers from now on.  `at`, here and below, is in seconds of one monotonic clock."""

    at: float


@dataclass(slots=True)
class Stopped:
    """The server was killed or told to stop."""

    at: float


@dataclass(slots=True)
class Invoked:
    """A send, or the repetition of one, went out on a connection."""

    at: float
    connection: int
    conversation: int
    sender: int
    client_id: bytes
    body: bytes


@dataclass(slots=True)
class Acked:
    """The server said that it has the message."""

    at: float
    conversation: int
    sender: int
    client_id: bytes
    seq: int


@dataclass(slots=True)
class Failed:
    """The server said that it does not have the message and never will, under this id."""

    at: float
    sender: int
    client_id: bytes


@dataclass(slots=True)
class Received:
    """A device was shown a message, pushed or fetched.  An empty client_id: the server's own."""

    at: float
    connection: int
    account: int
    device: str
    conversation: int
    seq: int
    sender: int
    client_id: bytes
    body: bytes


@dataclass(slots=True)
class InSync:
    """The device has been told, after the last send, that there is nothing it lacks."""

    at: float
    account: int
    device: str


Record = Started | Stopped | Invoked | Acked | Failed | Received | InSync


# -- what was left -------------------------------------------------------------------------------------


@dataclass(slots=True, frozen=True)
class Entry:
    """One message of the final log."""

    conversation: int
    seq: int
    sender: int
    client_id: bytes
    body: bytes

    @property
    def key(self) -> MessageKey:
        """How its sender knows it."""
        return self.sender, self.client_id


@dataclass(slots=True, frozen=True)
class Span:
    """An account may see joined_seq < seq <= left_seq of the conversation (left_seq 0: no end)."""

    conversation: int
    account: int
    joined_seq: int = 0
    left_seq: int = 0

    def shows(self, seq: int) -> bool:
        """Whether that message is for this member."""
        return self.joined_seq < seq and (not self.left_seq or seq <= self.left_seq)


def check(history: Sequence[Record], log: Sequence[Entry], spans: Sequence[Span]) -> list[Finding]:
    """Every broken promise, in no particular order; empty when there is none."""
    left = _Left(log, spans)
    rules = (lost, undelivered, twice, gaps, skipped, divergent, phantom, foreign, reordered, stuck)
    return [finding for rule in rules for finding in rule(history, left)]


class _Left:
    """The final log, indexed."""

    def __init__(self, log: Sequence[Entry], spans: Sequence[Span]) -> None:
        self.log = log
        self.at: dict[Place, Entry] = {(entry.conversation, entry.seq): entry for entry in log}
        self.seqs: dict[tuple[int, MessageKey], int] = {
            (entry.conversation, entry.key): entry.seq for entry in log if entry.client_id
        }
        self._spans: defaultdict[tuple[int, int], list[Span]] = defaultdict(list)
        for span in spans:
            self._spans[span.conversation, span.account].append(span)

    def visible(self, conversation: int, account: int, seq: int) -> bool:
        """Whether the account may see that message."""
        return any(span.shows(seq) for span in self._spans[conversation, account])


# -- the rules, one each -------------------------------------------------------------------------------


def lost(history: Sequence[Record], left: _Left) -> Iterator[Finding]:
    """An acknowledged message is in the log."""
    for ack in _only(Acked, history):
        if (ack.conversation, (ack.sender, ack.client_id)) not in left.seqs:
            yield Finding(Fault.LOST, f"acknowledged, not in the log: {ack}")


def undelivered(history: Sequence[Record], left: _Left) -> Iterator[Finding]:
    """A device that is in sync was shown every message it may see."""
    shown = {(seen.account, seen.device, seen.conversation, seen.seq) for seen in _only(Received, history)}
    for device in _only(InSync, history):
        for conversation, seq in left.at:
            missing = (device.account, device.device, conversation, seq) not in shown
            if missing and left.visible(conversation, device.account, seq):
                yield Finding(Fault.LOST, f"{device} never saw {conversation}/{seq}")


def twice(history: Sequence[Record], left: _Left) -> Iterator[Finding]:
    """One client id has one seq, in the log and in every ack; one seq is one message."""
    for place, count in _repeated((entry.conversation, entry.seq) for entry in left.log):
        yield Finding(Fault.DUPLICATE, f"{place} is in the log {count} times")
    for key, count in _repeated(entry.key for entry in left.log if entry.client_id):
        yield Finding(Fault.DUPLICATE, f"{key} is in the log {count} times")
    for ack in _only(Acked, history):
        seq = left.seqs.get((ack.conversation, (ack.sender, ack.client_id)), ack.seq)
        if seq != ack.seq:
            yield Finding(Fault.DUPLICATE, f"in the log as {seq}, but {ack}")


def gaps(_history: Sequence[Record], left: _Left) -> Iterator[Finding]:
    """A conversation's log is 1, 2, 3 ... without gaps."""
    last: defaultdict[int, int] = defaultdict(int)
    for conversation, seq in sorted(left.at):
        if seq != last[conversation] + 1:
            yield Finding(Fault.GAP, f"the log of {conversation} goes from {last[conversation]} to {seq}")
        last[conversation] = seq


def skipped(history: Sequence[Record], left: _Left) -> Iterator[Finding]:
    """A device sees upwards on one connection, and never anything before what precedes it."""
    highest: defaultdict[tuple[int, str, int], int] = defaultdict(int)
    previous: defaultdict[tuple[int, int], int] = defaultdict(int)
    for seen in _only(Received, history):
        here = (seen.account, seen.device, seen.conversation)
        if seen.seq <= previous[seen.connection, seen.conversation]:
            yield Finding(Fault.GAP, f"went back to {seen}")
        if any(
            left.visible(seen.conversation, seen.account, seq) for seq in range(highest[here] + 1, seen.seq)
        ):
            yield Finding(Fault.GAP, f"skipped from {highest[here]} to {seen}")
        previous[seen.connection, seen.conversation] = seen.seq
        highest[here] = max(highest[here], seen.seq)


def divergent(history: Sequence[Record], left: _Left) -> Iterator[Finding]:
    """Whoever sees a seq sees what the log has there."""
    for seen in _only(Received, history):
        entry = left.at.get((seen.conversation, seen.seq))
        if entry is None or (entry.key, entry.body) != ((seen.sender, seen.client_id), seen.body):
            yield Finding(Fault.DIVERGENT, f"the log has {entry}, but {seen}")


def phantom(history: Sequence[Record], left: _Left) -> Iterator[Finding]:
    """What is in the log was sent by its sender, there and so, and was not refused."""
    sent = {(call.conversation, call.sender, call.client_id, call.body) for call in _only(Invoked, history)}
    refused = {(fail.sender, fail.client_id) for fail in _only(Failed, history)}
    for entry in left.log:
        if not entry.client_id:
            continue
        if (entry.conversation, entry.sender, entry.client_id, entry.body) not in sent:
            yield Finding(Fault.PHANTOM, f"nobody sent {entry}")
        if entry.key in refused:
            yield Finding(Fault.PHANTOM, f"refused and yet in the log: {entry}")


def foreign(history: Sequence[Record], left: _Left) -> Iterator[Finding]:
    """Only members are shown a message, and only those of their time."""
    for seen in _only(Received, history):
        if not left.visible(seen.conversation, seen.account, seen.seq):
            yield Finding(Fault.FOREIGN, f"not for this account: {seen}")


def reordered(history: Sequence[Record], left: _Left) -> Iterator[Finding]:
    """If a send went out for the last time before another's first, on one connection, it has the lower seq."""
    calls = [(call, (call.sender, call.client_id)) for call in _only(Invoked, history)]
    first = {key: position for position, (_, key) in reversed(list(enumerate(calls)))}
    last = {key: position for position, (_, key) in enumerate(calls)}
    highest: defaultdict[tuple[int, int], int] = defaultdict(int)
    for position, (call, key) in enumerate(calls):
        seq = left.seqs.get((call.conversation, key))
        if seq is None:
            continue
        before = highest[call.connection, call.conversation]
        if position == first[key] and seq < before:
            yield Finding(Fault.REORDERED, f"sent after {before} but stored as {seq}: {call}")
        if position == last[key]:
            highest[call.connection, call.conversation] = max(before, seq)


def stuck(history: Sequence[Record], _left: _Left) -> Iterator[Finding]:
    """A send is answered within 30 s of the server's being up without a break."""
    waiting: dict[MessageKey, float] = {}
    for record in history:
        match record:
            case Invoked():
                waiting.setdefault((record.sender, record.client_id), record.at)
            case Acked() | Failed():
                since = waiting.pop((record.sender, record.client_id), record.at)
                yield from _overdue({(record.sender, record.client_id): since}, record.at)
            case Stopped():
                yield from _overdue(waiting, record.at)
                waiting = dict.fromkeys(waiting, float("inf"))
            case Started():
                waiting = dict.fromkeys(waiting, record.at)
    if history:
        yield from _overdue(waiting, history[-1].at)


def _overdue(waiting: dict[MessageKey, float], now: float) -> Iterator[Finding]:
    for key, since in waiting.items():
        if now - since > STUCK_SECONDS:
            yield Finding(Fault.STUCK, f"{key} waited {now - since:.0f} s for an answer")


def _only(kind: type[_T], history: Iterable[Record]) -> Iterator[_T]:
    return (record for record in history if isinstance(record, kind))


def _repeated(things: Iterable[_T]) -> Iterator[tuple[_T, int]]:
    return ((thing, count) for thing, count in Counter(things).items() if count > 1)
