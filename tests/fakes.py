"""A core in memory, with a clock and passwords that cost nothing."""

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import Logger
from zope.interface import implementer

from imserver.core.batches import GATHER_SECONDS
from imserver.core.core import Core
from imserver.core.limits import Limits
from imserver.interfaces import IPasswords
from imserver.net.connecting import ConnectionFactory
from imserver.net.connections import Connections
from imserver.net.dialect import Dialect
from imserver.net.dialogue import Dialogues
from imserver.net.gate import Gate
from imserver.store.memory import MemoryStore
from tests.transports import MemoryTransport

LIMITS = replace(Limits(), connects_per_second=1e9, connects_burst=10**9)
PAUSE_SECONDS = 1.1 * GATHER_SECONDS  # between batches
_log = Logger()


@implementer(IPasswords)
class InstantPasswords:
    """Answers at once, or when `release` is called while `holding`."""

    def __init__(self) -> None:
        self.holding = False
        self.verified = 0
        self._waiting: list[Deferred[None]] = []

    async def hash(self, password: str) -> str:
        return f"hash of {password}"

    async def verify(self, password_hash: str, password: str, suspect: bool = False) -> bool:
        self.verified += 1
        if self.holding:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting
        return password_hash == f"hash of {password}"

    def is_outdated(self, password_hash: str) -> bool:
        return False

    def release(self) -> None:
        self.holding = False
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)


class Tokens:
    """Numbered instead of random."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, length: int) -> bytes:
        self._count += 1
        return self._count.to_bytes(length, "big")


def spawn(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run it; what it does not catch fails the test."""
    Deferred.fromCoroutine(coroutine).addErrback(lambda failure: _log.failure("a coroutine failed", failure))


class World:
    """A core with everything around it, and a clock to move it."""

    def __init__(self, limits: Limits = LIMITS, store: Any = None, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.passwords = InstantPasswords()
        self.store = store or MemoryStore()
        self.limits = limits
        self.core = Core(
            store=self.store,
            passwords=self.passwords,
            clock=self.clock,
            wall_ms=lambda: 1_790_000_000_000 + int(self.clock.seconds() * 1000),
            spawn=spawn,
            limits=limits,
            registration_open=True,
            token_bytes=Tokens(),
        )
        self.gate = Gate(self.clock, lambda: limits, descriptors=100_000)
        self.connections = Connections(self.clock, lambda: limits)
        self.peers: list[Peer] = []
        self.core.start()

    def settle(self) -> None:
        """Let what is due now, or within a pause between batches, happen, and clients answer, until all is quiet."""
        for _ in range(10_000):
            self.clock.advance(0)
            until_next = min(call.getTime() for call in self.clock.getDelayedCalls()) - self.clock.seconds()
            answers = [peer.answer() for peer in self.peers]
            if any(answers):
                continue
            if until_next > PAUSE_SECONDS:
                return
            self.clock.advance(max(0.0, until_next))
        raise AssertionError("it never gets quiet")

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass, a second at a time."""
        for _ in range(round(seconds)):
            self.clock.advance(1.0)
            for peer in self.peers:
                peer.second_passed()
            self.settle()

    def factory(self, dialect: Dialect | Dialogues) -> ConnectionFactory:
        """Connections that speak this dialect."""
        return ConnectionFactory(
            self.core, dialect, self.gate, self.connections, lambda: self.limits, self.clock
        )


class Client(Protocol):
    """A client of some wire, without I/O."""

    def receive(self, data: bytes) -> bytes:
        """What arrived -> what it says to that."""
        ...

    def every_second(self) -> bytes:
        """What it says by itself."""
        ...


class Peer:
    """One client's end of a connection in memory; a client that is given answers by itself."""

    def __init__(
        self,
        world: World,
        dialect: Dialect | Dialogues,
        client: Client | None = None,
        host: str = "192.0.2.1",
    ) -> None:
        self.world = world
        self.received = bytearray()
        self._client = client
        self._replies: list[bytes] = []
        self.protocol = world.factory(dialect).buildProtocol(None)
        self.transport = MemoryTransport(self.protocol, self._arrived, host)
        world.peers.append(self)
        self.protocol.makeConnection(self.transport)

    def _arrived(self, data: bytes) -> None:
        self.received += data
        if self._client is not None:
            self._replies.append(self._client.receive(data))

    def send(self, data: bytes) -> None:
        """The client writes one segment; then everybody goes on until all is quiet."""
        self.write(data)
        self.world.settle()

    def write(self, data: bytes) -> None:
        """The client writes one segment."""
        if self.open:
            self.protocol.dataReceived(data)

    def answer(self) -> bool:
        """Say what the client has to say; -> whether there was something."""
        replies = b"".join(self._replies)
        self._replies.clear()
        self.write(replies) if replies else None
        return bool(replies)

    def second_passed(self) -> None:
        """The client says what it says every second."""
        if self._client is not None:
            self._replies.append(self._client.every_second())

    @property
    def open(self) -> bool:
        """Whether the server still holds the connection."""
        return self.transport.connected
