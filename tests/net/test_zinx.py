"""imserver.net.zinx"""

from collections.abc import Sequence
from struct import pack

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.errors import WireError
from imserver.net import framing as framing_module
from imserver.net.framing import Framing
from imserver.net.zinx import (
    HEADER_BYTES,
    LTV,
    MAX_PICTURE_BYTES,
    TLV,
    LtvFraming,
    Packing,
    TlvFraming,
    ZinxFraming,
    packing_of,
)
from tests.net.test_framing import CUTS, STOPS, cut, forever, pieces

LIMIT = 40
BOTH = (LTV, TLV)
PACKINGS = st.sampled_from(BOTH)
COMMANDS = st.sampled_from((1, 2, 4, 13, 19, 24))
PACKETS = st.lists(st.tuples(COMMANDS, st.binary(max_size=LIMIT)), min_size=1, max_size=6)
TEXTS = b"\x0a\x05alice\x12\x06secret"


def picture(size: int) -> bytes:
    """Field 5 of a registration."""
    length = bytes((size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14))
    return b"\x2a" + length + b"p" * size


def frames_of(framing: Framing, data: bytes) -> list[bytes]:
    framing.receive(data)
    return list(framing.frames())


class PackingTests(SynchronousTestCase):
    """Packing and packing_of"""

    def test_golden(self) -> None:
        """The bytes of both packings, and how a body of 13 bytes looks in them."""
        self.assertEqual(LTV.pack(1, b"x" * 13)[:8].hex(), "0d00000001000000")
        self.assertEqual(TLV.pack(1, b"x" * 13)[:8].hex(), "000000010000000d")

    @given(PACKINGS, st.integers(0, 2**32 - 1), st.binary(max_size=9))
    def test_command(self, packing: Packing, command: int, body: bytes) -> None:
        """The command is read where it was written."""
        self.assertEqual(packing.command(b"before" + packing.pack(command, body), 6), command)

    @given(PACKINGS, st.integers(1, 255), st.integers(0, 2**24 - 1))
    def test_told_apart(self, packing: Packing, command: int, length: int) -> None:
        """The first header shows the packing, whatever the command below 256 and the length below 16 MiB."""
        header = pack("<II", length, command) if packing is LTV else pack(">II", command, length)
        self.assertIs(packing_of(header), packing)

    def test_neither(self) -> None:
        """What is neither is refused."""
        for header in (
            b"GET / HT",
            b"\0" * 8,
            b"\0\0\0\1\1\0\0\0",
            b"\1\0\0\0\1\0\0\1",
            b"\0\0\1\1\0\0\0\1",
            b"\xff" * 8,
        ):
            self.assertRaises(WireError, packing_of, header)


