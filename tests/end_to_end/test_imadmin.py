"""imadmin and a real daemon: each command, and that what it ends has ended at once (T21)."""

import json

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.errors import Code
from imserver.core.events import Closing, ConversationOpened, Event, LoggedIn, MessageArrived, Sent
from imserver.core.requests import CreateGroup, LogIn, LogInWithToken, Register, Request, Resume, SendTo
from imserver.core.values import Kind
from imserver.operator.table import COMMANDS
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.operator import NO_DAEMON, USAGE, Operator
from tests.end_to_end.peer import PASSWORD, Gone, Peer
from tests.end_to_end.test_permissions import open_to_others

ENDED_SECONDS = 10.0  # what ends with a command, has ended with its answer; the rest is for the machine
CLOSED = "[registration]\nopen = false\n"


class OperatedDaemon(SynchronousTestCase):
    def begin(self, config: str = "") -> None:
        self.daemon = Daemon(self, config=config).start()
        self.operator = Operator(self, self.daemon.data, self.daemon.environment)

    def peer(self) -> Peer:
        peer = Peer(self.daemon.address())
        self.addCleanup(peer.close)
        return peer

    def logged_in(self, name: str, device: str = "phone") -> tuple[Peer, LoggedIn]:
        peer = self.peer()
        return peer, peer.log_in(name, device)

    def answer(self, request: Request) -> Event:
        """Of a new connection."""
        with Peer(self.daemon.address()) as peer:
            return peer.ask(request)

    def code(self, request: Request) -> str:
        return getattr(self.answer(request), "code", "")

    def assert_ends(self, peer: Peer, code: Code) -> None:
        """The connection says why it ends, and ends."""
        peer.socket.settimeout(ENDED_SECONDS)
        heard: Event | None = None
        try:
            while True:
                _, heard = peer.hear()
        except Gone:
            pass
        assert isinstance(heard, Closing), heard
        self.assertEqual(heard.code, code)

    def audited(self) -> list[tuple[str, str, str]]:
        """(action, whom, result) of each audit line."""
        events = [event for event in self.daemon.events() if "actor" in event]
        return [(event["action"], event["whom"], event["result"]) for event in events]


class CommandTests(OperatedDaemon):
    def test_every_command(self) -> None:
        """Each command of the table does its work and leaves one line of audit, without its secrets."""
        self.begin(CLOSED)
        do = self.operator.do
        (sentence, password) = do("accounts", "create", "alice")
        self.assertEqual(sentence, "alice has an account")
        do("accounts", "create", "bob", "--password-file", "-", said=f"{PASSWORD}\n")
        alice = self.peer()
        alice.expect(LogIn("alice", password.removeprefix("password: "), "phone"), LoggedIn)
        bob = self.logged_in("bob")[1].account.number
        self.assertEqual(
            [line.split()[1:] for line in do("accounts", "list")],
            [["alice", "online:1"], ["bob", "online:1"]],
        )
        self.assertIn("device: phone, here by native", do("accounts", "show", "bob"))
        self.assertEqual([line.split()[1] for line in do("sessions", "list")], ["alice", "bob"])
        do("accounts", "promote", "alice")
        do("accounts", "demote", "alice")
        do("accounts", "freeze", "bob")
        do("accounts", "unfreeze", "bob")
        do("sessions", "kick", "bob", "phone")
        new = do("accounts", "reset-password", "bob")[1].removeprefix("password: ")
        do("invitations", "create", "3", "2")
        self.assertEqual(len(do("invitations", "list")), 1)
        do("invitations", "withdraw", "1")
        group = alice.expect(
            CreateGroup("the club", [bob]), ConversationOpened
        ).membership.conversation.number
        self.assertIn("title: the club", "\n".join(do("groups", "list")))
        do("groups", "mute", str(group), "bob", "60")
        do("groups", "remove", str(group), "bob")
        do("groups", "dissolve", str(group))
        self.assertEqual(do("announce", "it's", "noon"), ["told 2 accounts"])
        said = "\n".join(do("statistics"))
        self.assertIn("sessions: 1 (native 1)", said)
        do("accounts", "delete", "bob")
        self.assertEqual({action for action, _, _ in self.audited()}, set(COMMANDS))
        self.assertEqual({result for _, _, result in self.audited()}, {"done"})
        for secret in (password.removeprefix("password: "), new, PASSWORD, "noon"):
            self.assertNotIn(secret, self.daemon.text)
        self.daemon.stop()
        self.daemon.assert_clean()

    def test_refusals(self) -> None:
        """A refusal is one sentence and status 1, a wrong command line status 2."""
        self.begin()
        self.assertEqual(
            self.operator.refused("accounts", "freeze", "nobody"), "imadmin: there is no such account\n"
        )
        self.assertIn("reserved", self.operator.refused("accounts", "create", "root"))
        self.assertIn("usage", self.operator.refused("accounts", "freeze", status=USAGE))
        self.operator.refused("accounts", "create", "x", "--prompt", status=USAGE)
        self.operator.refused("accounts", "create", "x", "--password-file", "/none", status=USAGE)
        self.assertEqual([each[0] for each in self.audited()], ["accounts freeze", "accounts create"])

    def test_invitation(self) -> None:
        """With a code somebody can register although registration is closed, once."""
        self.begin(CLOSED)
        self.assertEqual(self.code(Register("carol", PASSWORD, "")), Code.REGISTRATION_CLOSED)
        code = self.operator.do("invitations", "create")[1].removeprefix("code: ")
        self.assertEqual(self.code(Register("carol", PASSWORD, "", code)), "")
        self.assertEqual(self.code(Register("dave", PASSWORD, "", code)), Code.REGISTRATION_CLOSED)
        self.logged_in("carol")

    def test_announcement(self) -> None:
        """Who is here hears it at once, who is away when he comes."""
        self.begin()
        alice, bob = self.peer(), self.peer()
        for peer, name in ((alice, "alice"), (bob, "bob")):
            peer.register(name)
        alice.log_in("alice")
        self.operator.do("announce", "back at ten")
        events = [alice.hear()[1] for _ in range(2)]
        self.assertEqual([type(event) for event in events], [ConversationOpened, MessageArrived])
        self.assertEqual(
            (events[1].message.sender_name, events[1].message.body), ("imserver", b"back at ten")
        )


