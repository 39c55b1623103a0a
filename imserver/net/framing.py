"""How a stream of bytes is cut into frames, in time linear in the bytes however they dribble in.

A framing belongs to one connection and does no I/O.  Give it what arrived with `receive`, take whole frames
from `frames`, which may be left half-way and taken up again; `pack` is the other direction.  A frame longer
than `max_bytes` raises WireError as soon as its length is known; nothing is allocated for a length that is
only claimed.
"""

from collections.abc import Iterator
from struct import Struct

from imserver.core.errors import Code, WireError

_INT32 = Struct("!I")
_PREFIX_BYTES = _INT32.size
_length_at = _INT32.unpack_from


class Framing:
    """What has arrived and was not taken yet.  Subclasses cut it."""

    __slots__ = ("_data", "_later", "_position", "_unread", "max_bytes")
    called = "frame"  # in sentences
    skipped_bytes = 0  # of what arrived, never held; a subclass may count

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._data = b""  # being cut, from _position on
        self._position = 0
        self._later = bytearray()  # arrived after _data
        self._unread = 0  # bytes in both together

    @property
    def unread_bytes(self) -> int:
        """How much waits here."""
        return self._unread

    def receive(self, data: bytes) -> None:
        """Take in what arrived."""
        self._unread += len(data)
        if self._data:
            self._later += data
        else:
            self._data = data

    def frames(self) -> Iterator[bytes]:
        """The payloads of the frames that are complete; raises WireError."""
        raise NotImplementedError

    @staticmethod
    def pack(payload: bytes) -> bytes:
        """The bytes that carry the payload."""
        raise NotImplementedError

    def _joined(self) -> bytes:
        """All that waits, as one string that starts at _position 0."""
        self._data = b"".join((self._data[self._position :], self._later))
        self._position = 0
        self._later = bytearray()
        return self._data

    def _drop_taken(self) -> None:
        """Keep only what has not been cut, so that a long segment is not held by a short rest."""
        self._data = self._data[self._position :]
        self._position = 0

    def _too_long(self) -> WireError:
        return WireError(f"a {self.called} may have at most {self.max_bytes} bytes", Code.FRAME_TOO_LARGE)


class Int32Framing(Framing):
    """A big-endian u32 length, then that many bytes: what twisted's Int32StringReceiver speaks."""

    __slots__ = ("_needed",)

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self._needed = _PREFIX_BYTES  # bytes that must wait before there can be a frame

    def frames(self) -> Iterator[bytes]:
        """The payloads of the frames that are complete; raises WireError."""
        while self._unread >= self._needed:
            data = self._joined() if self._later else self._data
            position, available = self._position, len(data)
            self._needed = _PREFIX_BYTES
            while (start := position + _PREFIX_BYTES) <= available:
                (length,) = _length_at(data, position)
                if length > self.max_bytes:
                    raise self._too_long()
                end = start + length
                if end > available:
                    self._needed = _PREFIX_BYTES + length
                    break
                self._unread -= end - position
                self._position = position = end
                yield data[start:end]
            self._drop_taken()

    @staticmethod
    def pack(payload: bytes) -> bytes:
        """The bytes that carry the payload."""
        return _INT32.pack(len(payload)) + payload


class LineFraming(Framing):
    """Lines ended by LF or CR LF, given without them."""

    __slots__ = ("_searched",)
    called = "line"

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self._searched = False  # all that waits has been searched in vain

    def receive(self, data: bytes) -> None:
        """Take in what arrived."""
        super().receive(data)
        if b"\n" in data:
            self._searched = False

    def frames(self) -> Iterator[bytes]:
        """The lines that are complete; raises WireError."""
        while not self._searched:
            data = self._joined() if self._later else self._data
            while (end := data.find(b"\n", self._position)) >= 0:
                line = data[self._position : end].removesuffix(b"\r")
                if len(line) > self.max_bytes:
                    raise self._too_long()
                self._unread -= end + 1 - self._position
                self._position = end + 1
                yield line
            self._drop_taken()
            self._searched = not self._later
        if self._unread > self.max_bytes + 1:
            raise self._too_long()

    @staticmethod
    def pack(payload: bytes) -> bytes:
        """The line and CR LF, as telnet wants it."""
        return payload + b"\r\n"
