"""Lines of standard input beside everything else that the reactor does.

The descriptor is read when it is ready and stays as it is: making it non-blocking (as twisted's StandardIO
does) would make standard output so too, for they are the same terminal, and then printing can fail.
"""

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

MAX_LINE_BYTES = 64 * 1024
_READ_BYTES = 4096


@implementer(IReadDescriptor)
class Keyboard:
    """Give it the reactor and the descriptor; nothing is read before somebody asks."""

    def __init__(self, reactor: Any, descriptor: int) -> None:
        self._reactor = reactor
        self._descriptor = descriptor
        self._unread = b""
        self._ended = False
        self._wanted: Deferred[str | None] | None = None

    def next_line(self) -> "Deferred[str | None]":
        """-> the next line, None at the end of the input; ask again when it has come."""
        wanted: Deferred[str | None] = Deferred(self._cancelled)
        self._wanted = wanted
        if not self._answer():
            self._reactor.addReader(self)
        return wanted

    def close(self) -> None:
        """As if the input had ended."""
        self._ended = True
        self._answer()
        self._reactor.removeReader(self)

    def _answer(self) -> bool:
        """Whether nobody waits any more: hand over a line, a too long one in parts, the last one even without an end."""
        if self._wanted is None:
            return True
        line, newline, rest = self._unread.partition(b"\n")
        if not newline and not self._ended and len(line) < MAX_LINE_BYTES:
            return False
        self._unread = rest
        wanted, self._wanted = self._wanted, None
        wanted.callback(line.decode("utf-8", "replace") if line or newline else None)
        return True

    def _cancelled(self, wanted: object) -> None:
        self._wanted = None
        self._reactor.removeReader(self)

    # -- called by the reactor

    def fileno(self) -> int:
        """What the reactor watches."""
        return self._descriptor

    def logPrefix(self) -> str:  # noqa: N802
        """For the reactor's log."""
        return "keyboard"

    def doRead(self) -> None:  # noqa: N802
        """There is something to read, or the end."""
        data = os.read(self._descriptor, _READ_BYTES)
        self._unread += data
        self._ended = not data
        if self._answer():
            self._reactor.removeReader(self)

    def connectionLost(self, reason: Failure) -> None:
        """The reactor stops, or the terminal is gone: there is no further line."""
        self.close()
