"""Contacts: asking, answering, ending it; both sides always have each other."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from imserver.core import names, pages
from imserver.core.contacting import ContactBounds, ContactOutcome, ContactRecord
from imserver.core.events import (
    ContactAdded,
    ContactList,
    ContactRemoved,
    ContactRequested,
    ContactRequestList,
    Done,
    RemarkChanged,
)
from imserver.core.presence import OFFLINE
from imserver.core.rates import limited
from imserver.core.requests import (
    AnswerContact,
    ListContactRequests,
    ListContacts,
    RemoveContact,
    RequestContact,
    SetRemark,
)
from imserver.core.values import Account, Contact, ContactRequest

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session


class Contacts:
    """The store decides (store/contact_rules.py); here is who is told."""

    def __init__(self, core: "Core") -> None:
        self._core = core

    # -- becoming contacts

    async def request(self, session: "Session", request: RequestContact) -> Done:
        """Ask somebody.  The answer is the same, after the same work, whether it will be looked at or not."""
        core, limits = self._core, self._core.limits
        text = names.shown(request.text, "text", limits.max_contact_text_chars)
        self._take_request(session)
        asker, asked = await self._account(session.number), await self._account(request.account)
        now_ms = core.wall_ms()
        outcome = await core.store.request_contact(asker.number, asked.number, text, now_ms, self._bounds())
        if outcome is ContactOutcome.WAITS:
            core.router.tell((asked.number,), ContactRequested(ContactRequest(asker, text, now_ms)))
        elif outcome is ContactOutcome.ADDED:
            self._tell_added(asker, asked)
        return Done()

    async def answer(self, session: "Session", request: AnswerContact) -> Done:
        """Accept, or refuse without a word."""
        core = self._core
        asked, asker = await self._account(session.number), await self._account(request.account)
        outcome = await core.store.answer_contact(
            asked.number, asker.number, request.accept, core.wall_ms(), self._bounds()
        )
        if outcome is ContactOutcome.ADDED:
            self._tell_added(asker, asked)
        return Done()

    def _take_request(self, session: "Session") -> None:
        limits = self._core.limits
        if not limits.enabled:
            return
        most = limits.contact_requests_per_hour
        wait = session.rates.contacts.take(self._core.now(), 1, most / 3600, most)
        if wait:
            raise limited(wait, "requests for contact")

    def _bounds(self) -> ContactBounds:
        limits = self._core.limits
        again_before_ms = self._core.wall_ms() - round(limits.contact_again_seconds * 1000)
        return ContactBounds(limits.max_contacts, limits.max_contact_requests, again_before_ms)

    def _tell_added(self, one: Account, other: Account) -> None:
        tidings = self._core.tidings
        tidings.relations_changed()
        for to, about in ((one, other), (other, one)):
            contact = Contact(about, "", "", tidings.told(about.number))
            self._core.router.tell((to.number,), ContactAdded(contact))

    async def _account(self, number: int) -> Account:
        return (await self._core.accounts.find("", number)).account

    # -- and no longer

    async def remove(self, session: "Session", request: RemoveContact) -> Done:
        """For both."""
        if await self._core.store.remove_contact(session.number, request.account):
            self._core.tidings.relations_changed()
            self._core.router.tell((session.number,), ContactRemoved(request.account))
            self._core.router.tell((request.account,), ContactRemoved(session.number))
        return Done()

    def account_ended(self, account: int, contacts: Iterable[int]) -> None:
        """It was deleted and is nobody's contact any more."""
        self._core.router.tell(contacts, ContactRemoved(account))

    # -- the own list

    async def set_remark(self, session: "Session", request: SetRemark) -> Done:
        """Own words, which nobody else sees."""
        core, limits = self._core, self._core.limits
        remark = names.shown(request.remark, "remark", limits.max_remark_chars)
        category = names.shown(request.category, "category", limits.max_category_chars)
        await core.store.set_remark(session.number, request.account, remark, category)
        core.router.tell_others(session, RemarkChanged(request.account, remark, category))
        return Done()

    async def list_page(self, session: "Session", request: ListContacts) -> ContactList:
        """With their presence as it was last told, which changes by PresenceChanged from here on."""
        page = pages.size(request.limit, self._core.limits)
        found = await self._core.store.contacts(session.number, request.after, page)
        contacts = [self._shown(record) for record in found]
        return ContactList(contacts, pages.next_after([one.account.number for one in contacts], page))

    def _shown(self, record: ContactRecord) -> Contact:
        account = record.account
        presence = OFFLINE if record.is_silent else self._core.tidings.told(account.number)
        return Contact(account, record.remark, record.category, presence)

    async def list_requests(self, session: "Session", request: ListContactRequests) -> ContactRequestList:
        """Those that wait for an answer."""
        page = pages.size(request.limit, self._core.limits)
        found = await self._core.store.contact_requests(session.number, request.after, page)
        return ContactRequestList(found, pages.next_after([one.account.number for one in found], page))
