"""Who goes first when more waits than a batch can hold."""

from collections import Counter, deque

from imserver.core.posting import Posting


def next_batch(
    waiting: deque[Posting], messages: int, size: int, max_messages: int, max_bytes: int, per_account: int
) -> list[Posting]:
    """Take the next batch out of `waiting`, which holds so many messages of that size in bytes; leave the rest in order.

    If all fit, all go.  Otherwise in rounds of at most `per_account` messages of each sender (and at least one
    posting), so that a flood of one delays nobody else; messages of one sender keep their order.
    """
    if messages <= max_messages and size <= max_bytes:
        batch = list(waiting)
        waiting.clear()
        return batch
    chosen = _Batch(max_messages, max_bytes)
    while waiting and not chosen.full:
        _round(waiting, chosen, per_account)
    return chosen.postings


class _Batch:
    """What has been taken, and the room that is left."""

    def __init__(self, messages: int, size: int) -> None:
        self.postings: list[Posting] = []
        self.full = False
        self._messages = messages
        self._bytes = size

    def take(self, posting: Posting) -> bool:
        """Whether there was room for it; there always is for the first."""
        self._messages -= len(posting.bodies)
        self._bytes -= posting.waiting_bytes
        if self.postings and (self._messages < 0 or self._bytes < 0):
            self.full = True
        else:
            self.postings.append(posting)
        return not self.full


def _round(waiting: deque[Posting], batch: _Batch, per_account: int) -> None:
    """Move one round of postings over."""
    taken: Counter[int] = Counter()
    rest: list[Posting] = []
    for posting in waiting:
        count, sender = len(posting.bodies), posting.sender
        is_due = not taken[sender] or taken[sender] + count <= per_account
        if is_due and not batch.full and batch.take(posting):
            taken[sender] += count
        else:
            taken[sender] = per_account  # what follows of this sender must not overtake it
            rest.append(posting)
    waiting.clear()
    waiting.extend(rest)


def unfair_senders(waiting: deque[Posting]) -> frozenset[int]:
    """The senders with more than an even share of what waits."""
    counts: Counter[int] = Counter()
    for posting in waiting:
        counts[posting.sender] += len(posting.bodies)
    total = counts.total()
    return frozenset(sender for sender, count in counts.items() if count * len(counts) > total)
