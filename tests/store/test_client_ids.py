"""imserver.store.client_ids: a small index of many ids, and never one id for two messages."""

from pathlib import Path
from random import Random
from typing import Any

import apsw
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.changes import Action, GroupChange
from imserver.core.posting import Posting
from imserver.store import client_ids, group_log, outcomes
from imserver.store.messages import Batch
from tests.contracts.store import LIMITS
from tests.store.fakes import Rig
from tests.store.fates import fates, posting_of

NOW = 1_700_000_000_000


class ClientIdsCase(SynchronousTestCase):
    """A store in which alice (100001) and bob (100002) have a direct conversation."""

    def setUp(self) -> None:
        self.rig = Rig(Path(self.mktemp()))
        self.store = self.rig.store
        self.store.open()
        self.addCleanup(self.rig.close)
        for name in ("alice", "bob"):
            self.get(self.store.create_account(name, "", "", NOW))
        self.direct = self.get(self.store.open_direct(100001, 100002, NOW, 100)).id

    def get(self, coroutine: Any) -> Any:
        deferred = Deferred.fromCoroutine(coroutine)
        self.rig.settle()
        return self.successResultOf(deferred)

    def posting(self, number: int, count: int = 1, stem: bytes = b"s", conversation: int = 0) -> Posting:
        bodies = [b"%s %d" % (stem, number + n) for n in range(count)]
        return posting_of(conversation or self.direct, 100001, stem, number, bodies)

    def append(self, *postings: Posting) -> list[Any]:
        self.get(self.store.append(postings, NOW))
        return [fate for posting in postings for fate in fates(posting)]

    def fresh(self, *postings: Posting) -> list[bool]:
        return [fresh for _, _, fresh in self.append(*postings)]

    def entries(self) -> list[tuple[Any, ...]]:
        query = "SELECT stem, first, last, first_seq FROM client_ids ORDER BY stem, first"
        return list(self.store._connection.execute(query))

    def forget(self) -> None:
        """As after a restart."""
        self.store._client_ids.clear()


class IndexTests(ClientIdsCase):
    """What is stored."""

    def test_small(self) -> None:
        """10,000 messages one by one under ids that count up are one entry; all of them are known."""
        for start in range(0, 10_000, 100):
            self.get(self.store.append([self.posting(start + n) for n in range(100)], NOW))
            if start % 1000 == 0:
                self.forget()
        self.assertEqual(self.entries(), [(b"s", 0, 9999, 1)])
        for number in (0, 1, 4711, 9999):
            self.assertEqual(self.append(self.posting(number)), [(number + 1, NOW, False)])

    def test_between(self) -> None:
        """Ids below others of their stem are new if nobody has them, and extend what they continue."""
        self.append(self.posting(10, 5), self.posting(100, 5))
        self.assertEqual(self.fresh(self.posting(50, 5)), [True] * 5)
        self.assertEqual(self.fresh(self.posting(55, 5), self.posting(0), self.posting(60)), [True] * 7)
        self.assertEqual(self.fresh(self.posting(61), self.posting(62)), [True] * 2)
        expected = [(0, 0, 21), (10, 14, 1), (50, 59, 11), (60, 62, 22), (100, 104, 6)]
        self.assertEqual(self.entries(), [(b"s", *entry) for entry in expected])
        self.assertEqual(self.fresh(self.posting(98, 9)), [True] * 2 + [False] * 5 + [True] * 2)
        self.assertEqual(self.fresh(self.posting(59, 5)), [False] * 4 + [True])

    def test_other_conversation_between(self) -> None:
        """An entry ends where a message of another conversation, or of somebody else, comes between."""
        change = GroupChange(Action.CREATED, 100001, 0, "x", (), None)
        group = self.get(self.store.change_group(change, NOW, LIMITS)).conversation.id
        self.append(self.posting(1), self.posting(2, conversation=group), self.posting(3))
        self.append(posting_of(self.direct, 100002, b"s", 1, [b"bob"]), self.posting(4))
        entries = self.store._connection.execute(
            "SELECT first, last, conversation = ?, first_seq FROM client_ids WHERE stem = x'73' ORDER BY sender, first",
            (group,),
        ).fetchall()
        self.assertEqual(entries, [(1, 1, 0, 1), (2, 2, 1, 2), (3, 3, 0, 2), (4, 4, 0, 4), (1, 1, 0, 3)])

    def test_no_number(self) -> None:
        """An id without a number is an entry by itself, which the number 0 does not continue."""
        whole = posting_of(self.direct, 100001, b"s", -1, [b"s -1"])
        self.append(whole, self.posting(0, 2))
        self.assertEqual(self.entries(), [(b"s", -1, -1, 1), (b"s", 0, 1, 2)])
        again = posting_of(self.direct, 100001, b"s", -1, [b"s -1"])
        self.assertEqual(self.append(again, self.posting(0)), [(1, NOW, False), (2, NOW, False)])

    def test_index_and_log_disagree(self) -> None:
        """An answer never rests on a damaged entry alone: the message must have that id."""
        self.append(posting_of(self.direct, 100001, b"s", 0, [b"same"] * 5))
        for damage in ("first_seq = 2", "last = 9", "conversation = 7", "first = -2"):
            self.store._connection.execute("SAVEPOINT sound")
            self.store._connection.execute(f"UPDATE client_ids SET {damage}")
            self.forget()
            retry = posting_of(self.direct, 100001, b"s", 0, [b"same"] * 8)
            outcomes.settle(retry, Batch(*self.inside(), [retry], NOW)._pieces(retry))
            confirmed = [fate for fate in fates(retry) if isinstance(fate, tuple) and not fate[2]]
            self.assertEqual(confirmed, [(n, NOW, False) for n in range(1, 6)] * (damage == "last = 9"))
            self.store._connection.execute("ROLLBACK TO sound; RELEASE sound")
            self.store._rolled_back()

    def inside(self) -> tuple[Any, ...]:
        store = self.store
        return store._connection, store._tails, store._client_ids, store._actions

    def test_nonsense_in_the_index(self) -> None:
        """An entry of what was never written is a damaged database."""
        self.append(self.posting(0, 5))
        self.forget()
        self.patch(client_ids, "_UP_TO", "SELECT 0, NULL, 0, 0 WHERE 0 NOT IN (?, ?, ?)")
        self.failureResultOf(self.appended(self.posting(5)))
        self.assertEqual([status for status, _ in self.rig.ended], [1])
        self.flushLoggedErrors()

    def appended(self, posting: Posting) -> Deferred[None]:
        appended = Deferred.fromCoroutine(self.store.append([posting], NOW))
        self.rig.settle()
        return appended