class ZinxFramingTests(SynchronousTestCase):
    """ZinxFraming"""

    @settings(max_examples=300)
    @given(PACKINGS, PACKETS, CUTS, STOPS)
    def test_any_chunking(
        self,
        packing: Packing,
        packets: Sequence[tuple[int, bytes]],
        cuts: Sequence[int],
        stops: Sequence[bool],
    ) -> None:
        """Any chunking gives the same packets."""
        whole = [packing.pack(*packet) for packet in packets]
        framing = ZinxFraming(LIMIT)
        self.assertEqual(cut(framing, pieces(b"".join(whole), cuts), forever(stops)), (whole, False))
        self.assertEqual(framing.unread_bytes, 0)

    @settings(max_examples=300)
    @given(PACKINGS, st.lists(st.integers(0, 200), min_size=1, max_size=4), CUTS, STOPS)
    def test_registrations(
        self, packing: Packing, sizes: Sequence[int], cuts: Sequence[int], stops: Sequence[bool]
    ) -> None:
        """A registration is handed on without its picture, however it arrives, and what follows is read."""
        data = b"".join(packing.pack(3, TEXTS + picture(size)) + packing.pack(19, b"") for size in sizes)
        framing = ZinxFraming(LIMIT)
        expected = [packing.pack(3, TEXTS), packing.pack(19, b"")] * len(sizes)
        self.assertEqual(cut(framing, pieces(data, cuts), forever(stops)), (expected, False))
        self.assertEqual(framing.unread_bytes, 0)
        self.assertEqual(framing.skipped_bytes, sum(sizes))

    @given(st.lists(st.binary(max_size=30), max_size=9))
    def test_any_bytes(self, segments: Sequence[bytes]) -> None:
        """Any bytes give packets or a WireError."""
        framing = ZinxFraming(LIMIT)
        try:
            for segment in segments:
                framing.receive(segment)
                list(framing.frames())
        except WireError:
            return
        self.assertLessEqual(framing.unread_bytes, sum(map(len, segments)))

    def test_first_packet_decides(self) -> None:
        """What the first packet was, all are: the other packing means something else."""
        framing = ZinxFraming(LIMIT)
        self.assertEqual(len(frames_of(framing, LTV.pack(19, b""))), 1)
        self.assertRaises(WireError, frames_of, framing, TLV.pack(19, b""))

    def test_configured(self) -> None:
        """A listener may know the packing; then nothing is guessed."""
        for kind, packing in ((LtvFraming, LTV), (TlvFraming, TLV)):
            self.assertEqual(frames_of(kind(LIMIT), packing.pack(0, b"")), [packing.pack(0, b"")])

    def test_too_long(self) -> None:
        """A length over the limit is refused by the header alone, whatever it claims (threats.md T1)."""
        for length in (LIMIT + 1, 2**24 - 1):
            for header in (pack("<II", length, 1), pack(">II", 1, length)):
                self.assertRaises(WireError, frames_of, ZinxFraming(LIMIT), header)
        for length in (2**31 - 1, 2**31, 2**32 - 1):
            for packing, header in ((LTV, pack("<II", length, 1)), (TLV, pack(">II", 1, length))):
                self.assertRaises(WireError, frames_of, ZinxFraming(LIMIT), header)
                framing = ZinxFraming(LIMIT)
                frames_of(framing, packing.pack(19, b""))
                self.assertRaises(WireError, frames_of, framing, header)

    def test_too_long_registration(self) -> None:
        """A registration may have its picture beyond the limit, and no more."""
        most = LIMIT + MAX_PICTURE_BYTES
        for packing in BOTH:
            framing = ZinxFraming(LIMIT)
            self.assertEqual(frames_of(framing, packing.pack(3, b"")[:HEADER_BYTES]), [packing.pack(3, b"")])
            framing.receive(packing.pack(3, b"x" * (most + 1))[:HEADER_BYTES])
            self.assertRaises(WireError, list, framing.frames())

    def test_an_upload(self) -> None:
        """An upload longer than other packets is handed on without its file, as soon as somebody has logged in."""
        texts = TEXTS + b"\x22\x05a.txt"
        for packing in BOTH:
            upload = packing.pack(21, texts + picture(3000))
            self.assertRaises(WireError, frames_of, ZinxFraming(LIMIT), upload)
            framing = ZinxFraming(LIMIT)
            framing.max_upload_bytes = 3000
            found = frames_of(framing, upload + packing.pack(19, b""))
            self.assertEqual(found, [packing.pack(21, texts), packing.pack(19, b"")])
            self.assertEqual(framing.unread_bytes, 0)
            framing.receive(packing.pack(21, texts + picture(3001)))
            self.assertRaises(WireError, list, framing.frames())
            framing = ZinxFraming(LIMIT)
            framing.max_upload_bytes = 3000
            self.assertRaises(WireError, frames_of, framing, packing.pack(22, texts + picture(3000)))

    def test_a_picture_is_never_held(self) -> None:
        """While a registration of half a megabyte arrives, no more than a segment and its texts is held (threats.md T1)."""
        data = LTV.pack(3, TEXTS + picture(MAX_PICTURE_BYTES))
        framing = ZinxFraming(8192)
        held, found = 0, []
        for start in range(0, len(data), 1000):
            found += frames_of(framing, data[start : start + 1000])
            held = max(held, framing.unread_bytes + len(framing._data) + len(framing._later))
        self.assertEqual(found, [LTV.pack(3, TEXTS)])
        self.assertLess(held, 1100)

    def test_an_unfinished_registration_waits(self) -> None:
        """A registration that stops half-way counts as waiting, so that its deadline holds."""
        framing = ZinxFraming(LIMIT)
        self.assertEqual(frames_of(framing, LTV.pack(3, picture(200))[:-1]), [])
        self.assertGreater(framing.unread_bytes, 0)

    def test_new_limit(self) -> None:
        """The limit may be raised while packets wait: it holds from the next one on."""
        framing = ZinxFraming(LIMIT)
        framing.receive(LTV.pack(1, b"") + LTV.pack(13, b"x" * 100))
        frames = framing.frames()
        next(frames)
        framing.max_bytes = 100
        self.assertEqual(next(frames), LTV.pack(13, b"x" * 100))

    def test_linear(self) -> None:
        """Packets that come byte by byte, or many in one segment, are joined a bounded number of times."""
        copied = 0
        joined = Framing._joined

        def counting(framing: Framing) -> bytes:
            nonlocal copied
            result = joined(framing)
            copied += len(result)
            return result

        self.patch(framing_module.Framing, "_joined", counting)
        framing = ZinxFraming(1 << 18)
        long = LTV.pack(13, b"x" * (1 << 18))
        for at in range(len(long)):
            framing.receive(long[at : at + 1])
            last = list(framing.frames())
        self.assertEqual(last, [long])
        self.assertEqual(len(frames_of(framing, LTV.pack(19, b"x" * 50) * 5000)), 5000)
        self.assertLess(copied, 2 * len(long))
