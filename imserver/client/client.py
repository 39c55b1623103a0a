"""The client library: what a chat program says, in its words.

    client = Client(reactor, endpoint, listener)
    await client.log_in("bob", "password")
    await client.send_to("alice", "hello")

Every call waits out lost connections (device.py).  They fail with RequestRefused, with QueueFull when too
much waits, and with NotConnected when the client ends first.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint

from imserver.client.device import Device
from imserver.client.reconnector import connect
from imserver.core.events import (
    AccountFound,
    ConversationOpened,
    Done,
    GroupChanged,
    GroupFound,
    History,
    Registered,
    Sent,
)
from imserver.core.group_requests import MemberRequest
from imserver.core.requests import (
    AddMembers,
    CreateGroup,
    FetchHistory,
    FindGroup,
    Forward,
    JoinGroup,
    LeaveGroup,
    ListContactRequests,
    ListContacts,
    ListConversations,
    ListJoinRequests,
    ListMembers,
    LookUp,
    MarkRead,
    OpenDirect,
    Register,
    RenameGroup,
    Request,
    Send,
    SendTo,
    SetTyping,
)
from imserver.core.values import (
    Account,
    Contact,
    ContactRequest,
    Extra,
    JoinRequest,
    Kind,
    Member,
    Membership,
    Message,
)

Item = TypeVar("Item")


async def register(
    clock: IReactorTime,
    endpoint: IStreamClientEndpoint,
    name: str,
    password: str,
    display_name: str = "",
    invitation: str = "",
) -> Account:
    """Make an account, with an operator's invitation where registration is closed; raises RequestRefused or NotConnected."""
    link = await connect(clock, endpoint, lambda tag, event: None)
    try:
        registered: Registered = await link.request(
            Register(name, password, display_name or name, invitation)
        )
    finally:
        link.close()
    return registered.account


