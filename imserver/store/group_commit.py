"""Group commit: one transaction for all that gathered while the previous one was being synced.

    SETTLED --jobs gathered, next reactor turn--> BEGIN, jobs, COMMIT --> SYNCING --worker: fdatasync--> SETTLED

Reads run only while everything committed is also synced, so nothing can be seen that a power cut could take
back (delivery.md P1).  When a sync returns, first the jobs of its transaction have their outcomes, then the
reads that waited run, and in the next turn of the reactor the next transaction begins.

Every commit is on the reactor's thread; the worker thread syncs and checkpoints.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, Protocol, TypeVar

import apsw
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorFromThreads, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imserver import crash
from imserver.core.statistics import StoreStatistics
from imserver.store.health import Health, State
from imserver.store.job import Job
from imserver.store.trouble import FATAL, locked, trouble_of, unavailable, unknown
from imserver.store.wal import Checkpointing, WriteAheadLog

T = TypeVar("T")

BUSY_SECONDS = 5.0
BUSY_RETRY_SECONDS = 0.05


class IsReactor(IReactorTime, IReactorFromThreads):
    """What the store needs of a reactor."""


class IsWorker(Protocol):
    """worker.Worker, or a test's."""

    def run(self, blocking: Callable[[], T]) -> Deferred[T]: ...

    def stop(self) -> None: ...


class Phase(Enum):
    """Whether what is committed is on disk."""

    SETTLED = "settled"
    SYNCING = "syncing"
    CHECKPOINTING = "checkpointing"  # settled, but no commit may begin


