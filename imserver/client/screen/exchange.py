"""Carries what happens between the client library and the model, and tells the view when to look again."""

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imserver.client.client import Client
from imserver.client.errors import ClientError, NotConnected
from imserver.client.screen.burning import Burning
from imserver.client.screen.chat import Chat
from imserver.client.screen.chats import Chats
from imserver.client.screen.chosen import ChosenPresence
from imserver.client.screen.naming import learn_members, learn_origins
from imserver.client.screen.paging import PAGE, fetch_newer, fetch_older
from imserver.client.screen.people import People, wish, wish_to_join
from imserver.client.screen.saying import Saying
from imserver.client.screen.signals import counted, signalled
from imserver.client.terminal import content
from imserver.core import events
from imserver.core.requests import CountReceipts, SetPresence
from imserver.core.values import Account, Kind, Message, Presence, State

MAX_PREVIEWS = 100  # conversations whose last message is asked for, to know the order
TYPING_REPEAT_SECONDS = 3.0
RING_SECONDS = 10.0  # however many call for attention meanwhile, it rings once


class View(Protocol):
    """What people see."""

    def changed(self) -> None:
        """The model has changed."""

    def connection_changed(self, text: str) -> None:
        """Why there is no connection; empty: there is one."""

    def notice(self, text: str) -> None:
        """Something to read once."""

    def ring(self) -> None:
        """Be heard, once."""

    def ended(self, reason: ClientError) -> None:
        """The server will not have this device any more, or the account was left."""


