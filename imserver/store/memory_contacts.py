"""Contacts, requests, blocks and the directory in memory."""

from dataclasses import dataclass, field

from imserver.core.contacting import ContactBounds, ContactOutcome, ContactRecord
from imserver.core.errors import ChatError, Code
from imserver.core.values import Account, ContactRequest, Privacy
from imserver.store.contact_rules import ContactRules
from imserver.store.memory_tables import MemoryTables
from imserver.store.numbers import own_number

Pair = tuple[int, int]


@dataclass(slots=True)
class _Remarks:
    remark: str = ""
    category: str = ""


@dataclass(slots=True)
class _StoredRequest:
    text: str
    time_ms: int
    refused_ms: int


@dataclass(slots=True)
class MemoryContactTables:
    """contact_rules.ContactTables; pairs are (owner, account), or (target, asker) of requests."""

    accounts: MemoryTables
    contacts: dict[Pair, _Remarks] = field(default_factory=dict)
    requests: dict[Pair, _StoredRequest] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)  # accounts that may not be found
    open: set[int] = field(default_factory=set)

    def exists(self, number: int) -> bool:
        return self.accounts.account(number) is not None

    def is_open(self, number: int) -> bool:
        return number in self.open

    def are_contacts(self, one: int, other: int) -> bool:
        return (one, other) in self.contacts

    def contact_count(self, account: int) -> int:
        return sum(owner == account for owner, _ in self.contacts)

    def add_contacts(self, one: int, other: int) -> None:
        self.contacts |= {(one, other): _Remarks(), (other, one): _Remarks()}

    def remove_contacts(self, one: int, other: int) -> None:
        for pair in ((one, other), (other, one)):
            self.contacts.pop(pair, None)

    def refused_ms(self, target: int, asker: int) -> int | None:
        stored = self.requests.get((target, asker))
        return None if stored is None else stored.refused_ms

    def waiting_count(self, target: int) -> int:
        return sum(pair[0] == target and not stored.refused_ms for pair, stored in self.requests.items())

    def put_request(self, target: int, asker: int, text: str, time_ms: int, refused_ms: int) -> None:
        self.requests[target, asker] = _StoredRequest(text, time_ms, refused_ms)

    def refuse_request(self, target: int, asker: int, refused_ms: int) -> None:
        if self.refused_ms(target, asker) == 0:
            self.requests[target, asker].refused_ms = refused_ms

    def remove_request(self, target: int, asker: int) -> None:
        self.requests.pop((target, asker), None)

    def forget_refused(self, target: int, before_ms: int) -> None:
        for pair, stored in list(self.requests.items()):
            if pair[0] == target and 0 < stored.refused_ms < before_ms:
                del self.requests[pair]

    def is_blocked(self, owner: int, account: int) -> bool:
        return self.accounts.has_blocked(owner, account)

    def block_count(self, owner: int) -> int:
        return sum(one == owner for one, _ in self.accounts.blocks)

    def add_block(self, owner: int, account: int) -> None:
        self.accounts.blocks.add((owner, account))

    def remove_block(self, owner: int, account: int) -> None:
        self.accounts.blocks.discard((owner, account))

    def blocked_between(self, one: int, other: int) -> frozenset[int]:
        """Which of the two the other one has blocked."""
        return frozenset(pair[1] for pair in ((one, other), (other, one)) if pair in self.accounts.blocks)

    def forget_account(self, account: int) -> None:
        """Its contacts, its requests and blocks, and those of others about it."""
        self.contacts = {pair: remarks for pair, remarks in self.contacts.items() if account not in pair}
        self.requests = {pair: stored for pair, stored in self.requests.items() if account not in pair}
        self.accounts.blocks = {pair for pair in self.accounts.blocks if account not in pair}


class MemoryContacts:
    """IContacts over MemoryContactTables."""

    _tables: MemoryTables
    _contacts: MemoryContactTables

    @property
    def _contact_rules(self) -> ContactRules:
        return ContactRules(self._contacts)

    async def request_contact(
        self, asker: int, target: int, text: str, now_ms: int, bounds: ContactBounds
    ) -> ContactOutcome:
        return self._contact_rules.request(asker, target, text, now_ms, bounds)

    async def answer_contact(
        self, account: int, asker: int, accept: bool, now_ms: int, bounds: ContactBounds
    ) -> ContactOutcome:
        return self._contact_rules.answer(account, asker, accept, now_ms, bounds)

    async def remove_contact(self, account: int, other: int) -> bool:
        return self._contact_rules.remove(account, other)

    async def set_remark(self, account: int, contact: int, remark: str, category: str) -> None:
        if not self._contacts.are_contacts(account, contact):
            raise ChatError(Code.NOT_FOUND, "that account is not among your contacts")
        self._contacts.contacts[account, contact] = _Remarks(remark, category)

    async def contacts(self, account: int, after: int, limit: int) -> list[ContactRecord]:
        remarks = self._contacts.contacts
        return [
            ContactRecord(
                self._account(number),
                remarks[account, number].remark,
                remarks[account, number].category,
                is_silent,
            )
            for number, is_silent in await self.contact_numbers(account)
            if number > after
        ][:limit]

    async def contact_numbers(self, account: int) -> list[tuple[int, bool]]:
        numbers = sorted(number for owner, number in self._contacts.contacts if owner == account)
        return [(number, bool(self._contacts.blocked_between(account, number))) for number in numbers]

    async def contact_requests(self, account: int, after: int, limit: int) -> list[ContactRequest]:
        return [
            ContactRequest(self._account(asker), stored.text, stored.time_ms)
            for (target, asker), stored in sorted(self._contacts.requests.items(), key=lambda item: item[0])
            if target == account and asker > after and not stored.refused_ms
        ][:limit]

    async def block(self, owner: int, account: int, now_ms: int, max_blocked: int) -> bool:
        return self._contact_rules.block(owner, account, now_ms, max_blocked)

    async def unblock(self, owner: int, account: int) -> bool:
        return self._contact_rules.unblock(owner, account)

    async def blocked(self, owner: int, after: int, limit: int) -> list[Account]:
        numbers = sorted(number for one, number in self._tables.blocks if one == owner and number > after)
        return [self._account(number) for number in numbers[:limit]]

    async def blocked_between(self, one: int, other: int) -> frozenset[int]:
        return self._contacts.blocked_between(one, other)

    async def set_privacy(self, account: int, privacy: Privacy) -> None:
        if self._contacts.exists(account):
            (self._contacts.hidden.discard if privacy.findable else self._contacts.hidden.add)(account)
            (self._contacts.open.add if privacy.open_to_contacts else self._contacts.open.discard)(account)

    async def privacy(self, account: int) -> Privacy:
        return Privacy(account not in self._contacts.hidden, self._contacts.is_open(account))

    async def search(self, text: str, after: int, limit: int) -> list[Account]:
        last_name = self._account(after).name if after in self._tables.accounts else ""
        found = [
            record.account
            for number, record in self._tables.accounts.items()
            if not record.deleted
            and number not in self._contacts.hidden
            and record.account.name > last_name
            and (record.account.name.startswith(text) or number == own_number(text))
        ]
        return sorted(found, key=lambda account: account.name)[:limit]

    def _account(self, number: int) -> Account:
        return self._tables.accounts[number].account
