"""A steady trickle of messages at a fixed rate, whatever the server does: nobody waits for an answer before he goes on.

Latencies count from the moment a message was due, so that a server which stops for a second is charged with all
the messages of that second.
"""

import selectors
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic

from bench.load import BrokenPromise
from bench.measure import Latencies
from bench.prepare import token
from imserver.core.events import Behind, ConversationOpened, History, MessageArrived, Refused, Sent
from imserver.core.requests import FetchHistory, MarkDelivered, OpenDirect, Send
from imserver.core.values import Kind, Message
from tests.end_to_end.peer import Address, Peer

PER_SECOND = 200.0
MARK_EVERY = 8
BODY = b"%0100d"
PATIENCE_SECONDS = 20.0


class Trickle:
    """Account 2n writes to account 2n + 1, in turns, `PER_SECOND` messages in all."""

    def __init__(self, address: Address, pairs: int) -> None:
        self.to_ack = Latencies()
        self.to_arrival = Latencies()
        self._selector = selectors.DefaultSelector()
        self._number = 0
        self._next_at = monotonic()
        self._unanswered: dict[bytes, float] = {}  # body -> when it was due
        self._on_the_way: dict[bytes, float] = {}
        self._pairs = [self._pair(address, n) for n in range(pairs)]

    def _pair(self, address: Address, n: int) -> "_Pair":
        sender, receiver = Peer(address), Peer(address)
        sender.log_in_with_token(token(2 * n))
        other = receiver.log_in_with_token(token(2 * n + 1)).account.number
        opened = sender.expect(OpenDirect(other), ConversationOpened).membership
        pair = _Pair(sender, receiver, opened.conversation.id, opened.last_seq)
        receiver.tell(MarkDelivered(pair.conversation, pair.last_seq))
        self._selector.register(sender, selectors.EVENT_READ, partial(self._answered, pair))
        self._selector.register(receiver, selectors.EVENT_READ, partial(self._arrived, pair))
        return pair

    def run(self, goes_on: Callable[[], bool]) -> None:
        """Until `goes_on()` says no, and everything has arrived.  Raises BrokenPromise if it does not."""
        self._next_at = monotonic()
        while goes_on():
            self._send_due()
            self._hear(self._next_at - monotonic())
        end = monotonic() + PATIENCE_SECONDS
        while self._unanswered or self._on_the_way:
            self._hear(0.1)
            if monotonic() > end:
                raise BrokenPromise(f"{len(self._on_the_way)} messages did not arrive")

    def clear(self) -> None:
        """Forget the latencies so far."""
        self.to_ack.clear()
        self.to_arrival.clear()

    def close(self) -> None:
        """Everybody leaves."""
        self._selector.close()
        for pair in self._pairs:
            pair.sender.close()
            pair.receiver.close()

    def _send_due(self) -> None:
        while self._next_at <= monotonic():
            pair = self._pairs[self._number % len(self._pairs)]
            self._number += 1
            body = BODY % self._number
            self._unanswered[body] = self._on_the_way[body] = self._next_at
            client_id = b"trickle%012d" % self._number
            pair.tags[pair.sender.tell(Send(pair.conversation, client_id, Kind.TEXT, "", body))] = body
            self._next_at += 1 / PER_SECOND

    def _hear(self, seconds: float) -> None:
        for key, _ in self._selector.select(max(0.0, seconds)):
            key.data()

    def _answered(self, pair: "_Pair") -> None:
        for tag, event in pair.sender.arrived():
            if isinstance(event, Refused):
                raise BrokenPromise(str(event))
            if isinstance(event, Sent):
                self.to_ack.add(monotonic() - self._unanswered.pop(pair.tags.pop(tag)), 1)

    def _arrived(self, pair: "_Pair") -> None:
        for _, event in pair.receiver.arrived():
            match event:
                case MessageArrived():
                    self._take(pair, [event.message])
                case Behind():
                    pair.receiver.tell(FetchHistory(pair.conversation, pair.last_seq, 0, 0))
                case History():
                    self._take(pair, event.messages)

    def _take(self, pair: "_Pair", messages: Sequence[Message]) -> None:
        now = monotonic()
        for message in messages:
            if message.seq != pair.last_seq + 1:
                raise BrokenPromise(f"after seq {pair.last_seq}: {message}")
            pair.last_seq = message.seq
            self.to_arrival.add(now - self._on_the_way.pop(message.body), 1)
            if message.seq % MARK_EVERY == 0:
                pair.receiver.tell(MarkDelivered(message.conversation, message.seq))


class _Pair:
    """Two people and their conversation; `last_seq` is what the receiver has."""

    def __init__(self, sender: Peer, receiver: Peer, conversation: int, last_seq: int) -> None:
        self.sender = sender
        self.receiver = receiver
        self.conversation = conversation
        self.last_seq = last_seq
        self.tags: dict[int, bytes] = {}
