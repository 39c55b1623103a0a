"""The log in SQLite.

append is the hot path: one pass over the postings, a row for each, and an entry of client_ids.py extended; then
two statements for all of them.  Only where something is not new or not allowed, messages are looked at one by one.
"""

from collections.abc import Iterator, Sequence

import apsw
from twisted.logger import Logger

from imserver.core import client_ids
from imserver.core.errors import ChatError
from imserver.core.posting import Outcome, Posting
from imserver.core.run import Run
from imserver.core.values import Message
from imserver.store import action_rules, log, outcomes, page, runs
from imserver.store.actions import SqliteActionTables, SqliteBurning
from imserver.store.client_ids import ClientIds, Entry
from imserver.store.group_commit import GroupCommit
from imserver.store.tails import Tails


class Batch:
    """The postings of one append."""

    def __init__(
        self,
        connection: apsw.Connection,
        tails: Tails,
        client_ids: ClientIds,
        actions: action_rules.Tables,
        postings: Sequence[Posting],
        now_ms: int,
    ) -> None:
        self._connection = connection
        self._tails = tails
        self._client_ids = client_ids
        self._actions = actions
        self._postings = postings
        self._now_ms = now_ms
        self._rows: list[runs.Row] = []
        self.stored = 0

    def insert(self) -> None:
        """Store what is new and fill in what became of everything; may be called again after a rollback."""
        self._rows.clear()
        self.stored = 0
        for posting in self._postings:
            if posting.barred is None and posting.extra is None and self._is_new(posting):
                posting.outcomes = []
            else:
                self._write()
                outcomes.settle(posting, self._pieces(posting))
        self._write()

    def _is_new(self, run: Run) -> bool:
        """Give it the next seqs, if its sender may write there and nobody has its client ids; its row is written later."""
        conversation, sender, count = run.conversation, run.sender, len(run.bodies)
        tail = self._tails.of(conversation)
        if sender not in tail.senders and not self._tails.may_write(conversation, tail, sender, self._now_ms):
            return False
        first_seq = tail.last_seq + 1
        if not self._client_ids.take(sender, run.stem, run.number, count, conversation, first_seq):
            return False
        tail.last_seq += count
        self.stored += count
        run.first_seq, run.time_ms, run.withheld = first_seq, self._now_ms, sender in tail.withheld
        self._rows.append(runs.row(run))
        return True

    def _write(self) -> None:
        if self._rows:
            self._connection.executemany(runs.INSERT, self._rows)
            self._rows.clear()
        self._client_ids.write()

    # -- what is not simply new ------------------------------------------------------------------------------

    def _pieces(self, posting: Posting) -> Iterator[Outcome]:
        """Each client id is looked up, those of this batch, too."""
        start, count = 0, len(posting.bodies)
        while start < count:
            number = posting.number + start
            entry = self._client_ids.holding(posting.sender, posting.stem, number)
            if entry is None:
                free = self._client_ids.next_taken(posting.sender, posting.stem, number) - number
                end = min(count, start + free)
                yield self._rest(posting, start, end)
            else:
                end = min(count, start + entry.last + 1 - number)
                yield from self._retried(posting, start, end, entry)
            start = end

    def _rest(self, posting: Posting, start: int, end: int) -> Outcome:
        """What nobody has stored is new, or its sender may not say it there."""
        try:
            self._tails.check_may_write(posting.conversation, posting.sender, self._now_ms)
            action_rules.check(self._actions, posting)
        except ChatError as refusal:
            return outcomes.refused(start, end, refusal)
        run = posting.part(start, end)
        is_new = self._is_new(run)
        assert is_new, "its sender may write, and nobody has its client ids"
        posting.withheld = run.withheld
        self._write()
        action_rules.follow(self._actions, posting, run.first_seq)
        return Outcome(start, end, run.first_seq, run.time_ms, True)

    def _retried(self, posting: Posting, start: int, end: int, entry: Entry) -> Iterator[Outcome]:
        first_seq = entry.offset + posting.number + start
        last_seq = first_seq + end - start - 1
        for run in log.between_seqs(
            self._connection, entry.conversation, first_seq - 1, last_seq + 1, newest=False, limit=end - start
        ):
            yield from outcomes.retried(posting, start, run)
            start += len(run.bodies)
        if start < end:  # a damaged entry: better no answer than a wrong one
            yield outcomes.reused(start, end)


def store(connection: apsw.Connection, client_ids: ClientIds, run: Run) -> None:
    """One run, of which everything is known to be new, and its client ids."""
    connection.execute(runs.INSERT, runs.row(run))
    client_ids.take(run.sender, run.stem, run.number, len(run.bodies), run.conversation, run.first_seq)
    client_ids.write()


class SqliteMessages(SqliteBurning):
    """IMessages over a GroupCommit."""

    _log = Logger()
    _connection: apsw.Connection
    _commits: GroupCommit
    _tails: Tails
    _client_ids: ClientIds
    _actions: SqliteActionTables
    _log_epoch: int

    async def append(self, postings: Sequence[Posting], now_ms: int) -> None:
        """See IMessages."""
        batch = Batch(self._connection, self._tails, self._client_ids, self._actions, postings, now_ms)
        await self._commits.append(batch.insert)
        self._commits.statistics.messages += batch.stored

    async def history(
        self, conversation: int, after: int, before: int, newest: bool, limit: int, max_bytes: int
    ) -> list[Run]:
        """See IMessages; a damaged message is a tombstone (log.py)."""

        def read() -> list[Run]:
            found = log.between_seqs(self._connection, conversation, after, before, newest, limit)
            return page.fitting(found, newest, limit, max_bytes)

        answer = await self._commits.read(read)
        self._report_damaged(conversation, answer)
        return answer

    async def sent(self, sender: int, client_id: bytes) -> Message | None:
        """See IActions."""
        return await self._commits.read(lambda: self._sent(sender, *client_ids.split(client_id)))

    def _sent(self, sender: int, stem: bytes, number: int) -> Message | None:
        entry = self._client_ids.holding(sender, stem, number)
        return self._actions.message(entry.conversation, entry.offset + number) if entry else None

    def _report_damaged(self, conversation: int, page: list[Run]) -> None:
        damaged = [run for run in page if runs.is_damaged(run)]
        if damaged:
            count = sum(len(run.bodies) for run in damaged)
            self._commits.statistics.damaged += count
            self._log.error(
                "{count} messages of conversation {conversation} are damaged, the first is {seq}",
                count=count,
                conversation=conversation,
                seq=damaged[0].first_seq,
            )

    def log_epoch(self) -> int:
        """See IMessages."""
        return self._log_epoch
