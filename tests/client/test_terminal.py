"""What reaches the terminal, and what is asked there."""

import io
import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.client import terminal
from imserver.client.terminal import clear_line, shown_text, tab_line, visible
from imserver.core import notices
from imserver.core.changes import Action
from imserver.core.events import MessageArrived
from imserver.core.values import Account, Conversation, ConversationKind, Extra, Gone, Kind, Message

DIRECT = Conversation(
    17, ConversationKind.DIRECT, "", (Account(1, "alice", "", ""), Account(2, "bob", "", ""))
)
TEAM = Conversation(18, ConversationKind.GROUP, "team", ())


def arrived(
    body: bytes,
    conversation: Conversation = DIRECT,
    sender: str = "alice",
    kind: int = Kind.TEXT,
    content: str = "",
    extra: Extra | None = None,
) -> MessageArrived:
    """A message."""
    return MessageArrived(
        Message(conversation.id, 5, 1, sender, b"id", kind, content, body, 1_000, extra), conversation
    )


class VisibleTests(SynchronousTestCase):
    """Nobody else commands the terminal."""

    def test_escape_sequences(self) -> None:
        """They are shown, not obeyed; so are line breaks, tabs and what turns text round."""
        self.assertEqual(visible("\x1b[2Jx\r\n\ty\x9b\u202ez\u2028"), r"\x1b[2Jx\r\n\ty\x9b\u202ez\u2028")

    def test_what_people_write(self) -> None:
        """Stays as it is."""
        for text in ("Grüße", "日本語", "👩\u200d💻", "क्\u200dष"):
            self.assertEqual(visible(text), text)

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Nothing invisible but joiners comes through, and nothing that ends a line."""
        shown = visible(text)
        self.assertEqual({unicodedata.category(one) for one in shown} & {"Cc", "Cs", "Zl", "Zp"}, set())
        self.assertLessEqual(len(shown.splitlines()), 1)


class LineTests(SynchronousTestCase):
    """One line a message."""

    def test_actions(self) -> None:
        """Edits, recalls and calls say what they are, and so does what was forwarded, is to burn, or is gone."""
        for expected, arriving in (
            ("alice: corrected: hello", arrived(b"hello", kind=Kind.EDIT, extra=Extra(about=4))),
            ("* alice has taken a message back", arrived(b"", kind=Kind.RECALL, extra=Extra(about=4))),
            ("* alice calls for your attention", arrived(b"", kind=Kind.ATTENTION)),
            ("alice: (forwarded) hello", arrived(b"hello", extra=Extra(origin=7))),
            ("alice: (burns 5 s after reading) hello", arrived(b"hello", extra=Extra(burn_seconds=5))),
            ("alice: [recalled]", arrived(b"", kind=Kind.TOMBSTONE, content=Gone.RECALLED)),
        ):
            self.assertEqual(clear_line(arriving, "bob"), expected)

    def test_mention(self) -> None:
        """Who is mentioned sees it; the others do not."""
        arriving = arrived(b"look", TEAM, extra=Extra(mentions=[2, 3]))
        self.assertEqual(clear_line(arriving, "bob", 2), "(!) [team] alice: look")
        self.assertEqual(clear_line(arriving, "dave", 4), "[team] alice: look")
        self.assertEqual(clear_line(arrived(b"look", TEAM), "bob", 2), "[team] alice: look")

    def test_direct(self) -> None:
        """Who says what."""
        self.assertEqual(clear_line(arrived(b"hello"), "bob"), "alice: hello")

    def test_group(self) -> None:
        """With the group's title."""
        self.assertEqual(clear_line(arrived(b"hello", TEAM), "bob"), "[team] alice: hello")

    def test_from_another_own_device(self) -> None:
        """To whom it went."""
        self.assertEqual(clear_line(arrived(b"hello", sender="bob"), "bob"), "bob > alice: hello")

    def test_notice(self) -> None:
        """In words; a notice of a newer server says at least something."""
        body = notices.encode(Action.ADDED, "alice", ["bob"], "team")
        self.assertEqual(clear_line(arrived(body, TEAM, kind=Kind.NOTICE), "bob"), "[team] * alice added bob")
        for broken in (b"", b"{}", b"[]", b"\xff", b'{"actor":1,"accounts":1,"title":1}'):
            line = clear_line(arrived(broken, TEAM, kind=Kind.NOTICE), "bob")
            self.assertEqual(line, "[team] * the group has changed")

    def test_what_cannot_be_shown(self) -> None:
        """Is named with its size."""
        self.assertEqual(shown_text(arrived(b"{}", kind=Kind.RICH).message), "[rich text, 2 bytes]")
        opaque = arrived(b"123", kind=Kind.OPAQUE, content="image/\x1bpng")
        self.assertEqual(shown_text(opaque.message), r"[image/\x1bpng, 3 bytes]")

    def test_tabs(self) -> None:
        """Five fields, of which none can hold a tab."""
        line = tab_line(arrived(b"a\tb\nc", TEAM, sender="al\tice"), "bob")
        self.assertEqual(line.split("\t"), ["1970-01-01T00:00:01Z", "team", "5", r"al\tice", r"a\tb\nc"])

    @given(st.binary(), st.sampled_from(list(Kind)), st.text(), st.text())
    def test_any_message(self, body: bytes, kind: Kind, sender: str, title: str) -> None:
        """Is one line in either shape."""
        event = arrived(body, Conversation(18, ConversationKind.GROUP, title, ()), sender, kind)
        self.assertEqual(len(clear_line(event, "bob").splitlines()), 1)
        self.assertEqual(tab_line(event, "bob").count("\t"), 4)


class AskingTests(SynchronousTestCase):
    """Somebody sits there."""

    def setUp(self) -> None:
        self.questions = io.StringIO()
        self.patch(sys, "stderr", self.questions)
        self.patch(sys, "stdout", io.StringIO())

    def test_ask(self) -> None:
        """The question is no output of the program; the end of the input is no answer."""
        self.patch(sys, "stdin", io.StringIO(" alice \n\n"))
        self.assertEqual([terminal.ask("Name: ") for _ in range(2)], ["alice", ""])
        self.assertRaises(EOFError, terminal.ask, "Name: ")
        self.assertEqual((self.questions.getvalue(), sys.stdout.getvalue()), ("Name: " * 3, ""))  # type: ignore[attr-defined]

    def test_a_new_password(self) -> None:
        """Without echo, until it was typed twice alike; then it is said nowhere."""
        typed = iter(("secret", "secert", "secret", "secret"))
        self.patch(terminal.getpass, "getpass", lambda question: next(typed))
        self.assertEqual(terminal.ask_new_password(), "secret")
        self.assertEqual(list(typed), [])
        self.assertEqual(self.questions.getvalue(), "These were not the same; once more.\n")

    def test_complaints(self) -> None:
        """Say who complains, and command nothing."""
        terminal.complain("no group \x1b[2J")
        self.assertEqual(self.questions.getvalue(), "imchat: no group \\x1b[2J\n")
