"""imchat against a real daemon, as people and scripts use it."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from tests.end_to_end.daemon import ROOT, Daemon
from tests.net.certificates import make_certificate

IMCHAT = (sys.executable, "-c", "from imserver.client.imchat import main; main()")
SECONDS = 120.0
PASSWORD = "correct horse"


class Imchat(SynchronousTestCase):
    """A daemon, and alice and bob who are registered at it."""

    people = ("alice", "bob")

    def setUp(self) -> None:
        # A shell without job control starts what runs in its background with SIGINT ignored, and programs inherit that.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)
        folder = TemporaryDirectory(prefix="imchat-", dir="/var/tmp")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.password_file = self.folder / "password"
        self.password_file.write_text(f"{PASSWORD}\n")
        self.daemon = self.make_daemon().start()
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "IMCHAT_SERVER": self.daemon.addresses["native"],
        }
        registering = [
            self.start_as("", "register", name, "--password-file", str(self.password_file))
            for name in self.people
        ]
        self.assertEqual([process.wait(SECONDS) for process in registering], [0] * len(self.people))
        self.addCleanup(self.daemon.assert_clean)

    def make_daemon(self) -> Daemon:
        """The daemon to talk to."""
        return Daemon(self)

    def start_as(self, name: str, *arguments: str) -> "subprocess.Popen[str]":
        """Start imchat as somebody."""
        user = ("--user", name) if name else ()
        process = subprocess.Popen(
            (*IMCHAT, *user, *arguments),
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(self.end, process)
        return process

    def end(self, process: "subprocess.Popen[str]") -> None:
        """Leave nothing running."""
        if process.poll() is None:
            process.kill()
        process.communicate()

    def run_as(self, name: str, *arguments: str, typed: str = "", status: int = 0) -> str:
        """Run imchat to its end -> its output, or what it complains of if the status is not 0."""
        process = self.start_as(name, *arguments)
        output, complaint = process.communicate(typed, SECONDS)
        self.assertEqual((process.returncode, complaint if not status else ""), (status, ""), complaint)
        return complaint if status else output

    def line_of(self, process: "subprocess.Popen[str]") -> str:
        """The next line that a process prints."""
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], SECONDS)
        self.assertTrue(ready, "nothing was printed")
        return process.stdout.readline().rstrip("\n")


class ConversationTests(Imchat):
    """Two people and what they say."""

    def test_first_conversation(self) -> None:
        """Who listens reads what is sent, by words and by pipe, once each, and may send meanwhile; Ctrl-C ends it with 0."""
        bob = self.start_as("bob", "listen")
        self.run_as("alice", "send", "bob", "hello", "you")
        self.assertEqual(self.line_of(bob), "alice: hello you")
        self.run_as("alice", "send", "bob", typed="two\nlines\x1b[2J\n")
        self.assertEqual(self.line_of(bob), r"alice: two\nlines\x1b[2J")
        self.run_as("bob", "send", "alice", "hello yourself")
        self.run_as("alice", "send", "bob", "bye")
        self.assertEqual(self.line_of(bob), "alice: bye")
        bob.send_signal(signal.SIGINT)
        self.assertEqual((bob.communicate(timeout=SECONDS), bob.returncode), (("", ""), 0))
        self.assertEqual(self.run_as("alice", "listen", "--count", "1"), "bob: hello yourself\n")

    def test_from_where_it_was_left(self) -> None:
        """What came while nobody listened comes first, and nothing comes twice."""
        for number in range(5):
            self.run_as("alice", "send", "bob", f"message {number}")
        self.assertEqual(self.run_as("bob", "listen", "--count", "2"), "alice: message 0\nalice: message 1\n")
        line = self.run_as("bob", "listen", "--count", "1", "--tabs")
        self.assertRegex(line, r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\talice\t3\talice\tmessage 2\n$")
        self.assertEqual(
            self.run_as("bob", "history", "alice", "--limit", "2"), "alice: message 3\nalice: message 4\n"
        )

    def test_groups(self) -> None:
        """Create, write to, list, add to and leave one."""
        created = self.run_as("alice", "group", "create", "the team", "bob")
        number = created.removeprefix("Created group ").removesuffix(".\n")
        self.assertEqual(self.run_as("bob", "group", "list"), f"{number}\tthe team\n")
        self.run_as("alice", "send", "--group", "the team", "hello all")
        self.assertEqual(
            self.run_as("bob", "listen", "--count", "2"),
            '[the team] * alice created the group "the team"\n[the team] alice: hello all\n',
        )
        self.run_as("", "register", "carol", "--password-file", str(self.password_file))
        self.run_as("bob", "group", "add", number, "carol")
        self.run_as("bob", "group", "leave", "the team")
        self.assertEqual(self.run_as("bob", "group", "list"), "")
        history = self.run_as("carol", "history", "--group", number)
        self.assertEqual(history, "* bob added carol\n* bob left\n")

    def test_the_server_dies_meanwhile(self) -> None:
        """Who listens comes back, and gets what was missed and what follows, once each."""
        bob = self.start_as("bob", "listen")
        self.run_as("alice", "send", "bob", "before")
        self.assertEqual(self.line_of(bob), "alice: before")
        self.daemon.kill()
        self.daemon.start()
        self.run_as("alice", "send", "bob", "after")
        self.assertEqual(self.line_of(bob), "alice: after")
        self.run_as("alice", "send", "bob", "later")
        self.assertEqual(self.line_of(bob), "alice: later")

    def test_whoever_reads_has_had_enough(self) -> None:
        """A closed pipe ends it without a traceback."""
        bob = self.start_as("bob", "listen")
        assert bob.stdout is not None and bob.stderr is not None
        bob.stdout.close()
        self.run_as("alice", "send", "bob", "hello")
        self.assertEqual((bob.wait(SECONDS), bob.stderr.read()), (0, ""))
        bob.stdout = None


class RefusalTests(Imchat):
    """One sentence and a status that says which kind of trouble it was."""

    def test_refused(self) -> None:
        """1: the server says no, or something here is in the way."""
        self.assertEqual(
            self.run_as("alice", "send", "nobody", "x", status=1), "imchat: there is no such account\n"
        )
        self.assertIn("no group", self.run_as("alice", "send", "-g", "team", "x", status=1))
        taken = ("register", "alice", "--password-file", str(self.password_file))
        self.assertIn("taken", self.run_as("", *taken, status=1))
        wrong = self.folder / "wrong"
        wrong.write_text("wrong password")
        self.environment["XDG_STATE_HOME"] = str(self.folder / "elsewhere")
        self.assertIn(
            "wrong", self.run_as("alice", "send", "bob", "x", "--password-file", str(wrong), status=1)
        )

    def test_one_listener_a_time(self) -> None:
        """A second one would take the place of the first."""
        bob = self.start_as("bob", "listen")
        self.run_as("alice", "send", "bob", "are you there?")
        self.line_of(bob)
        self.assertIn("another imchat", self.run_as("bob", "listen", status=1))

    def test_wrong_usage(self) -> None:
        """2: something is missing or mistyped."""
        self.assertIn("--user alice or --user bob", self.run_as("", "listen", status=2))
        self.assertIn("not logged in here", self.run_as("carol", "send", "bob", "x", status=2))
        self.assertIn("no-such-file", self.run_as("bob", "listen", "--ca", "no-such-file", status=2))
        self.assertIn("COMMAND", self.run_as("bob", "dance", status=2))

    def test_not_reachable(self) -> None:
        """3: there is no such server, now or any more."""
        where = self.daemon.addresses["native"]
        self.daemon.stop()
        self.assertIn(f"imchat: {where}: ", self.run_as("alice", "send", "bob", "x", status=3))

    def test_logged_out(self) -> None:
        """The tokens end, here and on the server; the password brings both devices back."""
        self.run_as("bob", "logout")
        self.assertIn("not logged in here", self.run_as("bob", "send", "alice", "x", status=2))
        self.run_as("bob", "send", "alice", "back again", "--password-file", str(self.password_file))
        self.assertEqual(self.run_as("alice", "listen", "--count", "1"), "bob: back again\n")


class PromptTests(Imchat):
    """imchat alone."""

    people = ("bob",)

    def test_piped(self) -> None:
        """Lines in, lines out; it ends with its input, when all was sent, also a last line without an end."""
        self.run_as("", "register", "alice", "--password-file", str(self.password_file))
        typed = "hello?\nalice: one\ntwo\nnobody: x\n#team: y\nalice: three"
        bob = self.start_as("bob")
        output, complaints = bob.communicate(typed, SECONDS)
        self.assertRegex(output, r"^You are bob\.")
        self.assertEqual(bob.returncode, 0)
        self.assertEqual(len(complaints.splitlines()), 3, complaints)
        self.assertEqual(self.run_as("alice", "listen", "--count", "3"), "bob: one\nbob: two\nbob: three\n")

    def test_at_a_terminal(self) -> None:
        """With --lines it offers to register, hides the password, prints what arrives, and ends with Ctrl-D."""
        self.environment["XDG_STATE_HOME"] = str(self.folder / "alices")
        child, screen = pty.fork()
        if child == 0:
            os.execvpe(IMCHAT[0], (*IMCHAT, "--lines"), self.environment)
        self.addCleanup(os.close, screen)
        for seen, typed in (
            ("[r/l] ", "r"), ("Name: ", "alice"), ("Password: ", PASSWORD), ("Again: ", PASSWORD),
            ("You are alice", "bob: hello from the terminal"),
        ):  # fmt: skip
            self.wait_for(screen, seen)
            os.write(screen, f"{typed}\n".encode())
        self.environment["XDG_STATE_HOME"] = str(self.folder / "state")
        self.assertEqual(self.run_as("bob", "listen", "--count", "1"), "alice: hello from the terminal\n")
        self.run_as("bob", "send", "alice", "hello back")
        self.wait_for(screen, "bob: hello back")
        os.write(screen, b"\x04")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        self.assertNotIn(PASSWORD, self.screen)

    screen = ""

    def wait_for(self, screen: int, text: str) -> None:
        """Read what is shown until the text is there."""
        end = time.monotonic() + SECONDS
        while text not in self.screen:
            ready, _, _ = select.select([screen], [], [], max(0.0, end - time.monotonic()))
            self.assertTrue(ready, f"{text!r} is not in {self.screen!r}")
            self.screen += os.read(screen, 4096).decode()


class UnixTests(Imchat):
    """A server on a UNIX socket."""

    people = ()

    def make_daemon(self) -> Daemon:
        """With nothing but that."""
        return Daemon(self, listen=[f"native=unix:{self.folder}/native.sock"])

    def test_as_the_log_says(self) -> None:
        """--server takes the path that the daemon tells people to try, and warns of nothing."""
        self.assertIn(f"imchat --server {self.folder}/native.sock", self.daemon.text)
        for name in ("alice", "bob"):
            self.run_as("", "register", name, "--password-file", str(self.password_file))
        self.run_as("alice", "send", "bob", "hello")
        self.assertEqual(self.run_as("bob", "listen", "--count", "1"), "alice: hello\n")


class TLSTests(Imchat):
    """A server with a certificate that nobody but its owner has signed."""

    people = ()

    def make_daemon(self) -> Daemon:
        """With TLS on its native listener."""
        self.certificate, key = make_certificate(self.folder, "office")
        config = (
            '[[listeners]]\nwire = "native"\nendpoint = "tcp:127.0.0.1:0"\ntls = "office"\n'
            f'[tls.office]\ncert = "{self.certificate}"\nkey = "{key}"\n'
        )
        return Daemon(self, config=config, listen=())

    def test_verified(self) -> None:
        """By --ca and by --fingerprint; the system's authorities do not know it, and without TLS there is no talk."""
        register = ("register", "--password-file", str(self.password_file))
        self.run_as("", *register, "alice", "--ca", str(self.certificate))
        shown = subprocess.run(
            ("openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", str(self.certificate)),
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        fingerprint = re.sub(".*=", "", shown.stdout.strip())
        self.run_as("", *register, "bob", "--fingerprint", fingerprint)
        self.run_as("alice", "send", "bob", "hello", "--fingerprint", fingerprint)
        self.assertEqual(
            self.run_as("bob", "listen", "--count", "1", "--ca", str(self.certificate)), "alice: hello\n"
        )
        for options in (("--tls",), ("--fingerprint", "00" * 32)):
            self.assertIn(
                "no secure connection", self.run_as("alice", "send", "bob", "x", *options, status=3)
            )
        self.run_as("alice", "send", "bob", "x", status=3)
        self.assertIn(f"try: imchat --server {self.daemon.addresses['native']} --tls", self.daemon.text)
