"""Other people's words on a terminal."""

import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.dialogues.telnet.visible import lines, visible
from tests.costs import LINEAR, growth

JOINERS = "\u200c\u200d"


class VisibleTests(SynchronousTestCase):
    def test_every_character(self) -> None:
        """All that is invisible or steers a terminal is shown as something that is not; all else stays."""
        for letter in map(chr, range(sys.maxunicode + 1)):
            unsafe = unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")
            if unsafe and letter not in JOINERS and letter != "\t":
                self.assertTrue(visible(letter).isprintable(), hex(ord(letter)))
            elif unicodedata.category(letter) != "Cn":  # of which a later Unicode may make anything
                self.assertEqual(visible(letter), letter)

    def test_looks(self) -> None:
        """ASCII controls have pictures, the others their number."""
        self.assertEqual(visible("\x1b[2J\x07 \u202eevil\x9b"), "\u241b[2J\u2407 <U+202E>evil<U+009B>")


class LineTests(SynchronousTestCase):
    def test_several(self) -> None:
        """No line of a message looks like the first one of another."""
        text = "one\ncarol: two\r\nthree\rfour"
        self.assertEqual(lines("bob: ", text), ["bob: one", "| carol: two", "| three", "| four"])
        self.assertEqual(lines("bob: ", ""), ["bob: "])

    def test_cost(self) -> None:
        """The worst that a text can be made of costs what it weighs (T26)."""
        for worst in ("\x07", "\n", "\u202e", "\u0301", "\r\n\x1b"):
            cost = growth(lambda size, worst=worst: lines("bob: ", "e" + worst * size), 65536)
            self.assertLess(cost, LINEAR, ascii(worst))

    @given(st.text(max_size=100))
    def test_bounded(self, text: str) -> None:
        """Four times as many bytes and a head are the most that becomes of a text."""
        shown = "\r\n".join(lines("bob: ", text)).encode()
        self.assertLessEqual(len(shown), 5 + 4 * len(text.encode("utf-8", "surrogatepass")))
