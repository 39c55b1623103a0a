"""imserver.crash: the process dies at the point asked for, at that passing of it, and nowhere else."""

import os

from twisted.trial.unittest import SynchronousTestCase

from imserver import crash


class Died(BaseException):
    """What this process does instead."""


class CrashTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.patch(os, "_exit", self.died)

    def died(self, status: int) -> None:
        self.assertEqual(status, 137)
        raise Died

    def ask_for(self, name: str, passing: int) -> None:
        self.patch(crash, "_name", name)
        self.patch(crash, "_left", passing)

    def test_nothing_asked(self) -> None:
        """Without $IMSERVER_CRASH_AT every point is passed."""
        self.ask_for("", 1)
        crash.here("before-commit")
        self.assertFalse(crash.reached("half-an-ack"))

    def test_there(self) -> None:
        """With status 137, as if by kill -9; other points do not count."""
        self.ask_for("before-commit", 3)
        for _ in range(2):
            crash.here("after-commit")
            crash.here("before-commit")
        self.assertRaises(Died, crash.here, "before-commit")

    def test_half_way(self) -> None:
        """Where half of the work is done before, that is told once."""
        self.ask_for("half-an-ack", 2)
        self.assertEqual([crash.reached("half-an-ack") for _ in range(4)], [False, True, False, False])
        self.assertRaises(Died, crash.die)
