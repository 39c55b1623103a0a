"""imserver.net.piecemeal: no frame is cut by the end of a segment, and few writes a turn."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.capabilities import Capabilities
from imserver.core.events import Closing, Event
from imserver.net import piecemeal as module
from imserver.net.dialogue import Dialogue, Dialogues
from imserver.net.framing import LineFraming
from imserver.net.piecemeal import LARGE_BYTES, SMALL_BYTES, WRITES_PER_TURN, together
from tests.fakes import LIMITS, Peer, World

LINE_BYTES = 400  # one fits into the smallest segment, two do not
CARRIED = 1000  # by a segment


class Lines(Dialogue):
    """Says as many lines, each of so many bytes, as it is told to."""

    def received(self, frame: bytes) -> None:
        count, size = map(int, frame.split())
        self.write(b"".join(b"%0*d\n" % (size - 1, n) for n in range(count)))

    def happened(self, event: Event, tag: int) -> bytes:
        return b"bye\n" if isinstance(event, Closing) else b""


def lines(framing: Any, data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


DIALOGUES = Dialogues(LineFraming, Lines, Capabilities("lines"), apart=lines)


class PiecemealTests(SynchronousTestCase):
    """PiecemealConnection"""

    def setUp(self) -> None:
        self.world = World(replace(LIMITS, enabled=False))
        self.carried = CARRIED
        self.patch(module, "segment_bytes", lambda transport, default: self.carried)
        self.writes: list[bytes] = []
        self.peer = Peer(self.world, DIALOGUES)
        write = self.peer.transport.write
        self.peer.transport.write = lambda data: (self.writes.append(data), write(data))

    def say(self, count: int, size: int = LINE_BYTES) -> None:
        self.peer.write(b"%d %d\n" % (count, size))

    def lines_written(self) -> list[int]:
        """The numbers of all lines; each write has whole ones."""
        self.assertEqual([data[-1:] for data in self.writes], [b"\n"] * len(self.writes))
        return [int(line) for line in b"".join(self.writes).split()]

    def test_what_a_segment_holds(self) -> None:
        """A write has as many whole frames as a segment holds."""
        self.say(5)
        self.world.settle()
        self.assertEqual([len(data) for data in self.writes], [2 * LINE_BYTES, 2 * LINE_BYTES, LINE_BYTES])
        self.assertEqual(self.lines_written(), [0, 1, 2, 3, 4])

    def test_what_was_said_together(self) -> None:
        """What several commands of a turn say goes together, too; nothing said is nothing written."""
        self.say(2, 100)
        self.say(0)
        self.say(1, 300)
        self.world.settle()
        self.assertEqual([len(data) for data in self.writes], [500])
        self.say(0)
        self.world.settle()
        self.assertEqual(len(self.writes), 1)

    def test_a_long_frame(self) -> None:
        """A frame that no segment holds is alone."""
        self.peer.write(b"1 100\n1 3000\n1 100\n")
        self.world.settle()
        self.assertEqual([len(data) for data in self.writes], [100, 3000, 100])

    def test_large_segments(self) -> None:
        """Where segments are very large, a write still fits into one record of TLS."""
        self.carried = 65_483
        self.say(60)
        self.world.settle()
        self.assertEqual(len(self.writes[0]), LARGE_BYTES // LINE_BYTES * LINE_BYTES)

    def test_nobody_is_asked(self) -> None:
        """What every segment carries goes without a look at the connection."""
        self.patch(module, "segment_bytes", None)
        self.say(5, SMALL_BYTES // 5)
        self.world.settle()
        self.assertEqual(len(self.writes), 1)

    def test_paced(self) -> None:
        """A turn makes so many writes, the next ones the rest, in order; then nothing waits."""
        self.say(4 * WRITES_PER_TURN + 1)
        written = []
        for _ in range(3):
            self.peer.protocol.flush()
            written.append(len(self.writes))
        self.assertEqual(written, [WRITES_PER_TURN, 2 * WRITES_PER_TURN, 2 * WRITES_PER_TURN + 1])
        self.assertEqual(self.lines_written(), list(range(4 * WRITES_PER_TURN + 1)))
        self.assertEqual(self.peer.protocol.waiting_bytes, 0)
        self.assertTrue(self.peer.protocol.all_written)

    def test_nobody_has_to_ask(self) -> None:
        """The turns that follow come by themselves."""
        self.say(6 * WRITES_PER_TURN)
        self.world.settle()
        self.assertEqual(len(self.writes), 3 * WRITES_PER_TURN)

    def test_what_waits_has_not_left(self) -> None:
        """What is for later turns has not left this machine."""
        self.say(2 * WRITES_PER_TURN + 1)
        self.peer.protocol.flush()
        self.assertFalse(self.peer.protocol.all_written)
        self.assertEqual(self.peer.protocol.waiting_bytes, LINE_BYTES)

    def test_close(self) -> None:
        """At the end everything goes at once, still in whole frames."""
        self.say(6 * WRITES_PER_TURN)
        self.peer.protocol.close("X", "y")
        self.assertEqual(len(self.writes), 3 * WRITES_PER_TURN)
        self.assertTrue(self.writes[-1].endswith(b"\nbye\n"))

    def test_a_stalled_reader(self) -> None:
        """While the transport is full the frames wait; when it has room they go on."""
        self.peer.transport.stalled = True
        self.say(1000)
        self.world.settle()
        self.assertGreater(self.peer.protocol.waiting_bytes, 1000)
        self.peer.transport.read_on()
        self.world.settle()
        self.assertEqual(self.lines_written(), list(range(1000)))
        self.assertEqual(bytes(self.peer.received).count(b"\n"), 1000)

    def test_a_full_socket(self) -> None:
        """What the socket has no room for waits here, is tried again when it has, and counts as not written."""
        room = 3
        taken: list[bytes] = []

        def write_apart(transport: Any, data: bytes) -> bool:
            if len(taken) < room:
                taken.append(data)
            return taken[-1:] == [data]

        self.patch(module.direct, "write_apart", write_apart)
        self.say(10)
        self.world.settle()
        self.assertEqual((len(taken), self.peer.protocol.waiting_bytes), (3, 4 * LINE_BYTES))
        self.assertFalse(self.peer.protocol.all_written)
        room = 5
        self.peer.protocol.resumeProducing()
        self.world.settle()
        self.assertEqual((len(taken), self.peer.protocol.waiting_bytes), (5, 0))
        self.assertTrue(self.peer.protocol.all_written)

    def test_last_words(self) -> None:
        """At the end of a connection everything is the transport's, also while there is no room."""
        self.peer.transport.stalled = True
        self.patch(module.direct, "write_apart", lambda transport, data: False)
        self.say(400)
        self.world.settle()
        self.assertEqual(self.writes, [])
        self.peer.protocol.close("X", "y")
        self.peer.transport.read_on()
        self.assertEqual(bytes(self.peer.received).count(b"\n"), 401)
        self.assertTrue(bytes(self.peer.received).endswith(b"bye\n"))

    def test_abort(self) -> None:
        """Nothing follows an abort."""
        self.say(6 * WRITES_PER_TURN)
        self.peer.protocol.abort()
        self.world.settle()
        self.assertEqual(self.writes, [])


class TogetherTests(SynchronousTestCase):
    """together"""

    @given(st.lists(st.binary(min_size=1, max_size=30)), st.integers(1, 40))
    def test_whole_and_in_order(self, frames: list[bytes], max_bytes: int) -> None:
        """All in their order; no piece is too long unless it is one frame, and no two neighbours fit into one."""
        pieces = list(together(frames, max_bytes))
        self.assertEqual(b"".join(pieces), b"".join(frames))
        for piece in pieces:
            self.assertTrue(len(piece) <= max_bytes or piece in frames)
        starts = {len(b"".join(frames[:n])) for n in range(len(frames) + 1)}
        self.assertLessEqual({len(b"".join(pieces[:n])) for n in range(len(pieces) + 1)}, starts)
        for n in range(len(pieces) - 1):
            at = len(b"".join(pieces[: n + 1]))
            next_frame = min(start for start in starts if start > at) - at
            self.assertGreater(len(pieces[n]) + next_frame, max_bytes)
