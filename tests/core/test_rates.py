"""Token buckets, and tables that stay bounded."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.rates import BoundedTable, Bucket, Recent, limited


class BucketTests(SynchronousTestCase):
    def test_burst_then_rate(self) -> None:
        """The burst at once, then one for each interval, and never more than the burst after a rest."""
        bucket = Bucket()
        taken = [bucket.take(100.0, 1, 10, 5) for _ in range(6)]
        self.assertEqual(taken[:5], [0.0] * 5)
        self.assertAlmostEqual(taken[5], 0.1)
        self.assertEqual(bucket.take(100.1001, 1, 10, 5), 0.0)
        rested = [bucket.take(1e6, 1, 10, 5) for _ in range(6)]
        self.assertEqual([wait == 0 for wait in rested], [True] * 5 + [False])

    def test_refused_takes_nothing(self) -> None:
        """What is refused does not make the wait longer."""
        bucket = Bucket()
        self.assertEqual(bucket.take(0.0, 5, 1, 5), 0.0)
        self.assertEqual([bucket.take(0.0, 1, 1, 5) for _ in range(100)], [1.0] * 100)

    @given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 5)), max_size=60))
    def test_never_too_much(self, steps: list[tuple[float, int]]) -> None:
        """Over any time t at most burst + t * rate is given out, and waiting as told is enough."""
        bucket, now, given_out = Bucket(), 0.0, 0
        for pause, amount in steps:
            now += pause
            wait = bucket.take(now, amount, 2, 5)
            if wait:
                now += wait + 1e-6
                self.assertEqual(bucket.take(now, amount, 2, 5), 0.0)
            given_out += amount
            self.assertLessEqual(given_out, 5 + 2 * now + 1e-3)

    def test_told_wait_is_enough(self) -> None:
        """retry_after_ms is rounded up, so that who obeys it is not refused again."""
        self.assertEqual(limited(0.0001, "things").retry_after_ms, 1)
        self.assertEqual(limited(1.0001, "things").retry_after_ms, 1001)


class RecentTests(SynchronousTestCase):
    @given(st.lists(st.floats(0, 8), max_size=60))
    def test_never_too_many(self, pauses: list[float]) -> None:
        """In no span of ten seconds there are more than five, and waiting as told is enough."""
        recent, now, taken = Recent(), 0.0, list[float]()
        for pause in pauses:
            now += pause
            wait = recent.take(now, 5, 10.0)
            if wait:
                now += wait + 1e-6
                self.assertEqual(recent.take(now, 5, 10.0), 0.0)
            taken.append(now)
        self.assertTrue(all(later - earlier > 9.99 for earlier, later in zip(taken, taken[5:], strict=False)))

    def test_refused_takes_nothing(self) -> None:
        """What is refused does not make the wait longer."""
        recent = Recent()
        self.assertEqual(recent.take(1.0, 1, 10.0), 0.0)
        self.assertEqual([recent.take(3.0, 1, 10.0) for _ in range(100)], [8.0] * 100)

    def test_given_back(self) -> None:
        """The latest was none; what is not there is not given back."""
        recent = Recent()
        recent.give_back()
        self.assertEqual([recent.take(now, 2, 10.0) for now in (0.0, 5.0)], [0.0, 0.0])
        recent.give_back()
        self.assertEqual([recent.take(6.0, 2, 10.0) for _ in range(2)], [0.0, 4.0])

    def test_any(self) -> None:
        """One counts until its time is over."""
        recent = Recent()
        self.assertFalse(recent.any(1.0, 10.0))
        recent.take(1.0, 5, 10.0)
        self.assertEqual([recent.any(now, 10.0) for now in (1.0, 10.9, 11.0)], [True, True, False])

    def test_fewer(self) -> None:
        """When fewer may be than were, the wait is until enough of them are over."""
        recent = Recent()
        for now in (1.0, 2.0, 3.0):
            recent.take(now, 3, 10.0)
        self.assertEqual(recent.take(4.0, 2, 10.0), 8.0)


class BoundedTableTests(SynchronousTestCase):
    def test_many_keys(self) -> None:
        """200,000 keys leave no more entries than allowed (threats.md T27)."""
        table: BoundedTable[int, Bucket] = BoundedTable(Bucket, lambda: 1000)
        for key in range(200_000):
            table[key].take(0.0, 1, 1, 1)
        self.assertEqual(len(table), 1000)

    def test_unused_go_first(self) -> None:
        """Whoever was asked for last stays."""
        table: BoundedTable[str, list[int]] = BoundedTable(list, lambda: 2)
        table["a"].append(1)
        table["b"].append(2)
        self.assertEqual(table["a"], [1])
        self.assertEqual(table["c"], [])
        self.assertEqual((table["a"], table["b"]), ([1], []))

    def test_forget(self) -> None:
        """A forgotten value starts anew; forgetting nothing is nothing."""
        table: BoundedTable[str, list[int]] = BoundedTable(list, lambda: 2)
        table["a"].append(1)
        table.forget("a")
        table.forget("b")
        self.assertEqual(table["a"], [])

    def test_new_limit(self) -> None:
        """A lower limit holds from the next new key on."""
        most = 100
        table: BoundedTable[int, Bucket] = BoundedTable(Bucket, lambda: most)
        for key in range(100):
            table[key]
        most = 10
        table[1000]
        self.assertEqual(len(table), 10)
