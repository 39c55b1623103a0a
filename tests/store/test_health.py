"""imserver.store.health and trouble: what each fault means and does."""

import apsw
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.errors import ChatError, Code
from imserver.store.health import PROBE_SECONDS, Health


def error(kind: type[apsw.Error], extended: int) -> apsw.Error:
    made = kind("of the test")
    made.extendedresult = extended  # type: ignore[attr-defined]
    return made


class HealthTests(SynchronousTestCase):
    """A health whose probe does what the test says."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.ended: list[tuple[int, str]] = []
        self.probe_error: apsw.Error | None = None
        self.health = Health(self.clock, self.probe, "take advice", lambda *end: self.ended.append(end))

    def probe(self) -> None:
        if self.probe_error:
            raise self.probe_error

    def test_table(self) -> None:
        """Each of SQLite's errors has its code for those who wait, its state and its exit status."""
        for kind, extended, code, state, exit_status in (
            (apsw.FullError, apsw.SQLITE_FULL, Code.UNAVAILABLE_STORAGE, "degraded", None),
            (apsw.ReadOnlyError, apsw.SQLITE_READONLY, Code.UNAVAILABLE_STORAGE, "degraded", None),
            (apsw.IOError, apsw.SQLITE_IOERR_WRITE, Code.UNKNOWN_RETRY, "degraded", None),
            (apsw.IOError, apsw.SQLITE_IOERR_FSYNC, Code.UNKNOWN_RETRY, "stopped", 75),
            (apsw.IOError, apsw.SQLITE_IOERR_CORRUPTFS, Code.UNKNOWN_RETRY, "stopped", 1),
            (apsw.CorruptError, apsw.SQLITE_CORRUPT, Code.UNKNOWN_RETRY, "stopped", 1),
            (apsw.NotADBError, apsw.SQLITE_NOTADB, Code.UNKNOWN_RETRY, "stopped", 1),
            (apsw.BusyError, apsw.SQLITE_BUSY, Code.RETRY_AFTER, "ready", None),
        ):
            self.setUp()
            told = self.health.suffered(error(kind, extended))
            assert isinstance(told, ChatError)
            self.assertEqual((told.code, self.health.state), (code, state), kind)
            self.assertEqual([status for status, _ in self.ended], [exit_status] if exit_status else [])
            self.health.close()

    def test_bug(self) -> None:
        """What is not the storage's fault is passed on as it is."""
        mistake = error(apsw.SQLError, apsw.SQLITE_ERROR)
        self.assertIs(self.health.suffered(mistake), mistake)
        self.assertEqual(self.health.state, "ready")

    def test_recovery(self) -> None:
        """Degraded lasts until a probe succeeds; probes are 5 s apart."""
        self.probe_error = error(apsw.FullError, apsw.SQLITE_FULL)
        self.health.suffered(self.probe_error)
        self.clock.pump([PROBE_SECONDS] * 3)
        self.assertEqual(self.health.state, "degraded")
        self.probe_error = None
        self.clock.advance(PROBE_SECONDS)
        self.assertEqual((self.health.state, self.clock.getDelayedCalls()), ("ready", []))

    def test_probe_meets_damage(self) -> None:
        """A probe that finds the file damaged ends the daemon, once, with advice; nothing is probed any more."""
        self.health.suffered(error(apsw.FullError, apsw.SQLITE_FULL))
        self.probe_error = error(apsw.CorruptError, apsw.SQLITE_CORRUPT)
        self.clock.advance(PROBE_SECONDS)
        self.health.damaged("again")
        ((exit_status, sentence),) = self.ended
        self.assertEqual(exit_status, 1)
        self.assertIn("take advice", sentence)
        self.assertEqual(self.clock.getDelayedCalls(), [])
