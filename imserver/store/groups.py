"""The tables of group_rules.py in SQLite."""

from collections.abc import Callable

import apsw

from imserver.core.changes import Recorded
from imserver.core.run import Run
from imserver.core.values import Account, Conversation, ConversationKind, Message
from imserver.store import rows
from imserver.store.client_ids import ClientIds
from imserver.store.group_rules import Result
from imserver.store.log import last_seq
from imserver.store.messages import store
from imserver.store.tails import Tails

CONVERSATION = """
    SELECT c.id, c.kind, c.title, a.number, a.name, a.display_name, a.signature,
        b.number, b.name, b.display_name, b.signature
    FROM conversations c LEFT JOIN accounts a ON a.number = c.lower LEFT JOIN accounts b ON b.number = c.higher
    WHERE c.id = ?"""
_IS_TAKEN = "SELECT 1 FROM conversations WHERE id = ?"
_CREATE = "INSERT INTO conversations (id, kind, title, lower, higher, created_ms) VALUES (?, ?, ?, ?, ?, ?)"
_RENAME = "UPDATE conversations SET title = ? WHERE id = ?"
_ACCOUNT = """
    SELECT number, name, display_name, signature FROM accounts WHERE number = ? AND deleted_ms = 0"""
_JOINED_SEQ = "SELECT joined_seq FROM members WHERE conversation = ? AND account = ? AND left_seq = 0"
_MEMBER_COUNT = "SELECT count(*) FROM members WHERE conversation = ? AND left_seq = 0"
_CONVERSATION_COUNT = "SELECT count(*) FROM members WHERE account = ? AND left_seq = 0"
_JOIN = """
    INSERT INTO members (conversation, account, joined_seq) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET joined_seq = excluded.joined_seq, left_seq = 0"""
_LEAVE = "UPDATE members SET left_seq = ? WHERE conversation = ? AND account = ?"
_LAST_REQUEST = "SELECT epoch, n FROM rpc_results WHERE device = ? ORDER BY n DESC LIMIT 1"
_RESULT = "SELECT fingerprint, conversation, seq FROM rpc_results WHERE device = ? AND n = ?"
_FORGET = "DELETE FROM rpc_results WHERE device = ? AND (epoch <> ? OR n <= ?)"
_RECORD = """
    INSERT INTO rpc_results (device, n, epoch, fingerprint, conversation, seq)
    SELECT id, ?, ?, ?, ?, ? FROM devices WHERE id = ?"""


class SqliteTables:
    """group_rules.Tables, inside a transaction; `randbits(n)` gives a random number of n bits."""

    def __init__(
        self,
        connection: apsw.Connection,
        tails: Tails,
        client_ids: ClientIds,
        randbits: Callable[[int], int],
    ) -> None:
        self._connection = connection
        self._tails = tails
        self._client_ids = client_ids
        self._randbits = randbits

    def account(self, number: int) -> Account | None:
        row = self._connection.execute(_ACCOUNT, (number,)).get
        return row and Account(*row)

    def conversation(self, conversation: int) -> Conversation | None:
        row = self._connection.execute(CONVERSATION, (conversation,)).get
        return row and rows.conversation(row)

    def joined_seq(self, conversation: int, account: int) -> int | None:
        found: int | None = self._connection.execute(_JOINED_SEQ, (conversation, account)).get
        return found

    def member_count(self, conversation: int) -> int:
        return int(self._connection.execute(_MEMBER_COUNT, (conversation,)).get)

    def conversation_count(self, account: int) -> int:
        return int(self._connection.execute(_CONVERSATION_COUNT, (account,)).get)

    def last_seq(self, conversation: int) -> int:
        return last_seq(self._connection, conversation)

    def create_direct(self, lower: Account, higher: Account, now_ms: int) -> Conversation:
        """Both are members from the beginning."""
        id = self._create(ConversationKind.DIRECT, "", lower.number, higher.number, now_ms)
        self.join(id, lower.number, 0)
        self.join(id, higher.number, 0)
        return Conversation(id, ConversationKind.DIRECT, "", (lower, higher))

    def create_group(self, title: str, now_ms: int) -> Conversation:
        id = self._create(ConversationKind.GROUP, title, None, None, now_ms)
        return Conversation(id, ConversationKind.GROUP, title, ())

    def _create(
        self, kind: ConversationKind, title: str, lower: int | None, higher: int | None, now_ms: int
    ) -> int:
        id = 0
        while id == 0 or self._connection.execute(_IS_TAKEN, (id,)).get:
            id = self._randbits(53)
        self._connection.execute(_CREATE, (id, kind, title, lower, higher, now_ms))
        return id

    def rename(self, conversation: int, title: str) -> None:
        self._connection.execute(_RENAME, (title, conversation))

    def join(self, conversation: int, account: int, joined_seq: int) -> None:
        self._connection.execute(_JOIN, (conversation, account, joined_seq))

    def leave(self, conversation: int, account: int, left_seq: int) -> None:
        self._tails.forget(conversation)
        self._connection.execute(_LEAVE, (left_seq, conversation, account))

    def log(self, message: Message) -> None:
        self._tails.forget(message.conversation)
        run = Run.of(message)
        store(self._connection, self._client_ids, run)
        self._client_ids.forget(run.sender, run.stem)

    def last_request(self, device: int) -> tuple[int, int] | None:
        found: tuple[int, int] | None = self._connection.execute(_LAST_REQUEST, (device,)).get
        return found

    def result(self, device: int, n: int) -> Result | None:
        row = self._connection.execute(_RESULT, (device, n)).get
        return row and Result(*row)

    def record(self, recorded: Recorded, conversation: int, seq: int, forget_up_to: int) -> None:
        """A device revoked meanwhile has nothing to retry with: nothing is recorded for it."""
        device, once = recorded.device, recorded.once
        self._connection.execute(_FORGET, (device, once.epoch, forget_up_to))
        values = (once.n, once.epoch, recorded.fingerprint, conversation, seq, device)
        self._connection.execute(_RECORD, values)
