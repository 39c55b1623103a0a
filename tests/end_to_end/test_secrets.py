"""T13 and T29: passwords, tokens and texts are where they belong only, and nobody writes the log's lines but the daemon."""

import json
import re
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.errors import Code
from imserver.core.events import Closing, Done, LoggedIn, Refused, Registered, Sent
from imserver.core.requests import (
    ChangePassword,
    CreateGroup,
    DeleteAccount,
    Hello,
    LogIn,
    LogInWithToken,
    LogOut,
    LookUp,
    Register,
    Request,
    Resume,
    RevokeDevice,
    SendTo,
    UpdateProfile,
)
from imserver.core.values import Kind
from tests.end_to_end.daemon import TWISTD
from tests.end_to_end.peer import PASSWORD, Peer
from tests.end_to_end.siege import CONFIG, Siege, proxy_line, rest

DEBUG = '[log]\nlevel = "debug"\n' + CONFIG
SECRETS = 20
MAX_PASSWORD_BYTES = 1024
# The letters that the bytes before a secret have a share in, when they are 0, 1 or 2 more than a multiple of three.
SHARED_LETTERS = (0, 2, 3)
MARK = "who-are-you"
TALKATIVE = (sys.executable, "-m", "tests.end_to_end.talkative")
PASSWORD_TRIES = 10  # which fit into what a connection may send before its login
NASTY = (
    "a\nb",
    "a\rb",
    '\n{"level": "info"}\n',
    "\x1b[2J",
    "\u2028",
    "\u202e",
    "\x85",
    "\x00",
    "{address!r}",
    "%s",
)
CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class SecretsTests(Siege):
    """T13 and T29"""

    def prepare(self, command: Iterable[str] = TWISTD) -> None:
        """A daemon that logs all it ever logs."""
        self.begin(config=DEBUG, command=command)
        self.secrets: list[bytes] = []  # passwords and tokens
        self.texts: list[bytes] = []

    def test_nothing_is_left(self) -> None:
        """After a working day neither log nor data hold a password or a token, and the log no text."""
        self.prepare()
        for n in range(SECRETS):
            self.work(n)
        self.assertEqual(len(set(self.secrets)), 8 * SECRETS)
        self.look()  # while the write-ahead log is there, too
        self.assertEqual(self.daemon.stop(), 0)
        self.look()
        self.daemon.assert_clean()

    def test_talkative(self) -> None:
        """A daemon that logs what it is asked is caught."""
        self.prepare(TALKATIVE)
        self.work(0)
        self.assertRaises(self.failureException, self.look)

    def look(self) -> None:
        """Through the log and every file."""
        log = self.daemon.text.encode()
        self.assertIn(b'"debug"', log)
        stored = b"".join(path.read_bytes() for path in self.files())
        self.assertEqual([each for each in self.secrets if is_in(log, each) or is_in(stored, each)], [])
        self.assertEqual([each for each in self.texts if is_in(log, each)], [])
        # Where the texts belong they are found; so the rest would be found, too.
        self.assertEqual([each for each in self.texts if not is_in(stored, each)], [])

    def files(self) -> list[Path]:
        """All that the daemon has written."""
        return [path for path in self.daemon.data.rglob("*") if path.is_file()]

    def work(self, n: int) -> None:
        """All that secrets are used for, with success and without, from an address of their own."""
        name, password, text = f"user{n}", f"known-password-{n}", b"known message text %d" % n
        wrong, new, forged = f"mistyped-{n}", f"next-password-{n}", b"%032d" % n
        self.secrets += [password.encode(), wrong.encode(), new.encode(), forged]
        self.texts.append(text)
        self.source = f"127.77.0.{n + 1}"
        with self.entered(Register(name, password, name), LogIn(name, wrong, "x")) as peer:
            first = self.log_in(peer, LogIn(name, password, "phone"))
            peer.expect(SendTo("alice", b"1", Kind.TEXT, "", text), Sent)
            peer.expect(ChangePassword(wrong, new), Refused)
            peer.expect(ChangePassword(password, new), Done)
        with self.entered(LogInWithToken(forged), Resume(forged)) as peer:
            second = self.log_in(peer, LogInWithToken(first.token))
        with self.entered() as peer:
            self.log_in(peer, Resume(second.resume_token))
            peer.expect(LogOut(), Done)

    def entered(self, *requests: Request) -> Peer:
        """A new connection that has asked for this first."""
        peer = Peer(self.plain, source=self.source)
        for request in requests:
            peer.ask(request)
        return peer

    def log_in(self, peer: Peer, request: Request) -> LoggedIn:
        """With success; the tokens are secrets from now on."""
        answer = peer.expect(request, LoggedIn)
        self.secrets += filter(None, (answer.token, answer.resume_token))
        return answer


