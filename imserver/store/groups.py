"""The tables of group_rules.py in SQLite."""

from collections.abc import Callable

import apsw

from imserver.core.changes import Recorded
from imserver.core.run import Run
from imserver.core.values import (
    Account,
    Conversation,
    ConversationKind,
    JoinPolicy,
    JoinRequest,
    Member,
    Message,
    Role,
    Standings,
)
from imserver.store import rows
from imserver.store.client_ids import ClientIds
from imserver.store.contact_tables import is_blocked
from imserver.store.group_tables import Result
from imserver.store.log import last_seq
from imserver.store.messages import store
from imserver.store.tails import Tails

CONVERSATION = """
    SELECT c.id, c.kind, c.title, a.number, a.name, a.display_name, a.signature,
        b.number, b.name, b.display_name, b.signature, c.number, c.announcement, c.join_policy
    FROM conversations c LEFT JOIN accounts a ON a.number = c.lower LEFT JOIN accounts b ON b.number = c.higher
    WHERE c.id = ?"""
_DIRECT = "SELECT id FROM conversations WHERE lower = ? AND higher = ?"
_IS_TAKEN = "SELECT 1 FROM conversations WHERE id = ?"
_CREATE_DIRECT = """
    INSERT INTO conversations (id, kind, title, lower, higher, created_ms) VALUES (?, 1, '', ?, ?, ?)"""
_CREATE_GROUP = """
    INSERT INTO conversations (id, kind, title, created_ms, join_policy, number)
    SELECT ?, 2, ?, ?, ?, max(number) + 1 FROM conversations WHERE number > 0"""
_UPDATE = "UPDATE conversations SET title = ?, announcement = ?, join_policy = ? WHERE id = ?"
_ACCOUNT = """
    SELECT number, name, display_name, signature FROM accounts WHERE number = ? AND deleted_ms = 0"""
_MEMBER = """
    SELECT a.number, a.name, a.display_name, a.signature, m.joined_seq, m.role, m.muted_until_ms
    FROM members m JOIN accounts a ON a.number = m.account
    WHERE m.conversation = ? AND m.account = ? AND m.left_seq = 0"""
_MEMBERS = """
    SELECT a.number, a.name, a.display_name, a.signature, m.joined_seq, m.role, m.muted_until_ms
    FROM members m JOIN accounts a ON a.number = m.account
    WHERE m.conversation = ? AND m.left_seq = 0 ORDER BY m.account"""
_GROUPS_OF = """
    SELECT m.conversation FROM members m JOIN conversations c ON c.id = m.conversation
    WHERE m.account = ? AND m.left_seq = 0 AND c.kind = 2 ORDER BY m.conversation"""
_STANDINGS = """
    SELECT account, role, muted_until_ms FROM members
    WHERE conversation = ? AND left_seq = 0 AND (role > 1 OR muted_until_ms > 0)"""
_STATE = """
    SELECT c.muted_until_ms, EXISTS (
        SELECT 1 FROM accounts WHERE number IN (c.lower, c.higher) AND deleted_ms > 0)
    FROM conversations c WHERE c.id = ?"""
_MEMBER_COUNT = "SELECT count(*) FROM members WHERE conversation = ? AND left_seq = 0"
_CONVERSATION_COUNT = "SELECT count(*) FROM members WHERE account = ? AND left_seq = 0"
_JOIN = """
    INSERT INTO members (conversation, account, joined_seq, role) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE
    SET joined_seq = excluded.joined_seq, left_seq = 0, role = excluded.role, removed = 0"""
_LEAVE = "UPDATE members SET left_seq = ?, role = 1, removed = ? WHERE conversation = ? AND account = ?"
_WAS_REMOVED = "SELECT removed FROM members WHERE conversation = ? AND account = ?"
_SET_ROLE = "UPDATE members SET role = ? WHERE conversation = ? AND account = ?"
_MUTE = "UPDATE members SET muted_until_ms = ? WHERE conversation = ? AND account = ?"
_MUTE_ALL = "UPDATE conversations SET muted_until_ms = ? WHERE id = ?"
_ASK = "INSERT OR REPLACE INTO join_requests (conversation, account, text, time_ms) VALUES (?, ?, ?, ?)"
_HAS_ASKED = "SELECT 1 FROM join_requests WHERE conversation = ? AND account = ?"
_REQUEST_COUNT = "SELECT count(*) FROM join_requests WHERE conversation = ?"
_FORGET_REQUESTS = "DELETE FROM join_requests WHERE conversation = ?1 AND ?2 IN (0, account)"
_LAST_REQUEST = "SELECT epoch, n FROM rpc_results WHERE device = ? ORDER BY n DESC LIMIT 1"
_RESULT = "SELECT fingerprint, conversation, seq FROM rpc_results WHERE device = ? AND n = ?"
_FORGET = "DELETE FROM rpc_results WHERE device = ? AND (epoch <> ? OR n <= ?)"
_RECORD = """
    INSERT INTO rpc_results (device, n, epoch, fingerprint, conversation, seq)
    SELECT id, ?, ?, ?, ?, ? FROM devices WHERE id = ?"""


