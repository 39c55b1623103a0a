"""imserver.store.upgrade and schema/002.sql: the messages of schema 1 become runs."""

import os
import random
import sys
from pathlib import Path
from subprocess import run
from typing import Any
from zlib import crc32

import apsw
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

import imserver
from imserver.core.posting import Posting
from imserver.core.values import Gone, Kind
from imserver.store import database, schema
from imserver.store.folder import DataFolder
from tests.store.fakes import Rig
from tests.store.fates import fate, messages

NOW = 1_700_000_000_000
DIRECT, OTHER = 4711, 4712
IDS = (
    b"a",
    b"abcdefg",
    b"abcdefgh",
    b"stem" + bytes(8),
    b"stem" + (1).to_bytes(8),
    b"\xff" * 8,
    b"x" * 64,
    b"y" * 256,
)


def old_checksum(
    conversation: int, seq: int, sender: int, client_id: bytes, kind: int, content_type: bytes, body: bytes
) -> int:
    """As schema 1 had it."""
    start = crc32(client_id, conversation * 31 + seq * 37 + sender * 41 + kind)
    return crc32(body, crc32(content_type, start) if content_type else start)


class UpgradeTests(SynchronousTestCase):
    """A database of schema 1, in which alice and bob have two conversations."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir(mode=0o700)
        self.database = self.folder / "imserver.db"
        database.create(DataFolder(self.folder), random.Random(1).getrandbits, schema.migrations()[:1])
        self.old = apsw.Connection(str(self.database))
        self.addCleanup(self.old.close)
        for number, name in ((100001, "alice"), (100002, "bob")):
            self.old.execute("INSERT INTO accounts VALUES (?, ?, '', '', '', 0, 0)", (number, name))
        for id, lower in ((DIRECT, 100001), (OTHER, None)):
            higher = lower and 100002
            self.old.execute("INSERT INTO conversations VALUES (?, 1, '', ?, ?, 0)", (id, lower, higher))
            self.old.execute(
                "INSERT INTO members VALUES (?, 100001, 0, 0, 0), (?, 100002, 0, 0, 0)", (id, id)
            )
        for seq, client_id in enumerate(IDS, 1):
            self.add(DIRECT, seq, 100001, client_id, 1, "", b"body %d" % seq)
        self.add(OTHER, 1, 100002, IDS[0], 3, "application/é", b"\x00" * 70_000)
        self.add(OTHER, 2, 100002, IDS[3], 2, "", b"")

    def add(self, *message: Any) -> None:
        *start, content_type, body = message
        check = old_checksum(*start, content_type.encode(), body)
        values = (*start, content_type, body, NOW, check)
        self.old.execute("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def opened(self) -> Rig:
        self.old.close()
        rig = Rig(self.folder)
        rig.store.open()
        self.addCleanup(rig.close)
        return rig

    def get(self, rig: Rig, coroutine: Any) -> Any:
        deferred = Deferred.fromCoroutine(coroutine)
        rig.settle()
        return self.successResultOf(deferred)

    def history(self, rig: Rig, conversation: int) -> list[Any]:
        found = self.get(rig, rig.store.history(conversation, 0, 2**53, False, 99, 2**20))
        self.flushLoggedErrors()
        return messages(found)

    def test_messages(self) -> None:
        """Every message is there as it was; the old database is kept beside it."""
        rig = self.opened()
        found = self.history(rig, DIRECT)
        self.assertEqual([(m.seq, m.client_id, m.body) for m in found],
                         [(seq, id, b"body %d" % seq) for seq, id in enumerate(IDS, 1)])  # fmt: skip
        self.assertEqual(
            {(m.sender_name, m.kind, m.content_type, m.time_ms) for m in found}, {("alice", 1, "", NOW)}
        )
        found = self.history(rig, OTHER)
        self.assertEqual([(m.seq, m.kind, m.content_type, len(m.body)) for m in found],
                         [(1, 3, "application/é", 70_000), (2, 2, "", 0)])  # fmt: skip
        self.assertEqual(rig.store.statistics().damaged, 0)
        backup = apsw.Connection(str(self.folder / "before-schema-2.db"))
        self.assertEqual(backup.execute("SELECT count(*) FROM messages").get, len(IDS) + 2)
        self.assertEqual(rig.store._connection.execute("PRAGMA integrity_check").get, "ok")

    def test_retries(self) -> None:
        """Every client id is known, and the conversation goes on."""
        rig = self.opened()
        for seq, id in enumerate(IDS, 1):
            same = Posting(DIRECT, 100001, "", id, 1, "", b"body %d" % seq)
            other = Posting(DIRECT, 100001, "", id, 1, "", b"other")
            self.get(rig, rig.store.append([same, other], NOW + 1))
            self.assertEqual(fate(same), (seq, NOW, False), id)
            self.assertEqual(fate(other), "CLIENT_ID_REUSED", id)
        next_ids = (b"stem" + (2).to_bytes(8), b"new")
        new = [Posting(DIRECT, 100001, "", id, 1, "", b"") for id in next_ids]
        self.get(rig, rig.store.append(new, NOW + 1))
        self.assertEqual([fate(posting)[0] for posting in new], [len(IDS) + 1, len(IDS) + 2])

    def damaged(self, statement: str) -> set[int]:
        """Seqs of the tombstones after the upgrade of a database in which that was done."""
        (good,) = self.old.execute("SELECT sql FROM sqlite_schema WHERE name = 'messages'").fetchone()
        self.alter(good.replace("STRICT", "").replace("NOT NULL", "").replace("INTEGER", ""))
        self.old.execute(statement)
        self.alter(good)
        found = self.history(self.opened(), DIRECT)
        self.assertEqual([m.seq for m in found], list(range(1, len(IDS) + 1)), statement)
        gone = [m for m in found if (m.kind, m.content_type, m.body) == (Kind.TOMBSTONE, Gone.DAMAGED, b"")]
        self.assertEqual([m.body for m in found if m not in gone],
                         [b"body %d" % m.seq for m in found if m not in gone])  # fmt: skip
        return {m.seq for m in gone}

    def alter(self, sql: str) -> None:
        self.old.pragma("writable_schema", True)
        self.old.pragma("ignore_check_constraints", True)
        self.old.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'messages'", (sql,))
        self.old.pragma("writable_schema", "RESET")

    def test_changed_body(self) -> None:
        """A damaged message stays one."""
        self.assertEqual(
            self.damaged("UPDATE messages SET body = x'00' WHERE seq = 3 AND conversation = 4711"), {3}
        )

    def test_other_types(self) -> None:
        """So does one whose values are of other types; none ends the upgrade."""
        values = ("sender = 'x'", "client_id = NULL", "kind = 1.5", "content_type = CAST(x'ff' AS TEXT)",
            "content_type = 7", "body = 'text'", "body = NULL", "time_ms = NULL")  # fmt: skip
        changes = [
            f"UPDATE messages SET {value} WHERE seq = {seq} AND conversation = 4711"
            for seq, value in enumerate(values, 1)
        ]
        self.assertEqual(self.damaged("; ".join(changes)), set(range(1, 9)))

    def test_changed_seq(self) -> None:
        """A message is where the index has it; then nothing is wrong with it."""
        self.old.close()
        row, changed = (DIRECT.to_bytes(2) + seq + (100001).to_bytes(3) for seq in (b"\x05", b"\x63"))
        content = self.database.read_bytes()
        self.assertEqual(content.count(row), 1)
        self.database.write_bytes(content.replace(row, changed))
        found = self.history(self.opened(), DIRECT)
        self.assertEqual([m.seq for m in found], list(range(1, len(IDS) + 1)))
        self.assertEqual({m.kind for m in found}, {Kind.TEXT})

    def test_killed(self) -> None:
        """kill -9 within the upgrade leaves schema 1, and the next start does it."""
        self.old.close()
        program = """
import sys
from pathlib import Path
from tests.store.fakes import Rig
Rig(Path(sys.argv[1])).store.open()
"""
        root = str(Path(imserver.__file__).parent.parent)
        environment = {**os.environ, "IMSERVER_CRASH_AT": "migration", "PYTHONPATH": root}
        ended = run([sys.executable, "-c", program, str(self.folder.resolve())], env=environment, check=False)
        self.assertEqual(ended.returncode, 137)
        connection = apsw.Connection(str(self.database))
        self.assertEqual(schema.version_of(connection), 1)
        self.assertEqual(connection.execute("SELECT count(*) FROM messages").get, len(IDS) + 2)
        connection.close()
        self.assertEqual(len(self.history(self.opened(), DIRECT)), len(IDS))