class GroupCommit:
    """The one writer; `rolled_back` is called when a transaction or an append came to nothing."""

    _log = Logger()

    def __init__(
        self,
        connection: apsw.Connection,
        wal: WriteAheadLog,
        worker: IsWorker,
        clock: IReactorTime,
        health: Health,
        rolled_back: Callable[[], None],
    ) -> None:
        self.statistics = StoreStatistics()
        self._connection = connection
        self._wal = wal
        self._worker = worker
        self._clock = clock
        self._rolled_back = rolled_back
        self._health = health
        self._phase = Phase.SETTLED
        self._call: IDelayedCall | None = None
        self._busy_since: float | None = None
        self._gathered: list[Job] = []
        self._committed: list[Job] = []
        self._waiting: list[Deferred[None]] = []
        self._idle: list[Deferred[None]] = []
        self._closing = False
        self._sync_began = 0.0
        self._checkpoints = Checkpointing()
        connection.set_wal_hook(self._logged)

    # -- what the store asks for -----------------------------------------------------------------------

    async def read(self, question: Callable[[], T]) -> T:
        """The answer, from what is on disk."""
        if self._phase is Phase.SYNCING:
            turn: Deferred[None] = Deferred()
            self._waiting.append(turn)
            await turn
        if self._health.state is State.STOPPED:
            raise unavailable()
        try:
            return question()
        except (apsw.Error, UnicodeDecodeError) as error:
            raise self._health.suffered(error) from error

    def write(self, job: Callable[[], T]) -> Deferred[T]:
        """Fires with what the job returned or refused, once that is on disk; fails with ChatError if it cannot be."""
        return self._gather(Job(job, False, Deferred()))

    def append(self, insert: Callable[[], None]) -> Deferred[None]:
        """As write, before all other jobs of its transaction.  One at a time."""
        assert not (self._gathered and self._gathered[0].is_append), (
            "append is called again before it has returned"
        )
        job = Job(insert, True, Deferred())
        self._gather(job)
        if self._call is not None and self._busy_since is None:  # it has gathered for long enough
            self._call.cancel()
            self._commit()
        return job.done

    async def close(self, finish: Callable[[], None]) -> None:
        """Do what was asked for, then `finish` in the worker, unless the storage cannot be trusted any more."""
        self._closing = True
        if self._phase is not Phase.SETTLED or self._gathered:
            idle: Deferred[None] = Deferred()
            self._idle.append(idle)
            await idle
        if self._health.state is State.STOPPED:
            return
        try:
            await self._worker.run(finish)
        except (apsw.Error, OSError):
            self._log.failure("the log could not be moved into the database; the next start will do it")

    # -- gathering -------------------------------------------------------------------------------------

    def _gather(self, job: Job) -> Deferred[Any]:
        if self._closing or self._health.state is not State.READY:
            job.done.errback(unavailable())
        else:
            self._gathered.insert(0 if job.is_append else len(self._gathered), job)
            self._schedule()
        return job.done

    def _schedule(self) -> None:
        """In the next turn, so that all of this one is gathered."""
        if self._call is None and self._phase is Phase.SETTLED and self._gathered:
            self._call = self._clock.callLater(0, self._commit)

    # -- the transaction -------------------------------------------------------------------------------

    def _commit(self) -> None:
        self._call = None
        jobs, self._gathered = self._gathered, []
        if self._health.state is State.STOPPED:
            self._refuse(jobs, unavailable())
            return
        try:
            self._transact(jobs)
        except apsw.BusyError:
            self._roll_back()
            self._wait_for_lock(jobs)
        except (apsw.Error, UnicodeDecodeError) as error:
            self._roll_back()
            self._refuse(jobs, self._health.suffered(error))
        else:
            self._busy_since = None
            self._committed = jobs
            self._sync()

    def _transact(self, jobs: list[Job]) -> None:
        crash.here("before-begin")
        self._connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            if job.is_append:
                self._append(job)
            else:
                self._run(job)
        crash.here("before-commit")
        self._connection.execute("COMMIT")
        crash.here("after-commit")
        self.statistics.committed(jobs[0].is_append)

    def _append(self, job: Job) -> None:
        """Without a savepoint, because it does not refuse; if it fails all the same, the transaction begins anew with one."""
        try:
            job.outcome = job.run()
        except Exception as error:
            if trouble_of(error):
                raise
            self._roll_back()
            self._connection.execute("BEGIN IMMEDIATE")
            self._run(job)
            if isinstance(job.outcome, Failure):
                self._rolled_back()

    def _run(self, job: Job) -> None:
        """A refusal, or a bug of ours, undoes this job and no other."""
        self._connection.execute("SAVEPOINT job")
        try:
            job.outcome = job.run()
        except Exception as error:
            if trouble_of(error):
                raise
            job.outcome = Failure()
            self._connection.execute("ROLLBACK TO job")
        self._connection.execute("RELEASE job")

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except apsw.Error:
            self._log.failure("SQLite complained about a rollback; the transaction has ended all the same")
        self._rolled_back()

    def _refuse(self, jobs: list[Job], refusal: Exception) -> None:
        for job in jobs:
            job.outcome = Failure(refusal)
            job.finish()
        self._rest()

    def _wait_for_lock(self, jobs: list[Job]) -> None:
        now = self._clock.seconds()
        if self._busy_since is None:
            self._busy_since = now
        if now - self._busy_since < BUSY_SECONDS:
            self._gathered = jobs
            self._call = self._clock.callLater(BUSY_RETRY_SECONDS, self._commit)
            return
        self._busy_since = None
        self._log.warn("another process has held the database for {seconds} s", seconds=BUSY_SECONDS)
        self._refuse(jobs, locked())

    # -- the sync --------------------------------------------------------------------------------------

    def _sync(self) -> None:
        self._phase = Phase.SYNCING
        self._sync_began = self._clock.seconds()
        self._worker.run(self._wal.sync).addCallbacks(self._synced, self._not_synced).addErrback(self._bug)

    def _synced(self, _: None) -> None:
        self.statistics.synced(self._clock.seconds() - self._sync_began)
        crash.here("before-ack")
        self._settle()

    def _settle(self) -> None:
        self._phase = Phase.SETTLED
        if self._checkpoints.due() and self._health.state is not State.STOPPED:
            self._checkpoint()
        jobs, self._committed = self._committed, []
        for job in jobs:
            job.finish()
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            turn.callback(None)
        self._rest()

    def _not_synced(self, failure: Failure) -> None:
        """After a failed sync the kernel may have dropped the pages: it must never be tried again (fsyncgate)."""
        self._health.unsynced(failure.getErrorMessage())
        for job in self._committed:
            job.outcome = Failure(unknown())
        self._settle()

    def _rest(self) -> None:
        self._schedule()
        if self._phase is Phase.SETTLED and not self._gathered:
            idle, self._idle = self._idle, []
            for waiter in idle:
                waiter.callback(None)

    # -- checkpoints -----------------------------------------------------------------------------------

    def _logged(self, _connection: apsw.Connection, _database: str, frames: int) -> int:
        self._checkpoints.committed(frames)
        self.statistics.wal_bytes = self._checkpoints.wal_bytes
        return apsw.SQLITE_OK

    def _checkpoint(self) -> None:
        self._checkpoints.tried()
        if self._checkpoints.must_hold_commits():
            self._phase = Phase.CHECKPOINTING
            done = self._worker.run(self._wal.restart)
            done.addErrback(self._not_checkpointed).addCallback(self._checkpointed)
        else:
            done = self._worker.run(self._wal.passive)
            done.addErrback(self._not_checkpointed)
        done.addErrback(self._bug)

    def _checkpointed(self, _: None) -> None:
        self._phase = Phase.SETTLED
        self._rest()

    def _not_checkpointed(self, failure: Failure) -> None:
        """The log keeps what it has, so only what shakes the trust in the disk matters."""
        self._log.warn("checkpoint: {reason}; it will be tried again", reason=failure.getErrorMessage())
        if isinstance(failure.value, Exception) and trouble_of(failure.value) in FATAL:
            self._health.suffered(failure.value)

    def _bug(self, failure: Failure) -> None:
        self._log.failure("while settling a transaction", failure)
