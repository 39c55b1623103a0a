"""imserver.store.pulse: a thread that hangs is noticed, a slow disk is waited for."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imserver.store.pulse import ANSWER_SECONDS, SLOW_DISK_SECONDS, Pulse
from tests.store.fakes import HandWorker


class PulseTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.worker = HandWorker()
        self.clock = Clock()
        self.on_disk = False
        self.pulse = Pulse(self.worker, self.clock, lambda: self.on_disk)

    def alive_after(self, seconds: float) -> bool:
        self.clock.advance(seconds)
        return self.pulse.is_alive()

    def test_working(self) -> None:
        """A thread that does each time what it was given lives, and is given one thing at a time."""
        for _ in range(3):
            self.assertTrue(self.alive_after(60.0))
            self.worker.step()
        self.assertFalse(self.worker.waiting)

    def test_hanging(self) -> None:
        """One that does not do it within ten seconds hangs, until it does."""
        self.assertTrue(self.pulse.is_alive())
        self.assertTrue(self.alive_after(ANSWER_SECONDS))
        self.assertFalse(self.alive_after(0.1))
        self.assertEqual(len(self.worker.waiting), 1)
        self.worker.step()
        self.assertTrue(self.pulse.is_alive())

    def test_slow_disk(self) -> None:
        """One that waits for the disk may take two minutes."""
        self.on_disk = True
        self.assertTrue(self.pulse.is_alive())
        self.assertTrue(self.alive_after(SLOW_DISK_SECONDS))
        self.assertFalse(self.alive_after(0.1))