class Exchange:
    """One account that is logged in.  Its client is given with `use`, before it logs in."""

    _log = Logger()
    client: Client

    def __init__(self, clock: IReactorTime, wall_ms: Callable[[], int], view: View) -> None:
        self.clock = clock
        self.view = view
        self.chats = Chats(Account(0, "", "", ""))
        self.people = People()
        self.chosen = ChosenPresence()
        self.burning = Burning()
        self.saying = Saying(self, wall_ms)
        self._wall_ms = wall_ms
        self._log_epoch = 0
        self._fetching: set[int] = set()
        self._typing_told: tuple[int, float] = (0, 0.0)
        self._quiet_until = 0.0

    def use(self, client: Client) -> None:
        """This is the client; its listener is `arrived` and its connection_changed that of this object."""
        self.client = client
        client.ended.addCallback(self._ended)

    # -- called by the client

    def connection_changed(self, loss: NotConnected | None) -> None:
        """A connection is up, or lost."""
        if loss is not None:
            self.view.connection_changed(loss.text)
            return
        if self.chats.own.number != self.client.account.number:
            self.chats, self.people = Chats(self.client.account), People()
        elif self._log_epoch != self.client.log_epoch:
            self.chats.forget()
        else:
            self.chats.let_go_of_burning()
        self._log_epoch = self.client.log_epoch
        self.burning.use_log(self._log_epoch)
        self.view.connection_changed("")
        self.spawn(self._list())
        self.spawn(self._list_people())

    def arrived(self, event: events.Event) -> None:
        """Something has happened."""
        match event:
            case events.MessageArrived():
                self._message_arrived(event)
            case events.ConversationOpened():
                self.chats.update(event.membership)
            case events.GroupUpdated():
                self.chats.of(event.conversation).conversation = event.conversation
            case _:
                self._told(event)
        self.view.changed()

    def _message_arrived(self, event: events.MessageArrived) -> None:
        message, chat = event.message, self.chats.arrived(event.message, event.conversation)
        self.spawn(self._name_origins(chat))
        if message.kind == Kind.NOTICE and chat is self.chats.open:
            self.spawn(learn_members(self.client, chat))
        elif message.kind == Kind.ATTENTION and message.sender != self.chats.own.number:
            self._called(message, chat)

    def _called(self, message: Message, chat: Chat) -> None:
        where = f" in # {chat.title}" if chat.is_group else ""
        self.view.notice(f"{message.sender_name} {content(message)}{where}")
        now = self.clock.seconds()
        if now >= self._quiet_until and self.people.own.state != State.DO_NOT_DISTURB:
            self._quiet_until = now + RING_SECONDS
            self.view.ring()

    def _told(self, event: Any) -> None:
        people, chat = self.people, self.chats.get(getattr(event, "conversation", 0))
        if chat is not None:
            signalled(chat, event, self.clock.seconds())
        match event:
            case events.JoinRequested() if (group := self.chats.get(event.request.conversation)) is not None:
                self.view.notice(wish_to_join(event.request, group.title))
            case events.ContactRequested():
                people.asked(event.request)
                self.view.notice(wish(event.request))
            case events.ContactAdded():
                people.added(event.contact)
                self.view.notice(f"{event.contact.account.name} is a contact now")
            case events.ContactRemoved():
                people.removed(event.account)
            case events.PresenceChanged():
                people.presence_changed(event.changes, self.chats.own.number)
            case events.ProfileChanged():
                people.profile_changed(event.account)
            case events.RemarkChanged():
                people.remark_changed(event.account, event.remark, event.category)

    def _ended(self, reason: ClientError) -> ClientError:
        self.saying.end()
        self.view.ended(reason)
        return reason

    # -- what there is

    async def _list(self) -> None:
        """All conversations, then when each was last used."""
        for membership in await self.client.conversations():
            self._tell_read(self.chats.update(membership))  # the mark may have been lost with a connection
        self.view.changed()
        self.saying.go_on()
        if self.chats.open is not None:
            await self._fill(self.chats.open)
        silent = [chat for chat in self.chats.newest_first() if chat.last_seq and not chat.active_ms]
        for chat in sorted(silent, key=lambda chat: not chat.unread)[:MAX_PREVIEWS]:
            await self._older(chat, 1)

    async def _list_people(self) -> None:
        """All contacts, and who asks to be one; and what this device has chosen to be."""
        if not self.chosen.is_plain:
            await self._set_presence(self.chosen.presence)
        self.people.replace(await self.client.contacts(), await self.client.contact_requests())
        self.view.changed()

    async def choose_presence(self, presence: Presence) -> None:
        """Be this available, also with the next connection, and the next time."""
        await self._set_presence(presence)
        self.chosen.choose(presence)

    async def _set_presence(self, presence: Presence) -> None:
        await self.client.ask(SetPresence(presence.state, presence.text))
        self.people.own = presence
        self.view.changed()

    def open(self, chat: Chat) -> None:
        """Show this conversation from now on."""
        self.chats.enter(chat)
        self.chats.touch(chat)
        self.view.changed()
        self.spawn(self._fill(chat))

    async def _fill(self, chat: Chat) -> None:
        if len(chat.messages) < PAGE:
            await self._older(chat, PAGE)
        own = chat.last_own()
        if own is not None and not chat.left:
            counted(chat, await self.client.ask(CountReceipts(chat.id, own.seq)))
            self.view.changed()
        await learn_members(self.client, chat)

    async def _name_origins(self, chat: Chat) -> None:
        if await learn_origins(self.client, chat):
            self.view.changed()

    # -- history

    def scrolled_up(self, chat: Chat) -> None:
        """What was said before is wanted."""
        self.spawn(self._older(chat, PAGE))

    def scrolled_down(self, chat: Chat) -> None:
        """What was said after the stretch is wanted."""
        self.spawn(self._newer(chat))

    def back_to_the_end(self, chat: Chat) -> None:
        """The newest messages are wanted."""
        if chat.newer:
            chat.clear()
            self.spawn(self._older(chat, PAGE))

    async def _older(self, chat: Chat, count: int) -> None:
        if chat.older:
            await self._fetch(chat, partial(fetch_older, self.client, chat, count))

    async def _newer(self, chat: Chat) -> None:
        if chat.newer:
            await self._fetch(chat, partial(fetch_newer, self.client, chat))

    async def _fetch(self, chat: Chat, fetch: Callable[[], Awaitable[None]]) -> None:
        if chat.id in self._fetching:
            return
        self._fetching.add(chat.id)
        try:
            await fetch()
        finally:
            self._fetching.discard(chat.id)
        self.messages_came(chat)

    def messages_came(self, chat: Chat) -> None:
        """It holds others than before."""
        chat.burn(self.burning, self._wall_ms())
        self.chats.touch(chat)
        self.view.changed()
        self.spawn(self._name_origins(chat))

    def burn(self) -> None:
        """Time has passed: some of what is to be burnt may be over."""
        if self.chats.burn(self.burning, self._wall_ms()):
            self.view.changed()

    # -- marks

    def read(self, chat: Chat) -> None:
        """Somebody has seen everything that is there."""
        if chat.unread:
            self.view.changed()
        chat.read_seq = max(chat.read_seq, chat.last_seq)
        self._tell_read(chat)

    def _tell_read(self, chat: Chat) -> None:
        if chat.read_seq > chat.marked_seq and not chat.left and self.client.connected:
            chat.marked_seq = chat.read_seq
            self.client.mark_read(chat.id, chat.read_seq)

    def typing(self, chat: Chat, typing: bool) -> None:
        """Somebody types; told again every few seconds, and once when it ends."""
        told, since = self._typing_told
        now = self.clock.seconds()
        if typing and (told != chat.id or now >= since + TYPING_REPEAT_SECONDS):
            self._typing_told = chat.id, now
            self.client.set_typing(chat.id, True)
        elif not typing and told == chat.id:
            self._typing_told = 0, 0.0
            self.client.set_typing(chat.id, False)

    def said(self) -> None:
        """Who has said something types no more; his message tells so."""
        self._typing_told = 0, 0.0

    # -- everything else

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it; a refusal is shown, anything else that goes wrong is a bug and logged."""
        Deferred.fromCoroutine(work).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        if isinstance(failure.value, ClientError):
            if failure.value.code != NotConnected.CLOSED:
                self.view.notice(failure.value.text)
        else:
            self._log.failure("the screen failed", failure)
            self.view.notice("something failed here; the log says more")
