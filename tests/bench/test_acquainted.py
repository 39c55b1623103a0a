"""The ring of contacts that a crowd is made of."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from bench.acquainted import acquaint
from imserver.store.memory import MemoryStore
from tests.core.client import result


class RingTests(SynchronousTestCase):
    def test_neighbours(self) -> None:
        """Everybody has as many contacts as wanted, half of them before, half of them behind."""
        store = MemoryStore()
        numbers = [result(store.create_account(f"load{n}", "", "", 1)).number for n in range(10)]
        self.successResultOf(Deferred.fromCoroutine(acquaint(store, numbers, 4)))
        for place, number in enumerate(numbers):
            wanted = {numbers[(place + step) % 10] for step in (-2, -1, 1, 2)}
            self.assertEqual({other for other, _ in result(store.contact_numbers(number))}, wanted)
