"""A server in memory that speaks the native wire's frames with one device, step by step.

Nothing moves by itself: `serve` lets the server handle what the client wrote, `deliver` hands the client what
the server wrote, `cut` loses everything in between.  It pushes only at position + 1 and only within a small
window, numbers without gaps, and knows a client id again, as the real one does.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone, ConnectionRefusedError
from twisted.internet.interfaces import IStreamClientEndpoint, ITransport
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from imserver.codecs.protobuf import ProtobufCodec
from imserver.core import events, requests
from imserver.core.run import Run
from imserver.core.values import (
    Account,
    Contact,
    ContactRequest,
    Conversation,
    ConversationKind,
    Extra,
    Gone,
    Kind,
    Member,
    Membership,
    Message,
    Once,
)
from imserver.net.framing import Int32Framing

ALICE = Account(1, "alice", "Alice", "")
BOB = Account(2, "bob", "Bob", "")
PASSWORD = "correct horse"
DIRECT, GROUP = 17, 18
Answer = events.Event | None


def group(number: int = GROUP, title: str = "team") -> Conversation:
    """A group."""
    return Conversation(number, ConversationKind.GROUP, title, ())


def direct(number: int = DIRECT) -> Conversation:
    """The conversation of alice and bob."""
    return Conversation(number, ConversationKind.DIRECT, "", (ALICE, BOB))


@implementer(ITransport)
class Pipe:
    """The client's transport."""

    def __init__(self, connection: "FakeConnection") -> None:
        self._connection = connection

    def write(self, data: bytes) -> None:
        """To the server."""
        self._connection.received(data)

    def loseConnection(self) -> None:
        """As a real one: not at once."""
        self._connection.clock.callLater(0, self._connection.cut)

    abortConnection = loseConnection


class FakeConnection:
    """The server's side of one connection."""

    def __init__(self, server: "FakeServer", protocol: Any, clock: Clock) -> None:
        self._server = server
        self._protocol = protocol
        self._codec = ProtobufCodec()
        self._framing = Int32Framing(1024 * 1024)
        self.clock = clock
        self.up = True
        self.logged_in = False
        self.to_serve: deque[tuple[int, requests.Request]] = deque()
        self.to_deliver: deque[bytes] = deque()
        self.pushed: dict[int, int] = {}
        self.behind: set[int] = set()

    def received(self, data: bytes) -> None:
        """Bytes of the client."""
        self._framing.receive(data)
        for frame in self._framing.frames():
            request = self._codec.decode(frame)
            self._server.heard.append(request[1])
            self.to_serve.append(request)

    def tell(self, event: events.Event, tag: int = 0) -> None:
        """An event on its way to the client."""
        payload = self._codec.encode(event, tag)
        assert payload is not None
        self.to_deliver.append(self._framing.pack(payload))

    def serve(self, count: int = 1_000) -> int:
        """Handle so many requests; -> how many there were."""
        served = 0
        while self.to_serve and served < count and self.up:
            tag, request = self.to_serve.popleft()
            answer = self._server.answer(self, request)
            if answer is not None:
                self.tell(answer, tag)
            if isinstance(answer, events.Sent):
                self._server.announce()
            served += 1
        return served

    def deliver(self, count: int = 1_000) -> int:
        """Hand so many frames to the client; -> how many there were."""
        delivered = 0
        while self.to_deliver and delivered < count and self.up:
            self._protocol.dataReceived(self.to_deliver.popleft())
            delivered += 1
        return delivered

    def cut(self) -> None:
        """The connection is lost, with all that was on its way."""
        if self.up:
            self.up = False
            self._protocol.connectionLost(Failure(ConnectionDone()))


