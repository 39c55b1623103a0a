"""Whom a gogotalk client knows: friends with their statuses, groups in the shape of friends, strangers to add."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from imserver.codecs.gogotalk import OFFLINE_STATUS, Command, status_of
from imserver.core.errors import ChatError, UnreadableRequest
from imserver.core.events import (
    AccountFound,
    AccountList,
    ContactAdded,
    ContactList,
    ContactRemoved,
    ContactRequestList,
    ConversationList,
    Done,
    PresenceChanged,
)
from imserver.core.requests import (
    ListContactRequests,
    ListContacts,
    ListConversations,
    LookUp,
    RequestContact,
    Search,
)
from imserver.core.session import Session
from imserver.core.values import LOBBY, Account, Contact, ContactRequest, Conversation, State
from imserver.dialogues.gogotalk.routes import group_id
from imserver.proto import gogotalk_pb2 as pb

MAX_STRANGERS = 200
MAX_ADDED = 50  # with one command

Packet = tuple[Command, Any]


class People:
    """One client's; `ask` is that of its dialogue."""

    def __init__(self, session: Session, ask: Callable[[Any, type[Any]], Awaitable[Any]]) -> None:
        self._session = session
        self._ask = ask
        self._names: dict[int, str] = {}  # of contacts, because news speak of numbers

    async def load(self) -> list[Contact]:
        """All contacts, whose news can be told from now on."""
        contacts: list[Contact] = []
        after = -1
        while after:
            page = await self._ask(ListContacts(max(after, 0), 0), ContactList)
            contacts += page.contacts
            after = page.next
        self._names = {contact.account.number: contact.account.name for contact in contacts}
        return contacts

    async def friends(self) -> list[Any]:
        """UserInfos of contacts, then of groups."""
        contacts = [_friend(contact) for contact in await self.load()]
        return contacts + [_group(conversation) for conversation in await self._groups()]

    async def requests(self) -> list[ContactRequest]:
        """A page of those that wait for an answer."""
        waiting: list[ContactRequest] = (
            await self._ask(ListContactRequests(0, 0), ContactRequestList)
        ).requests
        return waiting

    async def _groups(self) -> list[Conversation]:
        """Those it is in, but the lobby, which has a window of its own."""
        found: list[Conversation] = []
        after = -1
        while after:
            page = await self._ask(ListConversations(max(after, 0), 0), ConversationList)
            found += [each.conversation for each in page.memberships if not each.left_seq]
            after = page.next
        return [each for each in found if each.number not in (0, LOBBY)]

    async def strangers(self) -> list[Any]:
        """UserInfos of at most 200 accounts that may be found and are no friends; they look offline."""
        strangers: list[Account] = []
        after = -1
        while after and len(strangers) < MAX_STRANGERS:
            page = await self._ask(Search("", max(after, 0), 0), AccountList)
            strangers += [account for account in page.accounts if not self._is_known(account.number)]
            after = page.next
        return [user(account, State.OFFLINE) for account in strangers[:MAX_STRANGERS]]

    def _is_known(self, number: int) -> bool:
        return number in self._names or number == self._session.number

    async def add(self, user_ids: list[str]) -> None:
        """Ask all of them to be friends; raises the first refusal when all were asked."""
        if len(user_ids) > MAX_ADDED:
            raise UnreadableRequest(Command.ADD_FRIENDS, f"add at most {MAX_ADDED} friends at once")
        refusals = []
        for user_id in user_ids:
            try:
                found = await self._ask(LookUp(user_id, 0), AccountFound)
                await self._ask(RequestContact(found.account.number, ""), Done)
            except ChatError as error:
                refusals.append(error)
        if refusals:
            raise refusals[0]

    def changed(self, event: PresenceChanged | ContactAdded | ContactRemoved) -> Iterator[Packet]:
        """What friends do now, as packets."""
        match event:
            case PresenceChanged(changes=changes):
                for change in changes:
                    name = self._name(change.account)
                    if name:
                        yield from _status(name, change.presence.state)
            case ContactAdded(contact=contact):
                self._names[contact.account.number] = contact.account.name
                yield Command.STATUS, _notice(contact.account.name, status_of(contact.presence.state))
            case ContactRemoved(account=account):
                name = self._names.pop(account, "")
                if name:
                    yield from _status(name, State.OFFLINE)

    def _name(self, number: int) -> str:
        account = self._session.account
        if account is not None and account.number == number:
            return account.name
        return self._names.get(number, "")


def user(account: Account, state: int, nickname: str = "") -> Any:
    """A UserInfo."""
    return pb.UserInfo(
        UserID=account.name,
        NickName=nickname or account.display_name,
        Signature=account.signature,
        Status=status_of(state),
    )


def _friend(contact: Contact) -> Any:
    return user(contact.account, contact.presence.state, contact.remark)


def _group(group: Conversation) -> Any:
    """A group looks like a friend who is always there."""
    return pb.UserInfo(
        UserID=group_id(group),
        NickName=group.title,
        Signature=group.announcement,
        Status=status_of(State.ONLINE),
    )


def _status(name: str, state: int) -> Iterator[Packet]:
    """The stock client ignores the notice of going offline and looks at statuses only; others know the notice."""
    status = status_of(state)
    notice = _notice(name, status)
    if status == OFFLINE_STATUS:
        yield Command.WENT_OFFLINE, notice
    yield Command.STATUS, notice


def _notice(name: str, status: int) -> Any:
    return pb.ChangeStatusNotice(UserID=name, Status=status)
