"""The log in SQLite.

append is the hot path: one pass over the postings and one executemany.  It inserts as if every client id
were new; only when the unique index says otherwise, the transaction begins anew and looks each one up.
"""

from collections.abc import Iterator, Sequence

import apsw
from twisted.logger import Logger

from imserver.core.errors import ChatError, Code
from imserver.core.posting import Posting
from imserver.core.values import Message
from imserver.store import rows
from imserver.store.group_commit import GroupCommit
from imserver.store.tails import Tail, Tails

INSERT = """
    INSERT INTO messages (conversation, seq, sender, client_id, kind, content_type, body, time_ms, checksum)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_STORED = """
    SELECT conversation, kind, content_type, body, seq, time_ms
    FROM messages WHERE sender = ? AND client_id = ?"""
_OLDEST = """
    SELECT m.conversation, m.seq, m.sender, CAST(coalesce(a.name, '') AS BLOB), m.client_id, m.kind,
        CAST(m.content_type AS BLOB), m.body, m.time_ms, m.checksum
    FROM messages m LEFT JOIN accounts a ON a.number = m.sender
    WHERE m.conversation = ? AND m.seq > ? AND m.seq < ? ORDER BY m.seq LIMIT ?"""
_NEWEST = """
    SELECT m.conversation, m.seq, m.sender, CAST(coalesce(a.name, '') AS BLOB), m.client_id, m.kind,
        CAST(m.content_type AS BLOB), m.body, m.time_ms, m.checksum
    FROM messages m LEFT JOIN accounts a ON a.number = m.sender
    WHERE m.conversation = ? AND m.seq > ? AND m.seq < ? ORDER BY m.seq DESC LIMIT ?"""
_Row = tuple[int, int, int, bytes, int, str, bytes, int, int]


class NotAllNew(Exception):
    """Somebody is not a member, and what he sends may be the retry of what he sent when he was."""


class Batch:
    """The messages of one append."""

    def __init__(
        self, connection: apsw.Connection, tails: Tails, postings: Sequence[Posting], now_ms: int
    ) -> None:
        self._connection = connection
        self._tails = tails
        self._postings = postings
        self._now_ms = now_ms
        self.stored = 0

    def insert(self) -> None:
        """Store them all as new ones; raises apsw.ConstraintError or NotAllNew if that cannot be."""
        self.stored = 0
        self._insert(self._numbered(self._postings, all_members=True))

    def insert_new(self) -> None:
        """The same one by one, and each client id is looked up first; those of this batch are found, too."""
        for posting in self._postings:
            stored = self._connection.execute(_STORED, (posting.sender, posting.client_id)).get
            if stored is None:
                self._insert(self._numbered((posting,), all_members=False))
            else:
                _answer(posting, stored)

    def _insert(self, found: Iterator[_Row]) -> None:
        before = self._connection.total_changes()
        self._connection.executemany(INSERT, found)
        self.stored += self._connection.total_changes() - before

    def _numbered(self, postings: Sequence[Posting], all_members: bool) -> Iterator[_Row]:
        """Give each the next seq of its conversation; -> the rows to insert, one at a time, which is fastest."""
        tails: dict[int, Tail] = {}
        now_ms, checksum = self._now_ms, rows.checksum
        for posting in postings:
            conversation, sender = posting.conversation, posting.sender
            tail = tails.get(conversation)
            if tail is None:
                tail = tails[conversation] = self._tails.of(conversation)
            if sender not in tail.senders and not self._tails.may_write(conversation, tail, sender):
                if all_members:
                    raise NotAllNew
                posting.refusal = ChatError(Code.NOT_MEMBER, "you are not a member of that conversation")
                continue
            posting.seq = tail.last_seq = seq = tail.last_seq + 1
            posting.time_ms, posting.fresh, posting.refusal = now_ms, True, None
            client_id, kind = posting.client_id, posting.kind
            content_type, body = posting.content_type, posting.body
            check = checksum(conversation, seq, sender, client_id, kind, content_type.encode(), body)
            yield conversation, seq, sender, client_id, kind, content_type, body, now_ms, check


def _answer(posting: Posting, stored: rows.Row) -> None:
    """With what was stored under its client id, if that is the same message."""
    *content, posting.seq, posting.time_ms = stored
    posting.fresh, posting.refusal = False, None
    if content != [posting.conversation, posting.kind, posting.content_type, posting.body]:
        posting.refusal = ChatError(
            Code.CLIENT_ID_REUSED, "that client id belongs to another message; take a new one"
        )


class SqliteMessages:
    """IMessages over a GroupCommit."""

    _log = Logger()
    _connection: apsw.Connection
    _commits: GroupCommit
    _tails: Tails
    _log_epoch: int

    async def append(self, postings: Sequence[Posting], now_ms: int) -> None:
        """See IMessages."""
        batch = Batch(self._connection, self._tails, postings, now_ms)
        await self._commits.append(batch.insert, batch.insert_new)
        self._commits.statistics.messages += batch.stored

    async def history(
        self, conversation: int, after: int, before: int, newest: bool, limit: int, max_bytes: int
    ) -> list[Message]:
        """See IMessages; a damaged message is a tombstone (rows.message)."""
        return await self._commits.read(
            lambda: self._page(
                _NEWEST if newest else _OLDEST, (conversation, after, before, limit), max_bytes
            )
        )

    def _page(self, query: str, bounds: tuple[int, int, int, int], max_bytes: int) -> list[Message]:
        page: list[Message] = []
        for row in self._connection.execute(query, bounds):
            message = rows.message(row)
            max_bytes -= len(message.body)
            if page and max_bytes < 0:
                break
            page.append(message)
        if query is _NEWEST:
            page.reverse()
        self._report_damaged(bounds[0], page)
        return page

    def _report_damaged(self, conversation: int, page: list[Message]) -> None:
        damaged = [message.seq for message in page if message.content_type == rows.DAMAGED_CONTENT_TYPE]
        if damaged:
            self._commits.statistics.damaged += len(damaged)
            self._log.error(
                "{count} messages of conversation {conversation} are damaged, the first is {seq}",
                count=len(damaged),
                conversation=conversation,
                seq=damaged[0],
            )

    def log_epoch(self) -> int:
        """See IMessages."""
        return self._log_epoch
