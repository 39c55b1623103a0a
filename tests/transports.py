"""A transport in memory that behaves as Twisted's do: it buffers, asks its producer to pause, and closes late."""

from collections.abc import Callable
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.python.failure import Failure

BUFFER_BYTES = 64 * 1024


class MemoryTransport:
    """What the protocol writes arrives at `peer` at once, unless the reader is stalled."""

    def __init__(self, protocol: Any, peer: Callable[[bytes], None], host: str = "192.0.2.1") -> None:
        self._protocol = protocol
        self._peer = peer
        self._host = host
        self._producer: Any = None
        self._unread: list[bytes] = []
        self._paused_producer = False
        self._closing = False
        self.stalled = False
        self.connected = True
        self.reading = True
        self.aborted = False

    @property
    def unread_bytes(self) -> int:
        """What the stalled reader has not taken."""
        return sum(map(len, self._unread))

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", self._host, 50_000)

    def write(self, data: bytes) -> None:
        if not self.connected or self._closing:
            return
        if not self.stalled:
            self._peer(data)
            return
        self._unread.append(data)
        if self.unread_bytes > BUFFER_BYTES and self._producer is not None and not self._paused_producer:
            self._paused_producer = True
            self._producer.pauseProducing()

    def read_on(self) -> None:
        """The reader takes everything, and reads again."""
        self.stalled = False
        unread, self._unread = self._unread, []
        for data in unread:
            self._peer(data)
        if self._closing:
            self.lose(ConnectionDone())
        elif self._paused_producer:
            self._paused_producer = False
            self._producer.resumeProducing()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert streaming
        self._producer = producer

    def unregisterProducer(self) -> None:
        self._producer = None

    def pauseProducing(self) -> None:
        self.reading = False

    def resumeProducing(self) -> None:
        self.reading = True

    def loseConnection(self) -> None:
        self._closing = True
        if not self._unread:
            self.lose(ConnectionDone())

    def abortConnection(self) -> None:
        self.aborted = True
        self._unread.clear()
        self.lose(ConnectionAborted())

    def lose(self, reason: Exception | None = None) -> None:
        """The connection is gone."""
        if self.connected:
            self.connected = False
            self._protocol.connectionLost(Failure(reason or ConnectionLost()))
