"""The tables of action_rules.py in SQLite, and messages that burn.

What is destroyed is overwritten (PRAGMA secure_delete), once the write-ahead log has been checkpointed; backups
made before still have it.
"""

from collections.abc import Collection

import apsw

from imserver.core.values import Gone, Message
from imserver.store import log, runs
from imserver.store.action_rules import Burning
from imserver.store.group_commit import GroupCommit

_JOINED_SEQ = "SELECT joined_seq FROM members WHERE conversation = ? AND account = ? AND left_seq = 0"
_DELETE_RUN = "DELETE FROM runs WHERE conversation = ? AND last_seq = ?"
_ADD_EDIT = "INSERT INTO edits (conversation, about, seq) VALUES (?, ?, ?)"
_EDITS = "SELECT seq FROM edits WHERE conversation = ? AND about = ? ORDER BY seq"
_BURN = "INSERT INTO burning (conversation, seq, sender, seconds, due_ms) VALUES (?, ?, ?, ?, ?)"
_BURNS_NO_MORE = "DELETE FROM burning WHERE conversation = ? AND seq = ?"
_DUE = "SELECT conversation, seq FROM burning WHERE due_ms <= ? ORDER BY due_ms, conversation, seq LIMIT ?"
_UNREAD = "SELECT 1 FROM burning WHERE conversation = ? AND seconds > 0 LIMIT 1"
_WAITING = "SELECT DISTINCT conversation FROM burning WHERE seconds > 0 ORDER BY conversation"
_START = """
    UPDATE burning SET due_ms = min(due_ms, ?2 + 1000 * seconds), seconds = 0
    WHERE conversation = ?1 AND seconds > 0 AND NOT EXISTS (
        SELECT 1 FROM members m WHERE m.conversation = ?1 AND m.account <> burning.sender AND m.left_seq = 0
            AND m.joined_seq < burning.seq AND m.read_seq < burning.seq)"""


class SqliteActionTables:
    """action_rules.Tables, inside a transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def joined_seq(self, conversation: int, account: int) -> int | None:
        found: int | None = self._connection.execute(_JOINED_SEQ, (conversation, account)).get
        return found

    def message(self, conversation: int, seq: int) -> Message | None:
        found = log.between_seqs(self._connection, conversation, seq - 1, seq + 1, newest=False, limit=1)
        return next((run.messages()[0] for run in found), None)

    def destroy(self, conversation: int, seq: int, why: Gone) -> None:
        """Of a row that is damaged as a whole nothing is left to show, and it stays as it is."""
        row = log.row_of(self._connection, conversation, seq)
        pieces = runs.stored(row)
        if pieces:
            left = [part for run in pieces for part in run.without(seq, why)]
            self._connection.execute(_DELETE_RUN, (conversation, row[2]))
            self._connection.executemany(runs.INSERT, map(runs.row, left))
        self._connection.execute(_BURNS_NO_MORE, (conversation, seq))

    def edits_of(self, conversation: int, seq: int) -> list[int]:
        return [row[0] for row in self._connection.execute(_EDITS, (conversation, seq))]

    def remember_edit(self, conversation: int, about: int, seq: int) -> None:
        self._connection.execute(_ADD_EDIT, (conversation, about, seq))

    def burn_later(self, burning: Burning) -> None:
        values = burning.conversation, burning.seq, burning.sender, burning.seconds, burning.due_ms
        self._connection.execute(_BURN, values)


class SqliteBurning:
    """IActions over a GroupCommit, but for sent."""

    _connection: apsw.Connection
    _commits: GroupCommit
    _actions: SqliteActionTables

    async def waiting_to_burn(self) -> list[int]:
        """See IActions."""
        return await self._commits.read(lambda: [row[0] for row in self._connection.execute(_WAITING)])

    async def start_burning(self, conversations: Collection[int], now_ms: int) -> None:
        """See IActions; nothing is written where nothing waits to burn."""
        waiting = await self._commits.read(lambda: list(filter(self._has_unread, conversations)))
        if waiting:
            rows = [(conversation, now_ms) for conversation in waiting]
            await self._commits.write(lambda: self._connection.executemany(_START, rows) and None)

    def _has_unread(self, conversation: int) -> bool:
        return self._connection.execute(_UNREAD, (conversation,)).get is not None

    async def burn(self, now_ms: int, limit: int) -> list[tuple[int, int]]:
        """See IActions; nothing is written when nothing is due."""
        if not await self._commits.read(lambda: self._due(now_ms, 1)):
            return []
        return await self._commits.write(lambda: self._burn(now_ms, limit))

    def _due(self, now_ms: int, limit: int) -> list[tuple[int, int]]:
        return list(self._connection.execute(_DUE, (now_ms, limit)))

    def _burn(self, now_ms: int, limit: int) -> list[tuple[int, int]]:
        due = self._due(now_ms, limit)
        for conversation, seq in due:
            self._actions.destroy(conversation, seq, Gone.BURNT)
        return due
