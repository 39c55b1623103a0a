"""Connections to clients that take what one receive returns for whole frames.

Each frame gets a write of its own, and few are written in a turn of the reactor, so that the kernel has sent
one before the next: together they would be cut wherever a segment is full.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from imserver.net import direct
from imserver.net.connection import Connection

if TYPE_CHECKING:
    from imserver.net.connecting import ConnectionFactory

FRAMES_PER_TURN = 32


class PiecemealConnection(Connection):
    """What waits is kept as frames; `apart` gives those in what was written, for the connection's framing."""

    def __init__(self, factory: "ConnectionFactory", apart: Callable[[Any, bytes], Iterable[bytes]]) -> None:
        super().__init__(factory)
        self._apart = apart
        self._frames: deque[bytes] = deque()

    def _write_out(self) -> None:
        frames = self._frames
        frames.extend(frame for data in self._out for frame in self._apart(self._framing, data))
        self._out = []
        count = min(FRAMES_PER_TURN, len(frames)) if self._open else len(frames)
        now = [frames.popleft() for _ in range(count)]
        self.waiting_bytes -= sum(map(len, now))
        direct.write_each(self.transport, now)
        self.congested = self.waiting_bytes > self._shared.limits().outbound_soft_bytes
        if self._frames and not self._blocked and not self._written:
            self._written = True
            self._shared.connections.written(self)

    def abort(self) -> None:
        """Close without a word."""
        self._frames.clear()
        super().abort()

    @property
    def all_written(self) -> bool:
        """Nothing waits here."""
        return not self._frames and super().all_written