class EndedRightsTests(OperatedDaemon):
    """What an operator takes away ends on live connections within a second, and every way back with it."""

    def begin_with_carol(self) -> None:
        """A phone that is connected, and a laptop that has just been lost."""
        self.begin()
        with Peer(self.daemon.address()) as peer:
            peer.register("carol")
        self.phone, self.phone_login = self.logged_in("carol", "phone")
        laptop, self.laptop_login = self.logged_in("carol", "laptop")
        laptop.close()

    def ways_back(self) -> list[str]:
        """The codes of every way to come back."""
        return [
            self.code(LogIn("carol", PASSWORD, "tablet")),
            self.code(LogInWithToken(self.phone_login.token)),
            self.code(LogInWithToken(self.laptop_login.token)),
            self.code(Resume(self.phone_login.resume_token)),
            self.code(Resume(self.laptop_login.resume_token)),
        ]

    def test_freeze(self) -> None:
        """Frozen, nothing opens it, also after a restart; unfrozen, password and tokens do again."""
        self.begin_with_carol()
        self.operator.do("accounts", "freeze", "carol")
        self.assert_ends(self.phone, Code.FORBIDDEN)
        self.assertEqual(self.ways_back(), [Code.FORBIDDEN] * 5)
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.ways_back()[:3], [Code.FORBIDDEN] * 3)
        self.operator.do("accounts", "unfreeze", "carol")
        self.assertEqual(self.ways_back()[:3], [""] * 3)

    def test_kick(self) -> None:
        """Kicked, the device needs the password."""
        self.begin_with_carol()
        self.operator.do("sessions", "kick", "carol")
        self.assert_ends(self.phone, Code.LOGGED_OUT)
        self.assertEqual(self.ways_back(), ["", *[Code.WRONG_CREDENTIALS] * 4])

    def test_reset_password(self) -> None:
        """Only the new password opens it."""
        self.begin_with_carol()
        _, password = self.operator.do("accounts", "reset-password", "carol")
        self.assert_ends(self.phone, Code.REVOKED)
        self.assertEqual(self.ways_back(), [Code.WRONG_CREDENTIALS] * 5)
        self.assertEqual(self.code(LogIn("carol", password.removeprefix("password: "), "")), "")

    def test_delete(self) -> None:
        """Nothing opens it any more, and its name is taken for ever."""
        self.begin_with_carol()
        self.operator.do("accounts", "delete", "carol")
        self.assert_ends(self.phone, Code.REVOKED)
        self.assertEqual(self.ways_back(), [Code.WRONG_CREDENTIALS] * 5)
        self.assertEqual(self.code(Register("carol", PASSWORD, "")), Code.NAME_TAKEN)

    def test_messages_to_a_frozen_account(self) -> None:
        """They wait for it."""
        self.begin_with_carol()
        self.operator.do("accounts", "freeze", "carol")
        with Peer(self.daemon.address()) as alice:
            alice.register("alice")
            alice.log_in("alice")
            alice.expect(SendTo("carol", b"1", Kind.TEXT, "", b"are you there?"), Sent)


