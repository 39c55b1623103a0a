"""What requests, answers and blocks require and do, the same in every store: the store brings the tables.

Contacts are mutual, requests and blocks have a direction.  Somebody who is blocked must not notice: his request
is stored like any other, but refused from the start.  A request that was refused stays for a while, so that
asking again at once comes to nothing.
"""

from dataclasses import dataclass
from typing import Protocol

from imserver.core.contacting import ContactBounds, ContactOutcome
from imserver.core.errors import ChatError, Code


class ContactTables(Protocol):
    """What the rules read and write, inside one transaction."""

    def exists(self, number: int) -> bool:
        """Not once deleted."""

    def is_open(self, number: int) -> bool:
        """Whether who asks becomes its contact at once."""

    def are_contacts(self, one: int, other: int) -> bool: ...

    def contact_count(self, account: int) -> int: ...

    def add_contacts(self, one: int, other: int) -> None:
        """In both directions."""

    def remove_contacts(self, one: int, other: int) -> None:
        """In both directions."""

    def refused_ms(self, target: int, asker: int) -> int | None:
        """When the request was refused, 0: it waits; None: there is none."""

    def waiting_count(self, target: int) -> int:
        """Of requests that wait for an answer."""

    def put_request(self, target: int, asker: int, text: str, time_ms: int, refused_ms: int) -> None:
        """In the place of an earlier one."""

    def refuse_request(self, target: int, asker: int, refused_ms: int) -> None:
        """Only if it waits."""

    def remove_request(self, target: int, asker: int) -> None: ...

    def forget_refused(self, target: int, before_ms: int) -> None:
        """The requests that were refused before this time."""

    def is_blocked(self, owner: int, account: int) -> bool:
        """Whether the owner has blocked the account."""

    def block_count(self, owner: int) -> int: ...

    def add_block(self, owner: int, account: int) -> None: ...

    def remove_block(self, owner: int, account: int) -> None: ...


@dataclass(slots=True, frozen=True)
class ContactRules:
    """Applies what was asked for to `tables`; the methods raise ChatError as IContacts says."""

    tables: ContactTables

    def request(
        self, asker: int, target: int, text: str, now_ms: int, bounds: ContactBounds
    ) -> ContactOutcome:
        """Somebody would like to be a contact."""
        tables = self.tables
        self._check_pair(asker, target)
        if tables.is_blocked(asker, target):
            raise ChatError(Code.FORBIDDEN, "you have blocked that account; unblock it first")
        tables.forget_refused(target, bounds.again_before_ms)
        if tables.are_contacts(asker, target):
            return ContactOutcome.UNCHANGED
        if tables.refused_ms(asker, target) == 0:  # they have asked one another
            return self._add(asker, target, bounds)
        self._check_room(asker, bounds)
        if tables.refused_ms(target, asker) is not None:
            return ContactOutcome.UNCHANGED
        if tables.waiting_count(target) >= bounds.max_requests:
            raise ChatError(Code.LIMIT_REACHED, "too many requests wait for that account; ask again later")
        if tables.is_blocked(target, asker):
            tables.put_request(target, asker, text, now_ms, refused_ms=now_ms)
            return ContactOutcome.UNCHANGED
        if tables.is_open(target) and tables.contact_count(target) < bounds.max_contacts:
            return self._add(asker, target, bounds)
        tables.put_request(target, asker, text, now_ms, refused_ms=0)
        return ContactOutcome.WAITS

    def answer(
        self, account: int, asker: int, accept: bool, now_ms: int, bounds: ContactBounds
    ) -> ContactOutcome:
        """The answer to a request; given once more it changes nothing."""
        tables = self.tables
        refused_ms = tables.refused_ms(account, asker)
        if refused_ms == 0 and accept:
            return self._add(account, asker, bounds)
        is_settled = tables.are_contacts(account, asker) if accept else refused_ms is not None
        if not is_settled:
            raise ChatError(Code.NOT_FOUND, "no request of that account waits for you")
        tables.refuse_request(account, asker, now_ms)
        return ContactOutcome.UNCHANGED

    def remove(self, account: int, other: int) -> bool:
        """-> whether they were contacts; an own request is withdrawn."""
        were_contacts = self.tables.are_contacts(account, other)
        self.tables.remove_contacts(account, other)
        self._withdraw(account, other)
        return were_contacts

    def block(self, owner: int, account: int, now_ms: int, max_blocked: int) -> bool:
        """-> whether they are contacts.  Requests between them come to nothing."""
        tables = self.tables
        self._check_pair(owner, account)
        if not tables.is_blocked(owner, account):
            if tables.block_count(owner) >= max_blocked:
                raise ChatError(Code.LIMIT_REACHED, f"you may block at most {max_blocked} accounts")
            tables.add_block(owner, account)
            tables.refuse_request(owner, account, now_ms)
            self._withdraw(owner, account)
        return tables.are_contacts(owner, account)

    def unblock(self, owner: int, account: int) -> bool:
        """-> whether they are contacts.  What was asked meanwhile is forgotten, so that it can be asked anew."""
        tables = self.tables
        if tables.is_blocked(owner, account):
            tables.remove_block(owner, account)
            tables.remove_request(owner, account)
        return tables.are_contacts(owner, account)

    def _withdraw(self, asker: int, target: int) -> None:
        """A refused request stays, because withdrawing it must not be the way to ask again at once."""
        if self.tables.refused_ms(target, asker) == 0:
            self.tables.remove_request(target, asker)

    def _add(self, one: int, other: int, bounds: ContactBounds) -> ContactOutcome:
        self._check_room(one, bounds)
        if self.tables.contact_count(other) >= bounds.max_contacts:
            raise ChatError(
                Code.LIMIT_REACHED, f"that account has {bounds.max_contacts} contacts, which is the limit"
            )
        self.tables.add_contacts(one, other)
        self.tables.remove_request(one, other)
        self.tables.remove_request(other, one)
        return ContactOutcome.ADDED

    def _check_pair(self, actor: int, other: int) -> None:
        if actor == other:
            raise ChatError(Code.FORBIDDEN, "that is your own account")
        if not (self.tables.exists(actor) and self.tables.exists(other)):
            raise ChatError(Code.NOT_FOUND, "there is no such account")

    def _check_room(self, account: int, bounds: ContactBounds) -> None:
        if self.tables.contact_count(account) >= bounds.max_contacts:
            raise ChatError(Code.LIMIT_REACHED, f"you may have at most {bounds.max_contacts} contacts")
