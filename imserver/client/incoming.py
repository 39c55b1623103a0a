"""What arrives, put in order: every message of every conversation exactly once, in order, whatever was lost.

Two cursors per conversation: `seen` is what has gone into the inbox, `given` what the application has had.
A push at seen + 1 is taken; anything lower is a duplicate, and says that an acknowledgement was lost;
anything higher says that something is missing, and is left to history, which is authoritative: what a page
skips is not visible to this device.  One task at a time asks for what is missing: which conversations there
are, where this device is behind, and page after page of the messages, as fast as the application takes them.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from imserver.client.cursors import MAX_CONVERSATIONS, Cursors, Step
from imserver.client.errors import NotConnected, RequestRefused
from imserver.client.inbox import Inbox
from imserver.client.link import Link
from imserver.core.events import (
    Behind,
    ConversationList,
    ConversationOpened,
    Event,
    History,
    MessageArrived,
    Sent,
    SyncState,
)
from imserver.core.requests import FetchHistory, ListConversations, Request, Synchronise
from imserver.core.values import Conversation, Gone, Kind, Membership, Message

ROOM = 512  # with fewer events in the inbox there is room for a page (200) and for the server's window (128)
MAX_EARLY = 128  # own messages of one conversation that wait for others before them


class Incoming:
    """The receiving half of a client.

    `listener` gets the events (inbox.py).  `was_given(conversation, seq, messages)` is called when the
    application has had everything up to seq, `messages` of them new; `given` is kept up to date.  `own` says
    whether a client id is of a message that this program has sent, which is known by its Sent and not given.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        listener: Callable[[Event], Any],
        was_given: Callable[[int, int, int], None],
        given: Cursors,
        own: Callable[[bytes], bool],
    ) -> None:
        self._clock = clock
        self._inbox = Inbox(listener, self._was_taken)
        self._given = given
        self._seen = Cursors(given.as_dict())
        self._was_given = was_given
        self._own = own
        self._conversations: dict[int, Conversation] = {}
        self._early: dict[int, set[int]] = {}  # conversation -> own seqs that came before their turn
        self._behind: dict[int, int] = {}  # conversation -> fetch what is after this seq
        self._list_wanted = True
        self._synchronise_wanted = False
        self._link: Link | None = None
        self._working = False
        self._work_done: Deferred[None] | None = None

    # -- the connection

    def link_up(self, link: Link) -> None:
        """Logged in: find out what was missed."""
        self._link = link
        self._behind.clear()
        self._synchronise_wanted = True
        self._wake()

    def link_down(self) -> None:
        """Nothing can be asked until the next link is up."""
        self._link = None
        if self._work_done is not None:
            self._work_done.cancel()

    def forget(self) -> None:
        """The server's log is another one now: numbers mean other messages than before."""
        for cursors in (self._given, self._seen):
            cursors.clear()
        self._inbox.clear()
        self._early.clear()
        self._conversations.clear()
        self._list_wanted = True

    # -- events

    def event_arrived(self, event: Event) -> None:
        """Anything that the server tells by itself."""
        if isinstance(event, MessageArrived):
            self._pushed(event.message)
        elif isinstance(event, Behind):
            self._lack(event.conversation)
        else:
            if isinstance(event, ConversationOpened):
                self.opened(event.membership)
            self._inbox.put(event)

    def opened(self, membership: Membership) -> None:
        """This device has the conversation from now on."""
        conversation, start = membership.conversation, max(membership.joined_seq, membership.delivered_seq)
        self._conversations.pop(conversation.id, None)
        if len(self._conversations) >= MAX_CONVERSATIONS:
            del self._conversations[next(iter(self._conversations))]
        self._conversations[conversation.id] = conversation
        self._seen.raise_to(conversation.id, start)
        if self._given.get(conversation.id) is None:
            self._given.raise_to(conversation.id, start)

    def sent(self, sent: Sent) -> None:
        """The server's answer to an own message stands for the message in the order; it may come before its turn."""
        cursor = self._seen.get(sent.conversation)
        if cursor is None and sent.seq == 1:
            self._seen.raise_to(sent.conversation, cursor := 0)
        if cursor is None or len(self._early.get(sent.conversation, ())) >= MAX_EARLY:
            self._lack(sent.conversation)
        else:
            self._early.setdefault(sent.conversation, set()).add(sent.seq)
            self._place_early(sent.conversation)

    def _pushed(self, message: Message) -> None:
        conversation = self._conversations.get(message.conversation)
        if conversation is None:
            self._lack(message.conversation)
        else:
            self._place(message.conversation, message.seq, self._shown(message, conversation))

    def _shown(self, message: Message, conversation: Conversation) -> MessageArrived | None:
        is_withheld = message.kind == Kind.TOMBSTONE and message.content_type == Gone.WITHHELD
        return None if is_withheld or self._own(message.client_id) else MessageArrived(message, conversation)

    def _place(self, conversation: int, seq: int, event: MessageArrived | None) -> None:
        if self._inbox.full:
            self._lack(conversation)
            return
        step = self._seen.step(conversation, seq)
        if step is Step.NEXT:
            self._take(conversation, seq, event)
        elif step is Step.SEEN:
            self._acknowledge_again(conversation)
        else:
            self._lack(conversation)

    def _take(self, conversation: int, seq: int, event: MessageArrived | None) -> None:
        if event is not None and event.message.kind == Kind.NOTICE:
            self._list_wanted = True  # the group may have another title now
            self._wake()
        self._inbox.put_message(event, conversation, seq)
        self._place_early(conversation)

    def _place_early(self, conversation: int) -> None:
        """Own messages whose turn has come."""
        early = self._early.get(conversation)
        while early:
            seq = min(early)
            step = self._seen.step(conversation, seq)
            if step is Step.GAP or step is Step.UNKNOWN:
                return
            early.remove(seq)
            if step is Step.NEXT:
                self._inbox.put_message(None, conversation, seq)
        self._early.pop(conversation, None)

    def _was_taken(self, conversation: int, seq: int) -> None:
        self._given.raise_to(conversation, seq)
        self._was_given(conversation, seq, 1)
        self._wake()

    def _acknowledge_again(self, conversation: int) -> None:
        self._was_given(conversation, self._given.get(conversation) or 0, 0)

    # -- what is missing

    def _lack(self, conversation: int) -> None:
        cursor = self._seen.get(conversation)
        if cursor is None or conversation not in self._conversations:
            self._synchronise_wanted = True
        else:
            self._behind.setdefault(conversation, cursor)
        self._wake()

    def _wake(self) -> None:
        if self._link is not None and not self._working:
            self._working = True
            self._work_done = Deferred.fromCoroutine(self._work(self._link))
            self._work_done.addBoth(self._worked)

    async def _work(self, link: Link) -> None:
        while True:
            if self._list_wanted:
                await self._list(link)
            elif self._synchronise_wanted:
                await self._synchronise(link)
            elif self._behind and len(self._inbox) < ROOM:
                await self._fetch(link, next(iter(self._behind)))
            else:
                return

    def _worked(self, result: object) -> None:
        self._working = False
        if isinstance(result, Failure) and not isinstance(result.value, NotConnected | CancelledError):
            self._log.failure("cannot ask for what is missing", result)

    async def _list(self, link: Link) -> None:
        self._list_wanted = False
        after = 0
        while True:
            try:
                page: ConversationList = await self._ask(link, ListConversations(after, 0))
            except NotConnected:
                self._list_wanted = True
                raise
            for membership in page.memberships:
                self.opened(membership)
            if (after := page.next) == 0:
                return

    async def _synchronise(self, link: Link) -> None:
        self._synchronise_wanted = False
        after = 0
        while True:
            page: SyncState = await self._ask(link, Synchronise(after))
            for membership in page.memberships:
                self.opened(membership)
                start = max(membership.joined_seq, membership.delivered_seq)
                self._behind[membership.conversation.id] = start
            if (after := page.next) == 0:
                return

    async def _fetch(self, link: Link, conversation: int) -> None:
        """One page of one conversation, then it is the next one's turn."""
        after = self._behind.pop(conversation)
        try:
            page: History = await self._ask(link, FetchHistory(conversation, after, 0, 0))
        except RequestRefused as error:
            self._log.info("conversation {id} cannot be fetched: {code}", id=conversation, code=error.code)
            return
        for message in page.messages:
            self._fetched(message, self._conversations[conversation])
        if page.more and page.runs and page.runs[-1].last_seq > after:
            self._behind[conversation] = page.runs[-1].last_seq

    def _fetched(self, message: Message, conversation: Conversation) -> None:
        if message.seq <= (self._seen.get(conversation.id) or 0):
            self._acknowledge_again(conversation.id)
        else:
            self._seen.raise_to(conversation.id, message.seq)
            self._take(conversation.id, message.seq, self._shown(message, conversation))

    async def _ask(self, link: Link, request: Request) -> Any:
        while True:
            try:
                return await link.request(request)
            except RequestRefused as error:
                if not error.wait_seconds:
                    raise
                await deferLater(self._clock, error.wait_seconds, lambda: None)
