"""imserver.store.log and runs: what is shown of rows that are not what was written (T25)."""

from pathlib import Path
from typing import Any

import apsw
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.run import Run
from imserver.core.values import Gone, Kind
from imserver.store import runs
from tests.store.fakes import Rig
from tests.store.fates import messages, posting_of

NOW = 1_700_000_000_000
LENGTHS = (3, 1, 5, 1, 4, 6)  # of the runs; they end at 3, 4, 9, 10, 14, 20
BODIES = [b"body %d" % seq for seq in range(1, 21)]
ALL = range(1, 21)
FIELDS = (
    "first_seq", "sender", "stem", "number", "kind", "content_type", "time_ms", "withheld", "sizes", "checksum",
)  # fmt: skip
VALUES = ("77", "NULL", "x'ff'", "'text'", "1.5", "-1", "9223372036854775807", "CAST(x'ff' AS TEXT)")


class DamagedRowsTests(SynchronousTestCase):
    """Six runs of 20 messages, of which some are damaged behind the store's back."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.rig = Rig(self.folder)
        self.store = self.rig.store
        self.store.open()
        self.addCleanup(self.rig.close)
        for name in ("alice", "bob"):
            self.get(self.store.create_account(name, "", "", NOW))
        self.direct = self.get(self.store.open_direct(100001, 100002, NOW, 100)).id
        postings, start = [], 0
        for length in LENGTHS:
            bodies = BODIES[start : start + length]
            postings.append(posting_of(self.direct, 100001, b"stem", start, bodies))
            start += length
        self.get(self.store.append(postings, NOW))

    def get(self, coroutine: Any) -> Any:
        deferred = Deferred.fromCoroutine(coroutine)
        self.rig.settle()
        return self.successResultOf(deferred)

    def damage(self, *statements: str) -> None:
        """Write what the schema forbids."""
        connection = apsw.Connection(str(self.folder / "imserver.db"))
        connection.pragma("ignore_check_constraints", True)
        connection.pragma("writable_schema", True)
        (good,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'runs'").fetchone()
        self.alter(connection, good.replace("STRICT", "").replace("NOT NULL", "").replace("INTEGER", ""))
        for statement in statements:
            connection.execute(statement)
        self.alter(connection, good)
        connection.close()

    @staticmethod
    def alter(connection: apsw.Connection, sql: str) -> None:
        connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'runs'", (sql,))
        connection.pragma("writable_schema", "RESET")
        connection.pragma("writable_schema", True)

    def history(
        self, after: int = 0, before: int = 2**53, newest: bool = False, limit: int = 99
    ) -> list[Run]:
        history = self.get(self.store.history(self.direct, after, before, newest, limit, 2**20))
        self.flushLoggedErrors()
        return history  # type: ignore[no-any-return]

    def assert_damaged(self, *damaged: int) -> list[Run]:
        """Exactly these are tombstones, whichever way and in whatever pages the log is read."""
        for newest in (False, True):
            for limit in (1, 2, 3, 7, 99):
                for after, before in ((0, 2**53), (2, 19), (3, 10), (6, 8), (9, 15), (19, 21), (0, 1)):
                    expected = [seq for seq in ALL if after < seq < before]
                    expected = expected[-limit:] if newest else expected[:limit]
                    found = messages(self.history(after, before, newest, limit))
                    where = after, before, newest, limit
                    self.assertEqual([m.seq for m in found], expected, where)
                    for message in found:
                        sound = Kind.TEXT, "", BODIES[message.seq - 1]
                        gone = Kind.TOMBSTONE, Gone.DAMAGED, b""
                        wanted = gone if message.seq in damaged else sound
                        self.assertEqual((message.kind, message.content_type, message.body), wanted, where)
        return self.history()

    def test_sound(self) -> None:
        """Nothing is damaged unless something is."""
        self.assertEqual([len(run.bodies) for run in self.assert_damaged()], list(LENGTHS))
        self.assertEqual(self.store.statistics().damaged, 0)

    def test_every_field_of_a_header(self) -> None:
        """Whichever is not what was written, the whole run is a tombstone and no other; its type does not matter."""
        original = messages(self.history())
        rest = [message for message in original if message.seq not in range(5, 10)]
        harmless: list[tuple[str, str]] = []
        self.damage("CREATE TABLE kept AS SELECT * FROM runs WHERE last_seq = 9")
        for field in FIELDS:
            for value in VALUES:
                self.damage(f"UPDATE runs SET {field} = {value} WHERE last_seq = 9")
                found = self.history()
                self.assertEqual([m.seq for m in messages(found)], list(ALL), (field, value))
                sound = [m for run in found if not runs.is_damaged(run) for m in run.messages()]
                if sound == original:
                    harmless.append((field, value))
                else:
                    self.assertEqual(sound, rest, (field, value))
                self.damage("DELETE FROM runs WHERE last_seq = 9", "INSERT INTO runs SELECT * FROM kept")
        # SQLite reads these as the numbers that were written.
        self.assertEqual(
            harmless, [("kind", "1.5"), *(("withheld", value) for value in VALUES[2:4] + VALUES[7:])]
        )
        self.assert_damaged()

    def test_header(self) -> None:
        """Of a damaged header nothing is believed but where the run is, and its place is kept in every page."""
        for last_seq, expected in ((3, (1, 2, 3)), (10, (1, 2, 3, 10)), (20, (1, 2, 3, 10, *range(15, 21)))):
            self.damage(f"UPDATE runs SET kind = 3, sender = 100002 WHERE last_seq = {last_seq}")
            page = self.assert_damaged(*expected)
        tombstones = [(run.sender, run.stem, run.time_ms) for run in page if runs.is_damaged(run)]
        self.assertEqual(tombstones, [(0, b"", 0)] * 3)

    def test_neighbours(self) -> None:
        """Damaged runs in a row."""
        self.damage("UPDATE runs SET first_seq = 1000 WHERE last_seq IN (4, 9, 10)")
        self.assert_damaged(*range(4, 11))

    def test_everything(self) -> None:
        """All of them."""
        self.damage("UPDATE runs SET sizes = 7")
        self.assert_damaged(*ALL)

    def test_one_body(self) -> None:
        """A damaged body costs one message: what is around it is shown, under its own seq and client id."""
        for text, expected in ((b"body 7", (7,)), (b"body 5", (5, 7)), (b"body 20", (5, 7, 20))):
            changed = b"bodY" + text[4:]
            self.damage(f"UPDATE runs SET bodies = CAST(replace(bodies, '{text.decode()}', '{changed.decode()}') AS BLOB)"
                f" WHERE last_seq IN (9, 20)")  # fmt: skip
            page = self.assert_damaged(*expected)
        self.assertEqual([len(run.bodies) for run in page], [3, 1, 1, 1, 1, 2, 1, 4, 5, 1])
        self.assertEqual([m.client_id[-1] for m in messages(page)], list(range(20)))
        self.assertEqual({m.sender for m in messages(page)}, {100001})

    def test_bodies_of_other_types(self) -> None:
        """No body can be what was written."""
        for value in ("NULL", "7", "'text'", "x''", "zeroblob(9)"):
            self.damage(f"UPDATE runs SET bodies = {value} WHERE last_seq = 14")
            self.assert_damaged(11, 12, 13, 14)

    def test_missing_row(self) -> None:
        """Tombstones stand for a run that is gone, unless it was the last."""
        self.damage("DELETE FROM runs WHERE last_seq IN (3, 10)")
        self.assert_damaged(1, 2, 3, 10)

    def test_absurd_key(self) -> None:
        """However far away a damaged key is, a page stays a page."""
        self.damage(f"UPDATE runs SET last_seq = {2**52} WHERE last_seq = 20")
        upwards = messages(self.history(limit=30))
        self.assertEqual([m.seq for m in upwards], list(range(1, 31)))
        downwards = messages(self.history(newest=True, limit=30))
        self.assertEqual([m.seq for m in downwards], list(range(2**52 - 29, 2**52 + 1)))
        self.assertEqual(len(messages(self.history(after=2**40, limit=30))), 30)

    def test_key_of_another_type(self) -> None:
        """It is passed over; what it stood for is a tombstone if something follows."""
        for value in ("'text'", "x'ff'", "9.5"):
            self.damage(f"UPDATE runs SET last_seq = {value} WHERE first_seq = 5")
            self.assertEqual([m.seq for m in messages(self.history())], list(ALL), value)

    def test_reported(self) -> None:
        """Damaged messages are counted and logged, not what was shown of them."""
        self.damage("UPDATE runs SET kind = 3 WHERE last_seq = 9")
        self.history(after=6)
        self.assertEqual(self.store.statistics().damaged, 3)

    def test_retry_of_a_damaged_message(self) -> None:
        """What cannot be compared any more is not confirmed."""
        self.damage("UPDATE runs SET kind = 3 WHERE last_seq = 9")
        retry = posting_of(self.direct, 100001, b"stem", 3, BODIES[3:6])
        self.get(self.store.append([retry], NOW))
        self.assertEqual([bool(outcome.refusal) for outcome in retry.outcomes], [False, True])
        self.assertEqual((retry.outcomes[0].first_seq, retry.outcomes[1].end), (4, 3))
