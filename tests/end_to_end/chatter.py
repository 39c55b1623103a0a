"""One person of a crowd: sends, receives, and writes down what was promised and what was seen.

The client half of delivery.md's promises, done plainly: an unanswered send is repeated under its id over
every new connection, in order; a cursor per conversation; what the cursor shows to be missing is fetched.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from imserver.core.errors import Code
from imserver.core.events import (
    Behind,
    Closing,
    GoAway,
    History,
    MessageArrived,
    Probe,
    Refused,
    Sent,
    SyncState,
)
from imserver.core.requests import FetchHistory, MarkDelivered, Ping, Send, Synchronise
from imserver.core.values import Kind, Message
from tests.end_to_end.peer import Address, Gone, Peer
from tests.history import Acked, Failed, InSync, Invoked, Received, Record

DEVICE = "phone"
MARK_EVERY = 16
# The send may be repeated as it is; every other refusal is final.
_PUT_OFF = {
    Code.RETRY_AFTER,
    Code.RATE_LIMITED,
    Code.TRY_LATER,
    Code.UNAVAILABLE_STORAGE,
    Code.UNKNOWN_RETRY,
}


@dataclass(slots=True, frozen=True)
class Unsent:
    """A message without an answer so far."""

    conversation: int
    client_id: bytes
    body: bytes


class Chatter:
    """An account with one device, its conversations and its cursors.  `record` takes the history down."""

    def __init__(
        self,
        number: int,
        token: bytes,
        rng: Random,
        now: Callable[[], float],
        record: Callable[[Record], None],
    ) -> None:
        self.number = number
        self.token = token
        self.conversations: list[int] = []
        self.peer: Peer | None = None
        self.unanswered: dict[bytes, Unsent] = {}
        self.refusals: list[str] = []
        self.closed_with = ""
        self.told_to_go = False
        self._rng = rng
        self._now = now
        self._record = record
        self._connection = 0
        self._source = rng.randbytes(8)
        self._count = 0
        self._cursors: dict[int, int] = {}
        self._own: dict[tuple[int, int], Unsent] = {}  # acknowledged before the cursor got there
        self._tags: dict[int, Unsent] = {}
        self._fetching: set[int] = set()
        self._synchronising = False
        self._unmarked = 0
        self._retry_at = 0.0

    # -- coming and going

    def connect(self, address: Address, connection: int) -> None:
        """Log in, repeat what was not answered, and find out what is missing; in vain if the server has died."""
        try:
            self.peer = self.another_connection(address)
        except (Gone, ConnectionError):
            return
        self._connection = connection
        self._tags.clear()
        self._fetching.clear()
        self.told_to_go, self.closed_with, self._retry_at = False, "", 0.0
        self.invoke(list(self.unanswered.values()))
        self.synchronise()

    def another_connection(self, address: Address) -> Peer:
        """Logged in as this device, instead of it; it writes nothing down."""
        peer = Peer(address)
        try:
            peer.log_in_with_token(self.token)
        except Gone:
            peer.close()
            raise
        return peer

    def disconnect(self) -> None:
        """Be gone."""
        if self.peer is not None:
            self.peer.close()
            self.peer = None

    def synchronise(self, after: int = 0) -> None:
        """Ask what is missing."""
        self._synchronising = True
        self._tell(Synchronise(after))

    @property
    def settled(self) -> bool:
        """Everything it said is answered, and it has everything."""
        return not (self.unanswered or self._synchronising or self._fetching) and self.peer is not None

    def declare_in_sync(self) -> None:
        """Write down that it was told it lacks nothing."""
        self._record(InSync(self._now(), self.number, DEVICE))

    # -- sending

    def say(self, count: int, size: int = 0) -> None:
        """Send new messages, in one segment, to conversations of its own choosing."""
        self.invoke([self._compose(size) for _ in range(count)])

    def _compose(self, size: int) -> Unsent:
        self._count += 1
        client_id = self._source + self._count.to_bytes(8, "big")
        body = f"{self.number}'s message {self._count} ".encode().ljust(size, b".")
        message = Unsent(self._rng.choice(self.conversations), client_id, body)
        self.unanswered[client_id] = message
        return message

    def invoke(self, messages: list[Unsent]) -> None:
        """Send, or send again."""
        if self.peer is None or not messages:
            return
        now = self._now()
        for m in messages:
            self._record(Invoked(now, self._connection, m.conversation, self.number, m.client_id, m.body))
        requests = [Send(m.conversation, m.client_id, Kind.TEXT, "", m.body) for m in messages]
        last = self._tell(*requests)
        self._tags.update(zip(range(last - len(messages) + 1, last + 1), messages, strict=True))

    def retry(self) -> None:
        """Repeat what was put off, once its time has come."""
        if self._retry_at and self._now() >= self._retry_at:
            self._retry_at = 0.0
            self.invoke(list(self.unanswered.values()))

    @property
    def put_off(self) -> bool:
        """Told to wait."""
        return self._retry_at > 0

    def _tell(self, *requests: object) -> int:
        """Send; a connection that is gone is noticed where it is read."""
        assert self.peer is not None
        try:
            return self.peer.tell(*requests)  # type: ignore[arg-type]
        except Gone:
            return 0

    # -- hearing

    def hear(self) -> None:
        """Take in what has arrived.  `peer` is None afterwards if the server has closed."""
        assert self.peer is not None
        try:
            for tag, event in self.peer.arrived():
                self._heard(tag, event)
        except Gone:
            self.disconnect()

    def _heard(self, tag: int, event: object) -> None:
        match event:
            case Sent():
                self._acked(self._tags.pop(tag), event)
            case MessageArrived():
                self._pushed(event.message)
            case History():
                self._fetched(event)
            case Behind():
                self._lacks(event.conversation, event.last_seq)
            case SyncState():
                self._synchronised(event)
            case Refused():
                self._refused(tag, event)
            case Probe():
                self._tell(Ping())
            case GoAway():
                self.told_to_go = True
            case Closing():
                self.closed_with = event.code

    def _acked(self, message: Unsent, sent: Sent) -> None:
        self.unanswered.pop(message.client_id, None)
        self._record(Acked(self._now(), sent.conversation, self.number, message.client_id, sent.seq))
        if sent.seq > self._cursors.get(sent.conversation, 0):
            self._own[sent.conversation, sent.seq] = message
            self._advance_over_own(sent.conversation)

    def _advance_over_own(self, conversation: int) -> None:
        """The answer to its own message stands for the push."""
        while message := self._own.pop((conversation, self._cursors.get(conversation, 0) + 1), None):
            seq = self._cursors.get(conversation, 0) + 1
            self._saw(conversation, seq, self.number, message.client_id, message.body)

    def _pushed(self, message: Message) -> None:
        # Its own may come although it has been answered; anything else must be new.
        if message.sender != self.number or message.seq > self._cursors.get(message.conversation, 0):
            self._take(message)
        self._unmarked += 1
        if self._unmarked >= MARK_EVERY:
            self.mark()

    def _take(self, message: Message) -> None:
        client_id = b"" if message.kind == Kind.NOTICE else message.client_id
        self._saw(message.conversation, message.seq, message.sender, client_id, message.body)
        self._own.pop((message.conversation, message.seq), None)
        self._advance_over_own(message.conversation)

    def _saw(self, conversation: int, seq: int, sender: int, client_id: bytes, body: bytes) -> None:
        self._record(
            Received(
                self._now(), self._connection, self.number, DEVICE, conversation, seq, sender, client_id, body
            )
        )
        if seq == self._cursors.get(conversation, 0) + 1:
            self._cursors[conversation] = seq

    def mark(self) -> None:
        """Say how far it has got."""
        self._unmarked = 0
        if self.peer is not None and self._cursors:
            self._tell(*(MarkDelivered(conversation, seq) for conversation, seq in self._cursors.items()))

    # -- what is missing

    def _lacks(self, conversation: int, last_seq: int) -> None:
        if last_seq > self._cursors.get(conversation, 0):
            self._fetching.add(conversation)
            self._fetch(conversation)

    def _fetch(self, conversation: int) -> None:
        self._tell(FetchHistory(conversation, self._cursors.get(conversation, 0), 0, 0))

    def _fetched(self, page: History) -> None:
        for message in page.messages:
            if message.seq > self._cursors.get(page.conversation, 0):
                self._take(message)
        self.mark()
        if page.more:
            self._fetch(page.conversation)
        else:
            self._fetching.discard(page.conversation)

    def _synchronised(self, state: SyncState) -> None:
        for membership in state.memberships:
            self._lacks(membership.conversation.id, membership.last_seq)
        if state.next:
            self.synchronise(state.next)
        else:
            self._synchronising = False

    def _refused(self, tag: int, refused: Refused) -> None:
        self.refusals.append(refused.code)
        message = self._tags.pop(tag, None)
        if message is None:
            raise AssertionError(f"a request other than a send was refused: {refused}")
        if refused.code in _PUT_OFF:
            self._retry_at = self._now() + max(refused.retry_after_ms, 50) / 1000
        elif self.unanswered.pop(message.client_id, None):
            self._record(Failed(self._now(), self.number, message.client_id))
