"""The store in one SQLite file: opens it, and provides accounts, contacts, conversations and messages."""

import os
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import apsw
from zope.interface import implementer

from imserver.core.statistics import StoreStatistics
from imserver.interfaces import IStore
from imserver.store import database, schema
from imserver.store.accounts import SqliteAccounts
from imserver.store.actions import SqliteActionTables
from imserver.store.check import BackgroundCheck
from imserver.store.client_ids import ClientIds
from imserver.store.contact_rules import ContactRules
from imserver.store.contact_tables import SqliteContactTables
from imserver.store.contacts import SqliteContacts
from imserver.store.conversations import SqliteConversations
from imserver.store.errors import StoreError
from imserver.store.folder import DataFolder, advice
from imserver.store.group_commit import GroupCommit, IsReactor, IsWorker
from imserver.store.groups import SqliteTables
from imserver.store.health import Health, State
from imserver.store.messages import SqliteMessages
from imserver.store.operators import SqliteOperators
from imserver.store.pulse import Pulse
from imserver.store.tails import Tails
from imserver.store.wal import WriteAheadLog
from imserver.store.worker import Worker

_LOG_EPOCH = "SELECT value FROM meta WHERE name = 'log_epoch'"


@implementer(IStore)
class SqliteStore(SqliteAccounts, SqliteContacts, SqliteConversations, SqliteMessages, SqliteOperators):
    """Everything in `folder`/imserver.db.

    `fatal(exit status, sentence)` is called when the daemon must end; the store then refuses everything.
    `sync(descriptor)` makes a file durable and `make_worker(name)` gives a thread; tests bring their own,
    and a SQLite VFS.
    """

    def __init__(
        self,
        folder: Path,
        reactor: IsReactor,
        fatal: Callable[[int, str], None],
        *,
        sync: Callable[[int], None] = os.fdatasync,
        randbits: Callable[[int], int] = secrets.randbits,
        token_bytes: Callable[[int], bytes] = secrets.token_bytes,
        make_worker: Callable[[str], IsWorker] | None = None,
        vfs: str | None = None,
    ) -> None:
        self._folder = DataFolder(folder)
        self._reactor = reactor
        self._fatal = fatal
        self._sync = sync
        self._randbits = randbits
        self._token_bytes = token_bytes
        self._make_worker = make_worker or (lambda name: Worker(reactor, name))
        self._vfs = vfs
        self._check: BackgroundCheck | None = None
        self._is_open = False

    # -- opening -----------------------------------------------------------------------------------------

    def open(self) -> None:
        """Lock the folder, make or migrate the database, get ready; blocks.  Raises StoreError."""
        database.check_sqlite()
        with ExitStack() as undo:
            self._folder.claim()
            undo.callback(self._folder.release)
            try:
                self._open(undo)
            except (apsw.Error, OSError) as error:
                is_damaged = isinstance(error, apsw.NotADBError | apsw.CorruptError)
                what_to_do = advice(self._folder.path) if is_damaged else "check the disk"
                raise StoreError(f"{self._folder.database} cannot be used ({error}): {what_to_do}") from error
            undo.pop_all()
        self._is_open = True

    def _open(self, undo: ExitStack) -> None:
        migrations = schema.migrations()
        if self._folder.is_new():
            database.create(self._folder, self._randbits, migrations)
        was_unclean = self._folder.stopped_uncleanly()
        is_all_there = not self._folder.has_log()
        self._connection = database.connect(self._folder.database, self._vfs)
        undo.callback(self._connection.close)
        if is_all_there:
            database.check_length(self._connection, self._folder.database)
        database.migrate(self._connection, self._folder, migrations)
        self._open_log(undo)
        self._log_epoch: int = self._connection.execute(_LOG_EPOCH).get
        self._assemble()
        if was_unclean:
            worker = self._make_worker("check")
            self._check = BackgroundCheck(self._folder.database, worker, self._health.damaged)
            self._check.start()

    def _open_log(self, undo: ExitStack) -> None:
        """From its first synced commit on, the log has a header, and the folder is marked as running."""
        database.probe(self._connection)
        self._wal = WriteAheadLog(
            self._folder.wal, database.connect(self._folder.database, self._vfs), self._sync
        )
        undo.callback(self._wal.close)
        self._wal.sync()
        self._folder.sync()
        self._folder.mark_running()

    def _assemble(self) -> None:
        connection = self._connection
        self._tails = Tails(connection)
        self._client_ids = ClientIds(connection)
        self._tables = SqliteTables(connection, self._tails, self._client_ids, self._randbits)
        self._actions = SqliteActionTables(connection)
        self._contact_rules = ContactRules(SqliteContactTables(connection))
        self._worker = self._make_worker("store")
        self._health = Health(
            self._reactor, lambda: database.probe(connection), advice(self._folder.path), self._fatal
        )
        self._commits = GroupCommit(
            connection, self._wal, self._worker, self._reactor, self._health, self._rolled_back
        )
        self._pulse = Pulse(self._worker, self._reactor, lambda: self._wal.on_disk)

    def _rolled_back(self) -> None:
        self._tails.clear()
        self._client_ids.clear()

    # -- running and closing -------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """READY, DEGRADED (reads only) or STOPPED."""
        return self._health.state

    def is_alive(self) -> bool:
        """Whether the thread that syncs still works; ask it every few seconds."""
        return not self._is_open or self._pulse.is_alive()

    def statistics(self) -> StoreStatistics:
        """See IOperators."""
        return self._commits.statistics

    async def close(self) -> None:
        """Finish what was asked for, empty the log into the database and let go of the folder; a second time, nothing."""
        if not self._is_open:
            return
        self._is_open = False
        await self._commits.close(self._finish)
        self._let_go()
        self._log_statistics()

    def abandon(self) -> None:
        """Close before the reactor has run, as nothing was asked for yet; blocks.  A second time, nothing."""
        if not self._is_open:
            return
        self._is_open = False
        if self._check is None:  # otherwise the next start has to begin the check anew
            self._finish()
        self._let_go()

    def _let_go(self) -> None:
        self._health.close()
        self._worker.stop()
        if self._check:
            self._check.close()
        self._wal.close()
        self._connection.close()
        self._folder.release()

    def _log_statistics(self) -> None:
        counts = self._commits.statistics
        self._log.info(
            "store closed: {messages} messages, {commits} commits, {syncs} syncs in {sync_seconds:.3f} s",
            messages=counts.messages,
            commits=counts.commits,
            syncs=counts.syncs,
            sync_seconds=counts.sync_seconds,
        )

    def _finish(self) -> None:
        """A database whose check has not passed stays marked as running, so that the next start checks it."""
        if self._check and not self._check.passed:
            self._wal.restart()
        else:
            self._wal.empty(self._folder.mark_clean)
