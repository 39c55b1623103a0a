"""imserver.store.backup, restore and soundness: a copy of one moment, verified, and a new server made of it."""

import contextlib
import os
from pathlib import Path
from threading import Event, Thread
from typing import Any

import apsw

from imserver.core.posting import Posting
from imserver.core.run import Run
from imserver.store import copying, database, runs, schema, soundness, upgrade
from imserver.store.backup import back_up
from imserver.store.errors import StoreError
from imserver.store.restore import restore
from imserver.store.schema import Migration
from tests.store.test_opening import NOW, OpeningCase

EPOCH = 4711


def randbits(bits: int) -> int:
    return EPOCH


class BackupCase(OpeningCase):
    def setUp(self) -> None:
        super().setUp()
        self.file = Path(self.mktemp())
        self.file.parent.mkdir(parents=True, exist_ok=True)

    def unfinished(self) -> list[Path]:
        return list(self.file.parent.glob(self.file.name + "?*"))

    def refused_to_back_up(self) -> str:
        return str(self.assertRaises(StoreError, back_up, self.database, self.file))

    def restored(self) -> Path:
        folder = Path(self.mktemp())
        restore(self.file, folder, randbits)
        return folder

    def write(self, *statements: str) -> None:
        """Straight into the database file of a stopped store."""
        connection = apsw.Connection(str(self.database))
        connection.pragma("foreign_keys", 0)
        for statement in statements:
            connection.execute(statement)
        connection.close()


class BackupTests(BackupCase):
    def test_running(self) -> None:
        """Taken while a store is open, also of what is still in its log; private; and the store goes on."""
        rig = self.with_messages(3)
        back_up(self.database, self.file)
        self.get(rig, rig.store.append([Posting(self.direct, 100001, "", b"n", 1, "", b"new")], NOW))
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.unfinished(), [])
        self.assertEqual(self.bodies(self.opened(self.restored())), [b"body 0", b"body 1", b"body 2"])
        self.assertEqual(len(self.bodies(rig)), 4)

    def test_not_into_the_folder(self) -> None:
        """Never among the files of the daemon, one of which it could replace under its feet, by whatever path."""
        rig = self.with_messages(3)
        before = self.database.stat().st_ino
        link = Path(self.mktemp())
        link.symlink_to(self.folder.absolute())
        for folder in (self.folder, link):
            for name in ("imserver.db", "imserver.db-wal", "backup.db"):
                self.file = folder / name
                self.assertIn("data folder", self.refused_to_back_up())
        self.assertEqual((self.database.stat().st_ino, len(self.bodies(rig))), (before, 3))
        self.assertFalse((self.folder / "backup.db").exists())
        self.file = link.parent
        self.assertIn("is a folder", self.refused_to_back_up())

    def test_stopped(self) -> None:
        """Taken of a stopped store, which opens afterwards as after a clean stop."""
        self.successResultOf(self.with_messages().close())
        back_up(self.database, self.file)
        self.assertEqual(len(self.bodies(self.opened(self.restored()))), 3)
        again = self.opened()
        self.assertEqual((len(self.bodies(again)), len(again.workers)), (3, 1))

    def test_killed(self) -> None:
        """Taken of what kill -9 left, of which it takes nothing away."""
        self.with_messages()
        self.folder = self.killed_copy()
        self.database = self.folder / "imserver.db"
        back_up(self.database, self.file)
        self.assertEqual(len(self.bodies(self.opened(self.restored()))), 3)
        self.assertEqual(len(self.bodies(self.opened(self.folder))), 3)

    def test_one_moment(self) -> None:
        """Beside a writer it is what was there at one moment: every message up to one, and none after it."""
        rig = self.with_messages(1)
        ended = Event()

        def write() -> None:
            for n in range(1, 10_000):
                if ended.is_set():
                    return
                posting = Posting(self.direct, 100001, "", b"%d" % n, 1, "", b"%d" % n + b"x" * 1000)
                self.get(rig, rig.store.append([posting], NOW))

        backing_up = Thread(target=lambda: (back_up(self.database, self.file), ended.set()))
        backing_up.start()
        try:
            write()
        finally:
            backing_up.join()
        self.assertTrue(self.file.exists())
        copied = self.bodies(self.opened(self.restored()))
        self.assertEqual(copied, self.bodies(rig)[: len(copied)])

    def test_replaces(self) -> None:
        """An older backup of that name is replaced; what an interrupted one left is no hindrance."""
        self.with_messages(2)
        self.file.write_bytes(b"old")
        self.file.with_name(self.file.name + ".unfinished").write_bytes(b"rest")
        back_up(self.database, self.file)
        self.assertEqual((soundness.faults(self.file), self.unfinished()), ([], []))

    def test_failed(self) -> None:
        """A backup that fails leaves the older one, and nothing else."""
        self.with_messages()
        self.file.write_bytes(b"old")
        self.patch(copying, "_copy", _fail(apsw.FullError("disk full")))
        self.assertIn("disk full", self.refused_to_back_up())
        self.patch(copying, "_copy", lambda source, target: target.write_bytes(b"x" * 8192))
        self.refused_to_back_up()
        self.assertEqual((self.file.read_bytes(), self.unfinished()), (b"old", []))

    def test_synced_before_it_appears(self) -> None:
        """The copy is synced, then verified, then it has its name, then the folder is synced."""
        self.with_messages()
        done: list[str] = []
        for module, name in ((os, "fsync"), (soundness, "check"), (os, "replace")):
            real = getattr(module, name)

            def call(*arguments: Any, _real: Any = real, _name: str = name) -> None:
                done.append(_name)
                _real(*arguments)

            self.patch(module, name, call)
        back_up(self.database, self.file)
        self.assertEqual(done, ["fsync", "check", "replace", "fsync"])

    def test_synced_meanwhile(self) -> None:
        """While the copy grows it is synced again and again; an error of that is not lost."""
        self.with_messages()
        synced = Event()
        copy = copying._copy

        def copy_slowly(source: apsw.Connection, target: Path) -> None:
            copy(source, target)
            self.assertTrue(synced.wait(60))

        self.patch(copying, "_copy", copy_slowly)
        self.patch(os, "fdatasync", lambda descriptor: synced.set())
        self.patch(copying, "SYNC_SECONDS", 0.001)
        back_up(self.database, self.file)

    def test_nothing_there(self) -> None:
        """A database that is not there, or is none, is one sentence."""
        self.folder.mkdir()
        self.assertIn(str(self.database), self.refused_to_back_up())
        self.database.write_bytes(b"x" * 8192)
        self.assertIn(str(self.database), self.refused_to_back_up())
        self.assertEqual(self.unfinished(), [])
        self.assertFalse(self.file.exists())

    def test_damaged(self) -> None:
        """Of a damaged database there is no backup."""
        self.successResultOf(self.with_messages().close())
        self.write("UPDATE runs SET bodies = zeroblob(length(bodies))")
        said = self.refused_to_back_up()
        self.assertTrue(said.startswith(f"there is no backup, because the copy of {self.database}"), said)
        self.assertIn("are damaged", said)
        self.assertFalse(self.file.exists())


