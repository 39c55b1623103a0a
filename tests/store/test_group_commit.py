"""imserver.store.group_commit: nothing is visible before its sync, and every trouble has its fate."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import apsw
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.changes import Action, GroupChange
from imserver.core.errors import ChatError, Code
from imserver.core.posting import Posting
from imserver.store import group_commit, health, tails, wal
from tests.contracts.store import LIMITS
from tests.store.fakes import Rig
from tests.store.fates import fate, messages

NOW = 1_700_000_000_000


class GroupCommitCase(SynchronousTestCase):
    """A store whose worker moves by hand; alice (100001) and bob (100002) have a direct conversation with one message."""

    sync_error: Exception | None = None

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.syncs = 0
        self.rig = Rig(self.folder, sync=self.sync)
        self.store = self.rig.store
        self.store.open()
        self.addCleanup(self.rig.close)
        self.alice, self.bob = (
            self.get(self.store.create_account(n, "", "", NOW)).number for n in ("alice", "bob")
        )
        self.direct = self.get(self.store.open_direct(self.alice, self.bob, NOW, 100)).id
        self.get(self.store.append([self.posting(b"first")], NOW))

    def sync(self, descriptor: int) -> None:
        if self.sync_error:
            raise self.sync_error
        self.syncs += 1

    def posting(self, client_id: bytes, sender: int = 0, conversation: int = 0) -> Posting:
        return Posting(conversation or self.direct, sender or self.alice, "", client_id, 1, "", client_id)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> Deferred[Any]:
        return Deferred.fromCoroutine(coroutine)

    def get(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        deferred = self.start(coroutine)
        self.rig.settle()
        return self.successResultOf(deferred)

    def history(self) -> Deferred[Any]:
        return self.start(self.store.history(self.direct, 0, 2**53, False, 100, 2**20)).addCallback(messages)

    def code(self, deferred: Deferred[Any]) -> Code:
        return self.failureResultOf(deferred, ChatError).value.code


class VisibilityTests(GroupCommitCase):
    """P1: until its sync has returned, a batch is invisible."""

    def test_ack_after_sync(self) -> None:
        """An append is answered when the sync has returned, not when it was committed."""
        before = self.syncs
        appended = self.start(self.store.append([self.posting(b"a")], NOW))
        self.rig.turn()
        self.assertNoResult(appended)
        self.assertEqual(self.syncs, before)
        self.rig.worker.step()
        self.assertEqual(self.syncs, before + 1)
        self.successResultOf(appended)

    def test_a_right_that_ends_meanwhile(self) -> None:
        """What is appended while the end of its sender's right is being synced meets that end."""
        members = (self.bob,)
        create = GroupChange(Action.CREATED, self.alice, 0, "Club", members, None)
        club = self.get(self.store.change_group(create, NOW, LIMITS)).conversation.id
        self.get(self.store.append([self.posting(b"early", self.bob, club)], NOW))
        muted = self.start(
            self.store.change_group(
                GroupChange(Action.MUTED, self.alice, club, "", members, None, 60), NOW, LIMITS
            )
        )
        blocked = self.start(self.store.block(self.bob, self.alice, NOW, 9))
        self.rig.turn()
        postings = [self.posting(b"late", self.bob, club), self.posting(b"late")]
        self.start(self.store.append(postings, NOW))
        self.assertNoResult(muted)
        self.rig.settle()
        for change in (muted, blocked):
            self.successResultOf(change)
        self.assertEqual((fate(postings[0]), postings[1].withheld), (Code.FORBIDDEN, True))

    def test_reads_wait(self) -> None:
        """Every question asked while a sync is running is answered after it, and sees the batch."""
        self.start(self.store.append([self.posting(b"a")], NOW))
        self.rig.turn()
        questions = [
            self.history(),
            self.start(self.store.conversation(self.direct)),
            self.start(self.store.membership(self.bob, 0, self.direct)),
            self.start(self.store.memberships(self.bob, 0, 0, 9, False)),
            self.start(self.store.receipt_counts(self.direct, 2)),
            self.start(self.store.members(self.direct, 0, 9)),
            self.start(self.store.account_named("alice")),
            self.start(self.store.devices_of(self.alice)),
        ]
        for question in questions:
            self.assertNoResult(question)
        self.rig.worker.step()
        answers = [self.successResultOf(question) for question in questions]
        self.assertEqual([m.seq for m in answers[0]], [1, 2])
        self.assertEqual((answers[1][2], answers[2].last_seq, answers[3][0].last_seq), (2, 2, 2))

    def test_reads_before_the_commit(self) -> None:
        """A question asked while nothing is being synced is answered at once, without what only gathers."""
        self.start(self.store.create_account("carol", "", "", NOW))
        self.assertIsNone(self.successResultOf(self.start(self.store.account_named("carol"))))

    def test_outcomes_before_reads(self) -> None:
        """Who waited for an ack has it before anybody reads the batch."""
        order: list[str] = []
        appended = self.start(self.store.append([self.posting(b"a")], NOW))
        self.rig.turn()
        self.history().addCallback(lambda _: order.append("read"))
        appended.addCallback(lambda _: order.append("ack"))
        self.rig.worker.step()
        self.assertEqual(order, ["ack", "read"])

    def test_retry_in_the_window(self) -> None:
        """The retry of an unsynced message is answered with its seq, after a sync."""
        first = [self.posting(b"a")]
        retry = [self.posting(b"a")]
        appended = self.start(self.store.append(first, NOW))
        self.rig.turn()
        again: list[Deferred[Any]] = []
        appended.addCallback(lambda _: again.append(self.start(self.store.append(retry, NOW))))
        self.rig.worker.step()
        self.rig.turn()
        self.assertNoResult(again[0])
        self.rig.worker.step()
        self.successResultOf(again[0])
        self.assertEqual(fate(retry[0]), (2, NOW, False))

    def test_refusal_waits_too(self) -> None:
        """A refusal may rest on what is not yet synced: it waits like everything else."""
        carol = self.start(self.store.create_account("carol", "", "", NOW))
        again = self.start(self.store.create_account("carol", "", "", NOW))
        self.rig.turn()
        self.assertNoResult(again)
        self.rig.worker.step()
        self.successResultOf(carol)
        self.assertEqual(self.code(again), Code.NAME_TAKEN)


