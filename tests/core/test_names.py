"""Names and shown texts: what is accepted, and as what (threats.md T30)."""

# Look-alikes are what this is about.
# ruff: noqa: RUF001

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.core import names
from imserver.core.errors import ChatError
from imserver.core.limits import Limits
from tests.core.odd_names import ODD_NAMES
from tests.costs import LINEAR, growth

GOOD = {
    "bob": "bob",
    "Alice": "alice",
    "ALICE": "alice",
    "a-b": "a-b",
    "a_b": "a_b",
    "a.b": "a.b",
    "a..": "a..",
    "9lives": "9lives",
    "0x0": "0x0",
    "x" * 32: "x" * 32,
    "100": "100",
    "2147483647": "2147483647",
    "ａｌｉｃｅ": "alice",  # full width: the same name, not another
    "𝐚𝐥𝐢𝐜𝐞": "alice",
    "ﬁne": "fine",
    "\u212aevin": "kevin",  # the Kelvin sign
    "adm1n": "adm1n",
    "admin2": "admin2",
    "1.5": "1.5",
    "²²²": "222",
}
BAD = (
    "", "a", "ab", "x" * 33, "x" * 100_000, " bob", "bob ", "b ob", "bo\tb", "bob\n", "\nbob", "bob\r", "bo\0b",
    "-bob", "_bob", ".bob", "bob!", "bob@host", "bob/x", "bob\\x", "bob'--", "bob\"", "<bob>", "bob;drop", "b:b",
    "böb", "боб", "аlice", "alісe", "αlice", "alicе", "ali\u0441e", "a\u0301lice", "ali\u200bce", "ali\u200dce",
    "ali\u00adce", "\ufeffalice", "alice\u202e", "\u202ealice", "ali\u2066ce", "ali\u061cce", "alice\u2028", "\x1b[2Jbob",
    "bob\x7f", "bob\x85", "bob\U000e0041", "🙂🙂🙂", "漢字漢字", "ııı", "١٢٣", "१२३", "012", "000", "0123456789", "2147483648",
    "9" * 32, "99999999999999999999", "admin", "ADMIN", "Administrator", "root", "server", "system", "imserver", "ａｄｍｉｎ",
    "support", "webmaster", "everyone", "here", "\ud800bob", "ﷺ",
)  # fmt: skip


class LoginNameTests(SynchronousTestCase):
    def test_good(self) -> None:
        """What folds to 3 to 32 of a-z 0-9 . _ - is a name, in that form."""
        self.assertEqual({name: names.login_name(name) for name in GOOD}, GOOD)

    def test_bad(self) -> None:
        """Look-alikes, controls, invisible and bidirectional marks, foreign digits, reserved words: all BAD_NAME."""
        self.assertGreaterEqual(len(BAD), 60)
        for name in BAD:
            error = self.assertRaises(ChatError, names.login_name, name)
            self.assertEqual(error.code, "BAD_NAME", ascii(name))

    def test_odd(self) -> None:
        """The table of look-alikes, invisible letters, foreign digits, wrong shapes and reserved words: all BAD_NAME."""
        self.assertGreaterEqual(len(set(ODD_NAMES)), 200)
        for name in ODD_NAMES:
            error = self.assertRaises(ChatError, names.login_name, name)
            self.assertEqual(error.code, "BAD_NAME", ascii(name))

    @given(st.text(max_size=40))
    def test_any_text(self, text: str) -> None:
        """Whatever is accepted is plain ASCII, is its own folded form, and is found again however it is written."""
        try:
            name = names.login_name(text)
        except ChatError:
            return
        self.assertTrue(name.isascii() and 3 <= len(name) <= 32)
        self.assertEqual([names.fold(text), names.fold(name), names.fold(name.upper())], [name] * 3)

    def test_fold_is_bounded(self) -> None:
        """A name of any length is compared at the cost of a short one, and is never taken for a short one."""
        folded = names.fold("alice" * 50_000)
        self.assertEqual(len(folded), names.MAX_NAME_CHARS + 1)
        self.assertRaises(ChatError, names.login_name, "x" * 33)


class ShownTests(SynchronousTestCase):
    def shown(self, text: str) -> str:
        return names.shown(text, "title", 64)

    def refused(self, text: str) -> bool:
        try:
            self.shown(text)
        except ChatError as error:
            self.assertEqual(error.code, "BAD_REQUEST")
            return True
        return False

    def test_good(self) -> None:
        """Any script, composed characters, emoji with joiners; surrounding space goes."""
        for text in ("Ünïcode", "漢字", "עברית", "👩\u200d👩\u200d👧", "می\u200cخواهم", "x" * 64, ""):
            self.assertEqual(self.shown(f" {text}\t"), text)

    def test_composed(self) -> None:
        """It is kept in NFC, and counted so."""
        self.assertEqual(self.shown("e\u0301" * 64), "é" * 64)
        self.assertEqual(self.shown("\u1100\u1161\u11a8" * 64), "각" * 64)

    def test_length(self) -> None:
        """One character more than allowed is refused, however it is written."""
        for text in (
            "x" * 65,
            "é" * 65,
            "e\u0301" * 65,
            "\u03b1\u0345\u0314\u0300" * 65,
            "\u0344" * 33,
            "x" * 10**6,
        ):
            self.assertTrue(self.refused(text), ascii(text[:9]))

    def test_controls(self) -> None:
        """No line breaks, controls, invisible or bidirectional marks, lone surrogates."""
        for letter in "\0\x07\x1b\n\r\x7f\x85\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\ufeff\ud800\U000e0041":
            self.assertTrue(self.refused(f"a{letter}b"), ascii(letter))

    def test_title(self) -> None:
        """A group needs a title."""
        self.assertRaises(ChatError, names.title, " \t", Limits())

    def test_many_marks(self) -> None:
        """Combining marks cost what they weigh at most, not the square of it (threats.md T26)."""

        def handle(size: int) -> None:
            text = "a" + "\u0301\u0316" * size
            self.assertTrue(self.refused(text))
            names.fold(text)

        self.assertLess(growth(handle, 60_000), LINEAR)


class PasswordTests(SynchronousTestCase):
    def test_length(self) -> None:
        """6 to 1,024 bytes of UTF-8."""
        limits = Limits()
        for good in ("x" * 6, "é" * 3, "x" * 1024, "é" * 512):
            names.check_password(good, limits)
        for bad in ("", "x" * 5, "x" * 1025, "é" * 513, "x" * 2**20):
            self.assertEqual(
                self.assertRaises(ChatError, names.check_password, bad, limits).code, "BAD_PASSWORD"
            )
