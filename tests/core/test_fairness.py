"""Who goes first when more waits than a batch can hold."""

from collections import Counter, deque
from collections.abc import Iterable
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.fairness import next_batch, unfair_senders
from imserver.core.posting import Posting

POSTINGS = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 30)), max_size=80)


def posting(sender: int, size: int, n: int, count: int = 1) -> Posting:
    made = Posting(1, sender, "somebody", n.to_bytes(8), 1, "", b"x" * size)
    for tag in range(1, count):
        made.add(tag, b"x" * size)
    return made


def messages_in(postings: Iterable[Posting]) -> int:
    return sum(len(one.bodies) for one in postings)


def batch_of(left: deque[Posting], messages: int, size: int, quota: int) -> list[Posting]:
    return next_batch(left, messages_in(left), sum(one.size for one in left), messages, size, quota)


def waiting(pairs: list[tuple[int, int]], count: int = 1) -> deque[Posting]:
    return deque(posting(sender, size, n, count) for n, (sender, size) in enumerate(pairs))


class BatchTests(SynchronousTestCase):
    @given(POSTINGS, st.integers(1, 4), st.integers(1, 12), st.integers(1, 120), st.integers(1, 4))
    def test_order_and_bounds(
        self, pairs: list[tuple[int, int]], count: int, messages: int, size: int, quota: int
    ) -> None:
        """Batch after batch everything is served once, each sender's in order, within messages and bytes, or one posting."""
        left = waiting(pairs, count)
        everything = list(left)
        served: list[Posting] = []
        while left:
            batch = batch_of(left, messages, size, quota)
            self.assertTrue(batch)
            if len(batch) > 1:
                self.assertLessEqual(messages_in(batch), messages)
                self.assertLessEqual(sum(one.size for one in batch), size)
            served += batch
        self.assertEqual(Counter(map(id, served)), Counter(map(id, everything)))
        for sender in {one.sender for one in everything}:
            ids = [one.number for one in served if one.sender == sender]
            self.assertEqual(ids, sorted(ids))

    @given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 4))
    def test_flood(self, before: int, after: int, quota: int) -> None:
        """However much one sender has waiting, another's message comes after at most `quota` of it."""
        left = waiting([(1, 1)] * before + [(2, 1)] + [(1, 1)] * after)
        batch = batch_of(left, quota + 1, 10**6, quota)
        self.assertLessEqual([one.sender for one in batch].index(2), quota)

    def test_rounds(self) -> None:
        """A full batch is filled in rounds of the quota."""
        left = waiting([(1, 1)] * 10 + [(2, 1)] * 3 + [(3, 1)] * 10)
        batch = batch_of(left, 12, 10**6, 2)
        runs = [(sender, len(list(run))) for sender, run in groupby(one.sender for one in batch)]
        self.assertEqual(runs, [(1, 2), (2, 2), (3, 2), (1, 2), (2, 1), (3, 2), (1, 1)])

    def test_everything_fits(self) -> None:
        """When there is room nobody waits, whatever the quota."""
        left = waiting([(1, 1)] * 100)
        self.assertEqual(len(batch_of(left, 100, 100, 1)), 100)
        self.assertFalse(left)

    def test_postings_of_many(self) -> None:
        """The quota counts messages: who has fewer in a posting has more postings in a round."""
        left = deque([posting(1, 1, n, 2) for n in range(4)] + [posting(2, 1, n) for n in range(8)])
        batch = batch_of(left, 12, 10**6, 4)
        runs = [(sender, len(list(run))) for sender, run in groupby(one.sender for one in batch)]
        self.assertEqual(runs, [(1, 2), (2, 4), (1, 2)])

    def test_one_body_over_the_limit(self) -> None:
        """A body larger than a batch may be still goes, alone."""
        left = waiting([(1, 500), (2, 1)])
        self.assertEqual([one.sender for one in batch_of(left, 10, 100, 64)], [1])


class UnfairTests(SynchronousTestCase):
    def test_unfair(self) -> None:
        """Who has more waiting than an even share; nobody if all have the same."""
        self.assertEqual(unfair_senders(waiting([(1, 1)] * 5 + [(2, 1), (3, 1)])), {1})
        self.assertEqual(unfair_senders(waiting([(1, 1), (2, 1)] * 4)), frozenset())
        self.assertEqual(unfair_senders(deque()), frozenset())