class GatheringTests(GroupCommitCase):
    """One transaction for all that gathered."""

    def test_one_transaction_a_turn(self) -> None:
        """What is asked for in one turn is committed and synced once."""
        before = self.store.statistics().commits
        jobs = [self.start(self.store.create_account(f"user{n}", "", "", NOW)) for n in range(5)]
        jobs.append(self.start(self.store.append([self.posting(b"a")], NOW)))
        self.rig.settle()
        for job in jobs:
            self.successResultOf(job)
        self.assertEqual(self.store.statistics().commits, before + 1)

    def test_gathers_while_syncing(self) -> None:
        """What comes while a sync is running is committed together, after it."""
        before = self.store.statistics().commits
        self.start(self.store.append([self.posting(b"a")], NOW))
        self.rig.turn()
        late = [self.start(self.store.create_account(f"user{n}", "", "", NOW)) for n in range(3)]
        self.rig.turn()
        self.assertEqual(self.store.statistics().commits, before + 1)
        self.rig.settle()
        for job in late:
            self.successResultOf(job)
        self.assertEqual(self.store.statistics().commits, before + 2)

    def test_refusal_undoes_one_job(self) -> None:
        """A refused job of a transaction leaves nothing; the others are stored."""
        group = self.get(self.store.change_group(
            GroupChange(Action.CREATED, self.alice, 0, "Club", (), None), NOW, LIMITS)).conversation.id  # fmt: skip
        good = self.start(self.store.create_account("carol", "", "", NOW))
        bad = self.start(
            self.store.change_group(
                GroupChange(Action.ADDED, self.alice, group, "", (self.bob, 5), None), NOW, LIMITS
            )
        )
        also = self.start(self.store.append([self.posting(b"a", conversation=group)], NOW))
        self.rig.settle()
        self.successResultOf(good)
        self.successResultOf(also)
        self.assertEqual(self.code(bad), Code.NOT_FOUND)
        self.assertEqual([m.account.number for m in self.get(self.store.members(group, 0, 9))], [self.alice])

    def test_retry_among_other_jobs(self) -> None:
        """A batch that must be tried twice disturbs nothing else of its transaction."""
        carol = self.start(self.store.create_account("carol", "", "", NOW))
        batch = [self.posting(b"b"), self.posting(b"first"), self.posting(b"c")]
        self.start(self.store.append(batch, NOW))
        self.rig.settle()
        self.successResultOf(carol)
        self.assertEqual([fate(p) for p in batch], [(2, NOW, True), (1, NOW, False), (3, NOW, True)])

    def test_left_in_the_same_transaction(self) -> None:
        """Who has left cannot write, in any later transaction, whoever still thought so."""
        group = self.get(self.store.change_group(
            GroupChange(Action.CREATED, self.alice, 0, "Club", (self.bob,), None), NOW, LIMITS)).conversation.id  # fmt: skip
        self.get(self.store.append([self.posting(b"a", self.bob, group)], NOW))
        left = self.start(self.store.change_group(
            GroupChange(Action.LEFT, self.bob, group, "", (), None), NOW, LIMITS))  # fmt: skip
        together = self.posting(b"b", self.bob, group)
        self.start(self.store.append([together], NOW))
        self.rig.settle()
        late = self.posting(b"c", self.bob, group)
        self.get(self.store.append([late], NOW))
        self.assertEqual((together.first_seq, self.successResultOf(left).seq), (3, 4))
        self.assertEqual(fate(late), Code.NOT_MEMBER)

    def test_bug_in_one_job(self) -> None:
        """An exception of ours reaches who asked, and nobody else."""
        bad = self.start(self.store.create_account(None, "", "", NOW))  # type: ignore[arg-type]
        good = self.start(self.store.create_account("carol", "", "", NOW))
        self.rig.settle()
        self.failureResultOf(bad, AttributeError)
        self.successResultOf(good)

    def test_forgotten_tails(self) -> None:
        """Conversations beyond the cache are numbered as well as those in it."""
        self.patch(tails, "MAX_TAILS", 2)
        for name in ("carol", "dave", "erin"):
            self.get(self.store.create_account(name, "", "", NOW))
        directs = [self.get(self.store.open_direct(self.alice, 100003 + n, NOW, 100)).id for n in range(3)]
        for n in range(1, 4):
            batch = [self.posting(b"%d/%d" % (n, direct), conversation=direct) for direct in directs]
            self.get(self.store.append(batch, NOW))
            self.assertEqual([posting.first_seq for posting in batch], [n] * 3)

    def test_impossible_batch(self) -> None:
        """A batch that the schema refuses, which the core should have, fails as a whole and leaves no gap."""
        bad = self.start(self.store.append([self.posting(b"a"), self.posting(b"b" * 300)], NOW))
        self.rig.settle()
        self.failureResultOf(bad, apsw.ConstraintError)
        good = self.posting(b"c")
        self.get(self.store.append([good], NOW))
        self.assertEqual(good.first_seq, 2)

    def test_statistics(self) -> None:
        """Commits, messages and syncs are counted."""
        before = self.store.statistics()
        commits, messages, syncs = before.commits, before.messages, before.syncs
        self.get(self.store.append([self.posting(b"a"), self.posting(b"b")], NOW))
        after = self.store.statistics()
        self.assertEqual((after.commits, after.messages, after.syncs), (commits + 1, messages + 2, syncs + 1))
        self.assertGreater(after.wal_bytes, 0)


