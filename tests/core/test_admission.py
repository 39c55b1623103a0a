"""When the server says that it is overloaded: thresholds of delay (delivery.md section 6)."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.admission import Admission
from imserver.core.errors import ChatError
from imserver.core.limits import Limits


class AdmissionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = 100.0
        self.idle = False
        self.fraction = 0.5
        self.admission = Admission(Limits, lambda: self.now, lambda: self.idle, lambda: self.fraction)

    def load(self, seconds: float) -> None:
        """Batches have waited so long for a while."""
        for _ in range(60):
            self.now += max(seconds, 0.5)
            self.admission.waited(seconds)

    def refused(self, unfair: bool) -> bool:
        try:
            self.admission.check_send(lambda: unfair)
        except ChatError as error:
            self.assertEqual(error.code, "RETRY_AFTER")
            return True
        return False

    def verdicts(self) -> tuple[bool, bool, bool]:
        """(senders over their share are refused, all are, connections are)"""
        return self.refused(True), self.refused(False), not self.admission.connections_open

    def test_thresholds(self) -> None:
        """Over 250 ms those over their share, over 1 s everybody, over 5 s new connections too."""
        expected = {
            0.24: (False, False, False),
            0.26: (True, False, False),
            0.99: (True, False, False),
            1.01: (True, True, False),
            4.99: (True, True, False),
            5.01: (True, True, True),
        }
        for seconds, verdicts in expected.items():
            self.setUp()
            self.load(seconds)
            self.assertEqual(self.verdicts(), verdicts, seconds)
            self.assertEqual(self.admission.overloaded, verdicts[0])

    def test_average(self) -> None:
        """One slow batch does not shut out everybody; many do; and it ends as it began."""
        self.admission.waited(0.6)
        self.assertEqual(self.verdicts(), (False, False, False))
        self.now += 2.0
        self.admission.waited(2.0)
        self.assertEqual(self.verdicts(), (True, False, False))
        self.load(1.2)
        self.assertEqual(self.verdicts(), (True, True, False))
        self.load(0.0)
        self.assertEqual(self.verdicts(), (False, False, False))

    def test_slow_and_fast_batches_speak_alike(self) -> None:
        """What counts is time: a few batches of seconds say as much as a thousand of milliseconds."""
        for seconds in (0.002, 0.1, 1.5):
            self.setUp()
            for _ in range(round(6.0 / seconds)):
                self.now += seconds
                self.admission.waited(1.5)
            self.assertGreater(self.admission.delay, 1.0, seconds)
            for _ in range(round(6.0 / seconds)):
                self.now += seconds
                self.admission.waited(0.0)
            self.assertLess(self.admission.delay, 0.25, seconds)

    def test_lag(self) -> None:
        """A reactor more than half a second late counts as over the second threshold."""
        self.admission.lagged(0.4)
        self.assertEqual(self.verdicts(), (False, False, False))
        self.admission.lagged(0.6)
        self.assertEqual(self.verdicts(), (True, True, False))
        self.admission.lagged(0.0)
        self.assertEqual(self.verdicts(), (False, False, False))

    def test_forgotten_when_idle(self) -> None:
        """Once nothing waits, an old delay is forgotten within two seconds, also by the next batch."""
        self.load(10.0)
        self.idle = True
        self.now += 2.1
        self.admission.waited(0.1)
        self.assertLess(self.admission.delay, 0.1)

    def test_not_forgotten_while_something_waits(self) -> None:
        """A commit that takes long does not make the server forget that it is slow."""
        self.load(3.0)
        self.now += 60.0
        self.assertEqual(self.verdicts(), (True, True, False))

    def test_jitter(self) -> None:
        """Clients are sent away for 1 to 5 s, at random, so that they do not come back together."""
        waits = []
        for self.fraction in (0.0, 0.5, 0.999):
            waits.append(self.admission.retry_after().retry_after_ms)
        self.assertEqual(waits, [1000, 3000, 4996])
