"""A native client without I/O, as docs/wires/native.md tells a developer to write one."""

from imserver.codecs.protobuf import ProtobufCodec
from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.singly import singly
from imserver.core.values import Kind, Message
from imserver.net.framing import Int32Framing
from imserver.net.projection import words
from tests.contracts.wire import WireClient

CODEC = ProtobufCodec()


class NativeClient(WireClient):
    """Synchronises after login, fetches what it lacks, acknowledges what it has."""

    def __init__(self) -> None:
        super().__init__()
        self._framing = Int32Framing(1024 * 1024)
        self._sent = 0
        self.events: list[e.Event] = []
        self.answers: dict[int, e.Event] = {}
        self.cursors: dict[int, int] = {}
        self.tag = 0

    def request(self, request: r.Request) -> bytes:
        """The request as a frame, under the next tag."""
        self.tag += 1
        return self._framing.pack(CODEC.encode_request(request, self.tag))

    def log_in(self, name: str, password: str) -> bytes:
        return self.request(r.LogIn(name, password, ""))

    def send_to(self, name: str, text: str) -> bytes:
        self._sent += 1
        client_id = id(self).to_bytes(8, "big") + self._sent.to_bytes(8, "big")
        return self.request(r.SendTo(name, client_id, Kind.TEXT, "", text.encode()))

    def receive(self, data: bytes) -> bytes:
        self._framing.receive(data)
        return b"".join([self._replies(*CODEC.decode_event(frame)) for frame in self._framing.frames()])

    def _replies(self, tag: int, event: e.Event | None) -> bytes:
        assert event is not None
        return b"".join([self._reply(one, its_tag) for one, its_tag in singly(event, tag)])

    def _reply(self, event: e.Event, tag: int) -> bytes:
        self.events.append(event)
        if tag:
            self.answers[tag] = event
        match event:
            case e.LoggedIn():
                self.logged_in = True
                return self.request(r.Synchronise(0))
            case e.Sent():
                self.acknowledged += 1
            case e.Refused(code=code) | e.Closing(code=code):
                self.refused.append(code)
            case e.SyncState(memberships=memberships):
                for membership in memberships:
                    start = max(membership.delivered_seq, membership.joined_seq)
                    self.cursors[membership.conversation.id] = start
                return b"".join(self._fetch(membership.conversation.id) for membership in memberships)
            case e.Behind(conversation=conversation):
                return self._fetch(conversation)
            case e.History(conversation=conversation, more=more):
                taken = self._take(event.messages)
                return taken + (self._fetch(conversation) if more else b"")
            case e.MessageArrived(message=message):
                return self._take([message])
        return b""

    def _fetch(self, conversation: int) -> bytes:
        return self.request(r.FetchHistory(conversation, self.cursors.get(conversation, 0), 0, 0))

    def _take(self, messages: list[Message]) -> bytes:
        for message in messages:
            cursor = self.cursors.setdefault(message.conversation, message.seq - 1)
            if message.seq > cursor:
                self.cursors[message.conversation] = message.seq
                self.arrived.append((message.sender_name, words(message)))
        last = messages[-1] if messages else None
        return self.request(r.MarkDelivered(last.conversation, last.seq)) if last else b""
