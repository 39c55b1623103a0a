"""When imchat alone is the screen, and where its log goes."""

import io
import os
import stat
import sys
from pathlib import Path

from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from imserver.client import imchat
from imserver.client.arguments import parse
from imserver.client.screen import program


class Tty(io.StringIO):
    """Claims to be a terminal."""

    def isatty(self) -> bool:
        return True


class ChoiceTest(SynchronousTestCase):
    def setUp(self) -> None:
        for name in ("stdin", "stdout", "stderr"):
            self.patch(sys, name, Tty())
        self.patch(os, "environ", {"TERM": "xterm"})

    def shows(self, *arguments: str) -> bool:
        """Whether that is the screen."""
        return imchat._has_screen(parse(arguments, {}))

    def test_at_a_terminal(self) -> None:
        """Alone, also as somebody; not with a command, with --lines, or with a password on its input."""
        self.assertEqual([self.shows(), self.shows("--user", "bob")], [True, True])
        for arguments in (("listen",), ("--lines",), ("--password-file", "-")):
            self.assertFalse(self.shows(*arguments))

    def test_in_a_pipe(self) -> None:
        """On either side; nor where a terminal can do nothing."""
        for name in ("stdin", "stdout"):
            with self.subTest(name):
                patched = self.patch(sys, name, io.StringIO())
                self.assertFalse(self.shows())
                patched.restore()
        os.environ["TERM"] = "dumb"
        self.assertFalse(self.shows())

    def test_without_textual(self) -> None:
        """The prompt, with a hint."""
        self.patch(imchat, "find_spec", lambda name: None)
        self.assertFalse(self.shows())
        self.assertIn("pip install 'imserver[screen]'", sys.stderr.getvalue())  # type: ignore[attr-defined]


class LogTest(SynchronousTestCase):
    def test_what_is_kept(self) -> None:
        """Warnings and worse, for the owner only; begun anew each time."""
        folder = Path(self.mktemp())
        for number in range(2):
            observer = program.log_file(folder)
            log = Logger(observer=observer)
            log.info("nothing of interest")
            log.warn("attempt {number}", number=number)
        file = folder / program.LOG_NAME
        self.assertIn("attempt 1", file.read_text())
        self.assertNotIn("attempt 0", file.read_text())
        self.assertNotIn("interest", file.read_text())
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
