"""What imchat finds out before it starts."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace

from twisted.trial.unittest import SynchronousTestCase

from imserver.client import questions, terminal
from imserver.client.arguments import Options, parse
from imserver.client.profile import Profile
from imserver.client.questions import UsageError
from imserver.client.state import DeviceState


class QuestionTests(SynchronousTestCase):
    """Nobody sits at the terminal unless a test says what is typed."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.typed: list[str] = []
        self.patch(terminal, "is_terminal", lambda: bool(self.typed))
        self.patch(terminal, "ask", lambda question: self.typed.pop(0))
        self.patch(terminal, "ask_password", lambda question: self.typed.pop(0))
        self.patch(sys, "stderr", io.StringIO())
        self.pipe(b"")

    def pipe(self, data: bytes) -> None:
        """What standard input holds."""
        self.patch(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data), isatty=lambda: False))

    def options(self, line: str) -> Options:
        """A command line."""
        return parse(line.split(), {})

    # -- who

    def test_who_is_said(self) -> None:
        """By --user, or by the name to be registered."""
        self.assertEqual(questions.who(self.options("--user Bob listen"), []), ("bob", False))
        self.assertEqual(questions.who(self.options("register Bob"), ["alice"]), ("bob", True))
        self.assertEqual(questions.who(self.options("register --user bob"), []), ("bob", True))

    def test_the_only_one_here(self) -> None:
        """Need not be named."""
        self.assertEqual(questions.who(self.options("listen"), ["bob"]), ("bob", False))

    def test_one_of_several(self) -> None:
        """Must be named, and the error says whom there is."""
        error = self.assertRaises(UsageError, questions.who, self.options("listen"), ["alice", "bob"])
        self.assertIn("--user alice or --user bob", str(error))

    def test_nobody_yet(self) -> None:
        """Somebody at the terminal is asked; the prompt offers to register."""
        for line in ("listen", "register", ""):
            self.assertRaises(UsageError, questions.who, self.options(line), [])
        for line, typed, answer in (
            ("listen", ["Bob"], ("bob", False)),
            ("register", ["Bob"], ("bob", True)),
            ("", ["r", "Bob"], ("bob", True)),
            ("", ["l", "Bob"], ("bob", False)),
        ):
            self.typed = typed
            self.assertEqual(questions.who(self.options(line), []), answer)

    # -- passwords

    def password(self, line: str, registers: bool = False, logged_in: bool = False) -> str:
        """The password for a command line."""
        profile = Profile(self.folder, "here", "bob")
        if logged_in:
            for file in (profile.listener, profile.sender):
                file.save(DeviceState(token=b"token"))
        return questions.password_for(self.options(line), profile, registers)

    def test_password_files(self) -> None:
        """The first line, of a file or of standard input; nothing is cut off but the end of the line."""
        file = Path(self.mktemp())
        file.write_bytes(" sécret \r\nmore".encode())
        self.assertEqual(self.password(f"listen --password-file {file}"), " sécret ")
        self.pipe(b"secret")
        self.assertEqual(self.password("listen --password-file -"), "secret")

    def test_no_password(self) -> None:
        """An error that says what to do."""
        file = Path(self.mktemp())
        error = str(self.assertRaises(UsageError, self.password, "listen"))
        self.assertEqual(error, "bob is not logged in here; use --password-file")
        error = str(self.assertRaises(UsageError, self.password, "register bob", registers=True))
        self.assertEqual(error, "a new account needs a password; use --password-file")
        self.assertRaises(UsageError, self.password, f"listen --password-file {file}")
        for content in (b"", b"\nsecret", b"\xff\n"):
            file.write_bytes(content)
            self.assertRaises(UsageError, self.password, f"listen --password-file {file}")

    def test_typed_passwords(self) -> None:
        """Once to log in, twice and equal for a new account."""
        self.typed = ["secret"]
        self.assertEqual(self.password("listen"), "secret")
        self.typed = ["secret", "typo", "secret", "secret"]
        self.assertEqual(self.password("register bob", registers=True), "secret")

    def test_already_logged_in(self) -> None:
        """No password is needed, but for a new account."""
        self.assertEqual(self.password("listen", logged_in=True), "")
        self.typed = ["secret", "secret"]
        self.assertEqual(self.password("register bob", registers=True, logged_in=True), "secret")

    # -- texts

    def test_texts(self) -> None:
        """Words are joined; what is piped in is one message however many lines it has."""
        self.assertEqual(questions.text_for(self.options("send bob hello you")), "hello you")
        self.pipe("two\nlines ü\n".encode())
        self.assertEqual(questions.text_for(self.options("send bob")), "two\nlines ü")
        self.assertEqual(questions.text_for(self.options("listen")), "")

    def test_no_text(self) -> None:
        """Nothing, not UTF-8, too much, or the place already taken by the password."""
        for data in (b"", b"\n", b"\xff", b"x" * (questions.MAX_TEXT_BYTES + 1)):
            self.pipe(data)
            self.assertRaises(UsageError, questions.text_for, self.options("send bob"))
        self.pipe(b"hello")
        self.assertRaises(UsageError, questions.text_for, self.options("send bob --password-file -"))