class RememberedTests(ClientIdsCase):
    """What is not asked of the database."""

    def test_bounded(self) -> None:
        """Beyond MAX_STEMS the oldest are forgotten, and found again."""
        self.patch(client_ids, "MAX_STEMS", 3)
        stems = [b"%d" % n for n in range(10)]
        for number in range(4):
            fresh = self.fresh(*(self.posting(number, stem=stem) for stem in stems))
            self.assertEqual(fresh, [True] * 10)
            self.assertLessEqual(len(self.store._client_ids._highest), 3)
        self.assertEqual(self.fresh(*(self.posting(2, stem=stem) for stem in stems)), [False] * 10)

    def test_undone(self) -> None:
        """What came to nothing is not remembered: its ids are new."""
        self.append(self.posting(0))
        impossible = posting_of(self.direct, 100001, b"x" * 300, -1, [b"too long"])
        appended = Deferred.fromCoroutine(self.store.append([self.posting(1, 3), impossible], NOW))
        self.rig.settle()
        self.failureResultOf(appended, apsw.ConstraintError)
        self.assertEqual(self.append(self.posting(2, 2)), [(2, NOW, True), (3, NOW, True)])
        self.assertEqual(self.append(self.posting(1)), [(4, NOW, True)])

    def test_full_disk(self) -> None:
        """The same when the transaction itself failed."""
        self.append(self.posting(0))
        self.store._connection.pragma("max_page_count", 1)
        big = posting_of(self.direct, 100001, b"s", 1, [b"x" * 60_000])
        appended = Deferred.fromCoroutine(self.store.append([big], NOW))
        self.rig.settle()
        self.failureResultOf(appended)
        self.store._connection.pragma("max_page_count", 2**30)
        self.rig.clock.advance(5)
        self.assertEqual(self.fresh(self.posting(1, 3)), [True] * 3)

    def test_undone_notice(self) -> None:
        """The notice of a change that came to nothing leaves its client id to others."""

        def broken(*_: Any) -> None:
            raise RuntimeError("a bug after the notice was logged")

        rules = self.patch(group_log.GroupLog, "notice", self.logs_and(broken))
        change = GroupChange(Action.CREATED, 100001, 0, "x", (), None)
        changed = Deferred.fromCoroutine(self.store.change_group(change, NOW, LIMITS))
        self.rig.settle()
        self.failureResultOf(changed, RuntimeError)
        rules.restore()
        self.assertEqual(self.store._client_ids._highest, {})
        self.assertEqual(self.entries(), [])

    @staticmethod
    def logs_and(then: Any) -> Any:
        notice = group_log.GroupLog.notice
        return lambda *arguments: then(notice(*arguments))

    def test_random(self) -> None:
        """Random overlapping runs, forgotten now and then: each id is fresh once, and keeps its seq."""
        dice, known = Random(5), dict[tuple[bytes, int], int]()
        for _ in range(300):
            if dice.random() < 0.1:
                self.forget()
            postings = [
                self.posting(dice.randrange(300), dice.randrange(1, 9), b"%d" % dice.randrange(2))
                for _ in range(dice.randrange(1, 4))
            ]
            got = iter(self.append(*postings))
            for posting in postings:
                for n in range(len(posting.bodies)):
                    seq, _, fresh = next(got)
                    id = posting.stem, posting.number + n
                    self.assertEqual(fresh, id not in known, id)
                    self.assertEqual(known.setdefault(id, seq), seq)
        self.assertEqual(sorted(known.values()), list(range(1, len(known) + 1)))