class SoundnessTests(BackupCase):
    def backed_up(self) -> None:
        self.successResultOf(self.with_messages(200).close())
        back_up(self.database, self.file)

    def messages(self) -> list[Any]:
        connection = database.connect_to_copy(self.file)
        found = connection.execute(
            "SELECT conversation, first_seq, sender, stem, number, kind, content_type, bodies FROM runs"
        ).fetchall()
        connection.close()
        return found

    def test_sound(self) -> None:
        """A backup is; looking at it makes no file beside it and needs no right to write."""
        self.backed_up()
        self.file.chmod(0o400)
        self.assertEqual((soundness.faults(self.file), self.unfinished()), ([], []))
        soundness.check(self.file)

    def test_flipped_bits(self) -> None:
        """Wherever a bit has changed: that is found, or every message is what it was."""
        self.backed_up()
        content, messages = self.file.read_bytes(), self.messages()
        found = 0
        for at in range(100, len(content), 997):
            self.file.write_bytes(content[:at] + bytes((content[at] ^ 0x10,)) + content[at + 1 :])
            if soundness.faults(self.file):
                found += 1
            else:
                self.assertEqual(self.messages(), messages, at)
        self.assertGreater(found, 10)
        # Everywhere, because what SQLite has moved stays where it was, too.
        self.file.write_bytes(content.replace(b"body 100", b"Body 100"))
        self.assertIn("messages 101 to 101 are damaged", soundness.faults(self.file)[0])

    def test_cut_short(self) -> None:
        """So is an end that is missing."""
        self.backed_up()
        content = self.file.read_bytes()
        for length in (0, 1, 100, 4096, len(content) // 2, len(content) - 4096):
            self.file.write_bytes(content[:length])
            self.assertNotEqual(soundness.faults(self.file), [], length)
            self.assertRaises(StoreError, soundness.check, self.file)

    def test_missing_messages(self) -> None:
        """A gap in a conversation, a member that is no account."""
        self.successResultOf(self.with_messages(5).close())
        self.write(
            "DELETE FROM runs WHERE last_seq = 3", "UPDATE members SET account = 5 WHERE account = 100001"
        )
        faults = " ".join(soundness.faults(self.database))
        self.assertIn("to 3 are damaged or missing", faults)
        self.assertIn("refers to nothing", faults)

    def test_older(self) -> None:
        """A backup of the first schema is looked at message by message, too."""
        connection = apsw.Connection(str(self.file))
        schema.apply(connection, schema.migrations()[0])
        connection.pragma("application_id", database.APPLICATION_ID)
        row = (1, 1, 5, b"id", 1, b"", b"body")
        connection.execute(
            "INSERT INTO messages VALUES (?, ?, ?, ?, ?, CAST(? AS TEXT), ?, 0, ?)",
            (*row, upgrade._old_checksum(*row)),
        )
        self.assertEqual(soundness.faults(self.file), [])
        connection.execute("UPDATE messages SET body = X'00'")
        connection.close()
        self.assertEqual(soundness.faults(self.file), ["message 1 of conversation 1 is damaged"])

    def test_before_extras(self) -> None:
        """One of a schema whose messages had no extra likewise."""
        connection = apsw.Connection(str(self.file))
        upgrade.register(connection)
        for migration in schema.migrations()[:4]:
            schema.apply(connection, migration)
        connection.pragma("application_id", database.APPLICATION_ID)
        row = runs.row(Run(1, 1, 5, "", b"stem", 1, 1, "", [b"one", b"two"], 0))
        connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row[:-1])
        self.assertEqual(soundness.faults(self.file), [])
        connection.execute("UPDATE runs SET bodies = X'00'")
        connection.close()
        (fault,) = soundness.faults(self.file)
        self.assertIn("messages 1 to 2 are damaged", fault)

    def test_newer(self) -> None:
        """One of a newer imserver is refused with advice."""
        self.backed_up()
        connection = apsw.Connection(str(self.file))
        version = schema.migrations()[-1].version + 1
        schema.apply(connection, Migration(version, version, "CREATE TABLE new (x)"))
        connection.close()
        self.assertIn("newer imserver", soundness.faults(self.file)[0])

    def test_quick(self) -> None:
        """The quick look works beside a daemon, and finds what SQLite's own does."""
        rig = self.with_messages(50)
        self.assertEqual(soundness.quick_faults(self.database), [])
        self.successResultOf(rig.close())
        content = bytearray(self.database.read_bytes())
        content[database.PAGE_BYTES * 3 : database.PAGE_BYTES * 4] = b"\xff" * database.PAGE_BYTES
        self.database.write_bytes(content)
        with contextlib.suppress(apsw.CorruptError):
            self.assertNotEqual(soundness.quick_faults(self.database), [])


