"""imchat's command line."""

import contextlib
import io
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imserver.client.arguments import Options, parse
from imserver.client.commands import COMMANDS
from imserver.client.tls import Server

FINGERPRINT = "ab" * 32


class ArgumentTests(SynchronousTestCase):
    """Each command line as it would be typed."""

    def parse(self, line: str, **environment: str) -> Options:
        """Split at spaces."""
        return parse(line.split(), environment)

    def mistake(self, line: str) -> str:
        """What is said about a command line that is wrong; the status is 2."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            error = self.assertRaises(SystemExit, self.parse, line)
        self.assertEqual(error.code, 2)
        return said.getvalue()

    def test_commands(self) -> None:
        """What each takes."""
        local = Server()
        for line, options in (
            ("", Options("", local)),
            ("register", Options("register", local)),
            ("register bob", Options("register", local, whom="bob")),
            (
                "register bob --invitation mfrg-gzdf",
                Options("register", local, whom="bob", invitation="mfrg-gzdf"),
            ),
            ("send bob hello you", Options("send", local, whom="bob", words=["hello", "you"])),
            ("send -g team", Options("send", local, whom="team", group=True, words=[])),
            ("send bob -- -x", Options("send", local, whom="bob", words=["-x"])),
            ("listen --count 3 --tabs", Options("listen", local, count=3, tabs=True)),
            ("history bob", Options("history", local, whom="bob", limit=20)),
            ("history bob --limit 7", Options("history", local, whom="bob", limit=7)),
            (
                "group create team bob carol",
                Options("group create", local, whom="team", words=["bob", "carol"]),
            ),
            ("group add team bob", Options("group add", local, whom="team", words=["bob"])),
            ("group leave team", Options("group leave", local, whom="team")),
            ("group list", Options("group list", local)),
            ("logout", Options("logout", local)),
        ):
            self.assertEqual(self.parse(line), options)

    def test_every_command_can_be_asked_for(self) -> None:
        """The parser and the table of commands know the same."""
        words = {"group create": "t n", "group add": "t n", "group leave": "t", "history": "b", "send": "b"}
        for command in COMMANDS:
            self.assertEqual(self.parse(f"{command} {words.get(command, '')}").command, command)

    def test_options_before_and_after_the_command(self) -> None:
        """Both mean the same."""
        expected = Options("group list", Server("chat", 99), "bob", "file")
        self.assertEqual(self.parse("--server chat:99 --user Bob --password-file file group list"), expected)
        self.assertEqual(self.parse("group list --server chat:99 --user Bob --password-file file"), expected)

    def test_servers(self) -> None:
        """From the command line, else the environment, else here; --ca and --fingerprint mean TLS."""
        self.assertEqual(self.parse("listen", IMCHAT_SERVER="chat:99").server, Server("chat", 99))
        self.assertEqual(self.parse("listen", IMCHAT_SERVER="").server, Server())
        self.assertEqual(self.parse("listen --server a", IMCHAT_SERVER="b").server, Server("a"))
        self.assertEqual(self.parse("listen --tls").server, Server(tls=True))
        self.assertEqual(self.parse("listen --ca f").server, Server(tls=True, authorities=Path("f")))
        self.assertEqual(self.parse("listen --server /run/a:b.sock").server, Server("/run/a:b.sock", 0))
        pinned = Server(tls=True, fingerprint=bytes.fromhex(FINGERPRINT))
        self.assertEqual(self.parse(f"listen --fingerprint {FINGERPRINT}").server, pinned)

    def test_mistakes(self) -> None:
        """Each is named."""
        for line, named in (
            ("dance", "dance"),
            ("group", "ACTION"),
            ("group create team", "NAME"),
            ("history", "WHOM"),
            ("send", "WHOM"),
            ("listen --count 0", "a number from 1"),
            ("listen --count ²", "a number from 1"),
            ("listen --server a:b", "'a:b' is not HOST"),
            ("listen --fingerprint ab", "64 hexadecimal digits"),
            ("listen --server /run/a.sock --tls", "a UNIX socket needs no --tls"),
            (f"listen --ca f --fingerprint {FINGERPRINT}", "exclude each other"),
            ("listen --password secret", "--password"),
        ):
            self.assertIn(named, self.mistake(line))