class CheckpointTests(GroupCommitCase):
    """The log is kept short."""

    def fill(self) -> None:
        """One message of 60 KB."""
        posting = self.posting(b"%d" % self.syncs)
        posting.bodies[0] = b"x" * 60_000
        self.get(self.store.append([posting], NOW))

    def test_passive(self) -> None:
        """Beyond PASSIVE_BYTES the log is moved in the worker, while commits go on."""
        self.patch(wal, "PASSIVE_BYTES", 100_000)
        posting = self.posting(b"big")
        posting.bodies[0] = b"x" * 200_000
        self.start(self.store.append([posting], NOW))
        self.rig.turn()
        self.rig.worker.step()
        self.assertEqual(len(self.rig.worker.waiting), 1)
        appended = self.start(self.store.append([self.posting(b"a")], NOW))
        self.rig.turn()
        self.assertEqual(len(self.rig.worker.waiting), 2)
        self.rig.settle()
        self.successResultOf(appended)

    def test_restart(self) -> None:
        """Beyond RESTART_BYTES nothing commits until the log is moved; reads go on; then the log begins anew."""
        self.patch(wal, "PASSIVE_BYTES", 50_000)
        self.patch(wal, "RESTART_BYTES", 100_000)
        posting = self.posting(b"big")
        posting.bodies[0] = b"x" * 200_000
        first = self.start(self.store.append([posting], NOW))
        carol = first.addCallback(lambda _: self.start(self.store.create_account("carol", "", "", NOW)))
        self.rig.turn()
        self.rig.worker.step()
        appended = self.start(self.store.append([self.posting(b"a")], NOW))
        self.rig.turn()
        self.assertEqual(len(self.rig.worker.waiting), 1)
        self.assertNoResult(carol)
        self.assertEqual(len(self.successResultOf(self.history())), 2)
        self.rig.settle()
        self.successResultOf(appended)
        self.successResultOf(carol)
        self.assertLess(self.store.statistics().wal_bytes, 50_000)

    def test_bounded(self) -> None:
        """Whatever is written, the log's file stays below RESTART_BYTES and a batch."""
        self.patch(wal, "PASSIVE_BYTES", 100_000)
        self.patch(wal, "RESTART_BYTES", 300_000)
        for _ in range(30):
            self.fill()
        self.assertLess((self.folder / "imserver.db-wal").stat().st_size, 500_000)

    def test_busy_reader(self) -> None:
        """A checkpoint that cannot be done is tried again later, and everything goes on."""
        self.patch(wal, "PASSIVE_BYTES", 50_000)
        self.patch(wal, "RESTART_BYTES", 100_000)
        reader = apsw.Connection(str(self.folder / "imserver.db"))
        reader.execute("BEGIN; SELECT count(*) FROM runs")
        for _ in range(5):
            self.fill()
        reader.close()
        for _ in range(5):
            self.fill()
        self.assertLess(self.store.statistics().wal_bytes, 300_000)


