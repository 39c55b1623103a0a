"""imserver.net.piecemeal: each frame in a write of its own, few a turn."""

from dataclasses import replace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.capabilities import Capabilities
from imserver.core.events import Closing, Event
from imserver.net.dialogue import Dialogue, Dialogues
from imserver.net.framing import LineFraming
from imserver.net.piecemeal import FRAMES_PER_TURN
from tests.fakes import LIMITS, Peer, World


class Lines(Dialogue):
    """Says what it is told to say."""

    def received(self, frame: bytes) -> None:
        self.write(b"".join(b"%d\n" % n for n in range(int(frame))))

    def happened(self, event: Event, tag: int) -> bytes:
        return b"bye\n" if isinstance(event, Closing) else b""


def lines(framing: Any, data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


DIALOGUES = Dialogues(LineFraming, Lines, Capabilities("lines"), apart=lines)


class PiecemealTests(SynchronousTestCase):
    """PiecemealConnection"""

    def setUp(self) -> None:
        self.world = World(replace(LIMITS, enabled=False))
        self.writes: list[bytes] = []
        self.peer = Peer(self.world, DIALOGUES)
        write = self.peer.transport.write
        self.peer.transport.write = lambda data: (self.writes.append(data), write(data))

    def say(self, count: int) -> None:
        self.peer.write(b"%d\n" % count)

    def test_one_write_each(self) -> None:
        """No two frames share a write."""
        self.say(5)
        self.world.settle()
        self.assertEqual(self.writes, [b"0\n", b"1\n", b"2\n", b"3\n", b"4\n"])

    def test_paced(self) -> None:
        """A turn takes so many, the next ones the rest, in order; then nothing waits."""
        self.say(2 * FRAMES_PER_TURN + 1)
        written = []
        for _ in range(3):
            self.peer.protocol.flush()
            written.append(len(self.writes))
        self.assertEqual(written, [FRAMES_PER_TURN, 2 * FRAMES_PER_TURN, 2 * FRAMES_PER_TURN + 1])
        self.assertEqual(b"".join(self.writes), b"".join(b"%d\n" % n for n in range(2 * FRAMES_PER_TURN + 1)))
        self.assertEqual(self.peer.protocol.waiting_bytes, 0)
        self.assertTrue(self.peer.protocol.all_written)

    def test_nobody_has_to_ask(self) -> None:
        """The turns that follow come by themselves."""
        self.say(3 * FRAMES_PER_TURN)
        self.world.settle()
        self.assertEqual(len(self.writes), 3 * FRAMES_PER_TURN)

    def test_what_waits_has_not_left(self) -> None:
        """Frames for later turns have not left this machine."""
        self.say(FRAMES_PER_TURN + 1)
        self.peer.protocol.flush()
        self.assertFalse(self.peer.protocol.all_written)
        self.assertEqual(self.peer.protocol.waiting_bytes, len(b"32\n"))

    def test_close(self) -> None:
        """At the end everything goes at once, still each for itself."""
        self.say(3 * FRAMES_PER_TURN)
        self.peer.protocol.close("X", "y")
        self.assertEqual(len(self.writes), 3 * FRAMES_PER_TURN + 1)
        self.assertEqual(self.writes[-1], b"bye\n")

    def test_a_stalled_reader(self) -> None:
        """While the transport is full the frames wait; when it has room they go on."""
        self.peer.transport.stalled = True
        self.say(30_000)
        self.world.settle()
        self.assertGreater(self.peer.protocol.waiting_bytes, 1000)
        self.peer.transport.read_on()
        self.world.settle()
        self.assertEqual(len(self.writes), 30_000)
        self.assertEqual(bytes(self.peer.received).count(b"\n"), 30_000)

    def test_abort(self) -> None:
        """Nothing follows an abort."""
        self.say(3 * FRAMES_PER_TURN)
        self.peer.protocol.abort()
        self.world.settle()
        self.assertEqual(self.writes, [])