class SqliteTables:
    """group_tables.Tables, inside a transaction; `randbits(n)` gives a random number of n bits."""

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

    def has_blocked(self, owner: int, account: int) -> bool:
        return is_blocked(self._connection, owner, account)

    def conversation(self, conversation: int) -> Conversation | None:
        row = self._connection.execute(CONVERSATION, (conversation,)).get
        return row and rows.conversation(row)

    def member(self, conversation: int, account: int) -> Member | None:
        row = self._connection.execute(_MEMBER, (conversation, account)).get
        return row and rows.member(row)

    def members(self, conversation: int) -> list[Member]:
        return [rows.member(row) for row in self._connection.execute(_MEMBERS, (conversation,))]

    def member_count(self, conversation: int) -> int:
        return int(self._connection.execute(_MEMBER_COUNT, (conversation,)).get)

    def groups_of(self, account: int) -> list[int]:
        return [row[0] for row in self._connection.execute(_GROUPS_OF, (account,))]

    def conversation_count(self, account: int) -> int:
        return int(self._connection.execute(_CONVERSATION_COUNT, (account,)).get)

    def standings(self, conversation: int) -> Standings:
        roles: dict[int, int] = {}
        muted: dict[int, int] = {}
        for account, role, until_ms in self._connection.execute(_STANDINGS, (conversation,)):
            if role > Role.MEMBER:
                roles[account] = role
            if until_ms:
                muted[account] = until_ms
        all_until_ms, ended = self._connection.execute(_STATE, (conversation,)).get
        if all_until_ms:
            muted[0] = all_until_ms
        return Standings(roles, muted, bool(ended))

    def last_seq(self, conversation: int) -> int:
        return last_seq(self._connection, conversation)

    def create_direct(self, peers: tuple[Account, Account], now_ms: int) -> Conversation:
        """Both are members from the beginning; the one with the lower number comes first."""
        id = self._free_id()
        self._connection.execute(_CREATE_DIRECT, (id, peers[0].number, peers[1].number, now_ms))
        for peer in peers:
            self.join(id, peer.number, 0, Role.MEMBER)
        return Conversation(id, ConversationKind.DIRECT, "", peers)

    def direct(self, one: int, other: int) -> int | None:
        """The id of the direct conversation of two accounts, if there is one."""
        found: int | None = self._connection.execute(_DIRECT, (min(one, other), max(one, other))).get
        return found

    def rights_changed(self, one: int, other: int) -> None:
        """In the direct conversation of two accounts."""
        direct = self.direct(one, other)
        if direct is not None:
            self._tails.forget(direct)

    def create_group(self, title: str, now_ms: int) -> Conversation:
        id = self._free_id()
        self._connection.execute(_CREATE_GROUP, (id, title, now_ms, JoinPolicy.BY_INVITATION))
        return rows.conversation(self._connection.execute(CONVERSATION, (id,)).get)

    def _free_id(self) -> int:
        id = 0
        while id == 0 or self._connection.execute(_IS_TAKEN, (id,)).get:
            id = self._randbits(53)
        return id

    def update(self, group: Conversation) -> None:
        values = (group.title, group.announcement, group.join_policy, group.id)
        self._connection.execute(_UPDATE, values)

    def join(self, conversation: int, account: int, joined_seq: int, role: int) -> None:
        self._connection.execute(_JOIN, (conversation, account, joined_seq, role))

    def leave(self, conversation: int, account: int, left_seq: int, removed: bool = False) -> None:
        self._tails.forget(conversation)
        self._connection.execute(_LEAVE, (left_seq, removed, conversation, account))

    def was_removed(self, conversation: int, account: int) -> bool:
        return bool(self._connection.execute(_WAS_REMOVED, (conversation, account)).get)

    def set_role(self, conversation: int, account: int, role: int) -> None:
        self._tails.forget(conversation)
        self._connection.execute(_SET_ROLE, (role, conversation, account))

    def mute(self, conversation: int, account: int, until_ms: int) -> None:
        self._tails.forget(conversation)
        if account:
            self._connection.execute(_MUTE, (until_ms, conversation, account))
        else:
            self._connection.execute(_MUTE_ALL, (until_ms, conversation))

    def ask(self, request: JoinRequest) -> None:
        values = (request.conversation, request.account.number, request.text, request.time_ms)
        self._connection.execute(_ASK, values)

    def has_asked(self, conversation: int, account: int) -> bool:
        return self._connection.execute(_HAS_ASKED, (conversation, account)).get is not None

    def request_count(self, conversation: int) -> int:
        return int(self._connection.execute(_REQUEST_COUNT, (conversation,)).get)

    def forget_request(self, conversation: int, account: int) -> None:
        self._connection.execute(_FORGET_REQUESTS, (conversation, account))

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
