"""The bare relay: the cheapest thing that could carry the same frames on the same reactor.

It is the yardstick: the product's framing and one transport.write a frame, but no accounts, no store and no
meaning.  A connection's first frame names its room and comes back once it is in; every further frame goes to
the others in the room as it is.  Run as a program it prints its port.
"""

from collections import defaultdict
from typing import cast

from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IAddress, IReactorCore, IReactorTCP, ITransport
from twisted.internet.protocol import Protocol, ServerFactory

from imserver.net.framing import Int32Framing

MAX_FRAME_BYTES = 64 * 1024


class Member(Protocol):
    """One connection."""

    transport: ITransport

    def __init__(self, rooms: "defaultdict[bytes, list[Member]]") -> None:
        self._rooms = rooms
        self._framing = Int32Framing(MAX_FRAME_BYTES)
        self._room: list[Member] | None = None
        self.others: tuple[Member, ...] = ()

    def dataReceived(self, data: bytes) -> None:
        """Forward what is complete."""
        self._framing.receive(data)
        for frame in self._framing.frames():
            if self._room is None:
                self._enter(self._rooms[frame])
                self.transport.write(self._framing.pack(frame))
                continue
            packed = self._framing.pack(frame)
            for other in self.others:
                other.transport.write(packed)

    def _enter(self, room: "list[Member]") -> None:
        self._room = room
        room.append(self)
        _introduce(room)

    def connectionLost(self, reason: object = None) -> None:
        """Leave the room."""
        if self._room is not None:
            self._room.remove(self)
            _introduce(self._room)


class Rooms(ServerFactory):
    """All connections, by room."""

    noisy = False

    def __init__(self) -> None:
        self._rooms: defaultdict[bytes, list[Member]] = defaultdict(list)

    def buildProtocol(self, addr: IAddress | None) -> Member:
        """A connection that is in no room yet."""
        return Member(self._rooms)


def _introduce(room: list[Member]) -> None:
    for member in room:
        member.others = tuple(other for other in room if other is not member)


def main() -> None:
    """Serve on a free loopback port until killed."""
    port = IReactorTCP(reactor).listenTCP(0, Rooms(), interface="127.0.0.1", backlog=1024)
    print(cast(IPv4Address, port.getHost()).port, flush=True)
    IReactorCore(reactor).run()


if __name__ == "__main__":
    main()