class Client(Device):
    """A device (device.py) with a call for everything that people do."""

    # -- messages

    async def send_to(self, name: str, text: str) -> Sent:
        """Say something to the account of that name; returns when the message is safely on the server's disk."""
        return await self.put(SendTo(name, self.new_client_id(), Kind.TEXT, "", text.encode()))

    async def send(self, conversation: int, text: str, extra: Extra | None = None) -> Sent:
        """Say something in a conversation; returns likewise."""
        return await self.post(conversation, Kind.TEXT, "", text.encode(), extra)

    async def mention(self, conversation: int, names: Sequence[str], text: str) -> Sent:
        """Say something to these members in particular."""
        return await self.send(conversation, text, Extra(mentions=await self._numbers(names)))

    async def edit(self, conversation: int, seq: int, text: str) -> Sent:
        """Say this instead of an own message."""
        return await self.post(conversation, Kind.EDIT, "", text.encode(), Extra(about=seq))

    async def recall(self, conversation: int, seq: int) -> Sent:
        """Take a message back: its content is destroyed."""
        return await self.post(conversation, Kind.RECALL, "", b"", Extra(about=seq))

    async def shake(self, conversation: int) -> Sent:
        """Call for attention."""
        return await self.post(conversation, Kind.ATTENTION, "", b"")

    async def forward(self, conversation: int, seq: int, to: int) -> Sent:
        """Say what a message says in the conversation `to`."""
        return await self.put(Forward(conversation, seq, to, self.new_client_id()))

    async def post(
        self, conversation: int, kind: Kind, content_type: str, body: bytes, extra: Extra | None = None
    ) -> Sent:
        """Send anything, for instance an encrypted body (Kind.OPAQUE) with its type; returns likewise."""
        return await self.put(Send(conversation, self.new_client_id(), kind, content_type, body, extra))

    async def newest(self, conversation: int, limit: int, before: int = 0) -> list[Message]:
        """The newest messages that are visible, or the newest before a seq; ascending, at most `limit`."""
        messages: list[Message] = []
        while len(messages) < limit:
            before = messages[0].seq if messages else before or 2**53
            page: History = await self.ask(FetchHistory(conversation, 0, before, limit - len(messages)))
            messages[:0] = page.messages
            if not page.more or not page.runs:
                break
        return messages

    def mark_read(self, conversation: int, seq: int) -> None:
        """Somebody has read everything up to seq.  Only told while there is a connection."""
        self.tell(MarkRead(conversation, seq))

    def set_typing(self, conversation: int, typing: bool) -> None:
        """Somebody is typing, or has stopped.  Only told while there is a connection."""
        self.tell(SetTyping(conversation, typing))

    # -- people and conversations

    async def look_up(self, name: str) -> Account:
        """The account of that name; refused with NOT_FOUND."""
        found: AccountFound = await self.ask(LookUp(name, 0))
        return found.account

    async def open_direct(self, name: str) -> Membership:
        """The direct conversation with the account of that name."""
        account = await self.look_up(name)
        opened: ConversationOpened = await self.ask(OpenDirect(account.number))
        return self._opened(opened)

    async def conversations(self) -> list[Membership]:
        """All conversations of this account."""
        return await self._all(lambda after: ListConversations(after, 0), lambda page: page.memberships)

    async def members(self, conversation: int) -> list[Member]:
        """All present members of a conversation."""
        return await self._all(lambda after: ListMembers(conversation, after, 0), lambda page: page.members)

    async def contacts(self) -> list[Contact]:
        """All contacts, with their presence."""
        return await self._all(lambda after: ListContacts(after, 0), lambda page: page.contacts)

    async def contact_requests(self) -> list[ContactRequest]:
        """Who would like to be a contact and has no answer yet."""
        return await self._all(lambda after: ListContactRequests(after, 0), lambda page: page.requests)

    # -- groups

    async def create_group(self, title: str, names: Sequence[str]) -> Membership:
        """A new group with this account and those of the names."""
        members = await self._numbers(names)
        opened: ConversationOpened = await self.ask_once(CreateGroup(title, members))
        return self._opened(opened)

    async def add_members(self, conversation: int, names: Sequence[str]) -> GroupChanged:
        """Add the accounts of the names."""
        members = await self._numbers(names)
        changed: GroupChanged = await self.ask_once(AddMembers(conversation, members))
        return changed

    async def find_group(self, number: int) -> GroupFound:
        """The group of that number, if this account is in it or could join it."""
        found: GroupFound = await self.ask(FindGroup(number))
        return found

    async def join_group(self, number: int, text: str = "") -> Membership | None:
        """Join the group of that number; None if an admin has to grant it, to whom the text goes."""
        answer: ConversationOpened | Done = await self.ask_once(JoinGroup(number, text))
        return self._opened(answer) if isinstance(answer, ConversationOpened) else None

    async def join_requests(self, conversation: int) -> list[JoinRequest]:
        """Who would like to join a group whose admin this account is."""
        return await self._all(
            lambda after: ListJoinRequests(conversation, after, 0), lambda page: page.requests
        )

    async def change_group(self, request: MemberRequest) -> GroupChanged:
        """Anything else that a member may ask of a group."""
        changed: GroupChanged = await self.ask_once(request)
        return changed

    async def leave_group(self, conversation: int) -> GroupChanged:
        """Leave; what was said until then remains visible."""
        changed: GroupChanged = await self.ask_once(LeaveGroup(conversation))
        return changed

    async def rename_group(self, conversation: int, title: str) -> GroupChanged:
        """Give a group another title."""
        changed: GroupChanged = await self.ask_once(RenameGroup(conversation, title))
        return changed

    async def _all(self, ask: Callable[[int], Request], items: Callable[[Any], list[Item]]) -> list[Item]:
        """What is on all pages; `ask` makes the request for the one after a number, `items` says what is on it."""
        found: list[Item] = []
        after = 0
        while True:
            page = await self.ask(ask(after))
            found += items(page)
            if (after := page.next) == 0:
                return found

    async def _numbers(self, names: Sequence[str]) -> list[int]:
        return [(await self.look_up(name)).number for name in names]

    def _opened(self, opened: ConversationOpened) -> Membership:
        self._incoming.opened(opened.membership)
        return opened.membership
