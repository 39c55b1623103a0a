"""Connections to clients that take what one receive returns for the whole of what they wait for.

A receive returns nothing of a segment that has not come yet, so a frame that lies across two of them is cut.
Hence each write is whole frames that fit into one segment, the kernel is told to begin a new one for the next,
and what it has no room for waits here, not joined in the transport.  Few writes are made in a turn of the reactor,
so that a backlog leaves room for everybody else.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from imserver.net import direct
from imserver.net.connection import Connection
from imserver.net.kernel import segment_bytes

if TYPE_CHECKING:
    from imserver.net.connecting import ConnectionFactory

WRITES_PER_TURN = 8
SMALL_BYTES = 536  # every segment carries that much, so nobody has to be asked
LARGE_BYTES = 16 * 1024  # of a record of TLS, which is taken as a whole too


class PiecemealConnection(Connection):
    """What waits is kept as it is to be written; `apart` gives the frames in something said, for the connection's framing."""

    def __init__(self, factory: "ConnectionFactory", apart: Callable[[Any, bytes], Iterable[bytes]]) -> None:
        super().__init__(factory)
        self._apart = apart
        self._pieces: deque[bytes] = deque()

    def _write_out(self) -> None:
        pieces = self._pieces
        pieces.extend(self._in_pieces(self._out))
        self._out = []
        self._write_pieces(WRITES_PER_TURN if self._open else len(pieces))
        self.congested = self.waiting_bytes > self._shared.limits().outbound_soft_bytes
        if pieces and not self._blocked and not self._written:
            self._written = True
            self._shared.connections.written(self)

    def _write_pieces(self, count: int) -> None:
        """Write so many, or until there is no room for the next; the last words of a connection go as they can."""
        pieces = self._pieces
        while pieces and count and not (self._blocked and self._open):
            if not self._open:
                self.transport.write(pieces[0])
            elif not direct.write_apart(self.transport, pieces[0]):
                self._blocked = True
                return
            self.waiting_bytes -= len(pieces.popleft())
            count -= 1

    def _in_pieces(self, said: Sequence[bytes]) -> Iterable[bytes]:
        size = sum(map(len, said))
        room = SMALL_BYTES if size <= SMALL_BYTES else self._room()
        if size > room:
            return together((frame for data in said for frame in self._apart(self._framing, data)), room)
        return (b"".join(said),) if size else ()

    def _room(self) -> int:
        return min(LARGE_BYTES, segment_bytes(self.transport, LARGE_BYTES))

    def abort(self) -> None:
        """Close without a word."""
        self._pieces.clear()
        super().abort()

    @property
    def all_written(self) -> bool:
        """Nothing waits here."""
        return not self._pieces and super().all_written


def together(frames: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    """Those that follow each other, joined as long as they have at most so many bytes; a longer one is alone."""
    piece: list[bytes] = []
    size = 0
    for frame in frames:
        if piece and size + len(frame) > max_bytes:
            yield b"".join(piece)
            piece, size = [], 0
        piece.append(frame)
        size += len(frame)
    if piece:
        yield b"".join(piece)