@implementer(IStreamClientEndpoint)
class FakeServer:
    """Bob's server, and the endpoint by which he reaches it.  `override` may answer a request in its place."""

    def __init__(self, clock: Clock, window: int = 128) -> None:
        self.clock = clock
        self.window = window
        self.reachable = True
        self.log_epoch = 7
        self.token = b"token"
        self.resume_tokens: set[bytes] = set()
        self.conversations: dict[int, Conversation] = {}
        self.joined: dict[int, int] = {}
        self.log: dict[int, list[Message]] = {}
        self.ids: dict[bytes, events.Sent] = {}
        self.delivered: dict[int, int] = {}
        self.read: dict[int, int] = {}
        self.members = [ALICE, BOB]  # of each conversation
        self.contacts: list[Contact] = []
        self.contact_requests: list[ContactRequest] = []
        self.effects: dict[Once, Answer] = {}
        self.unannounced: deque[tuple[Message, FakeConnection | None]] = deque()
        self.heard: list[requests.Request] = []
        self.connections: list[FakeConnection] = []
        self.override: Callable[[requests.Request], Answer] = lambda request: None
        for conversation in (direct(), group()):
            self.add(conversation)

    # -- the endpoint

    def connect(self, factory: Any) -> "Deferred[Any]":
        """One more connection, or a refusal."""
        if not self.reachable:
            return fail(ConnectionRefusedError())
        protocol = factory.buildProtocol(None)
        connection = FakeConnection(self, protocol, self.clock)
        self.connections.append(connection)
        protocol.makeConnection(Pipe(connection))
        return succeed(protocol)

    @property
    def connection(self) -> FakeConnection:
        """The newest."""
        return self.connections[-1]

    @property
    def connected(self) -> bool:
        """Whether the newest is still up."""
        return bool(self.connections) and self.connection.up

    def settle(self) -> bool:
        """Let everything move until nothing does; -> whether anything did."""
        moved = False
        while self.connected and (self.connection.serve() or self.connection.deliver()):
            moved = True
        return moved

    # -- what others do

    def add(self, conversation: Conversation, joined: int = 0) -> None:
        """Bob is a member from now on."""
        self.conversations[conversation.id] = conversation
        self.joined[conversation.id] = joined
        self.log.setdefault(conversation.id, [])

    def say(self, conversation: int, text: str, extra: Extra | None = None) -> Message:
        """Alice says something."""
        return self.act(conversation, Kind.TEXT, text, extra)

    def act(self, conversation: int, kind: Kind, text: str = "", extra: Extra | None = None) -> Message:
        """Alice does something."""
        client_id = b"alice-%d" % len(self.ids)
        message = self._append(conversation, ALICE, client_id, kind, "", text.encode(), extra)
        self.unannounced.append((message, None))
        self.announce()
        return message

    def gone(self, message: Message, why: Gone) -> Message:
        """What is left of it in the log when it is destroyed."""
        return replace(message, kind=Kind.TOMBSTONE, content_type=why, body=b"", extra=None)

    def repeat(self, conversation: int, seq: int) -> None:
        """Push a message once more."""
        self.connection.tell(events.RunArrived(Run.of(self.log[conversation][seq - 1]), group()))

    def texts(self, conversation: int, sender: Account) -> list[str]:
        """What somebody said there, in order."""
        return [one.body.decode() for one in self.log[conversation] if one.sender == sender.number]

    def _append(
        self,
        conversation: int,
        sender: Account,
        client_id: bytes,
        kind: int,
        content_type: str,
        body: bytes,
        extra: Extra | None = None,
    ) -> Message:
        log = self.log[conversation]
        seq = len(log) + 1
        message = Message(
            conversation, seq, sender.number, sender.name, client_id, kind, content_type, body, 1, extra
        )
        log.append(message)
        self.ids[client_id] = events.Sent(conversation, message.seq, 1)
        return message

    # -- pushing

    def announce(self) -> None:
        """Push what is new, or remember that the device is behind."""
        while self.unannounced:
            message, by = self.unannounced.popleft()
            connection = self.connections[-1] if self.connections else None
            if connection is not None and connection.up and connection.logged_in:
                self._push(connection, message, own=by is connection)

    def _push(self, connection: FakeConnection, message: Message, own: bool) -> None:
        conversation, seq = message.conversation, message.seq
        pushed = connection.pushed.setdefault(conversation, seq - 1)
        in_window = seq - self.delivered.get(conversation, 0) <= self.window
        if seq == pushed + 1 and (own or in_window):
            connection.pushed[conversation] = seq
            if not own:
                connection.tell(events.RunArrived(Run.of(message), self.conversations[conversation]))
        elif seq > pushed:
            connection.behind.add(conversation)
            self._tell_behind(connection)

    def _tell_behind(self, connection: FakeConnection) -> None:
        for conversation in sorted(connection.behind):
            if connection.pushed[conversation] - self.delivered.get(conversation, 0) <= self.window // 2:
                connection.behind.remove(conversation)
                connection.tell(events.Behind(conversation, len(self.log[conversation])))

    # -- answering

    def answer(self, connection: FakeConnection, request: requests.Request) -> Answer:
        """What the server says."""
        overriding = self.override(request)
        if overriding is not None:
            return overriding
        if isinstance(request, requests.LogIn | requests.LogInWithToken | requests.Resume):
            return self._log_in(connection, request)
        if isinstance(request, requests.Send | requests.SendTo):
            return self._send(connection, request)
        if isinstance(request, requests.CreateGroup):
            return self._create_group(request)
        handler: Callable[..., Answer] = getattr(self, f"_{type(request).__name__}")
        return handler(connection, request)

    def _log_in(
        self, connection: FakeConnection, request: requests.LogIn | requests.LogInWithToken | requests.Resume
    ) -> Answer:
        if isinstance(request, requests.LogIn):
            known = (request.name, request.password) == (BOB.name, PASSWORD)
        elif isinstance(request, requests.LogInWithToken):
            known = request.token == self.token
        else:
            known = request.token in self.resume_tokens
        if not known:
            return events.Refused("WRONG_CREDENTIALS", "no")
        connection.logged_in = True
        for membership in self._memberships(only_behind=True):
            connection.pushed[membership.conversation.id] = membership.delivered_seq
        resume_token = b"resume-%d" % len(self.connections)
        self.resume_tokens = {resume_token}
        token = self.token if isinstance(request, requests.LogIn) else b""
        return events.LoggedIn(BOB, "imchat-1", token, resume_token, self.log_epoch)

    def _send(self, connection: FakeConnection, request: requests.Send | requests.SendTo) -> Answer:
        conversation = request.conversation if isinstance(request, requests.Send) else DIRECT
        if request.client_id not in self.ids:
            content = request.kind, request.content_type, request.body, request.extra
            message = self._append(conversation, BOB, request.client_id, *content)
            self.unannounced.append((message, connection))
        return self.ids[request.client_id]

    def _Forward(self, connection: FakeConnection, request: requests.Forward) -> Answer:
        one = self.log[request.conversation][request.seq - 1]
        body = one.content_type, one.body, Extra(origin=one.sender)
        return self._send(connection, requests.Send(request.to, request.client_id, Kind.TEXT, *body))

    def _create_group(self, request: requests.CreateGroup) -> Answer:
        assert request.once is not None
        if request.once not in self.effects:
            conversation = group(100 + len(self.effects), request.title)
            self.add(conversation)
            self.effects[request.once] = events.ConversationOpened(self._membership(conversation.id))
        return self.effects[request.once]

    def _Hello(self, connection: FakeConnection, request: requests.Hello) -> Answer:
        return events.Welcome("a fake", True, 256 * 1024, 64 * 1024, self.window)

    def _Ping(self, connection: FakeConnection, request: requests.Ping) -> Answer:
        return events.Pong()

    def _Register(self, connection: FakeConnection, request: requests.Register) -> Answer:
        return events.Registered(BOB)

    def _LookUp(self, connection: FakeConnection, request: requests.LookUp) -> Answer:
        if request.name != ALICE.name and request.number != ALICE.number:
            return events.Refused("NOT_FOUND", f"there is no {request.name}")
        return events.AccountFound(ALICE)

    def _OpenDirect(self, connection: FakeConnection, request: requests.OpenDirect) -> Answer:
        return events.ConversationOpened(self._membership(DIRECT))

    def _LogOut(self, connection: FakeConnection, request: requests.LogOut) -> Answer:
        self.token = b"another"
        return events.Done()

    def _ChangePassword(self, connection: FakeConnection, request: requests.ChangePassword) -> Answer:
        return events.Done()

    def _MarkDelivered(self, connection: FakeConnection, request: requests.MarkDelivered) -> Answer:
        seq = min(request.seq, connection.pushed.get(request.conversation, 0))
        self.delivered[request.conversation] = max(seq, self.delivered.get(request.conversation, 0))
        self._tell_behind(connection)
        return None

    def _MarkRead(self, connection: FakeConnection, request: requests.MarkRead) -> Answer:
        self.read[request.conversation] = request.seq
        return None

    def _SetTyping(self, connection: FakeConnection, request: requests.SetTyping) -> Answer:
        return None

    def _CountReceipts(self, connection: FakeConnection, request: requests.CountReceipts) -> Answer:
        return events.ReceiptCounts(request.conversation, request.seq, 1, 0)

    def _ListMembers(self, connection: FakeConnection, request: requests.ListMembers) -> Answer:
        return events.MemberList([Member(account, 0) for account in self.members], 0)

    def _ListContacts(self, connection: FakeConnection, request: requests.ListContacts) -> Answer:
        found = [one for one in self.contacts if one.account.number > request.after]
        return events.ContactList(found[:1], found[0].account.number if len(found) > 1 else 0)

    def _ListContactRequests(
        self, connection: FakeConnection, request: requests.ListContactRequests
    ) -> Answer:
        found = [one for one in self.contact_requests if one.account.number > request.after]
        return events.ContactRequestList(found[:1], found[0].account.number if len(found) > 1 else 0)

    def _FetchHistory(self, connection: FakeConnection, request: requests.FetchHistory) -> Answer:
        after = max(request.after, self.joined[request.conversation])
        before = request.before or 2**53
        found = [one for one in self.log[request.conversation] if after < one.seq < before]
        limit = request.limit or 3
        if request.before:
            return events.History(
                request.conversation, [Run.of(one) for one in found[-limit:]], len(found) > limit
            )
        page = found[:limit]
        pushed = connection.pushed.get(request.conversation)
        if page and pushed is not None and after <= pushed < page[-1].seq:
            connection.pushed[request.conversation] = page[-1].seq
        return events.History(request.conversation, [Run.of(one) for one in page], len(found) > limit)

    def _ListConversations(self, connection: FakeConnection, request: requests.ListConversations) -> Answer:
        found = [one for one in self._memberships(False) if one.conversation.id > request.after]
        return events.ConversationList(found[:1], found[0].conversation.id if len(found) > 1 else 0)

    def _Synchronise(self, connection: FakeConnection, request: requests.Synchronise) -> Answer:
        found = [one for one in self._memberships(True) if one.conversation.id > request.after]
        return events.SyncState(found[:1], found[0].conversation.id if len(found) > 1 else 0, self.log_epoch)

    def _memberships(self, only_behind: bool) -> list[Membership]:
        found = [self._membership(conversation) for conversation in sorted(self.conversations)]
        return [one for one in found if not only_behind or one.delivered_seq < one.last_seq]

    def _membership(self, conversation: int) -> Membership:
        joined = self.joined[conversation]
        delivered = max(joined, self.delivered.get(conversation, 0))
        last, read = len(self.log[conversation]), self.read.get(conversation, 0)
        return Membership(self.conversations[conversation], last, joined, 0, delivered, read)
