"""imadmin's command line."""

import contextlib
import io
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imserver.admin.arguments import Options, parse
from imserver.operator.table import COMMANDS
from imserver.operator.table import parse as parse_line


class ArgumentTests(SynchronousTestCase):
    def mistake(self, *words: str) -> str:
        """What is said about a command line that is wrong; the status is 2."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            error = self.assertRaises(SystemExit, parse, words)
        self.assertEqual(error.code, 2)
        return said.getvalue()

    def test_own_commands(self) -> None:
        """What needs no daemon."""
        for words, options in (
            ("backup b.db", Options("backup", file=Path("b.db"))),
            ("verify b.db", Options("verify", file=Path("b.db"))),
            ("restore b.db --data d", Options("restore", file=Path("b.db"), data="d")),
            ("--config c doctor", Options("doctor", config="c")),
            ("certificate a.example 10.0.0.1", Options("certificate", names=["a.example", "10.0.0.1"])),
            (
                "certificate a --days 9 --cert c --key k",
                Options("certificate", names=["a"], days=9, cert=Path("c"), key=Path("k")),
            ),
        ):
            self.assertEqual(parse(words.split()), options)

    def test_table(self) -> None:
        """Every command of the daemon's table can be given, and reaches it with its words."""
        words = {"NAME": "alice", "[DEVICE]": "my phone", "ID": "7", "TEXT...": "it's noon", "[AFTER]": "5"}
        words |= {"[DAYS]": "3", "[USES]": "2", "SECONDS": "60"}
        for command in COMMANDS.values():
            given = [words[parameter] for parameter in command.parameters]
            options = parse([*command.name.split(), *given])
            found, arguments = parse_line(options.line)
            self.assertEqual((found, list(arguments)), (command, given))

    def test_optional_words(self) -> None:
        """They may be left out."""
        self.assertEqual(parse(["sessions", "kick", "alice"]).line, "sessions kick alice")
        self.assertEqual(parse(["accounts", "list"]).line, "accounts list")
        self.assertEqual(parse(["announce", "back", "at", "10"]).line, "announce back at 10")
        self.assertEqual(parse(["announce", "don't  panic"]).line, "announce don't  panic")

    def test_passwords(self) -> None:
        """From a file or asked for, never on the command line, and only where one belongs."""
        options = parse(["accounts", "create", "alice", "--password-file", "f"])
        self.assertEqual((options.password_file, options.line), ("f", "accounts create alice"))
        self.assertTrue(parse(["accounts", "reset-password", "alice", "--prompt"]).prompt)
        self.mistake("accounts", "create", "alice", "--password", "secret")
        self.mistake("accounts", "create", "alice", "secret")
        self.mistake("accounts", "freeze", "alice", "--prompt")

    def test_mistakes(self) -> None:
        """A mistake ends with status 2."""
        for words in (
            "",
            "frobnicate",
            "accounts",
            "accounts freeze",
            "backup",
            "certificate",
            "statistics now",
        ):
            self.mistake(*words.split())
        for days in ("0", "x", "36501", "-1"):
            self.assertIn("number of days", self.mistake("certificate", "a", f"--days={days}"))
