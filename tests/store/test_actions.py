"""imserver.store.actions and extras: what is left on the disk of what is gone, and what damage makes of an extra."""

from pathlib import Path
from typing import Any

import apsw
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.posting import Posting, Terms
from imserver.core.run import Run
from imserver.core.values import Extra, Gone, Kind
from imserver.store import extras
from tests.store.fakes import Rig
from tests.store.fates import messages, posting_of

NOW = 1_700_000_000_000
TERMS = Terms(since_ms=0, moderates=False, burn_by_ms=NOW)
ALICE, BOB = 100001, 100002
NUMBERS = st.integers(0, 2**53)


class ActionsTests(SynchronousTestCase):
    """Alice writes to bob."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.rig = Rig(self.folder)
        self.store = self.rig.store
        self.store.open()
        self.addCleanup(self.rig.close)
        for name in ("alice", "bob"):
            self.get(self.store.create_account(name, "", "", NOW))
        self.direct = self.get(self.store.open_direct(ALICE, BOB, NOW, 100)).id

    def get(self, coroutine: Any) -> Any:
        deferred = Deferred.fromCoroutine(coroutine)
        self.rig.settle()
        return self.successResultOf(deferred)

    def act(self, kind: Kind, extra: Extra, body: bytes = b"") -> None:
        client_id = b"%d %d" % (kind, extra.about)
        posting = Posting(self.direct, ALICE, "", client_id, kind, "", body, extra=extra, terms=TERMS)
        self.get(self.store.append([posting], NOW))
        self.assertEqual(posting.outcomes, [])

    def history(self) -> list[Run]:
        return self.get(self.store.history(self.direct, 0, 2**53, False, 99, 2**20))  # type: ignore[no-any-return]

    def on_disk(self) -> bytes:
        """Everything in the database, once the log is in it."""
        self.successResultOf(self.rig.close())
        self.assertFalse(
            any(path.name.endswith("-wal") and path.stat().st_size for path in self.folder.iterdir())
        )
        return (self.folder / "imserver.db").read_bytes()

    def test_nothing_is_left(self) -> None:
        """Neither of short messages nor of long ones, nor of edits and what burns; what stays is there."""
        secrets = [b"secret one", b"secret two " * 2000, b"stays here", b"secret three " * 3]
        self.get(self.store.append([posting_of(self.direct, ALICE, b"run", 1, secrets)], NOW))
        self.act(Kind.EDIT, Extra(about=1), b"secret edited")
        self.act(Kind.TEXT, Extra(burn_seconds=5), b"secret burning")
        for about in (2, 1, 4):
            self.act(Kind.RECALL, Extra(about=about))
        self.assertEqual(len(self.get(self.store.burn(NOW, 9))), 1)
        left = self.on_disk()
        self.assertIn(b"stays here", left)
        self.assertNotIn(b"secret", left)

    def test_damaged_neighbour(self) -> None:
        """Recalling a message of a run in which another is damaged leaves both as tombstones, and the rest sound."""
        bodies = [b"one", b"two", b"three", b"four"]
        self.get(self.store.append([posting_of(self.direct, ALICE, b"run", 1, bodies)], NOW))
        connection = apsw.Connection(str(self.folder / "imserver.db"))
        connection.execute(
            "UPDATE runs SET bodies = CAST(replace(CAST(bodies AS TEXT), 'two', 'TWO') AS BLOB)"
        )
        connection.close()
        self.act(Kind.RECALL, Extra(about=3))
        found = [(m.content_type, m.body) for m in messages(self.history())[:4]]
        self.flushLoggedErrors()
        self.assertEqual(found, [("", b"one"), (Gone.DAMAGED, b""), (Gone.RECALLED, b""), ("", b"four")])

    def test_damaged_extra(self) -> None:
        """Whatever an extra is that is not what was written, its message is a tombstone and no other (T25)."""
        for about in (0, 1, 2):
            self.act(Kind.TEXT, Extra(about=about, burn_seconds=9), b"text")
        for value in ("NULL", "''", "'{}'", """'{"about":2}'""", "'{'", "CAST(x'ff' AS TEXT)"):
            connection = apsw.Connection(str(self.folder / "imserver.db"))
            connection.execute(f"UPDATE runs SET extra = {value} WHERE last_seq = 2")
            connection.close()
            found = [(m.seq, m.kind, m.extra) for m in messages(self.history())]
            self.flushLoggedErrors()
            expected = [(seq, Kind.TEXT, Extra(about=seq - 1, burn_seconds=9)) for seq in (1, 2, 3)]
            expected[1] = (2, Kind.TOMBSTONE, None)
            self.assertEqual(found, expected, value)


class ExtrasTests(SynchronousTestCase):
    @given(st.builds(Extra, NUMBERS, st.lists(NUMBERS, max_size=9), NUMBERS, NUMBERS))
    def test_there_and_back(self, extra: Extra) -> None:
        """decoded(encoded(x)) == x"""
        self.assertEqual(extras.decoded(extras.encoded(extra).encode()), extra)

    def test_fits(self) -> None:
        """The largest that the configuration allows fits the column."""
        extra = Extra(2**53, [2**31 - 1] * 150, 2**31 - 1, 2**31)
        self.assertLessEqual(len(extras.encoded(extra)), 2048)
