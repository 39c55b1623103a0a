"""Conversations, their members and everybody's cursors in SQLite."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import apsw

from imserver.core.changes import GroupChange, GroupLimits, GroupOutcome
from imserver.core.errors import ChatError
from imserver.core.values import Conversation, JoinRequest, Member, Membership, Standings
from imserver.store import rows
from imserver.store.contact_tables import blocked_between
from imserver.store.direct_rules import UNLIMITED, check_direct
from imserver.store.group_commit import GroupCommit
from imserver.store.group_rules import GroupRules
from imserver.store.groups import SqliteTables

_PRESENT = "SELECT account, joined_seq FROM members WHERE conversation = ? AND left_seq = 0"
_NUMBERED = """
    SELECT id, kind, title, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, number, announcement, join_policy,
        (SELECT count(*) FROM members m WHERE m.conversation = c.id AND m.left_seq = 0)
    FROM conversations c WHERE number = ? AND number > 0"""
_REQUESTS = """
    SELECT r.conversation, a.number, a.name, a.display_name, a.signature, r.text, r.time_ms
    FROM join_requests r JOIN accounts a ON a.number = r.account
    WHERE r.conversation = ? AND r.account > ? ORDER BY r.account LIMIT ?"""
_MEMBERS = """
    SELECT a.number, a.name, a.display_name, a.signature, m.joined_seq, m.role, m.muted_until_ms
    FROM members m JOIN accounts a ON a.number = m.account
    WHERE m.conversation = ? AND m.account > ? AND m.left_seq = 0 ORDER BY m.account LIMIT ?"""
# What a device has is at least its account's joined_seq; who has left sees nothing after left_seq.
_MEMBERSHIPS = """
    SELECT * FROM (
        SELECT c.id, c.kind, c.title, a.number, a.name, a.display_name, a.signature,
            b.number, b.name, b.display_name, b.signature, c.number, c.announcement, c.join_policy,
            iif(m.left_seq, m.left_seq,
                coalesce((SELECT max(last_seq) FROM runs WHERE conversation = c.id), 0)) AS last_seq,
            m.joined_seq, m.left_seq, max(m.joined_seq, coalesce(d.delivered_seq, 0)) AS delivered_seq,
            m.read_seq, m.role
        FROM members m JOIN conversations c ON c.id = m.conversation
            LEFT JOIN accounts a ON a.number = c.lower LEFT JOIN accounts b ON b.number = c.higher
            LEFT JOIN device_cursors d ON d.device = :device AND d.conversation = m.conversation
        WHERE m.account = :account AND m.conversation BETWEEN :first AND :last)
    WHERE NOT :only_behind OR delivered_seq < last_seq ORDER BY id LIMIT :limit"""
_DELIVERED = """
    INSERT INTO device_cursors (device, conversation, delivered_seq)
    SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM devices WHERE id = ?1)
    ON CONFLICT DO UPDATE SET delivered_seq = max(delivered_seq, excluded.delivered_seq)"""
_READ = "UPDATE members SET read_seq = max(read_seq, ?3) WHERE account = ?1 AND conversation = ?2"
_RECEIPTS = """
    SELECT coalesce(sum(
            m.read_seq >= :seq
            OR EXISTS (SELECT 1 FROM devices d JOIN device_cursors c ON c.device = d.id
                WHERE d.account = m.account AND c.conversation = m.conversation AND c.delivered_seq >= :seq)), 0),
        coalesce(sum(m.read_seq >= :seq), 0)
    FROM members m JOIN runs r ON r.conversation = m.conversation AND r.last_seq = (
        SELECT last_seq FROM runs WHERE conversation = :conversation AND last_seq >= :seq ORDER BY last_seq LIMIT 1)
    WHERE m.conversation = :conversation AND m.left_seq = 0 AND m.joined_seq < :seq AND m.account <> r.sender
        AND r.withheld = 0"""
_MAX_ID = 2**53 - 1


class SqliteConversations:
    """IConversations over a GroupCommit."""

    _connection: apsw.Connection
    _commits: GroupCommit
    _tables: SqliteTables
    _token_bytes: Callable[[int], bytes]

    async def direct(self, one: int, other: int) -> Conversation | None:
        """See IConversations."""
        return await self._commits.read(lambda: self._direct(one, other))

    async def open_direct(self, asker: int, other: int, now_ms: int, max_conversations: int) -> Conversation:
        """See IConversations."""
        return await self._commits.write(lambda: self._open_direct(asker, other, now_ms, max_conversations))

    async def open_directs(self, one: int, others: Sequence[int], now_ms: int) -> list[Conversation]:
        """See IConversations."""

        def open_each() -> list[Conversation]:
            opened = []
            for other in others:
                with suppress(ChatError):  # an account that has been deleted meanwhile
                    opened.append(self._open_direct(one, other, now_ms, UNLIMITED))
            return opened

        return await self._commits.write(open_each)

    def _direct(self, one: int, other: int) -> Conversation | None:
        id = self._tables.direct(one, other)
        return None if id is None else self._tables.conversation(id)

    def _open_direct(self, asker: int, other: int, now_ms: int, max_conversations: int) -> Conversation:
        found = self._direct(asker, other)
        if found is not None:
            return found
        accounts = check_direct(self._tables, asker, other, max_conversations)
        return self._tables.create_direct(accounts, now_ms)

    async def change_group(self, change: GroupChange, now_ms: int, limits: GroupLimits) -> GroupOutcome:
        """See IConversations."""
        rules = GroupRules(self._tables, self._token_bytes)
        return await self._commits.write(lambda: rules.change(change, now_ms, limits))

    async def group_numbered(self, number: int) -> tuple[Conversation, int] | None:
        """See IConversations."""
        return await self._commits.read(lambda: self._numbered(number))

    def _numbered(self, number: int) -> tuple[Conversation, int] | None:
        row = self._connection.execute(_NUMBERED, (number,)).get
        return row and (rows.conversation(row), row[14])

    async def join_requests(self, conversation: int, after: int, limit: int) -> list[JoinRequest]:
        """See IConversations."""
        return await self._commits.read(
            lambda: [
                rows.join_request(row)
                for row in self._connection.execute(_REQUESTS, (conversation, after, limit))
            ]
        )

    async def conversation(
        self, conversation: int
    ) -> tuple[Conversation, dict[int, int], int, Standings] | None:
        """See IConversations."""
        return await self._commits.read(lambda: self._conversation(conversation))

    def _conversation(self, conversation: int) -> tuple[Conversation, dict[int, int], int, Standings] | None:
        found = self._tables.conversation(conversation)
        if found is None:
            return None
        present: dict[int, int] = dict(self._connection.execute(_PRESENT, (conversation,)))
        standings = self._tables.standings(conversation)
        if found.peers:
            blocked = blocked_between(self._connection, *(peer.number for peer in found.peers))
            standings = replace(standings, blocked=blocked)
        return found, present, self._tables.last_seq(conversation), standings

    async def membership(self, account: int, device: int, conversation: int) -> Membership | None:
        """See IConversations."""
        bounds = {"first": conversation, "last": conversation, "limit": 1, "only_behind": False}
        found = await self._memberships({"account": account, "device": device, **bounds})
        return found[0] if found else None

    async def memberships(
        self, account: int, device: int, after: int, limit: int, only_behind: bool
    ) -> list[Membership]:
        """See IConversations."""
        bounds = {"first": after + 1, "last": _MAX_ID, "limit": limit, "only_behind": only_behind}
        return await self._memberships({"account": account, "device": device, **bounds})

    async def _memberships(self, bounds: dict[str, int]) -> list[Membership]:
        return await self._commits.read(
            lambda: [rows.membership(row) for row in self._connection.execute(_MEMBERSHIPS, bounds)]
        )

    async def members(self, conversation: int, after: int, limit: int) -> list[Member]:
        """See IConversations."""
        return await self._commits.read(
            lambda: [
                rows.member(row) for row in self._connection.execute(_MEMBERS, (conversation, after, limit))
            ]
        )

    async def save_cursors(
        self, delivered: Sequence[tuple[int, int, int]], read: Sequence[tuple[int, int, int]]
    ) -> None:
        """See IConversations."""

        def save() -> None:
            self._connection.executemany(_DELIVERED, delivered)
            self._connection.executemany(_READ, read)

        await self._commits.write(save)

    async def receipt_counts(self, conversation: int, seq: int) -> tuple[int, int]:
        """See IConversations."""
        return await self._commits.read(
            lambda: self._connection.execute(_RECEIPTS, {"conversation": conversation, "seq": seq}).get
        )
