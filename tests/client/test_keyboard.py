"""Lines of standard input."""

import os

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import MemoryReactor
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.keyboard import MAX_LINE_BYTES, Keyboard


class KeyboardTests(SynchronousTestCase):
    """Through a pipe."""

    def setUp(self) -> None:
        self.reactor = MemoryReactor()
        self.end, self.hands = os.pipe()
        self.addCleanup(os.close, self.end)
        self.keyboard = Keyboard(self.reactor, self.end)

    def type(self, data: bytes) -> None:
        """Type, and let the reactor see it."""
        os.write(self.hands, data)
        if self.reactor.getReaders():
            self.keyboard.doRead()

    def hang_up(self) -> None:
        """The end of the input."""
        os.close(self.hands)

    def test_one_line_at_a_time(self) -> None:
        """Nothing is read before it is asked for, and what was read with a line waits for its turn."""
        self.assertEqual(self.reactor.getReaders(), [])
        wanted = self.keyboard.next_line()
        self.type(b"one\ntw")
        self.assertEqual(self.successResultOf(wanted), "one")
        self.assertEqual(self.reactor.getReaders(), [])
        wanted = self.keyboard.next_line()
        self.assertNoResult(wanted)
        self.type(b"o\nthree\n")
        self.assertEqual(self.successResultOf(wanted), "two")
        self.assertEqual(self.successResultOf(self.keyboard.next_line()), "three")
        self.hang_up()

    def test_the_end(self) -> None:
        """A last line without an end is a line; then there is none, however often one asks."""
        wanted = self.keyboard.next_line()
        self.type(b"last")
        self.hang_up()
        self.keyboard.doRead()
        self.assertEqual(self.successResultOf(wanted), "last")
        for _ in range(2):
            self.assertIsNone(self.successResultOf(self.keyboard.next_line()))

    def test_an_empty_line_is_not_the_end(self) -> None:
        """It is a line."""
        wanted = self.keyboard.next_line()
        self.type(b"\n")
        self.assertEqual(self.successResultOf(wanted), "")
        self.hang_up()

    def test_too_long_a_line(self) -> None:
        """Is given in parts instead of being gathered without bound."""
        wanted = self.keyboard.next_line()
        for _ in range(MAX_LINE_BYTES // 4096):
            self.type(b"x" * 4096)
        self.assertEqual(len(self.successResultOf(wanted)), MAX_LINE_BYTES)
        self.hang_up()

    def test_cancelled(self) -> None:
        """Nothing is read for nobody."""
        wanted = self.keyboard.next_line()
        wanted.cancel()
        self.failureResultOf(wanted)
        self.assertEqual(self.reactor.getReaders(), [])
        self.hang_up()

    def test_closed(self) -> None:
        """Like the end, also when nobody waits; nothing that was read is lost before it."""
        wanted = self.keyboard.next_line()
        self.type(b"one\ntwo")
        self.assertEqual(self.successResultOf(wanted), "one")
        self.keyboard.close()
        self.assertEqual(self.successResultOf(self.keyboard.next_line()), "two")
        self.assertIsNone(self.successResultOf(self.keyboard.next_line()))
        self.hang_up()

    def test_the_terminal_is_gone(self) -> None:
        """Like the end."""
        wanted = self.keyboard.next_line()
        self.keyboard.connectionLost(Failure(ConnectionDone()))
        self.assertIsNone(self.successResultOf(wanted))
        self.hang_up()

    @given(st.lists(st.binary(min_size=1, max_size=20), max_size=10))
    def test_any_chunks(self, chunks: list[bytes]) -> None:
        """However it is typed, the lines are those of the whole."""
        self.setUp()
        lines, wanted = [], self.keyboard.next_line()
        for chunk in chunks:
            os.write(self.hands, chunk)
            if self.reactor.getReaders():
                self.keyboard.doRead()
            while wanted.called:
                lines.append(self.successResultOf(wanted))
                wanted = self.keyboard.next_line()
        self.hang_up()
        while not lines or lines[-1] is not None:
            if not wanted.called:
                self.keyboard.doRead()
            else:
                lines.append(self.successResultOf(wanted))
                wanted = self.keyboard.next_line()
        whole = b"".join(chunks).split(b"\n")
        expected = [line.decode("utf-8", "replace") for line in (whole if whole[-1] else whole[:-1])]
        self.assertEqual(lines[:-1], expected)