class RestoreTests(BackupCase):
    def setUp(self) -> None:
        super().setUp()
        self.rig = self.with_messages()
        back_up(self.database, self.file)

    def refused_to_restore(self, folder: Path) -> str:
        return str(self.assertRaises(StoreError, restore, self.file, folder, randbits))

    def test_restored(self) -> None:
        """Everything is there, under a new epoch; private; and the backup stays as it was."""
        before = self.file.read_bytes()
        folder = self.restored()
        for path in (folder, *folder.iterdir()):
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)
        rig = self.opened(folder)
        self.assertEqual(len(self.bodies(rig)), 3)
        self.assertEqual((rig.store.log_epoch(), self.file.read_bytes()), (EPOCH, before))
        self.assertNotEqual(self.rig.store.log_epoch(), EPOCH)

    def test_empty_folder(self) -> None:
        """A folder that is there and empty will do, and what an interrupted restore left in it."""
        folder = Path(self.mktemp())
        folder.mkdir(mode=0o700)
        (folder / "restored.unfinished").write_bytes(b"rest")
        restore(self.file, folder, randbits)
        self.assertEqual(sorted(path.name for path in folder.iterdir()), ["imserver.db", "lock"])
        open_folder = Path(self.mktemp())
        open_folder.mkdir(mode=0o755)
        restore(self.file, open_folder, randbits)
        self.assertEqual(open_folder.stat().st_mode & 0o777, 0o700)

    def test_not_empty(self) -> None:
        """A folder that holds anything, most of all a database, is left alone."""
        folder = self.restored()
        before = (folder / "imserver.db").read_bytes()
        self.assertIn("is not empty", self.refused_to_restore(folder))
        self.assertEqual((folder / "imserver.db").read_bytes(), before)
        other = Path(self.mktemp())
        other.mkdir(mode=0o700)
        (other / "imserver.db-wal").touch()
        self.assertIn("imserver.db-wal", self.refused_to_restore(other))

    def test_in_use(self) -> None:
        """The folder of a running daemon is."""
        self.assertIn("in use", self.refused_to_restore(self.folder))

    def test_damaged(self) -> None:
        """A damaged backup, or none at all, is not restored."""
        folder = Path(self.mktemp())
        content = self.file.read_bytes()
        self.file.write_bytes(content[: len(content) // 2])
        self.refused_to_restore(folder)
        self.file.unlink()
        self.assertIn("is not there", self.refused_to_restore(folder))
        self.assertFalse(folder.exists())

    def test_failed(self) -> None:
        """A restore that fails leaves a folder that can be restored into."""
        folder = Path(self.mktemp())
        failing = self.patch(copying, "put_in_place", _fail(OSError(28, "no space")))
        self.assertIn("no space", self.refused_to_restore(folder))
        self.assertFalse((folder / "imserver.db").exists())
        failing.restore()
        restore(self.file, folder, randbits)
        self.assertEqual(len(self.bodies(self.opened(folder))), 3)


def _fail(error: Exception) -> Any:
    def fail(*_: Any) -> None:
        raise error

    return fail
