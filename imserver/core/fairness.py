"""Who goes first when more waits than a batch can hold."""

from collections import Counter, deque

from imserver.core.posting import Posting


def next_batch(
    waiting: deque[Posting], waiting_bytes: int, max_operations: int, max_bytes: int, per_account: int
) -> list[Posting]:
    """Take the next batch out of `waiting`, leaving the rest in order; `waiting_bytes` is the size of all its bodies.

    If all fit, all go.  Otherwise in rounds of at most `per_account` messages of each sender, so that a flood
    of one delays nobody else; messages of one sender keep their order.
    """
    if len(waiting) <= max_operations and waiting_bytes <= max_bytes:
        batch = list(waiting)
        waiting.clear()
        return batch
    batch, room = [], max_bytes
    while waiting and len(batch) < max_operations and room > 0:
        room -= _round(waiting, batch, max_operations, room, per_account)
    return batch


def _round(
    waiting: deque[Posting], batch: list[Posting], max_operations: int, room: int, per_account: int
) -> int:
    """One round: move postings over; -> the bytes of their bodies."""
    taken: Counter[int] = Counter()
    rest: list[Posting] = []
    used = 0
    for posting in waiting:
        if taken[posting.sender] < per_account and len(batch) < max_operations and used < room:
            taken[posting.sender] += 1
            used += len(posting.body)
            batch.append(posting)
        else:
            taken[posting.sender] = per_account  # what follows of this sender must not overtake it
            rest.append(posting)
    waiting.clear()
    waiting.extend(rest)
    return used


def unfair_senders(waiting: deque[Posting]) -> frozenset[int]:
    """The senders with more than an even share of what waits."""
    counts = Counter(posting.sender for posting in waiting)
    return frozenset(sender for sender, count in counts.items() if count * len(counts) > len(waiting))