class TroubleTests(GroupCommitCase):
    """delivery.md section 3: busy, full, failed sync."""

    def lock(self) -> apsw.Connection:
        other = apsw.Connection(str(self.folder / "imserver.db"))
        other.execute("BEGIN IMMEDIATE")
        return other

    def pass_seconds(self, seconds: float) -> None:
        self.rig.clock.pump([0.05] * round(seconds / 0.05))

    def test_locked_for_a_moment(self) -> None:
        """Another process that holds the database for 3 s is waited for; reads go on."""
        other = self.lock()
        appended = self.start(self.store.append([self.posting(b"a")], NOW))
        self.pass_seconds(3)
        self.assertNoResult(appended)
        self.assertEqual(len(self.successResultOf(self.history())), 1)
        other.close()
        self.pass_seconds(0.1)
        self.rig.settle()
        self.successResultOf(appended)

    def test_locked_for_long(self) -> None:
        """After 5 s everybody who waits is told to retry; when the lock is gone all goes on."""
        other = self.lock()
        waiting = [
            self.start(self.store.append([self.posting(b"a")], NOW)),
            self.start(self.store.create_account("carol", "", "", NOW)),
        ]
        self.pass_seconds(group_commit.BUSY_SECONDS + 0.2)
        for deferred in waiting:
            error = self.failureResultOf(deferred, ChatError).value
            self.assertEqual(error.code, Code.RETRY_AFTER)
            self.assertGreater(error.retry_after_ms, 0)
        self.pass_seconds(25)
        other.close()
        self.get(self.store.append([self.posting(b"a")], NOW))
        self.assertEqual((self.store.state, self.rig.ended), ("ready", []))

    def test_failed_sync(self) -> None:
        """After a failed sync the outcome is unknown, the daemon ends with 75, and nothing is told any more."""
        self.sync_error = OSError(5, "Input/output error")
        appended = self.start(self.store.append([self.posting(b"a")], NOW))
        self.rig.turn()
        asked, late = self.history(), self.start(self.store.create_account("carol", "", "", NOW))
        self.rig.settle()
        self.assertEqual(self.code(appended), Code.UNKNOWN_RETRY)
        self.assertEqual((self.code(asked), self.code(late)), (Code.UNAVAILABLE_STORAGE,) * 2)
        self.assertEqual(self.code(self.history()), Code.UNAVAILABLE_STORAGE)
        self.assertEqual(([status for status, _ in self.rig.ended], self.store.state), ([75], "stopped"))
        self.successResultOf(self.rig.close())
        self.assertTrue((self.folder / "running").exists())

    def test_close_finishes(self) -> None:
        """Closing stores what was accepted, and refuses what comes later."""
        appended = self.start(self.store.append([self.posting(b"a")], NOW))
        closed = self.start(self.store.close())
        late = self.start(self.store.create_account("carol", "", "", NOW))
        self.assertEqual(self.code(late), Code.UNAVAILABLE_STORAGE)
        self.rig.settle()
        self.successResultOf(appended)
        self.successResultOf(closed)
        self.assertFalse((self.folder / "running").exists())
        self.assertEqual((self.folder / "imserver.db-wal").stat().st_size, 0)


