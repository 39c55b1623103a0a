"""The n-th read, write, sync or truncation fails, for every n: never an ack without the message, never damage."""

import shutil
from pathlib import Path
from typing import Any

import apsw
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.changes import Action, GroupChange
from imserver.core.errors import ChatError, Code
from imserver.core.posting import Posting
from imserver.store import health, wal
from tests.contracts.store import LIMITS
from tests.store.disk import Disk, Fault
from tests.store.fakes import Rig
from tests.store.fates import messages

NOW = 1_700_000_000_000
HONEST = {Code.UNAVAILABLE_STORAGE, Code.UNKNOWN_RETRY}


class DiskFaultTests(SynchronousTestCase):
    """One script, run anew for each n over a copy of the same folder."""

    def setUp(self) -> None:
        self.patch(wal, "PASSIVE_BYTES", 30_000)
        self.patch(wal, "RESTART_BYTES", 60_000)
        self.template = Path(self.mktemp())
        rig = Rig(self.template)
        rig.store.open()
        self.get(rig, rig.store.create_account("alice", "", "", NOW))
        self.get(rig, rig.store.create_account("bob", "", "", NOW))
        self.direct = self.get(rig, rig.store.open_direct(100001, 100002, NOW, 100)).id
        self.successResultOf(rig.close())

    def get(self, rig: Rig, coroutine: Any) -> Any:
        deferred = Deferred.fromCoroutine(coroutine)
        rig.settle()
        return self.successResultOf(deferred)

    def script(self, rig: Rig) -> tuple[dict[int, bytes], list[Code]]:
        """Eight rounds of messages, a group and a fetch; -> acknowledged bodies by seq, and the refusals' codes."""
        acked: dict[int, bytes] = {}
        codes: list[Code] = []
        for n in range(8):
            posting = Posting(self.direct, 100001, "", b"%d" % n, 1, "", b"%d" % n * 9000)
            group = GroupChange(Action.CREATED, 100001, 0, "x" * n, (100002,), None)
            asked = [
                Deferred.fromCoroutine(rig.store.append([posting], NOW)),
                Deferred.fromCoroutine(rig.store.change_group(group, NOW, LIMITS)),
                Deferred.fromCoroutine(rig.store.history(self.direct, 0, 2**53, False, 99, 2**20)),
            ]
            asked[0].addCallback(
                lambda _, posting=posting: acked.__setitem__(posting.first_seq, posting.bodies[0])
            )
            rig.settle()
            for deferred in asked:
                deferred.addErrback(
                    lambda failure: codes.append(failure.trap(ChatError) and failure.value.code)
                )
                self.successResultOf(deferred)
            rig.clock.advance(health.PROBE_SECONDS)
        return acked, codes

    def run_with(self, fault: Fault, n: int) -> tuple[bool, Rig]:
        """Run the script with a fault at its n-th call and look at what is there; -> whether the fault came."""
        folder = Path(shutil.copytree(self.template, self.mktemp()))
        disk = Disk(f"faulty-{folder}", fault)
        rig = Rig(folder, vfs=disk.name)
        rig.store.open()
        fault.n = n
        acked, codes = self.script(rig)
        came, fault.n = fault.n == 0, 0
        self.assertTrue(HONEST.issuperset(codes), codes)
        self.assertTrue(came or len(acked) == 8)
        rig.close()
        disk.unregister()
        self.flushLoggedErrors()
        self.check(folder, acked)
        return came, rig

    def check(self, folder: Path, acked: dict[int, bytes]) -> None:
        rig = Rig(folder)
        rig.store.open()
        page = self.get(rig, rig.store.history(self.direct, 0, 2**53, False, 99, 2**20))
        stored = {message.seq: message.body for message in messages(page)}
        self.assertEqual({seq: stored.get(seq) for seq in acked}, acked)
        self.assertEqual(sorted(stored), list(range(1, len(stored) + 1)))
        self.successResultOf(rig.close())
        self.assertEqual(rig.ended, [])
        connection = apsw.Connection(str(folder / "imserver.db"))
        self.assertEqual(connection.execute("PRAGMA integrity_check").get, "ok")
        connection.close()

    def every(self, kind: str, error: type[apsw.Error], result: int, step: int = 1) -> list[Rig]:
        rigs: list[Rig] = []
        n = 1
        while True:
            came, rig = self.run_with(Fault(kind, error, result), n)
            if not came:
                self.assertGreater(len(rigs), 3)
                return rigs
            rigs.append(rig)
            n += step

    def test_full(self) -> None:
        """ENOSPC at any write: refused while it lasts, then ready again."""
        for rig in self.every("write", apsw.FullError, apsw.SQLITE_FULL, step=3):
            self.assertEqual(rig.ended, [])

    def test_failed_write(self) -> None:
        """EIO at any write: the outcome is unknown to those concerned, and the store goes on."""
        for rig in self.every("write", apsw.IOError, apsw.SQLITE_IOERR_WRITE, step=3):
            self.assertEqual(rig.ended, [])

    def test_failed_read(self) -> None:
        """EIO at any read."""
        for rig in self.every("read", apsw.IOError, apsw.SQLITE_IOERR_READ):
            self.assertEqual(rig.ended, [])

    def test_failed_sync(self) -> None:
        """EIO at any sync of SQLite's own ends the daemon with 75."""
        for rig in self.every("sync", apsw.IOError, apsw.SQLITE_IOERR_FSYNC):
            self.assertEqual([exit_status for exit_status, _ in rig.ended], [75])
