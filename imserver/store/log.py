"""Reading the log: runs out of the database, and where a log ends."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import apsw

from imserver.core.run import Run
from imserver.store import runs
from imserver.store.page import between

# Those that overlap after < seq < before: (conversation, after, before, limit).  A value of another type than was
# written must not end the query, as text that is not UTF-8 would.
_OVERLAPPING = """
    SELECT r.conversation, CAST(r.first_seq AS INTEGER), r.last_seq, CAST(r.sender AS INTEGER),
        CAST(r.stem AS BLOB), CAST(r.number AS INTEGER), CAST(r.kind AS INTEGER), CAST(r.content_type AS BLOB),
        CAST(r.time_ms AS INTEGER), CAST(r.withheld AS INTEGER), CAST(r.sizes AS BLOB), CAST(r.bodies AS BLOB),
        CAST(r.checksum AS INTEGER), CAST(r.extra AS BLOB), CAST(coalesce(a.name, '') AS BLOB)
    FROM runs r LEFT JOIN accounts a ON a.number = r.sender
    WHERE r.conversation = ?1 AND typeof(r.last_seq) = 'integer' AND r.last_seq > ?2 AND r.last_seq <= coalesce(
        (SELECT last_seq FROM runs WHERE conversation = ?1 AND last_seq >= ?3 - 1 ORDER BY last_seq LIMIT 1), ?3)
    ORDER BY r.last_seq"""
_OLDEST = f"{_OVERLAPPING} LIMIT ?4"
_NEWEST = f"{_OVERLAPPING} DESC LIMIT ?4"
_LAST_SEQ = "SELECT max(last_seq) FROM runs WHERE conversation = ?"


def last_seq(connection: apsw.Connection, conversation: int) -> int:
    """The highest seq of a conversation's log; 0: it is empty."""
    return connection.execute(_LAST_SEQ, (conversation,)).get or 0


def row_of(connection: apsw.Connection, conversation: int, seq: int) -> tuple[Any, ...]:
    """The row that holds a message of the log."""
    return next(_Span(connection, conversation, seq - 1, seq + 1, 1).rows(_OLDEST))


def between_seqs(
    connection: apsw.Connection, conversation: int, after: int, before: int, newest: bool, limit: int
) -> Iterator[Run]:
    """What has after < seq < before, in order, backwards for the newest; `limit` messages of it, or more.

    Tombstones stand for what no sound row holds: one bad row must not end a client's synchronisation, and its
    content must not be shown (T25).
    """
    span = _Span(connection, conversation, after, before, limit)
    return span.downwards() if newest else span.upwards()


@dataclass(slots=True)
class _Span:
    """Part of a log.  Of a row that is not sound only the key can be believed, because that is in the index."""

    connection: apsw.Connection
    conversation: int
    after: int
    before: int
    limit: int

    def upwards(self) -> Iterator[Run]:
        start, last_key = self.after + 1, 0
        for row in self.rows(_OLDEST):
            last_key = row[2]
            for run in runs.stored(row):
                if run.first_seq > start:
                    yield from self._tombstones(start, min(run.first_seq, self.before) - 1)
                part = between(run, start - 1, self.before)
                if part:
                    yield part
                start = max(start, run.last_seq + 1)
        yield from self._tombstones(start, min(last_key, self.before - 1))

    def downwards(self) -> Iterator[Run]:
        end = -1
        for row in self.rows(_NEWEST):
            if end < 0:
                end = min(row[2], self.before - 1)
            for run in reversed(runs.stored(row)):
                if run.last_seq < end:
                    yield from self._tombstones(max(run.last_seq, self.after) + 1, end, backwards=True)
                part = between(run, self.after, end + 1)
                if part:
                    yield part
                end = min(end, run.first_seq - 1)
        yield from self._tombstones(self.after + 1, end, backwards=True)

    def rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Their third value is the key."""
        return self.connection.execute(query, (self.conversation, self.after, self.before, self.limit))

    def _tombstones(self, start: int, end: int, backwards: bool = False) -> Iterator[Run]:
        if backwards:
            start = max(start, end - self.limit + 1)
        else:
            end = min(end, start + self.limit - 1)
        if start <= end:
            yield runs.damaged(self.conversation, start, end)
