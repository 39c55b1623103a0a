"""imserver.net.lag"""

import signal

from twisted.internet.task import Clock
from twisted.logger import LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from imserver.net.lag import LagWatch


class LagWatchTests(SynchronousTestCase):
    """LagWatch; its signal is raised by hand.  After each test: a stopped watch leaves neither signal nor timer."""

    def setUp(self) -> None:
        before = signal.getsignal(signal.SIGALRM)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        self.clock = Clock()
        self.watch = LagWatch(self.clock)
        self.watch.start()
        self.seen: list[LogEvent] = []
        globalLogPublisher.addObserver(self.seen.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.seen.append)

    def tearDown(self) -> None:
        self.watch.stop()
        self.assertEqual(signal.getitimer(signal.ITIMER_REAL)[0], 0.0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def blocking_function(self) -> None:
        signal.raise_signal(signal.SIGALRM)

    def test_blocked(self) -> None:
        """T42: what blocked the reactor is logged with its stack and for how long."""
        self.blocking_function()
        self.assertEqual(self.seen, [])
        self.clock.advance(2.0)
        self.assertIn("blocking_function", self.seen[0]["stack"])
        self.assertEqual(self.seen[0]["seconds"], 1.5)

    def test_not_before_the_reactor(self) -> None:
        """Before the reactor's first beat no signal is on its way, which would end a start that is just being refused."""
        self.assertEqual(signal.getitimer(signal.ITIMER_REAL)[0], 0.0)
        self.clock.advance(0.5)
        self.assertGreater(signal.getitimer(signal.ITIMER_REAL)[0], 0.9)

    def test_timer_is_pushed_ahead(self) -> None:
        """As long as beats come, the signal is a second away."""
        self.clock.pump([0.5] * 10)
        self.assertGreater(signal.getitimer(signal.ITIMER_REAL)[0], 0.9)
        self.assertEqual(self.seen, [])
