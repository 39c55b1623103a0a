"""The store in memory, for tests and trials: it promises what SQLite's does, but for surviving the process."""

import secrets
from collections.abc import Callable, Sequence

from zope.interface import implementer

from imserver.core.changes import GroupChange, GroupOutcome
from imserver.core.errors import ChatError, Code
from imserver.core.posting import Posting
from imserver.core.values import (
    Conversation,
    ConversationKind,
    Member,
    Membership,
    Message,
)
from imserver.interfaces import IStore
from imserver.store.group_rules import GroupRules
from imserver.store.memory_accounts import MemoryAccounts
from imserver.store.memory_contacts import MemoryContacts, MemoryContactTables
from imserver.store.memory_tables import Log, MemoryTables, Place


class _MemoryConversations:
    """IConversations over MemoryTables."""

    _tables: MemoryTables
    _contacts: MemoryContactTables
    _token_bytes: Callable[[int], bytes]

    async def direct(self, one: int, other: int) -> Conversation | None:
        peers = tuple(sorted((one, other)))
        return next((self._known(id) for id, log in self._tables.logs.items() if log.peers == peers), None)

    async def open_direct(self, one: int, other: int, now_ms: int) -> Conversation:
        peers = tuple(sorted((one, other)))
        found = await self.direct(one, other)
        if found is not None:
            return found
        if None in map(self._tables.account, peers):
            raise ChatError(Code.NOT_FOUND, "there is no such account")
        places = {number: Place(0) for number in peers}
        return self._known(self._tables.create(Log(ConversationKind.DIRECT, "", peers, places)))

    def _known(self, id: int) -> Conversation:
        conversation = self._tables.conversation(id)
        assert conversation is not None
        return conversation

    async def change_group(
        self, change: GroupChange, now_ms: int, max_members: int, max_conversations: int
    ) -> GroupOutcome:
        """Refused or done: the rules check everything before they change anything."""
        return GroupRules(self._tables, self._token_bytes, max_members, max_conversations).change(
            change, now_ms
        )

    async def conversation(
        self, conversation: int
    ) -> tuple[Conversation, dict[int, int], int, frozenset[int]] | None:
        log = self._tables.logs.get(conversation)
        if log is None:
            return None
        present = {number: place.joined_seq for number, place in log.places.items() if not place.left_seq}
        blocked = self._contacts.blocked_between(*log.peers) if log.peers else frozenset()
        return self._known(conversation), present, len(log.messages), blocked

    async def membership(self, account: int, device: int, conversation: int) -> Membership | None:
        log = self._tables.logs.get(conversation)
        place = log.places.get(account) if log else None
        if log is None or place is None:
            return None
        last_seq = place.left_seq or len(log.messages)
        stored = self._tables.devices.get(device)
        delivered_seq = max(place.joined_seq, stored.cursors.get(conversation, 0) if stored else 0)
        return Membership(
            self._known(conversation),
            last_seq,
            place.joined_seq,
            place.left_seq,
            delivered_seq,
            place.read_seq,
        )

    async def memberships(
        self, account: int, device: int, after: int, limit: int, only_behind: bool
    ) -> list[Membership]:
        ids = sorted(id for id in self._tables.logs if id > after)
        found = [await self.membership(account, device, id) for id in ids]
        return [m for m in found if m and not (only_behind and m.delivered_seq >= m.last_seq)][:limit]

    async def members(self, conversation: int, after: int, limit: int) -> list[Member]:
        log = self._tables.logs.get(conversation)
        places = sorted(log.places.items()) if log else []
        found = [
            Member(self._tables.accounts[number].account, place.joined_seq)
            for number, place in places
            if number > after and not place.left_seq
        ]
        return found[:limit]

    async def save_cursors(
        self, delivered: Sequence[tuple[int, int, int]], read: Sequence[tuple[int, int, int]]
    ) -> None:
        for device, conversation, seq in delivered:
            if device in self._tables.devices:
                cursors = self._tables.devices[device].cursors
                cursors[conversation] = max(seq, cursors.get(conversation, 0))
        for account, conversation, seq in read:
            log = self._tables.logs.get(conversation)
            if log and account in log.places:
                log.places[account].read_seq = max(seq, log.places[account].read_seq)

    async def receipt_counts(self, conversation: int, seq: int) -> tuple[int, int]:
        log = self._tables.logs.get(conversation)
        if log is None or not 1 <= seq <= len(log.messages):
            return 0, 0
        sender = log.messages[seq - 1].sender
        others = {
            number: place.read_seq >= seq
            for number, place in log.places.items()
            if number != sender and not place.left_seq and place.joined_seq < seq
        }
        having = {
            d.record.account for d in self._tables.devices.values() if d.cursors.get(conversation, 0) >= seq
        }
        return sum(read or number in having for number, read in others.items()), sum(others.values())


class _MemoryMessages:
    """IMessages over MemoryTables."""

    _tables: MemoryTables
    _log_epoch: int

    async def append(self, postings: Sequence[Posting], now_ms: int) -> None:
        for posting in postings:
            posting.refusal = None
            stored = self._tables.by_client_id.get((posting.sender, posting.client_id))
            if stored:
                self._answer(posting, stored)
            elif self._tables.joined_seq(posting.conversation, posting.sender) is None:
                posting.refusal = ChatError(Code.NOT_MEMBER, "you are not a member of that conversation")
            else:
                self._store(posting, now_ms)

    @staticmethod
    def _answer(posting: Posting, stored: Message) -> None:
        posting.fresh, posting.seq, posting.time_ms = False, stored.seq, stored.time_ms
        if (posting.conversation, posting.kind, posting.content_type, posting.body) != (
            stored.conversation, stored.kind, stored.content_type, stored.body):  # fmt: skip
            posting.refusal = ChatError(
                Code.CLIENT_ID_REUSED, "that client id belongs to another message; take a new one"
            )

    def _store(self, posting: Posting, now_ms: int) -> None:
        posting.seq = self._tables.last_seq(posting.conversation) + 1
        posting.time_ms, posting.fresh = now_ms, True
        self._tables.log(
            Message(
                posting.conversation,
                posting.seq,
                posting.sender,
                self._tables.accounts[posting.sender].account.name,
                posting.client_id,
                posting.kind,
                posting.content_type,
                posting.body,
                now_ms,
            )
        )

    async def history(
        self, conversation: int, after: int, before: int, newest: bool, limit: int, max_bytes: int
    ) -> list[Message]:
        log = self._tables.logs.get(conversation)
        found = [message for message in log.messages if after < message.seq < before] if log else []
        page: list[Message] = []
        for message in reversed(found) if newest else found:
            max_bytes -= len(message.body)
            if len(page) == limit or (page and max_bytes < 0):
                break
            page.append(message)
        return page[::-1] if newest else page

    def log_epoch(self) -> int:
        return self._log_epoch


@implementer(IStore)
class MemoryStore(MemoryAccounts, MemoryContacts, _MemoryConversations, _MemoryMessages):
    """Dictionaries; the interfaces say what each method promises."""

    state = "ready"

    def __init__(
        self,
        *,
        randbits: Callable[[int], int] = secrets.randbits,
        token_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._tables = MemoryTables(randbits)
        self._contacts = MemoryContactTables(self._tables)
        self._token_bytes = token_bytes
        self._log_epoch = randbits(63)
