"""The store in memory, for tests and trials: it promises what SQLite's does, but for surviving the process."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from zope.interface import implementer

from imserver.core.changes import GroupChange, GroupLimits, GroupOutcome
from imserver.core.errors import ChatError
from imserver.core.posting import Outcome, Posting
from imserver.core.run import Run
from imserver.core.values import (
    Conversation,
    ConversationKind,
    JoinRequest,
    Member,
    Membership,
    Message,
    Role,
    Standings,
)
from imserver.interfaces import IStore
from imserver.store import action_rules, outcomes
from imserver.store.direct_rules import UNLIMITED, check_direct
from imserver.store.group_rules import GroupRules
from imserver.store.memory_accounts import MemoryAccounts
from imserver.store.memory_actions import MemoryActionTables, MemoryBurning
from imserver.store.memory_contacts import MemoryContacts, MemoryContactTables
from imserver.store.memory_operators import MemoryOperators
from imserver.store.memory_tables import Log, MemoryTables, Place
from imserver.store.page import between, fitting
from imserver.store.writing import Standing, check_may_write


class _MemoryConversations:
    """IConversations over MemoryTables."""

    _tables: MemoryTables
    _contacts: MemoryContactTables
    _token_bytes: Callable[[int], bytes]

    async def direct(self, one: int, other: int) -> Conversation | None:
        peers = tuple(sorted((one, other)))
        return next((self._known(id) for id, log in self._tables.logs.items() if log.peers == peers), None)

    async def open_direct(self, asker: int, other: int, now_ms: int, max_conversations: int) -> Conversation:
        peers = tuple(sorted((asker, other)))
        found = await self.direct(asker, other)
        if found is not None:
            return found
        check_direct(self._tables, asker, other, max_conversations)
        places = {number: Place(0) for number in peers}
        return self._known(self._tables.create(Log(ConversationKind.DIRECT, "", peers, places=places)))

    def _known(self, id: int) -> Conversation:
        conversation = self._tables.conversation(id)
        assert conversation is not None
        return conversation

    async def open_directs(self, one: int, others: Sequence[int], now_ms: int) -> list[Conversation]:
        there = [other for other in others if self._tables.account(other)]
        return [await self.open_direct(one, other, now_ms, UNLIMITED) for other in there]

    async def change_group(self, change: GroupChange, now_ms: int, limits: GroupLimits) -> GroupOutcome:
        """Refused or done: the rules check everything before they change anything."""
        return GroupRules(self._tables, self._token_bytes).change(change, now_ms, limits)

    async def group_numbered(self, number: int) -> tuple[Conversation, int] | None:
        for id, log in self._tables.logs.items():
            if log.number == number > 0:
                return self._known(id), self._tables.member_count(id)
        return None

    async def join_requests(self, conversation: int, after: int, limit: int) -> list[JoinRequest]:
        log = self._tables.logs.get(conversation)
        waiting = sorted(log.requests.items()) if log else []
        return [request for number, request in waiting if number > after][:limit]

    async def conversation(
        self, conversation: int
    ) -> tuple[Conversation, dict[int, int], int, Standings] | None:
        log = self._tables.logs.get(conversation)
        if log is None:
            return None
        present = {number: place.joined_seq for number, place in log.places.items() if not place.left_seq}
        standings = self._tables.standings(conversation)
        if log.peers:
            standings = replace(standings, blocked=self._contacts.blocked_between(*log.peers))
        return self._known(conversation), present, log.last_seq, standings

    async def membership(self, account: int, device: int, conversation: int) -> Membership | None:
        log = self._tables.logs.get(conversation)
        place = log.places.get(account) if log else None
        if log is None or place is None:
            return None
        last_seq = place.left_seq or log.last_seq
        stored = self._tables.devices.get(device)
        delivered_seq = max(place.joined_seq, stored.cursors.get(conversation, 0) if stored else 0)
        return Membership(
            self._known(conversation),
            last_seq,
            place.joined_seq,
            place.left_seq,
            delivered_seq,
            place.read_seq,
            place.role,
        )

    async def memberships(
        self, account: int, device: int, after: int, limit: int, only_behind: bool
    ) -> list[Membership]:
        ids = sorted(id for id in self._tables.logs if id > after)
        found = [await self.membership(account, device, id) for id in ids]
        return [m for m in found if m and not (only_behind and m.delivered_seq >= m.last_seq)][:limit]

    async def members(self, conversation: int, after: int, limit: int) -> list[Member]:
        return [one for one in self._tables.members(conversation) if one.account.number > after][:limit]

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
        if log is None or not 1 <= seq <= log.last_seq:
            return 0, 0
        run = next(run for run in log.runs if seq <= run.last_seq)
        if run.withheld:
            return 0, 0
        others = {
            number: place.read_seq >= seq
            for number, place in log.places.items()
            if number != run.sender and not place.left_seq and place.joined_seq < seq
        }
        having = {
            d.record.account for d in self._tables.devices.values() if d.cursors.get(conversation, 0) >= seq
        }
        return sum(read or number in having for number, read in others.items()), sum(others.values())


class _MemoryMessages(MemoryBurning):
    """IMessages over MemoryTables."""

    _tables: MemoryTables
    _contacts: MemoryContactTables
    _log_epoch: int

    async def append(self, postings: Sequence[Posting], now_ms: int) -> None:
        for posting in postings:
            outcomes.settle(posting, self._pieces(posting, now_ms))

    def _pieces(self, posting: Posting, now_ms: int) -> Iterator[Outcome]:
        ids = [(posting.sender, posting.client_id(index)) for index in range(len(posting.bodies))]
        start = 0
        for is_known, group in groupby(ids, self._tables.by_client_id.__contains__):
            known = list(group)
            if is_known:
                for index, id in enumerate(known, start):
                    yield from outcomes.retried(posting, index, self._tables.by_client_id[id])
            else:
                yield self._store(posting, start, start + len(known), now_ms)
            start += len(known)

    def _store(self, posting: Posting, start: int, end: int, now_ms: int) -> Outcome:
        standing = self._standing(posting.conversation, posting.sender)
        try:
            check_may_write(standing, now_ms)
            action_rules.check(self._actions, posting)
        except ChatError as refusal:
            return outcomes.refused(start, end, refusal)
        posting.withheld = standing is not None and standing.is_withheld
        run = posting.part(start, end)
        run.first_seq, run.time_ms = self._tables.last_seq(run.conversation) + 1, now_ms
        run.sender_name = self._tables.accounts[run.sender].account.name
        self._tables.store(run)
        action_rules.follow(self._actions, posting, run.first_seq)
        return Outcome(start, end, run.first_seq, now_ms, True)

    def _standing(self, conversation: int, account: int) -> Standing | None:
        place = self._tables.place(conversation, account)
        if place is None:
            return None
        of_all, peers = self._tables.standings(conversation), self._tables.logs[conversation].peers
        muted_until_ms = 0 if place.role > Role.MEMBER else of_all.muted.get(0, 0)
        is_withheld = bool(peers) and account in self._contacts.blocked_between(*peers)
        return Standing(max(place.muted_until_ms, muted_until_ms), of_all.ended, is_withheld)

    async def sent(self, sender: int, client_id: bytes) -> Message | None:
        run = self._tables.by_client_id.get((sender, client_id))
        return run.messages()[0] if run else None

    async def history(
        self, conversation: int, after: int, before: int, newest: bool, limit: int, max_bytes: int
    ) -> list[Run]:
        log = self._tables.logs.get(conversation)
        runs = [between(run, after, before) for run in log.runs] if log else []
        found = list(filter(None, runs))
        return fitting(found[::-1] if newest else found, newest, limit, max_bytes)

    def log_epoch(self) -> int:
        return self._log_epoch


@implementer(IStore)
class MemoryStore(MemoryAccounts, MemoryContacts, _MemoryConversations, _MemoryMessages, MemoryOperators):
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
        self._actions = MemoryActionTables(self._tables)
        self._token_bytes = token_bytes
        self._log_epoch = randbits(63)
