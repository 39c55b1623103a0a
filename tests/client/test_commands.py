"""What imchat's commands do and print, on a server in memory."""

import io
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactor
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.arguments import parse
from imserver.client.chat import chat
from imserver.client.commands import COMMANDS, Context
from imserver.client.errors import ClientError, NotConnected, RequestRefused
from imserver.client.profile import Profile
from imserver.core.events import Closing, GroupChanged
from imserver.core.requests import AddMembers, LeaveGroup, LogIn, LogInWithToken, LogOut, Register
from imserver.core.values import Once
from tests.client.fake_server import BOB, DIRECT, GROUP, PASSWORD, FakeServer, group


class Commands(SynchronousTestCase):
    """Bob, who has a device here that listens and one that sends."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.server = FakeServer(self.clock)
        self.server.conversations[GROUP] = group(GROUP, "the team")
        self.profile = Profile(Path(self.mktemp()), "here", BOB.name)
        self.output, self.complaints = io.StringIO(), io.StringIO()
        self.patch(sys, "stdout", self.output)
        self.patch(sys, "stderr", self.complaints)

    def context(self, line: str, text: str = "", registers: bool = False) -> Context:
        """As imchat.py makes it from a command line."""
        password = "" if self.profile.logged_in else PASSWORD
        options = parse(line.split(), {})
        return Context(self.clock, self.server, options, self.profile, password, registers, text)

    def start(self, line: str, text: str = "", registers: bool = False) -> "Deferred[None]":
        """Begin a command and let it go as far as it goes."""
        context = self.context(line, text, registers)
        return self.go(COMMANDS[context.options.command](context))

    def go(self, command: Coroutine[Any, Any, None]) -> "Deferred[None]":
        """Begin a coroutine likewise."""
        running = Deferred.fromCoroutine(command)
        self.settle()
        return running

    def settle(self) -> None:
        """Let everything move, also over several connections."""
        for _ in range(10):
            self.server.settle()
            self.clock.advance(0)

    def run_command(self, line: str, text: str = "") -> str:
        """Run a command to its end -> what it printed."""
        running = self.start(line, text)
        self.successResultOf(running)
        self.assertFalse(self.server.connected)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        return self.printed()

    def printed(self) -> str:
        """What was printed since the last look."""
        text = self.output.getvalue()
        self.output.seek(0)
        self.output.truncate()
        return text

    def refused(self, line: str, kind: type[ClientError] = RequestRefused) -> ClientError:
        """Why a command was not done."""
        error = self.failureResultOf(self.start(line, "text"), kind).value
        assert isinstance(error, ClientError)
        return error

    def heard(self, *kinds: type) -> list[Any]:
        """The requests of these kinds."""
        return [request for request in self.server.heard if isinstance(request, kinds)]


class CommandTests(Commands):
    """Each command."""

    def test_register(self) -> None:
        """The account is made, and both devices log in with names of their own."""
        running = self.start("register bob", registers=True)
        self.successResultOf(running)
        self.assertEqual(self.printed(), "Registered bob, number 2.\n")
        self.assertEqual(self.heard(Register), [Register("bob", PASSWORD, "bob")])

        listener, sender = (request.device for request in self.heard(LogIn))
        self.assertEqual(sender, f"{listener}-send")
        self.assertTrue(self.profile.logged_in)

    def test_register_with_an_invitation(self) -> None:
        """Its code goes along."""
        self.successResultOf(self.start("register bob --invitation mfrg-gzdf", registers=True))
        self.assertEqual(self.heard(Register), [Register("bob", PASSWORD, "bob", "mfrg-gzdf")])

    def test_the_password_is_used_once(self) -> None:
        """From then on the tokens do."""
        self.run_command("send alice", "one")
        self.run_command("send alice", "two")
        self.assertEqual((len(self.heard(LogIn)), len(self.heard(LogInWithToken))), (2, 2))
        self.assertEqual(self.server.texts(DIRECT, BOB), ["one", "two"])

    def test_send_to_a_group(self) -> None:
        """By title or id."""
        self.server.conversations[GROUP] = group(GROUP, "team")
        self.assertEqual(self.run_command("send -g team", "by title"), "")
        self.run_command(f"send -g {GROUP}", "by id")
        self.assertEqual(self.server.texts(GROUP, BOB), ["by title", "by id"])

    def test_groups_that_cannot_be_told(self) -> None:
        """None of that name, or several: the ids are said."""
        self.assertIn("no group nothing", self.refused("send -g nothing").text)
        self.server.add(group(30, "twin"))
        self.server.add(group(31, "twin"))
        self.assertIn("30, 31", self.refused("send -g twin").text)

    def test_listen(self) -> None:
        """What others say, until so many lines; what was not printed comes the next time."""
        for text in ("one", "two", "three"):
            self.server.say(DIRECT, text)
        self.run_command("send alice", "mine")
        self.assertEqual(self.run_command("listen --count 2"), "alice: one\nalice: two\n")
        listening = self.start("listen")
        self.server.say(GROUP, "four")
        self.settle()
        self.assertNoResult(listening)
        self.assertEqual(self.printed(), "alice: three\n[the team] alice: four\n")
        listening.cancel()
        self.settle()
        self.failureResultOf(listening)
        self.assertFalse(self.server.connected)

    def test_listening_ends_when_the_device_is_replaced(self) -> None:
        """And says why."""
        listening = self.start("listen")
        self.server.connection.tell(Closing("REPLACED", "this device has connected anew"))
        self.settle()
        self.server.connection.cut()
        self.assertEqual(self.failureResultOf(listening, NotConnected).value.code, "REPLACED")

    def test_history(self) -> None:
        """The newest, the oldest of them first."""
        for number in range(5):
            self.server.say(DIRECT, str(number))
        self.assertEqual(self.run_command("history alice --limit 2"), "alice: 3\nalice: 4\n")
        self.server.conversations[GROUP] = group(GROUP, "team")
        self.server.say(GROUP, "hello")
        self.assertEqual(self.run_command("history -g team"), "alice: hello\n")

    def test_groups(self) -> None:
        """Create, add, leave, list."""
        self.server.override = lambda request: (
            GroupChanged(request.conversation, 2) if isinstance(request, AddMembers | LeaveGroup) else None
        )
        self.assertEqual(self.run_command("group create x alice"), "Created group 100.\n")
        self.run_command("group add x alice")
        self.run_command("group leave 100")
        add, leave = self.heard(AddMembers, LeaveGroup)
        self.assertEqual((add.conversation, add.members, leave.conversation), (100, [1], 100))
        self.assertEqual({type(add.once), type(leave.once)}, {Once})
        self.assertEqual(self.run_command("group list"), f"{GROUP}\tthe team\n100\tx\n")

    def test_log_out(self) -> None:
        """Both tokens end, and nothing is kept here; a token that has ended already is no obstacle."""
        self.run_command("send alice", "x")
        self.run_command("logout")
        self.assertEqual((len(self.heard(LogOut)), self.profile.logged_in), (1, False))

    def test_a_refused_login(self) -> None:
        """Is told, and the next run asks for the password."""
        self.run_command("send alice", "x")
        self.server.token = b"another"
        self.assertEqual(self.refused("send alice").code, "WRONG_CREDENTIALS")
        self.assertFalse(self.profile.logged_in)


class ChatTests(Commands):
    """imchat alone: what is typed comes through a pipe."""

    def setUp(self) -> None:
        super().setUp()
        self.reactor = MemoryReactor()
        end, self.hands = os.pipe()
        self.addCleanup(os.close, end)
        self.patch(sys, "stdin", SimpleNamespace(fileno=lambda: end))
        self.running = self.go(chat(self.context(""), self.reactor))

    def type(self, text: str) -> None:
        """Type, and let the reactor and the server do their part."""
        os.write(self.hands, text.encode())
        for _ in range(text.count("\n") + 1):
            self.settle()
            for reader in self.reactor.getReaders() if self.server.connected else ():
                if text:
                    reader.doRead()
                    text = ""
            self.settle()

    def hang_up(self) -> None:
        """Ctrl-D."""
        os.close(self.hands)
        for reader in self.reactor.getReaders():
            reader.doRead()
        self.settle()

    def test_talk(self) -> None:
        """To alice, to the last one, to a group; what arrives is printed; the end of the input ends it."""
        self.type("alice: one\ntwo\n#the team: three\n\n")
        self.server.say(DIRECT, "hello")
        self.settle()
        self.hang_up()
        self.successResultOf(self.running)
        self.assertEqual(self.server.texts(DIRECT, BOB), ["one", "two"])
        self.assertEqual(self.server.texts(GROUP, BOB), ["three"])
        greeting, arrived = self.printed().splitlines()
        self.assertTrue(greeting.startswith("You are bob."))
        self.assertEqual((arrived, self.complaints.getvalue()), ("alice: hello", ""))

    def test_mistakes(self) -> None:
        """Are said, and the chat goes on."""
        self.type("to nobody\n#none: x\nalice: still here\n")
        self.hang_up()
        self.successResultOf(self.running)
        self.assertEqual(self.server.texts(DIRECT, BOB), ["still here"])
        self.assertEqual(
            self.complaints.getvalue(),
            "imchat: say to whom first: bob: hello\nimchat: you are in no group none\n",
        )

    def test_without_a_connection(self) -> None:
        """What is typed is sent later, and that is said."""
        self.server.connection.cut()
        os.write(self.hands, b"alice: later\n")
        self.reactor.getReaders()[0].doRead()
        self.assertIn("no connection", self.complaints.getvalue())
        self.clock.advance(60)
        self.settle()
        self.assertEqual(self.server.texts(DIRECT, BOB), ["later"])
        self.hang_up()
        self.successResultOf(self.running)

    def test_replaced(self) -> None:
        """The prompt ends, although nothing was typed."""
        self.server.connection.tell(Closing("REPLACED", ""))
        self.settle()
        self.server.connection.cut()
        self.assertEqual(self.failureResultOf(self.running, NotConnected).value.code, "REPLACED")
        self.assertEqual(self.reactor.getReaders(), [])
        os.close(self.hands)
