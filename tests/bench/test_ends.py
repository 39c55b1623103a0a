"""The load generator notices every loss, repetition, reordering and change; a figure with one is worth nothing."""

from collections.abc import Callable
from typing import cast

from twisted.trial.unittest import SynchronousTestCase

from bench.ends import MAX_UNACKNOWLEDGED, NativeReceiver, NativeSender, RelayReceiver
from bench.frames import CODEC, body, composer, pack, tag
from bench.load import BrokenPromise, Line, Load, Stream
from imserver.core.events import Behind, Event, History, Refused, RunArrived, Sent
from imserver.core.requests import FetchHistory, MarkDelivered
from imserver.core.run import Run
from imserver.core.values import Conversation, ConversationKind, Kind
from imserver.net.framing import Int32Framing

CHAT, SOURCE = 77, b"8 bytes!"
CONVERSATION = Conversation(CHAT, ConversationKind.GROUP, "", ())


class FakeLine:
    """A line whose other end is the test."""

    def __init__(self) -> None:
        self.received: Callable[[bytes], None] = lambda _: None
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data


class EndTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.line = FakeLine()
        self.load = Load()
        self.addCleanup(self.load.close)
        self.compose = composer(CHAT, SOURCE)
        self.stream = Stream(cast(Line, FakeLine()), self.compose, 1, acks=False)
        self.stream.fill(100, 0.0)

    def events(self, *events: Event) -> None:
        self.line.received(b"".join(pack(CODEC.encode(event, 0)) for event in events))

    def requests(self) -> list[object]:
        framing = Int32Framing(1024)
        framing.receive(self.line.written)
        return [CODEC.decode(frame)[1] for frame in framing.frames()]


class RelayReceiverTests(EndTests):
    def setUp(self) -> None:
        super().setUp()
        RelayReceiver(cast(Line, self.line), self.stream, self.compose)

    def test_whatever_the_segments(self) -> None:
        """All messages are counted, however they are cut."""
        data = self.compose(1, 100)
        for start in range(0, len(data), 37):
            self.line.received(data[start : start + 37])
        self.assertEqual(self.stream.completed, 100)

    def test_lost(self) -> None:
        """A message that is skipped is missed."""
        self.assertRaises(BrokenPromise, self.line.received, self.compose(2, 1))

    def test_repeated(self) -> None:
        """A message that comes twice is noticed."""
        self.line.received(self.compose(1, 1))
        self.assertRaises(BrokenPromise, self.line.received, self.compose(1, 1))

    def test_changed(self) -> None:
        """One wrong byte is noticed."""
        self.assertRaises(BrokenPromise, self.line.received, self.compose(1, 1)[:-1] + b"x")


class NativeSenderTests(EndTests):
    def setUp(self) -> None:
        super().setUp()
        NativeSender(cast(Line, self.line), self.stream)

    def answer(self, number: int, seq: int) -> None:
        self.line.received(pack(CODEC.encode(Sent(CHAT, seq, 0), tag(number))))

    def test_in_order(self) -> None:
        """Answers in the order of sending are counted."""
        self.answer(1, 11)
        self.answer(2, 12)
        self.assertEqual(self.stream.completed, 2)

    def test_out_of_order(self) -> None:
        """An answer before its turn is noticed."""
        self.assertRaises(BrokenPromise, self.answer, 2, 11)

    def test_gap(self) -> None:
        """A seq that does not follow its predecessor is noticed."""
        self.answer(1, 11)
        self.assertRaises(BrokenPromise, self.answer, 2, 13)

    def test_refused(self) -> None:
        """A refusal ends the run."""
        self.assertRaises(BrokenPromise, self.events, Refused("RETRY_AFTER", "", 1000))


class NativeReceiverTests(EndTests):
    def setUp(self) -> None:
        super().setUp()
        NativeReceiver(cast(Line, self.line), self.stream, self.load, SOURCE)

    def run_of(self, number: int, seq: int, count: int = 1, text: bytes = b"") -> Run:
        bodies = [text or body(n) for n in range(number, number + count)]
        return Run(CHAT, seq, 1, "a", SOURCE, number, Kind.TEXT, "", bodies, 0)

    def arrive(self, *runs: Run) -> None:
        self.events(*(RunArrived(run, CONVERSATION) for run in runs))

    def test_acknowledges_sixteen_at_once(self) -> None:
        """Sixteen messages are marked as delivered without waiting."""
        self.arrive(self.run_of(1, 1, 5), self.run_of(6, 6, MAX_UNACKNOWLEDGED - 5))
        self.assertEqual(self.requests(), [MarkDelivered(CHAT, MAX_UNACKNOWLEDGED)])

    def test_acknowledges_fewer_later(self) -> None:
        """Fewer are marked when their time is up, together."""
        self.arrive(self.run_of(1, 1))
        self.arrive(self.run_of(2, 2))
        self.assertEqual(self.requests(), [])
        [(_, time_is_up)] = self.load.later
        time_is_up()
        self.assertEqual(self.requests(), [MarkDelivered(CHAT, 2)])

    def test_fetches(self) -> None:
        """Told that it is behind, it asks from where it is until it has everything."""
        self.arrive(self.run_of(1, 1))
        self.events(Behind(CHAT, 3))
        self.events(History(CHAT, [self.run_of(2, 2)], True))
        self.events(History(CHAT, [self.run_of(3, 3)], False))
        self.assertEqual(self.requests(), [FetchHistory(CHAT, 1, 0, 0), FetchHistory(CHAT, 2, 0, 0)])
        self.assertEqual(self.stream.completed, 3)

    def test_lost(self) -> None:
        """A message that is skipped is missed."""
        self.arrive(self.run_of(1, 1))
        self.assertRaises(BrokenPromise, self.arrive, self.run_of(3, 2))

    def test_repeated(self) -> None:
        """A message that comes twice is noticed."""
        self.arrive(self.run_of(1, 1))
        self.assertRaises(BrokenPromise, self.arrive, self.run_of(1, 1))

    def test_gap(self) -> None:
        """A seq that is skipped is noticed, even when the message is the right one."""
        self.arrive(self.run_of(1, 1))
        self.assertRaises(BrokenPromise, self.arrive, self.run_of(2, 3))

    def test_changed(self) -> None:
        """Another body is noticed."""
        self.assertRaises(BrokenPromise, self.arrive, self.run_of(1, 1, text=b"x" * 100))
