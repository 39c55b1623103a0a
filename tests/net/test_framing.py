"""How a stream of bytes is cut into frames: the same however it arrives, in linear time, within its limits."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from struct import pack
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.protocols.basic import Int32StringReceiver
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.errors import WireError
from imserver.net import framing as module
from imserver.net.framing import Framing, Int32Framing, LineFraming
from tests.transports import MemoryTransport

LIMIT = 20
Outcome = tuple[list[bytes], bool]  # the frames, and whether an error ended them


def int32_reference(data: bytes) -> Outcome:
    """The rule in a few lines, for all the bytes at once."""
    frames = []
    while len(data) >= 4:
        length = int.from_bytes(data[:4], "big")
        if length > LIMIT:
            return frames, True
        if len(data) < 4 + length:
            break
        frames.append(data[4 : 4 + length])
        data = data[4 + length :]
    return frames, False


def line_reference(data: bytes) -> Outcome:
    """The same for lines."""
    *whole, rest = data.split(b"\n")
    frames = []
    for line in whole:
        line = line.removesuffix(b"\r")
        if len(line) > LIMIT:
            return frames, True
        frames.append(line)
    return frames, len(rest) > LIMIT + 1


def cut(framing: Framing, segments: Sequence[bytes], stops: Iterator[bool]) -> Outcome:
    """Feed the segments, leaving the frames half-way where `stops` says so and taking them up again."""
    found: list[bytes] = []
    try:
        for segment in segments:
            framing.receive(segment)
            again = True
            while again:
                again = False
                for frame in framing.frames():
                    found.append(frame)
                    if next(stops):
                        again = True
                        break
    except WireError as error:
        assert error.code == "FRAME_TOO_LARGE"
        return found, True
    return found, False


def pieces(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = sorted(place % (len(data) + 1) for place in cuts)
    return [data[start:end] for start, end in pairwise([0, *places, len(data)])]


def forever(pattern: Sequence[bool]) -> Iterator[bool]:
    while True:
        yield from pattern or [False]


INT32_STREAMS = st.lists(
    st.one_of(
        st.binary(max_size=LIMIT).map(lambda payload: pack("!I", len(payload)) + payload),
        st.binary(max_size=LIMIT).map(lambda payload: pack("!I", len(payload)) + payload),
        st.sampled_from((LIMIT, LIMIT + 1, 2**31 - 1, 2**31, 2**32 - 1)).map(lambda n: pack("!I", n)),
        st.binary(max_size=9),
    ),
    max_size=9,
).map(b"".join)
LINE_STREAMS = st.lists(
    st.one_of(
        st.sampled_from((b"\n", b"\r\n", b"\r", b"hello\n", b"x" * LIMIT, b"x")),
        st.binary(max_size=LIMIT + 3),
    ),
    max_size=12,
).map(b"".join)
CUTS = st.lists(st.integers(0, 500), max_size=12)
STOPS = st.lists(st.booleans(), max_size=5)


class ChunkingTests(SynchronousTestCase):
    """Against the reference: any segments, left half-way and taken up again anywhere."""

    @settings(max_examples=500)
    @given(INT32_STREAMS, CUTS, STOPS)
    def test_int32(self, data: bytes, cuts: Sequence[int], stops: Sequence[bool]) -> None:
        """Any chunking gives the same frames and the same end."""
        found = cut(Int32Framing(LIMIT), pieces(data, cuts), forever(stops))
        self.assertEqual(found, int32_reference(data))

    @settings(max_examples=500)
    @given(LINE_STREAMS, CUTS, STOPS)
    def test_lines(self, data: bytes, cuts: Sequence[int], stops: Sequence[bool]) -> None:
        """Any chunking gives the same lines; a line that is too long is one, however it comes."""
        frames, failed = cut(LineFraming(LIMIT), pieces(data, cuts), forever(stops))
        expected, must_fail = line_reference(data)
        self.assertEqual((frames, failed), (expected, must_fail))

    def test_taken_up_again(self) -> None:
        """A small frame behind a long one is there at once when the reader that stopped after the long one comes back."""
        framing = Int32Framing(1000)
        data = framing.pack(b"x" * 900) + framing.pack(b"small")
        framing.receive(data[:500])
        self.assertEqual(list(framing.frames()), [])
        framing.receive(data[500:])
        self.assertEqual(next(framing.frames()), b"x" * 900)
        self.assertEqual(list(framing.frames()), [b"small"])
        self.assertEqual(framing.unread_bytes, 0)

    @given(INT32_STREAMS, CUTS)
    def test_unread_bytes(self, data: bytes, cuts: Sequence[int]) -> None:
        """What waits is what arrived less the frames taken."""
        framing = Int32Framing(LIMIT)
        frames, failed = cut(framing, pieces(data, cuts), forever([False]))
        if not failed:
            self.assertEqual(framing.unread_bytes, len(data) - sum(4 + len(frame) for frame in frames))


class LimitTests(SynchronousTestCase):
    def test_int32_prefixes(self) -> None:
        """A length over the limit is refused as soon as its prefix is there, whatever it claims (threats.md T1)."""
        for length in (0, 1, LIMIT - 1, LIMIT):
            framing = Int32Framing(LIMIT)
            framing.receive(pack("!I", length) + b"x" * length)
            self.assertEqual(list(framing.frames()), [b"x" * length])
        for length in (LIMIT + 1, 2**31 - 1, 2**31, 2**32 - 1):
            framing = Int32Framing(LIMIT)
            framing.receive(pack("!I", length))
            self.assertRaises(WireError, list, framing.frames())

    def test_good_frames_first(self) -> None:
        """What came before a frame that is too long is still given."""
        framing = Int32Framing(LIMIT)
        framing.receive(framing.pack(b"good") + pack("!I", 2**31))
        frames = framing.frames()
        self.assertEqual(next(frames), b"good")
        self.assertRaises(WireError, next, frames)

    def test_lines(self) -> None:
        """A line at the limit passes with either ending; without an ending it ends at the limit and two bytes."""
        for ending in (b"\n", b"\r\n"):
            framing = LineFraming(LIMIT)
            framing.receive(b"x" * LIMIT + ending)
            self.assertEqual(list(framing.frames()), [b"x" * LIMIT])
        framing = LineFraming(LIMIT)
        framing.receive(b"x" * LIMIT + b"\r")
        self.assertEqual(list(framing.frames()), [])
        framing.receive(b"x")
        self.assertRaises(WireError, list, framing.frames())

    def test_new_limit(self) -> None:
        """The limit may be raised while frames wait: it holds from the next frame on."""
        framing = Int32Framing(LIMIT)
        framing.receive(framing.pack(b"log in") + framing.pack(b"x" * 100))
        frames = framing.frames()
        self.assertEqual(next(frames), b"log in")
        framing.max_bytes = 100
        self.assertEqual(list(frames), [b"x" * 100])


class Segment(bytes):
    """What arrives; counts the bytes that are copied to put it behind them."""

    copied = 0

    def __radd__(self, others: Any) -> Any:
        if isinstance(others, bytearray):
            return NotImplemented  # it grows in place
        Segment.copied += len(others)
        return bytes(others) + bytes(self)


class CostTests(SynchronousTestCase):
    """Linear time (threats.md T2): what is joined is counted, not timed."""

    def joined(self, make: Callable[[int], Framing], data: bytes, size: int) -> int:
        """Feed data in segments of that size; -> the bytes that were joined into new strings."""
        copied = 0
        original = Framing._joined

        def counting(framing: Framing) -> bytes:
            nonlocal copied
            result = original(framing)
            copied += len(result)
            return result

        self.patch(module.Framing, "_joined", counting)
        self.patch(Segment, "copied", 0)
        framing = make(len(data))
        found = 0
        for start in range(0, len(data), size):
            framing.receive(Segment(data[start : start + size]))
            found += sum(1 for _ in framing.frames())
        self.assertGreater(found, 0)
        self.assertEqual(framing.unread_bytes, 0)
        return copied + Segment.copied

    def test_long_frame_byte_by_byte(self) -> None:
        """A frame of 256 KiB that comes byte by byte is joined once or twice, not at each byte."""
        payload = b"x" * (256 * 1024)
        data = Int32Framing(0).pack(payload)
        self.assertLess(self.joined(Int32Framing, data, 1), 2 * len(data))

    def test_long_line_byte_by_byte(self) -> None:
        """A long line is searched for its end as it comes, and joined a bounded number of times."""
        data = b"x" * (64 * 1024) + b"\n"
        self.assertLess(self.joined(LineFraming, data, 1), 3 * len(data))

    def test_many_small_frames(self) -> None:
        """Small frames in large segments are hardly joined at all."""
        data = Int32Framing(0).pack(b"x" * 50) * 5000
        self.assertLess(self.joined(Int32Framing, data, 4096), 2 * len(data))

    def test_nothing_for_a_claim(self) -> None:
        """A length that is only claimed costs nothing: what is held is what has arrived."""
        framing = Int32Framing(2**31)
        framing.receive(pack("!I", 2**30) + b"x")
        self.assertEqual(list(framing.frames()), [])
        self.assertEqual(framing.unread_bytes, 5)
        self.assertLess(len(framing._data) + len(framing._later), 10)

    def test_a_short_rest_does_not_hold_a_long_segment(self) -> None:
        """Of a long segment only what has not been cut is kept."""
        framing = Int32Framing(2**20)
        framing.receive(framing.pack(b"x" * 2**18) + b"\0")
        self.assertEqual(len(list(framing.frames())), 1)
        self.assertEqual(len(framing._data), 1)


class Receiver(Int32StringReceiver):
    """Twisted's own end of the protocol."""

    def __init__(self) -> None:
        self.received: list[bytes] = []

    def stringReceived(self, string: bytes) -> None:
        self.received.append(string)