class FinderTests(SynchronousTestCase):
    """The search itself"""

    def test_every_form(self) -> None:
        """Plain, hex and base64 at any offset are found, and a secret that is not there is not."""
        secret = bytes(range(230, 250))
        for before in (b"", b"1", b"12", b"123"):
            data = before + secret + b"after"
            for form in (data, data.hex().encode(), data.hex().upper().encode()):
                self.assertTrue(is_in(form, secret))
            for encode in (b64encode, urlsafe_b64encode):
                self.assertTrue(is_in(encode(data), secret))
                self.assertFalse(is_in(encode(data[:-10]), secret))


def is_in(data: bytes, secret: bytes) -> bool:
    """Whether the secret is there, in plain, hex or base64."""
    return any(form in data for form in forms(secret))


def forms(secret: bytes) -> Iterator[bytes]:
    """How it would look; in base64 that depends on how many bytes stand before it."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for encode in (b64encode, urlsafe_b64encode):
        for before, shared in enumerate(SHARED_LETTERS):
            whole = (before + len(secret)) // 3 * 3 - before  # the rest shares a letter with what follows
            yield encode(bytes(before) + secret[:whole])[shared:]


class PasswordSizeTests(Siege):
    """T13: hashing is no burden."""

    def setUp(self) -> None:
        self.begin()

    def test_a_mebibyte(self) -> None:
        """Such a password is not even read: its frame ends the connection."""
        for request in (Register("carol", "x" * 2**20, ""), LogIn("alice", "x" * 2**20, "x")):
            with self.unnoticed(), Peer(self.plain) as peer:
                peer.socket.sendall(peer.frame(request)[:8])
                self.assertEqual([type(event) for event in rest(peer)], [Closing])

    def test_a_byte_too_many(self) -> None:
        """A password of 1,025 bytes is refused before it is hashed; ten of them cost less than hashing one of 1,024."""
        with Peer(self.plain) as peer:
            before = self.daemon.cpu_seconds()
            for n in range(PASSWORD_TRIES):
                refused = peer.expect(Register(f"carol{n}", "x" * (MAX_PASSWORD_BYTES + 1), ""), Refused)
                self.assertEqual(refused.code, Code.BAD_PASSWORD)
            refused_at = self.daemon.cpu_seconds()
            peer.expect(Register("carol", "x" * MAX_PASSWORD_BYTES, ""), Registered)
            self.assertLess(refused_at - before, self.daemon.cpu_seconds() - refused_at)


class LogTests(Siege):
    """T29: strangers do not write the log."""

    def test_nothing_of_it(self) -> None:
        """Whatever they call themselves, none of it is worth a line."""
        self.drive(TWISTD)
        self.assertNotIn(MARK, self.daemon.text)

    def test_all_of_it(self) -> None:
        """And if all of it were logged, it would be there, and still be no line of its own."""
        self.drive(TALKATIVE)
        for nasty in NASTY:
            self.assertIn(f"asked: {MARK}{nasty}", [event["message"] for event in self.daemon.events()])

    def drive(self, command: Iterable[str]) -> None:
        """Each line is one JSON object, without any raw control character."""
        self.begin(config=DEBUG, command=command)
        for nasty in NASTY:
            self.call_themselves(nasty)
        self.assertEqual(self.daemon.stop(), 0)
        self.assert_no_errors()
        for line in self.daemon.lines:
            self.assertIsInstance(json.loads(line), dict)
            self.assertIsNone(CONTROLS.search(line))

    def call_themselves(self, nasty: str) -> None:
        """In every field that takes a name, before and after the login, and where a proxy tells it."""
        name = MARK + nasty
        with Peer(self.plain, source="127.78.0.1") as peer:
            for request in (Hello(name), Register(name, PASSWORD, name), LogIn("alice", PASSWORD, name)):
                peer.ask(request)
        with Peer(self.plain, source="127.78.0.1") as peer:
            peer.log_in("bob", "laptop")
            for after in (
                *(UpdateProfile(name, name), LookUp(name, 0), RevokeDevice(name), CreateGroup(name, [])),
                *(SendTo(name, b"1", Kind.TEXT, name, b"x"), DeleteAccount(name)),
            ):
                peer.ask(after)
        with self.peer(self.proxied, proxy_line(name)) as peer:
            rest(peer)
