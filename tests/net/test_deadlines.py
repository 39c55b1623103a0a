"""When a client has taken too long."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.limits import Limits
from imserver.net.deadlines import Deadlines, Verdict

LIMITS = Limits()


class DeadlinesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.deadlines = Deadlines(1000.0)

    def judge(self, now: float, login_seconds: float = 0.0, held: bool = False) -> Verdict:
        return self.deadlines.judge_input(now, LIMITS, login_seconds, held)

    def test_login(self) -> None:
        """The time for a login is absolute, also while we do not read."""
        self.deadlines.heard(1014.0)
        self.assertEqual(self.judge(1014.9, 15.0), Verdict.WAIT)
        for held in (False, True):
            self.assertEqual(self.judge(1015.0, 15.0, held), Verdict.LOGIN)
        self.assertEqual(self.judge(1015.0), Verdict.WAIT)

    def test_frame(self) -> None:
        """A frame has 30 s from its first byte, however it dribbles; a complete one starts the next one's time."""
        self.deadlines.heard(1010.0)
        self.deadlines.frames_read(False, True)
        for now in (1020.0, 1030.0):
            self.deadlines.heard(now)
            self.deadlines.frames_read(False, True)
        self.assertEqual((self.judge(1039.9), self.judge(1040.0)), (Verdict.WAIT, Verdict.FRAME))
        self.assertEqual(self.judge(1040.0, held=True), Verdict.WAIT)
        self.deadlines.heard(1040.0)
        self.deadlines.frames_read(True, True)
        self.assertEqual((self.judge(1069.9), self.judge(1070.0)), (Verdict.WAIT, Verdict.FRAME))
        self.deadlines.heard(1070.0)
        self.deadlines.frames_read(True, False)
        self.assertEqual(self.judge(1071.0), Verdict.WAIT)

    def test_silence(self) -> None:
        """Asked once after 30 s, dead after 75 s, counted from the last byte."""
        found = [self.judge(1000.0 + seconds) for seconds in (29.9, 30, 31, 74.9, 75)]
        self.assertEqual(found, [Verdict.WAIT, Verdict.PROBE, Verdict.WAIT, Verdict.WAIT, Verdict.DEAD])
        self.deadlines.heard(1075.0)
        self.assertEqual((self.judge(1104.0), self.judge(1105.0)), (Verdict.WAIT, Verdict.PROBE))

    def test_typing(self) -> None:
        """People who type are not asked; they have their time from the last byte, or for a line from its first."""

        def judge(now: float, held: bool = False) -> Verdict:
            return self.deadlines.judge_input(now, LIMITS, 0.0, held, 1800.0)

        self.assertEqual([judge(2799.9), judge(2800.0)], [Verdict.WAIT, Verdict.IDLE])
        self.assertEqual(judge(2800.0, held=True), Verdict.WAIT)
        self.deadlines.heard(1010.0)
        self.deadlines.frames_read(False, True)
        self.deadlines.heard(2000.0)
        self.deadlines.frames_read(False, True)
        self.assertEqual([judge(2809.9), judge(2810.0)], [Verdict.WAIT, Verdict.IDLE])

    def test_heartbeats(self) -> None:
        """Who has less time to be silent than others has it from the login on, and for a frame no less than others."""

        def judge(now: float, login_seconds: float = 0.0) -> Verdict:
            return self.deadlines.judge_input(now, LIMITS, login_seconds, False, 10.0)

        self.assertEqual([judge(1011.0, 180.0), judge(1179.9, 180.0)], [Verdict.WAIT, Verdict.WAIT])
        self.assertEqual(judge(1180.0, 180.0), Verdict.LOGIN)
        self.assertEqual([judge(1009.9), judge(1010.0)], [Verdict.WAIT, Verdict.IDLE])
        for second in range(1000, 1030):
            self.deadlines.heard(second)
            self.deadlines.frames_read(False, True)
        self.assertEqual([judge(1029.9), judge(1030.0)], [Verdict.WAIT, Verdict.IDLE])

    def test_stalled(self) -> None:
        """30 s without progress while something waits; any progress starts anew; nothing waiting is no stall."""

        def stalled(now: float, waiting: bool, unsent: int) -> bool:
            return self.deadlines.is_stalled(now, LIMITS, waiting, (unsent, 0))

        self.assertFalse(stalled(1010.0, True, 500))
        self.assertEqual([stalled(now, True, 500) for now in (1039.9, 1040.0)], [False, True])
        self.assertFalse(stalled(1040.0, True, 499))
        self.assertFalse(stalled(1069.9, True, 499))
        self.assertFalse(stalled(1070.0, False, 0))
        self.assertFalse(stalled(1099.9, True, 0))
