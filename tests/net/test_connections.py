"""All connections together: one flush a turn, one sweep a second, and no timer without a connection."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.limits import Limits
from imserver.net.connections import Connections


class FakeConnection:
    """Counts what is asked of it."""

    address = "192.0.2.1"

    def __init__(self, waiting_bytes: int = 0, error: Exception | None = None) -> None:
        self.waiting_bytes = waiting_bytes
        self.error = error
        self.flushed = self.swept = self.aborted = 0

    def flush(self) -> None:
        self.flushed += 1
        if self.error:
            raise self.error

    def look_after(self, now: float, limits: Limits) -> None:
        self.swept += 1
        if self.error:
            raise self.error

    def abort(self) -> None:
        self.aborted += 1


class ConnectionsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.limits = Limits(max_outbound_bytes=100)
        self.connections = Connections(self.clock, lambda: self.limits)

    def add(self, *made: FakeConnection) -> None:
        for connection in made:
            self.connections.add(connection)

    def test_flushed_at_the_end_of_the_turn(self) -> None:
        """Whoever has something to write is flushed once, after the turn, in one call for all."""
        made = [FakeConnection() for _ in range(3)]
        for connection in made:
            self.connections.written(connection)
        self.assertEqual(([one.flushed for one in made], len(self.clock.getDelayedCalls())), ([0] * 3, 1))
        self.clock.advance(0)
        self.assertEqual([one.flushed for one in made], [1] * 3)

    def test_one_that_fails(self) -> None:
        """One that fails in its flush or in the sweep is aborted; the others have their turn."""
        made = [FakeConnection(), FakeConnection(error=ZeroDivisionError("on purpose")), FakeConnection()]
        self.add(*made)
        for connection in made:
            self.connections.written(connection)
        self.clock.advance(0)
        self.clock.advance(1)
        self.assertEqual(
            [(one.flushed, one.swept, one.aborted > 0) for one in made],
            [(1, 1, one is made[1]) for one in made],
        )
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_sweep(self) -> None:
        """Once a second, as long as there is a connection, and again when there is one."""
        one = FakeConnection()
        self.add(one)
        self.clock.pump([1.0] * 3)
        self.assertEqual(one.swept, 3)
        self.connections.remove(one)
        self.clock.pump([1.0] * 3)
        self.assertEqual((one.swept, self.clock.getDelayedCalls()), (3, []))
        self.add(one)
        self.clock.advance(1.0)
        self.assertEqual(one.swept, 4)

    def test_stopped(self) -> None:
        """After the stop no timer is left."""
        self.add(FakeConnection())
        self.connections.startService()
        self.connections.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_too_much_waits(self) -> None:
        """Above the limit for all together the largest are aborted, no more than needed."""
        made = [FakeConnection(size) for size in (30, 60, 5, 40)]
        self.add(*made)
        self.clock.advance(1.0)
        self.assertEqual([one.aborted for one in made], [0, 1, 0, 0])

    def test_enough_room(self) -> None:
        """At the limit nobody is."""
        made = [FakeConnection(50), FakeConnection(50)]
        self.add(*made)
        self.clock.advance(1.0)
        self.assertEqual([one.aborted for one in made], [0, 0])
