"""Contacts, requests, blocks and the directory in SQLite."""

import apsw

from imserver.core.contacting import ContactBounds, ContactOutcome, ContactRecord
from imserver.core.errors import ChatError, Code
from imserver.core.values import Account, ContactRequest, Privacy
from imserver.store import contact_tables
from imserver.store.contact_rules import ContactRules
from imserver.store.group_commit import GroupCommit
from imserver.store.groups import SqliteTables
from imserver.store.numbers import own_number

_SET_REMARK = "UPDATE contacts SET remark = ?, category = ? WHERE owner = ? AND account = ? RETURNING account"
_CONTACTS = """
    SELECT a.number, a.name, a.display_name, a.signature, c.remark, c.category, c.is_silent
    FROM contacts_shown c JOIN accounts a ON a.number = c.account
    WHERE c.owner = ? AND c.account > ? ORDER BY c.account LIMIT ?"""
_NUMBERS = "SELECT account, is_silent FROM contacts_shown WHERE owner = ? ORDER BY account"
_REQUESTS = """
    SELECT a.number, a.name, a.display_name, a.signature, r.text, r.time_ms
    FROM contact_requests r JOIN accounts a ON a.number = r.asker
    WHERE r.target = ? AND r.asker > ? AND r.refused_ms = 0 ORDER BY r.asker LIMIT ?"""
_BLOCKED = """
    SELECT a.number, a.name, a.display_name, a.signature
    FROM blocks b JOIN accounts a ON a.number = b.account
    WHERE b.owner = ? AND b.account > ? ORDER BY b.account LIMIT ?"""
_SET_PRIVACY = "UPDATE accounts SET findable = ?, open_to_contacts = ? WHERE number = ? AND deleted_ms = 0"
_PRIVACY = "SELECT findable, open_to_contacts FROM accounts WHERE number = ?"
_NAME_OF = "SELECT name FROM accounts WHERE number = ?"
# Names are ASCII, so everything that begins with the text sorts below the text and DEL.
_SEARCH = """
    SELECT number, name, display_name, signature FROM accounts
    WHERE findable = 1 AND deleted_ms = 0 AND name >= max(:after, :text) AND name <> :after AND name < :text || char(127)
    ORDER BY name LIMIT :limit"""
_FINDABLE = """
    SELECT number, name, display_name, signature FROM accounts
    WHERE number = ? AND name > ? AND findable = 1 AND deleted_ms = 0"""


class SqliteContacts:
    """IContacts over a GroupCommit."""

    _connection: apsw.Connection
    _commits: GroupCommit
    _contact_rules: ContactRules
    _tables: SqliteTables

    async def request_contact(
        self, asker: int, target: int, text: str, now_ms: int, bounds: ContactBounds
    ) -> ContactOutcome:
        """See IContacts."""
        return await self._commits.write(
            lambda: self._contact_rules.request(asker, target, text, now_ms, bounds)
        )

    async def answer_contact(
        self, account: int, asker: int, accept: bool, now_ms: int, bounds: ContactBounds
    ) -> ContactOutcome:
        """See IContacts."""
        return await self._commits.write(
            lambda: self._contact_rules.answer(account, asker, accept, now_ms, bounds)
        )

    async def remove_contact(self, account: int, other: int) -> bool:
        """See IContacts."""
        return await self._commits.write(lambda: self._contact_rules.remove(account, other))

    async def set_remark(self, account: int, contact: int, remark: str, category: str) -> None:
        """See IContacts."""

        def replace() -> None:
            if self._connection.execute(_SET_REMARK, (remark, category, account, contact)).get is None:
                raise ChatError(Code.NOT_FOUND, "that account is not among your contacts")

        await self._commits.write(replace)

    async def contacts(self, account: int, after: int, limit: int) -> list[ContactRecord]:
        """See IContacts."""
        return await self._commits.read(
            lambda: [
                ContactRecord(Account(*row[:4]), row[4], row[5], row[6] != 0)
                for row in self._connection.execute(_CONTACTS, (account, after, limit))
            ]
        )

    async def contact_numbers(self, account: int) -> list[tuple[int, bool]]:
        """See IContacts."""
        return await self._commits.read(
            lambda: [
                (number, is_silent != 0)
                for number, is_silent in self._connection.execute(_NUMBERS, (account,))
            ]
        )

    async def contact_requests(self, account: int, after: int, limit: int) -> list[ContactRequest]:
        """See IContacts."""
        return await self._commits.read(
            lambda: [
                ContactRequest(Account(*row[:4]), *row[4:])
                for row in self._connection.execute(_REQUESTS, (account, after, limit))
            ]
        )

    async def block(self, owner: int, account: int, now_ms: int, max_blocked: int) -> bool:
        """See IContacts."""

        def block() -> bool:
            self._tables.rights_changed(owner, account)
            return self._contact_rules.block(owner, account, now_ms, max_blocked)

        return await self._commits.write(block)

    async def unblock(self, owner: int, account: int) -> bool:
        """See IContacts."""

        def unblock() -> bool:
            self._tables.rights_changed(owner, account)
            return self._contact_rules.unblock(owner, account)

        return await self._commits.write(unblock)

    async def blocked(self, owner: int, after: int, limit: int) -> list[Account]:
        """See IContacts."""
        return await self._commits.read(
            lambda: [Account(*row) for row in self._connection.execute(_BLOCKED, (owner, after, limit))]
        )

    async def blocked_between(self, one: int, other: int) -> frozenset[int]:
        """See IContacts."""
        return await self._commits.read(lambda: contact_tables.blocked_between(self._connection, one, other))

    async def set_privacy(self, account: int, privacy: Privacy) -> None:
        """See IContacts."""

        def replace() -> None:
            self._connection.execute(_SET_PRIVACY, (privacy.findable, privacy.open_to_contacts, account))

        await self._commits.write(replace)

    async def privacy(self, account: int) -> Privacy:
        """See IContacts."""
        return await self._commits.read(lambda: self._privacy(account))

    def _privacy(self, account: int) -> Privacy:
        findable, open_to_contacts = self._connection.execute(_PRIVACY, (account,)).get
        return Privacy(bool(findable), bool(open_to_contacts))

    async def search(self, text: str, after: int, limit: int) -> list[Account]:
        """See IContacts."""
        return await self._commits.read(lambda: self._search(text, after, limit))

    def _search(self, text: str, after: int, limit: int) -> list[Account]:
        last_name = self._connection.execute(_NAME_OF, (after,)).get or ""
        bounds = {"text": text, "after": last_name, "limit": limit}
        found = {Account(*row) for row in self._connection.execute(_SEARCH, bounds)}
        found |= {Account(*row) for row in self._connection.execute(_FINDABLE, (own_number(text), last_name))}
        return sorted(found, key=lambda account: account.name)[:limit]
