"""One writer, one reader who keeps up, and whoever else is in the group: a stream of numbered messages."""

import hashlib
import selectors
from collections.abc import Callable, Iterable
from time import monotonic

from imserver.core.events import Behind, ConversationOpened, History, MessageArrived, Sent
from imserver.core.requests import CreateGroup, FetchHistory, MarkDelivered, Send
from imserver.core.values import Kind, Message
from tests.end_to_end.peer import Address, Peer
from tests.history import Acked, InSync, Invoked, Received, Record

WINDOW = 64
MARK_EVERY = 16
PATIENCE_SECONDS = 600.0


class Person:
    """An account with one device, by name."""

    def __init__(self, address: Address, name: str) -> None:
        self.name = name
        with Peer(address) as peer:
            self.number = peer.register(name).account.number
            self.token = peer.log_in(name, name).token

    def log_in(self, address: Address, receive_buffer_bytes: int = 0) -> Peer:
        """A connection of the device."""
        peer = Peer(address, receive_buffer_bytes=receive_buffer_bytes)
        peer.log_in_with_token(self.token)
        return peer


def text(number: int, size: int) -> bytes:
    """The body of that message of a flow."""
    return b"%0*d" % (size, number)


def digest(body: bytes) -> bytes:
    """Stands for a body in the history, so that ten thousand long ones fit into memory."""
    return hashlib.blake2b(body, digest_size=16).digest()


class Flow:
    """Messages from `writer` to a conversation that `reader` is in; everything goes into `history`.

    `worked()`: the CPU seconds of the daemon so far.
    """

    def __init__(
        self,
        address: Address,
        writer: Person,
        reader: Person,
        history: list[Record],
        worked: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._writer, self._reader = writer, reader
        self._from = writer.log_in(address)
        self._to = reader.log_in(address)
        self._history = history
        self._sent: dict[bytes, float] = {}  # client id -> when, until the writer has the answer
        self._on_the_way: dict[
            bytes, tuple[float, float]
        ] = {}  # the same and worked(), until the reader has it
        self._tags: dict[int, bytes] = {}
        self._count = 0
        self._last_seq = 0  # in the conversation under way
        self._worked = worked
        self.delays: list[float] = []  # from sending to the reader, in seconds
        self.efforts: list[float] = []  # how much of that the daemon worked

    def group(self, others: Iterable[Person] = ()) -> int:
        """A new conversation of writer, reader and others."""
        request = CreateGroup("a group", [self._reader.number, *(person.number for person in others)])
        return self._from.expect(request, ConversationOpened).membership.conversation.id

    def close(self) -> None:
        """Both are gone."""
        self._from.close()
        self._to.close()

    def pump(self, conversation: int, messages: int, size: int, window: int = WINDOW) -> None:
        """Send that many messages of that size, `window` at a time; returns when the reader has them and the writer all answers."""
        self.delays, self.efforts, self._last_seq = [], [], 0
        last = self._count + messages
        end = monotonic() + PATIENCE_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self._from, selectors.EVENT_READ, self._answered)
            selector.register(self._to, selectors.EVENT_READ, self._arrived)
            while self._count < last or self._sent or self._on_the_way:
                while self._count < last and max(len(self._sent), len(self._on_the_way)) < window:
                    self._send(conversation, size)
                for key, _ in selector.select(1.0):
                    key.data()
                if monotonic() > end:
                    raise AssertionError(f"{len(self._on_the_way)} messages did not arrive")

    def _send(self, conversation: int, size: int) -> None:
        self._count += 1
        now = monotonic()
        client_id = b"flow" + self._count.to_bytes(8, "big")
        body = text(self._count, size)
        self._history.append(Invoked(now, 1, conversation, self._writer.number, client_id, digest(body)))
        self._sent[client_id] = now
        self._on_the_way[client_id] = now, self._worked()
        self._tags[self._from.tell(Send(conversation, client_id, Kind.TEXT, "", body))] = client_id

    def _answered(self) -> None:
        for tag, event in self._from.arrived():
            if isinstance(event, Sent):
                client_id = self._tags.pop(tag)
                del self._sent[client_id]
                self._history.append(
                    Acked(monotonic(), event.conversation, self._writer.number, client_id, event.seq)
                )

    def _arrived(self) -> None:
        for _, event in self._to.arrived():
            match event:
                case MessageArrived():
                    self._take(event.message)
                case Behind():
                    self._fetch(event.conversation)
                case History():
                    for message in event.messages:
                        self._take(message)
                    if event.more:
                        self._fetch(event.conversation)

    def _take(self, message: Message) -> None:
        self._last_seq = message.seq
        self._history.append(seen(self._reader, 2, message))
        if message.kind != Kind.NOTICE:
            began, worked = self._on_the_way.pop(message.client_id)
            self.delays.append(monotonic() - began)
            self.efforts.append(self._worked() - worked)
        if message.seq % MARK_EVERY == 0:
            self._to.tell(MarkDelivered(message.conversation, message.seq))

    def _fetch(self, conversation: int) -> None:
        self._to.tell(FetchHistory(conversation, self._last_seq, 0, 0))


def seen(who: Person, connection: int, message: Message) -> Received:
    """The record of a message shown to that person's device."""
    client_id = b"" if message.kind == Kind.NOTICE else message.client_id
    return Received(
        monotonic(),
        connection,
        who.number,
        who.name,
        message.conversation,
        message.seq,
        message.sender,
        client_id,
        digest(message.body),
    )


def catch_up(address: Address, who: Person, connection: int, conversation: int) -> list[Record]:
    """Log in after an absence and fetch the whole conversation; -> what was seen."""
    records: list[Record] = []
    more, last = True, 0
    with who.log_in(address) as peer:
        while more:
            page = peer.expect(FetchHistory(conversation, last, 0, 0), History)
            records += [seen(who, connection, message) for message in page.messages]
            last, more = page.messages[-1].seq, page.more
    records.append(InSync(monotonic(), who.number, who.name))
    return records
