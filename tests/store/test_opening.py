"""Opening and closing: one daemon, private files, migrations, and never a new database over an old one."""

import os
import random
import shutil
import sys
from itertools import pairwise
from pathlib import Path
from subprocess import run
from typing import Any

import apsw
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

import imserver
from imserver.core.run import Run
from imserver.core.values import Kind
from imserver.store import database, folder, runs, schema
from imserver.store.errors import StoreError
from imserver.store.folder import filesystem_of
from imserver.store.schema import Migration
from tests.store.fakes import Rig
from tests.store.fates import messages, posting_of

NOW = 1_700_000_000_000
LATEST = schema.migrations()[-1].version
NEXT = Migration(LATEST + 1, LATEST, "CREATE TABLE second (x INTEGER) STRICT; INSERT INTO second VALUES (7);")


class OpeningCase(SynchronousTestCase):
    """A folder, and words for what is done with it."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.database = self.folder / "imserver.db"
        self.wal = self.folder / "imserver.db-wal"

    def opened(self, folder: Path | None = None, **options: Any) -> Rig:
        rig = Rig(folder or self.folder, **options)
        rig.store.open()
        self.addCleanup(rig.close)
        return rig

    def get(self, rig: Rig, coroutine: Any) -> Any:
        deferred = Deferred.fromCoroutine(coroutine)
        rig.settle()
        return self.successResultOf(deferred)

    def with_messages(self, count: int = 3) -> Rig:
        """Alice and Bob, and messages between them."""
        rig = self.opened()
        for name in ("alice", "bob"):
            self.get(rig, rig.store.create_account(name, "", "", NOW))
        self.direct = self.get(rig, rig.store.open_direct(100001, 100002, NOW, 100)).id
        bodies = [b"body %d" % n for n in range(count)]
        starts = [n for n in range(count) if n % 8 in (0, 1, 3)]  # runs of one, two and five
        postings = [
            posting_of(self.direct, 100001, b"stem", start, bodies[start:end])
            for start, end in pairwise([*starts, count])
        ]
        self.get(rig, rig.store.append(postings, NOW))
        return rig

    def bodies(self, rig: Rig) -> list[bytes]:
        page = self.get(rig, rig.store.history(self.direct, 0, 2**53, False, 1000, 2**20))
        return [message.body for message in messages(page)]

    def killed_copy(self) -> Path:
        """The folder as kill -9 leaves it."""
        return Path(shutil.copytree(self.folder, self.mktemp()))

    def refused(self, folder: Path | None = None) -> str:
        return str(self.assertRaises(StoreError, Rig(folder or self.folder).store.open))


class OpeningTests(OpeningCase):
    """What open() makes and what it refuses."""

    def test_private(self) -> None:
        """Nobody else can read the folder or any file in it."""
        self.with_messages()
        for path in [self.folder, *self.folder.iterdir()]:
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)

    def test_open_folder(self) -> None:
        """An empty folder is closed to others; one with other things in it is refused and left alone."""
        self.folder.mkdir(mode=0o755)
        self.opened()
        self.assertEqual(self.folder.stat().st_mode & 0o777, 0o700)
        foreign = Path(self.mktemp())
        foreign.mkdir(mode=0o755)
        (foreign / "thesis.txt").touch()
        self.assertIn("chmod 700", self.refused(foreign))
        self.assertEqual([path.name for path in foreign.iterdir()], ["thesis.txt"])

    def test_abandoned(self) -> None:
        """A start that ends before anything was asked of the store is a clean stop, and lets the next daemon in."""
        rig = Rig(self.folder)
        rig.store.open()
        rig.store.abandon()
        rig.store.abandon()
        self.assertFalse((self.folder / "running").exists())
        self.assertEqual(self.wal.stat().st_size, 0)
        self.assertEqual(len(self.opened().workers), 1)  # none that checks

    def test_abandoned_after_a_crash(self) -> None:
        """What an unclean stop has left is still there to be checked by the next daemon."""
        self.with_messages()
        killed = self.killed_copy()
        rig = Rig(killed)
        rig.store.open()
        rig.store.abandon()
        again = self.opened(killed)
        self.assertEqual((len(again.workers), self.bodies(again)[0]), (2, b"body 0"))

    def test_impossible_folder(self) -> None:
        """A folder that cannot be made is one sentence."""
        Path(self.mktemp()).touch()
        self.folder.touch()
        self.assertIn("--data", self.refused())

    def test_second_daemon(self) -> None:
        """A folder serves one daemon at a time."""
        rig = self.opened()
        self.assertIn("in use by another imserver", self.refused())
        self.successResultOf(rig.close())
        self.opened()

    def test_reopened(self) -> None:
        """What was stored is there after a clean stop, under the same epoch."""
        rig = self.with_messages()
        epoch = rig.store.log_epoch()
        self.successResultOf(rig.close())
        again = self.opened()
        self.assertEqual(
            (self.bodies(again), again.store.log_epoch()), ([b"body 0", b"body 1", b"body 2"], epoch)
        )
        self.assertEqual(len(again.workers), 1)

    def test_after_a_kill(self) -> None:
        """What was acknowledged is there after kill -9, and the database is checked in the background."""
        self.with_messages()
        again = self.opened(self.killed_copy())
        self.assertEqual(len(again.workers), 2)
        self.assertEqual(len(self.bodies(again)), 3)
        self.successResultOf(again.close())
        self.assertEqual(again.ended, [])

    def test_check_finds_damage(self) -> None:
        """Damage that nobody has met yet is found after an unclean stop, and ends the daemon with advice."""
        self.successResultOf(self.with_messages(500).close())
        self.opened()
        copy = self.killed_copy()
        content = bytearray((copy / "imserver.db").read_bytes())
        middle = content.index(b"body 250") // database.PAGE_BYTES * database.PAGE_BYTES
        content[middle : middle + 100] = bytes(100)
        (copy / "imserver.db").write_bytes(content)
        rig = self.opened(copy)
        rig.settle()
        self.flushLoggedErrors()
        ((exit_status, sentence),) = rig.ended
        self.assertEqual(exit_status, 1)
        self.assertIn("restore a backup", sentence)

    def test_check_not_finished(self) -> None:
        """A stop during the check leaves the folder marked, so that the next start checks it."""
        self.with_messages()
        copy = self.killed_copy()
        rig = self.opened(copy)
        del rig.workers[1]  # the checker gets nothing done
        self.successResultOf(rig.close())
        self.assertEqual(len(self.opened(copy).workers), 2)

    def test_network_filesystem(self) -> None:
        """The filesystem of a path is that of the longest mount point above it."""
        mountinfo = Path(self.mktemp())
        mountinfo.write_text(
            "22 1 8:1 / / rw - ext4 /dev/vda rw\n30 22 0:40 / /srv/im\\040data rw shared:1 - nfs4 host:/x rw\n"
        )
        self.assertEqual(filesystem_of(Path("/srv/im data/store"), mountinfo), "nfs4")
        self.assertEqual(filesystem_of(Path("/srv/im"), mountinfo), "ext4")
        self.assertEqual(filesystem_of(Path("/srv"), mountinfo.with_name("none")), "")

    def test_on_a_network(self) -> None:
        """A folder on a network filesystem is refused: its locks cannot be trusted."""
        self.patch(folder, "filesystem_of", lambda path, mountinfo: "nfs4")
        self.assertIn("local disk", self.refused())

    def test_old_sqlite(self) -> None:
        """A SQLite with the WAL-reset bug is refused."""
        self.patch(apsw, "sqlite_lib_version", lambda: "3.51.2")
        self.assertIn("too old", self.refused())

    def test_settings_are_read_back(self) -> None:
        """A setting that SQLite does not take is refused."""
        self.patch(database, "_WANTED", {"page_size": 8192})
        self.assertIn("page_size", self.refused())


class NeverAnewTests(OpeningCase):
    """An existing database is never replaced by an empty one."""

    def test_missing_database(self) -> None:
        """Its log or the mark of a running daemon say that it was there."""
        self.with_messages()
        copy = self.killed_copy()
        (copy / "imserver.db").unlink()
        self.assertIn("is missing", self.refused(copy))
        (copy / "running").unlink()
        self.assertIn("is missing", self.refused(copy))
        self.assertFalse((copy / "imserver.db").exists())

    def test_missing_log(self) -> None:
        """After an unclean stop the log must be there, with its header."""
        self.with_messages()
        copy = self.killed_copy()
        log = copy / "imserver.db-wal"
        log.write_bytes(bytes(log.stat().st_size))
        self.assertIn("acknowledged messages", self.refused(copy))
        log.unlink()
        self.assertIn("acknowledged messages", self.refused(copy))

    def test_missing_shm(self) -> None:
        """The index of the log is made anew."""
        self.with_messages()
        copy = self.killed_copy()
        (copy / "imserver.db-shm").unlink()
        self.assertEqual(len(self.bodies(self.opened(copy))), 3)

    def test_not_a_database(self) -> None:
        """Nonsense, a foreign database and an empty file are refused, with advice, and left alone."""
        self.successResultOf(self.with_messages().close())
        foreign = Path(self.mktemp())
        apsw.Connection(str(foreign)).execute("CREATE TABLE x (y)")
        good = self.database.read_bytes()
        for content in (
            b"",
            b"nonsense" * 1000,
            foreign.read_bytes(),
            b"X" + good[1:],
            good[:1000],
            good[:4096],
        ):
            self.database.write_bytes(content)
            self.assertIn("restore a backup", self.refused())
            self.assertEqual(self.database.read_bytes(), content)

    def test_unfinished_creation(self) -> None:
        """A crash while the first database is made leaves nothing in the way."""
        self.folder.mkdir(mode=0o700)
        (self.folder / "new.db").write_bytes(b"half")
        (self.folder / "new.db-journal").write_bytes(b"half")
        self.with_messages()
        self.assertFalse((self.folder / "new.db").exists())


class DamageTests(OpeningCase):
    """Damage is detected or harmless: never a wrong message, never an empty database."""

    COUNT = 300

    def served(self, folder: Path) -> list[Run] | None:
        """The runs that a daemon would serve of a damaged folder; None: it noticed."""
        rig = Rig(folder)
        try:
            rig.store.open()
        except StoreError as error:
            self.assertIn("docs/operations.md", str(error))
            return None
        self.addCleanup(rig.close)
        page = Deferred.fromCoroutine(rig.store.history(self.direct, 0, 2**53, False, 1000, 2**20))
        rig.settle()
        found: list[Run] = []
        page.addCallbacks(found.extend, lambda refused: None)
        if rig.ended:
            ((exit_status, sentence),) = rig.ended
            self.assertEqual(exit_status, 1)
            self.assertIn("docs/operations.md", sentence)
            return None
        return found

    def wrong(self, path: Path, content: bytes) -> int:
        """How many wrong messages are served when the file holds that."""
        path.write_bytes(content)
        (path.parent / "imserver.db-shm").unlink(missing_ok=True)
        try:
            served = self.served(path.parent) or []
        except OverflowError:  # a number that no message has, which only a store without checksums gives out
            return 1
        self.flushLoggedErrors()
        numbered = [
            (run.first_seq + n, run.kind, body) for run in served for n, body in enumerate(run.bodies)
        ]
        seqs = [seq for seq, _, _ in numbered]
        self.assertTrue(all(next == seq + 1 for seq, next in pairwise(seqs)), seqs)
        return sum(kind == Kind.TEXT and body != b"body %d" % (seq - 1) for seq, kind, body in numbered)

    def wrong_of_flips(self) -> int:
        """The same for one byte changed at 200 random places of the database."""
        self.successResultOf(self.with_messages(self.COUNT).close())
        dice, good, wrong = random.Random(3), self.database.read_bytes(), 0
        for _ in range(200):
            content = bytearray(good)
            content[dice.randrange(len(good))] ^= dice.randrange(1, 256)
            wrong += self.wrong(self.empty_folder() / "imserver.db", bytes(content))
        return wrong

    def empty_folder(self) -> Path:
        folder = Path(self.mktemp())
        folder.mkdir(mode=0o700)
        return folder

    def test_flipped_bytes(self) -> None:
        """One byte changed, at 200 places of the database."""
        self.assertEqual(self.wrong_of_flips(), 0)

    def test_mutant_no_checksum(self) -> None:
        """Flagged: without the checksum wrong messages are served."""
        self.patch(runs, "checksum", lambda *fields: 0)
        self.patch(runs, "crc32", lambda body: 0)
        self.assertGreater(self.wrong_of_flips(), 0)

    def test_flipped_bytes_of_the_log(self) -> None:
        """One byte changed, at 50 places of the log of a killed daemon."""
        self.with_messages(self.COUNT)
        dice, log = random.Random(4), self.wal.read_bytes()
        for _ in range(50):
            content = bytearray(log)
            content[dice.randrange(len(log))] ^= dice.randrange(1, 256)
            self.assertEqual(self.wrong(self.killed_copy() / "imserver.db-wal", bytes(content)), 0)

    def test_truncated(self) -> None:
        """The database cut off at 50 places: noticed, or everything is still there (only unused bytes were lost)."""
        self.successResultOf(self.with_messages(self.COUNT).close())
        dice, good = random.Random(5), self.database.read_bytes()
        for _ in range(50):
            path = self.empty_folder() / "imserver.db"
            path.write_bytes(good[: dice.randrange(len(good))])
            self.assertTrue(self.served(path.parent) is None)
            self.flushLoggedErrors()

    def test_poisoned_rows(self) -> None:
        """Rows that nobody can have written do not end a synchronisation: all others come, and tombstones."""
        rig = self.with_messages(10)
        self.successResultOf(rig.close())
        connection = apsw.Connection(str(self.database))
        for n in range(50):
            values = (self.direct, 11 + n, 11 + n, 5, b"poison %d" % n, 99, b"\xff", b"\x00" * n)
            connection.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, -1, ?, CAST(? AS TEXT), 0, 0, zeroblob(8), ?, 0, NULL)",
                values,
            )
        connection.execute("UPDATE runs SET kind = 3 WHERE last_seq = 3")
        connection.close()
        again = self.opened()
        page = messages(self.get(again, again.store.history(self.direct, 0, 2**53, False, 1000, 2**20)))
        self.assertEqual([message.seq for message in page], list(range(1, 61)))
        readable = [message.body for message in page if message.kind == 1]
        self.assertEqual(readable, [b"body %d" % n for n in range(10) if n not in (1, 2)])


class MigrationTests(OpeningCase):
    """Numbered migrations: backed up, whole or not at all, refused when newer."""

    def upgrade(self, *more: Migration) -> None:
        known = [*schema.migrations(), *more]
        self.patch(schema, "migrations", lambda: known)

    def version(self, path: Path) -> int:
        connection = apsw.Connection(str(path))
        version = schema.version_of(connection)
        connection.close()
        return version

    def test_upgrade(self) -> None:
        """An older database is brought up to date; before that it is backed up."""
        self.successResultOf(self.with_messages().close())
        self.upgrade(NEXT)
        rig = self.opened()
        self.assertEqual(len(self.bodies(rig)), 3)
        backup = self.folder / f"before-schema-{NEXT.version}.db"
        self.assertEqual((self.version(self.database), self.version(backup)), (NEXT.version, LATEST))
        self.assertEqual(apsw.Connection(str(backup)).execute("SELECT max(last_seq) FROM runs").get, 3)
        self.assertEqual(backup.stat().st_mode & 0o077, 0)

    def test_stopped_after_an_upgrade(self) -> None:
        """A start that fails between the migration and its end leaves a database that opens."""
        self.successResultOf(self.with_messages().close())
        self.upgrade(
            Migration(NEXT.version, 1, "CREATE TABLE big (x); INSERT INTO big VALUES (zeroblob(50000));")
        )
        failing = self.patch(
            folder.DataFolder, "mark_running", lambda _: (_ for _ in ()).throw(OSError(5, "no"))
        )
        self.refused()
        failing.restore()
        self.assertEqual(len(self.bodies(self.opened())), 3)
        self.assertEqual(len(list(self.folder.glob("before-schema-*"))), 1)

    def test_failed_upgrade(self) -> None:
        """A migration that fails changes nothing."""
        self.successResultOf(self.with_messages().close())
        self.upgrade(Migration(NEXT.version, 1, "CREATE TABLE half (x); INSERT INTO nowhere VALUES (1)"))
        self.assertIn("nowhere", self.refused())
        connection = apsw.Connection(str(self.database))
        self.assertEqual(schema.version_of(connection), LATEST)
        self.assertIsNone(connection.execute("SELECT name FROM sqlite_schema WHERE name = 'half'").get)

    def test_newer_schema(self) -> None:
        """A newer schema is used if it says that this daemon can, and refused with advice otherwise."""
        for readable_by, expected in ((LATEST, None), (NEXT.version, "newer imserver")):
            folder = Path(self.mktemp())
            self.successResultOf(self.opened(folder).close())
            connection = apsw.Connection(str(folder / "imserver.db"))
            schema.apply(connection, Migration(NEXT.version, readable_by, "CREATE TABLE new (x)"))
            connection.close()
            if expected:
                self.assertIn(expected, self.refused(folder))
            else:
                self.opened(folder)

    def test_killed_in_a_migration(self) -> None:
        """kill -9 within a migration leaves the old schema, and the next start migrates."""
        self.successResultOf(self.with_messages().close())
        program = """
import sys
from pathlib import Path
from imserver.store import schema
from tests.store.fakes import Rig
from tests.store.test_opening import NEXT
known = [*schema.migrations(), NEXT]
schema.migrations = lambda: known
Rig(Path(sys.argv[1])).store.open()
"""
        root = str(Path(imserver.__file__).parent.parent)
        environment = {**os.environ, "IMSERVER_CRASH_AT": "migration", "PYTHONPATH": root}
        ended = run([sys.executable, "-c", program, str(self.folder.resolve())], env=environment, check=False)
        self.assertEqual(ended.returncode, 137)
        self.assertEqual(self.version(self.database), LATEST)
        self.upgrade(NEXT)
        self.assertEqual(len(self.bodies(self.opened())), 3)
        self.assertEqual(self.version(self.database), NEXT.version)
