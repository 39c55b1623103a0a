"""Text for a grid of cells."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.screen.wording import MAX_MARKS, fitted, lines_of, message_lines, settled
from imserver.core.values import Kind, Message


class SettledTest(SynchronousTestCase):
    @given(st.text())
    def test_commands_nothing(self, text: str) -> None:
        """No control, no change of direction, no end of line, whatever comes in."""
        for letter in settled(text):
            kind = unicodedata.category(letter)
            self.assertTrue(
                kind not in ("Cc", "Cs", "Zl", "Zp") and (kind != "Cf" or letter in "\u200c\u200d")
            )

    def test_escape_sequences(self) -> None:
        """They are shown as what they are."""
        self.assertEqual(settled("\x1b[2J\x1b]0;title\x07\u202e"), r"\x1b[2J\x1b]0;title\x07\u202e")

    def test_emoji(self) -> None:
        """Joined ones fall into their parts, colours of skin and of signs go, flags become letters."""
        self.assertEqual(settled("👨‍👩‍👧 👍🏽 ❤️ 🇩🇪"), "👨👩👧 👍 ❤ DE")

    def test_scripts_keep_their_joiners(self) -> None:
        """Persian and Hindi need them."""
        self.assertEqual(settled("می‌خواهم क्‍ष"), "می‌خواهم क्‍ष")

    def test_towers_of_accents(self) -> None:
        """A few are kept."""
        self.assertEqual(settled("a" + "\u0301" * 50), "a" + "\u0301" * MAX_MARKS)

    def test_lines(self) -> None:
        """A line each; tabs are spaces."""
        self.assertEqual(lines_of("a\tb\r\nc\n"), ["a    b", "c", ""])

    def test_what_is_no_text(self) -> None:
        """One line that says what it is."""
        opaque = Message(1, 1, 1, "a", b"", Kind.OPAQUE, "image/png\x1b", b"123", 1)
        self.assertEqual(message_lines(opaque), [r"[image/png\x1b, 3 bytes]"])


class FittedTest(SynchronousTestCase):
    @given(st.text(alphabet="ab 世界한é", max_size=30), st.integers(0, 20))
    def test_just_so_wide(self, text: str, cells: int) -> None:
        """Cut or filled, also in the middle of a wide letter."""
        self.assertEqual(cell_len(fitted(text, cells)), cells)

    def test_cut(self) -> None:
        """One sees that it was cut."""
        self.assertEqual((fitted("hello", 4), fitted("世界世", 4), fitted("ab", 4)), ("hel…", "世 …", "ab  "))
