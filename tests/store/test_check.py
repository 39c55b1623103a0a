"""imserver.store.check: what each end of the background check means."""

from pathlib import Path

import apsw
from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase

from imserver.store import database
from imserver.store.check import BackgroundCheck
from tests.store.fakes import HandWorker


class FailingWorker(HandWorker):
    """Whatever it is given, it fails with that."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def run(self, blocking: object) -> Deferred[object]:
        return fail(self.error)


class BackgroundCheckTests(SynchronousTestCase):
    """A check of an empty database."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        connection = apsw.Connection(str(self.path))
        connection.execute("CREATE TABLE t (x)")
        connection.pragma("application_id", database.APPLICATION_ID)
        self.damage: list[str] = []

    def check(self, worker: HandWorker) -> BackgroundCheck:
        check = BackgroundCheck(self.path, worker, self.damage.append)
        self.addCleanup(check.close)
        check.start()
        return check

    def test_sound(self) -> None:
        """A sound database passes, when the worker has been through it."""
        worker = HandWorker()
        check = self.check(worker)
        self.assertFalse(check.passed)
        worker.step()
        self.assertEqual((check.passed, self.damage), (True, []))

    def test_unreadable(self) -> None:
        """A database too damaged to check is damaged."""
        for error in (apsw.CorruptError("malformed"), apsw.NotADBError("what is this")):
            self.assertFalse(self.check(FailingWorker(error)).passed)
        self.assertEqual(self.damage, ["malformed", "what is this"])

    def test_interrupted(self) -> None:
        """A check that was ended early has not passed, and has found nothing."""
        self.assertFalse(self.check(FailingWorker(apsw.InterruptError("interrupted"))).passed)
        self.assertEqual(self.damage, [])

    def test_failed(self) -> None:
        """Anything else is logged, and is no damage."""
        self.assertFalse(self.check(FailingWorker(apsw.BusyError("busy"))).passed)
        self.assertEqual(len(self.flushLoggedErrors(apsw.BusyError)), 1)
        self.assertEqual(self.damage, [])