class SocketTests(OperatedDaemon):
    def test_no_daemon(self) -> None:
        """Without a daemon imadmin says so, before the first start, after a kill and after a stop; the next start takes over."""
        self.begin()
        missing = Operator(self, self.daemon.folder / "none", self.daemon.environment)
        self.assertIn("no daemon runs on", missing.refused("statistics", status=NO_DAEMON))
        self.daemon.kill()
        self.assertTrue((self.daemon.data / "admin.sock").is_socket())
        self.assertIn("no daemon runs on", self.operator.refused("statistics", status=NO_DAEMON))
        self.daemon.start()
        self.operator.do("statistics")
        self.assertEqual(self.daemon.stop(), 0)
        self.assertFalse((self.daemon.data / "admin.sock").exists())
        self.assertIn("no daemon runs on", self.operator.refused("statistics", status=NO_DAEMON))

    def test_private(self) -> None:
        """Nobody else can open the socket."""
        self.begin()
        self.assertEqual((self.daemon.data / "admin.sock").stat().st_mode & 0o777, 0o600)
        self.assertEqual(open_to_others(self.daemon.data), [])

    def test_second_daemon(self) -> None:
        """One that is refused the folder leaves the socket of the first alone."""
        self.begin()
        second = Daemon(self, folder=self.daemon.folder, listen=["native=tcp:127.0.0.1:0"])
        second.launch()
        self.assertEqual(second.wait(), 1)
        self.operator.do("statistics")

    def test_configured_folder(self) -> None:
        """--config names the folder as for the daemon."""
        self.begin()
        config = self.daemon.folder / "other.toml"
        config.write_text(f"data = {json.dumps(str(self.daemon.data))}")
        elsewhere = Operator(self, self.daemon.folder, self.daemon.environment)
        self.assertIn(
            "state: ready", elsewhere.run("--data", "", "--config", str(config), "statistics").stdout
        )


class DoctorTests(OperatedDaemon):
    def test_online_and_offline(self) -> None:
        """A sound server is found sound while it runs and when it is stopped; a killed one is warned about."""
        self.begin()
        self.assert_sound("a daemon uses")
        self.daemon.stop()
        self.assert_sound("the last stop was clean")
        self.daemon.start()
        self.daemon.kill()
        self.assertIn("not clean", self.operator.run("doctor").stdout)

    def assert_sound(self, words: str) -> None:
        ended = self.operator.run("doctor", "--config", str(self.daemon.config))
        self.assertEqual((ended.returncode, "WRONG" in ended.stdout), (0, False), ended.stdout)
        self.assertIn(words, ended.stdout)

    def test_wrong(self) -> None:
        """What is wrong is said, with status 1."""
        self.begin()
        self.daemon.stop()
        (self.daemon.data / "imserver.db").chmod(0o644)
        ended = self.operator.run("doctor")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("chmod -R go=", ended.stdout)

    def test_certificate(self) -> None:
        """What imadmin makes serves a listener that others can reach, and the doctor finds it sound."""
        self.daemon = Daemon(self, listen=())
        self.operator = Operator(self, self.daemon.data, self.daemon.environment)
        cert, key = self.daemon.folder / "a.crt", self.daemon.folder / "a.key"
        lines = self.operator.do(
            "certificate", "localhost", "127.0.0.1", "--cert", str(cert), "--key", str(key)
        )
        self.assertRegex(lines[1], "SHA-256 fingerprint: ([0-9A-F]{2}:){31}[0-9A-F]{2}")
        self.daemon.config.write_text(
            f'[tls.own]\ncert = "{cert}"\nkey = "{key}"\n'
            '[[listeners]]\nwire = "native"\nendpoint = "tcp:127.0.0.1:0"\ntls = "own"\n'
        )
        self.daemon.start()
        ended = self.operator.run("doctor", "--config", str(self.daemon.config))
        self.assertIn("certificate own is valid until", ended.stdout)
        self.assertEqual(ended.returncode, 0, ended.stdout)