class DegradedTests(GroupCommitCase):
    """A disk that takes nothing: reads only, until a probe succeeds."""

    def fill_up(self) -> None:
        self.store._connection.pragma("max_page_count", 1)

    def make_room(self) -> None:
        self.store._connection.pragma("max_page_count", 2**30)

    def big(self) -> Deferred[Any]:
        posting = self.posting(b"big")
        posting.bodies[0] = b"x" * 60_000
        return self.start(self.store.append([posting], NOW))

    def test_full(self) -> None:
        """Everybody of the transaction is told, reads go on, writes are refused at once; it ends by itself."""
        self.fill_up()
        waiting = [self.big(), self.start(self.store.create_account("carol", "", "", NOW))]
        self.rig.settle()
        self.assertEqual([self.code(d) for d in waiting], [Code.UNAVAILABLE_STORAGE] * 2)
        self.assertEqual(self.store.state, "degraded")
        self.assertEqual(len(self.successResultOf(self.history())), 1)
        self.assertEqual(self.code(self.big()), Code.UNAVAILABLE_STORAGE)
        self.make_room()
        self.rig.clock.advance(health.PROBE_SECONDS)
        self.assertEqual(self.store.state, "ready")
        appended = self.big()
        self.rig.settle()
        self.successResultOf(appended)
        self.assertEqual([m.seq for m in self.successResultOf(self.history())], [1, 2])

    def test_probe_goes_on(self) -> None:
        """While nothing can be written it is tried every 5 s, and a success ends that."""
        self.fill_up()
        refused = self.big()
        self.rig.settle()
        self.assertEqual(self.code(refused), Code.UNAVAILABLE_STORAGE)
        other = apsw.Connection(str(self.folder / "imserver.db"))
        other.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            self.rig.clock.advance(health.PROBE_SECONDS)
            self.assertEqual(self.store.state, "degraded")
        other.close()
        self.rig.clock.advance(health.PROBE_SECONDS)
        self.assertEqual(self.store.state, "ready")
        self.assertEqual(self.rig.clock.getDelayedCalls(), [])
