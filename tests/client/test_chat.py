"""Lines that are typed at the prompt."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.chat import Addressed, parse_line


class LineTests(SynchronousTestCase):
    """To whom, and what."""

    def test_lines(self) -> None:
        """A name or a group before a colon, or a text alone."""
        for line, addressed in (
            ("bob: hello", Addressed("bob", False, "hello")),
            ("Bob:", Addressed("bob", False, "")),
            ("  bob:  a: b ", Addressed("bob", False, "a: b")),
            ("#team: hello", Addressed("team", True, "hello")),
            ("#The Team: hello", Addressed("The Team", True, "hello")),
            ("hello", Addressed("", False, "hello")),
            ("see this: x", Addressed("", False, "see this: x")),
            ("http://example.org", Addressed("", False, "http://example.org")),
            ("12:30", Addressed("", False, "12:30")),
            (": x", Addressed("", False, ": x")),
            ("#: x", Addressed("", False, "#: x")),
            ("", Addressed("", False, "")),
        ):
            self.assertEqual(parse_line(line), addressed)

    @given(st.text())
    def test_any_line(self, line: str) -> None:
        """Is for somebody or for the last one; a text alone is kept whole."""
        addressed = parse_line(line)
        if not addressed.whom:
            self.assertEqual(addressed, Addressed("", False, line.strip()))