class InteroperationTests(SynchronousTestCase):
    payloads = (b"", b"x", b"\0\0\0\1", b"y" * 70_000)

    def test_to_twisted(self) -> None:
        """Int32StringReceiver understands what Int32Framing packs."""
        receiver = Receiver()
        data = b"".join(Int32Framing(0).pack(payload) for payload in self.payloads)
        for start in range(0, len(data), 1000):
            receiver.dataReceived(data[start : start + 1000])
        self.assertEqual(receiver.received, list(self.payloads))

    def test_from_twisted(self) -> None:
        """Int32Framing understands what Int32StringReceiver sends."""
        arrived: list[bytes] = []
        receiver: Any = Receiver()
        receiver.makeConnection(MemoryTransport(receiver, arrived.append))
        for payload in self.payloads:
            receiver.sendString(payload)
        framing = Int32Framing(2**20)
        framing.receive(b"".join(arrived))
        self.assertEqual(list(framing.frames()), list(self.payloads))

    def test_lines(self) -> None:
        """A line goes out with CR LF, as telnet wants it, and is understood again."""
        framing = LineFraming(LIMIT)
        self.assertEqual(framing.pack(b"hello"), b"hello\r\n")
        framing.receive(framing.pack(b"hello"))
        self.assertEqual(list(framing.frames()), [b"hello"])
