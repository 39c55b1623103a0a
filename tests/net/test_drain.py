"""imserver.net.drain"""

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imserver.net.drain import FINISH_SECONDS, LEAVE_SECONDS, MAX_SPREAD_SECONDS, Drain


class FakeCore:
    """Has so many sessions, which leave when they are closed, and work that ends when told."""

    def __init__(self, sessions: int, idle: bool = True, leave: bool = True) -> None:
        self.sessions = self.connections = sessions
        self.idle = idle
        self.leave = leave
        self.spread_ms: int | None = None
        self.closed = False

    def begin_drain(self, spread_ms: int) -> None:
        self.spread_ms = spread_ms

    def close_clients(self) -> None:
        self.closed = True
        self.sessions = 0
        if self.leave:
            self.connections = 0

    def session_count(self) -> int:
        return self.sessions


class FakeListener:
    """Knows whether it accepts."""

    accepting = True

    def stop_accepting(self) -> Deferred[None]:
        self.accepting = False
        return succeed(None)


class FakeNotify:
    """Counts what systemd would hear."""

    told = 0

    def stopping(self, seconds: float) -> None:
        self.told += 1


class DrainTests(SynchronousTestCase):
    """Drain"""

    def make(self, core: FakeCore) -> Drain:
        self.core, self.clock, self.listener, self.notify = core, Clock(), FakeListener(), FakeNotify()
        self.stops: list[float] = []
        stop = lambda: self.stops.append(self.clock.seconds())  # noqa: E731
        return Drain(core, [self.listener], lambda: core.connections, self.notify, self.clock, stop)

    def pass_time(self, seconds: float) -> None:
        self.clock.pump([0.02] * round(seconds / 0.02))

    def test_nobody(self) -> None:
        """With nobody there and nothing to do, nothing waits."""
        self.make(FakeCore(0)).request()
        self.assertEqual(self.stops, [0.0])
        self.assertFalse(self.listener.accepting)
        self.assertEqual(self.notify.told, 1)

    def test_few(self) -> None:
        """Few clients go at once."""
        self.make(FakeCore(20)).request()
        self.assertEqual((self.core.spread_ms, self.core.closed, self.stops), (0, True, [0.0]))

    def test_many(self) -> None:
        """Many are given time to go by themselves; those who stay are closed after it."""
        self.make(FakeCore(5_000)).request()
        self.assertEqual(self.core.spread_ms, MAX_SPREAD_SECONDS * 1000)
        self.pass_time(MAX_SPREAD_SECONDS - 0.1)
        self.assertFalse(self.core.closed)
        self.pass_time(0.2)
        self.assertTrue(self.core.closed)
        self.assertEqual(len(self.stops), 1)

    def test_all_left(self) -> None:
        """When the last one of many has gone, nothing waits."""
        self.make(FakeCore(5_000)).request()
        self.core.sessions = 0
        self.pass_time(0.02)
        self.assertEqual(len(self.stops), 1)

    def test_work(self) -> None:
        """P10: clients stay until what was accepted has been answered."""
        self.make(FakeCore(20, idle=False)).request()
        self.pass_time(3.0)
        self.assertFalse(self.core.closed)
        self.core.idle = True
        self.pass_time(0.02)
        self.assertTrue(self.core.closed)
        self.assertEqual(len(self.stops), 1)

    def test_limits(self) -> None:
        """Work that never ends and clients that never leave are waited for for a bounded time."""
        self.make(FakeCore(20, idle=False, leave=False)).request()
        self.pass_time(FINISH_SECONDS + LEAVE_SECONDS - 0.1)
        self.assertEqual(self.stops, [])
        self.pass_time(0.2)
        self.assertEqual(len(self.stops), 1)

    def test_again(self) -> None:
        """A second request stops at once; it stops only once."""
        drain = self.make(FakeCore(20, idle=False))
        drain.request()
        drain.request()
        self.assertEqual(len(self.stops), 1)
        drain.request()
        self.pass_time(20.0)
        self.assertEqual(len(self.stops), 1)

    def test_failure(self) -> None:
        """A drain that fails is logged and stops all the same."""
        drain = self.make(FakeCore(20))
        self.core.begin_drain = lambda spread_ms: 1 / 0
        drain.request()
        self.assertEqual(len(self.stops), 1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
