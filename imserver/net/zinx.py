"""The packets of zinx: eight bytes of header, two of its packings, then the body.

    LTV   body length u32, command u32, little-endian      zinx before 2023, and the clients of that time
    TLV   command u32, body length u32, big-endian         zinx since

The first packet shows which one a client speaks: its command is below 256 and its body below 16 MiB, so that
exactly one of bytes 3 and 4 is zero, and which one differs.

A registration (command 3) carries a picture before anybody has logged in, and an upload (command 21) a whole file.
They are taken out as they arrive (net/sieve.py), so that no more than the limit of a packet is ever held, and the
frame handed on has none.
"""

from collections.abc import Iterator
from struct import Struct

from imserver.core.errors import WireError
from imserver.net.framing import Framing
from imserver.net.sieve import Sieve

HEADER_BYTES = 8
ZINX_HEARTBEAT = 99_999  # zinx's own; its text says between whom, and nobody answers
MAX_PICTURE_BYTES = 512 * 1024
MAX_UPLOAD_BYTES = 300 * 1024 * 1024  # what the original client sends at most
_REGISTER, _PICTURE = 3, 5  # the command and its field
_UPLOAD, _FILE = 21, 5


class Packing:
    """How a header is laid out."""

    def __init__(self, name: str, order: str, length_at: int, command_at: int) -> None:
        self.name = name
        self.length_at = length_at
        self.number = Struct(f"{order}I")
        self.low_at = command_at + (3 if order == ">" else 0)  # the lowest byte of the command
        self._command_at = command_at
        self._header = Struct(f"{order}II")

    def __repr__(self) -> str:
        return self.name

    def command(self, packet: bytes, start: int = 0) -> int:
        """The command of the packet that starts there."""
        command: int = self.number.unpack_from(packet, start + self._command_at)[0]
        return command

    def pack(self, command: int, body: bytes | bytearray) -> bytes:
        """A packet."""
        both = (command, len(body)) if self.length_at else (len(body), command)
        return self._header.pack(*both) + body


LTV = Packing("ltv", "<", length_at=0, command_at=4)
TLV = Packing("tlv", ">", length_at=4, command_at=0)


def packing_of(header: bytes) -> Packing:
    """The one packing in which these eight bytes are a likely first header; raises WireError if none is."""
    if header[3] == 0 != header[4] and header[5:8] == b"\0\0\0":
        return LTV
    if header[4] == 0 != header[3] and header[:3] == b"\0\0\0":
        return TLV
    raise WireError("that is no packet of zinx")


class ZinxFraming(Framing):
    """Gives whole packets, header included.

    `packing` is that of the first packet, None before it; subclasses may know it (`expected`).  Of an upload longer
    than other packets at most `max_upload_bytes` are skipped: 0 until somebody has logged in.
    """

    __slots__ = ("_needed", "_sieve", "_sifted", "max_upload_bytes", "packing", "skipped_bytes")
    expected: Packing | None = None

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self.packing = self.expected
        self._needed = HEADER_BYTES  # bytes that must wait before there can be a packet
        self._sieve: Sieve | None = None  # of the packet that is arriving without a part of it
        self._sifted = 0  # its command
        self.max_upload_bytes = 0
        self.skipped_bytes = 0

    @property
    def unread_bytes(self) -> int:
        """How much waits here, with what is held of a packet that is sifted."""
        held = HEADER_BYTES + len(self._sieve.kept) if self._sieve is not None else 0
        return self._unread + held

    def frames(self) -> Iterator[bytes]:
        """The packets that are complete; raises WireError."""
        while (packet := self._next()) is not None:
            yield packet
        self._drop_taken()

    def _next(self) -> bytes | None:
        if self._sieve is not None:
            return self._sift(self._sieve)
        if self._unread < self._needed:
            return None
        data = self._joined() if self._later else self._data
        start = self._position
        packing = self.packing or self._settle(data)
        (length,) = packing.number.unpack_from(data, start + packing.length_at)
        if data[start + packing.low_at] == _REGISTER and packing.command(data, start) == _REGISTER:
            return self._begin(_REGISTER, _PICTURE, length, MAX_PICTURE_BYTES)
        if length > self.max_bytes:
            if packing.command(data, start) == _UPLOAD:
                return self._begin(_UPLOAD, _FILE, length, self.max_upload_bytes)
            raise self._too_long()
        size = HEADER_BYTES + length
        if size > self._unread:
            self._needed = size
            return None
        self._needed = HEADER_BYTES
        self._take(size)
        return data[start : start + size]

    def _take(self, size: int) -> None:
        self._position += size
        self._unread -= size

    def _begin(self, command: int, field: int, length: int, max_skipped: int) -> bytes | None:
        """Begin with a packet without that field."""
        if length > self.max_bytes + max_skipped:
            raise self._too_long()
        self._take(HEADER_BYTES)
        self._needed = HEADER_BYTES
        self._sieve = Sieve(field, length, self.max_bytes, max_skipped)
        self._sifted = command
        return self._sift(self._sieve)

    def _sift(self, sieve: Sieve) -> bytes | None:
        """Go on with it; -> the packet without that field, once it is complete."""
        data = self._joined() if self._later else self._data
        part = memoryview(data)[self._position : self._position + sieve.left]
        before = sieve.skipped_bytes
        sieve.feed(part)
        self.skipped_bytes += sieve.skipped_bytes - before
        self._take(len(part))
        if sieve.left:
            return None
        self._sieve = None
        assert self.packing is not None  # it was before the sieve
        return self.packing.pack(self._sifted, sieve.kept)

    def _settle(self, data: bytes) -> Packing:
        self.packing = packing_of(data[self._position : self._position + HEADER_BYTES])
        return self.packing

    def apart(self, packets: bytes) -> list[bytes]:
        """Whole packets in this packing, one by one."""
        packing, found, start = self.packing or LTV, [], 0
        while start < len(packets):
            (length,) = packing.number.unpack_from(packets, start + packing.length_at)
            end = start + HEADER_BYTES + length
            found.append(packets[start:end])
            start = end
        return found

    @staticmethod
    def pack(payload: bytes) -> bytes:
        """A packet already."""
        return payload


class LtvFraming(ZinxFraming):
    """LTV from the first packet on."""

    __slots__ = ()
    expected = LTV


class TlvFraming(ZinxFraming):
    """TLV from the first packet on."""

    __slots__ = ()
    expected = TLV


FRAMINGS = {"auto": ZinxFraming, "ltv": LtvFraming, "tlv": TlvFraming}
