"""The operator's commands on a terminal: for whom, and from where."""

from imserver.core import requests as r
from imserver.core.values import Kind
from imserver.operator.command import PAGE
from imserver.operator.table import run
from tests.core.client import account, logged_in, result
from tests.dialogues.telnet.terminal import TelnetCase, Terminal


class OperatorTests(TelnetCase):
    def setUp(self) -> None:
        super().setUp()
        result(run(self.world.core, "root", "accounts promote alice"))

    def asked(self, name: str, host: str) -> list[str]:
        terminal = Terminal(self.world, name, host)
        return terminal.typed("operator accounts freeze carol")

    def test_administrator(self) -> None:
        """Who has the role and sits at this machine has the operator's commands, as long as he has it."""
        alice = Terminal(self.world, "alice", "127.0.0.1")
        carol = self.terminal("carol")
        self.assertEqual(
            alice.typed("operator accounts freeze carol"), ["  carol is frozen and cannot log in"]
        )
        self.world.pass_seconds(1)
        self.assertFalse(carol.peer.open)
        self.assertIn("statistics", " ".join(alice.typed("operator help")))
        self.assertEqual(len(alice.typed("operator HELP sessions")), 2)
        self.assertIn("sessions kick", alice.typed("operator sessions")[0])
        self.assertEqual(alice.typed("operator announce"), ["Usage: announce TEXT..."])
        result(run(self.world.core, "root", "accounts demote alice"))
        self.assertEqual(alice.typed("operator statistics"), ["These commands are for administrators."])

    def test_everybody_else(self) -> None:
        """Another account, another machine in the clear, a proxy's client and strangers have none of them."""
        carol = self.terminal("carol")
        self.assertEqual(self.asked("bob", "127.0.0.1"), ["These commands are for administrators."])
        elsewhere = ["These commands need a connection from this machine, or TLS."]
        for host in ("192.0.2.1", "127.0.0.1 by proxy"):
            self.assertEqual(self.asked("alice", host), elsewhere)
        self.assertEqual(self.asked("", "127.0.0.1"), ["Log in first."])
        self.assertTrue(carol.peer.open)

    def test_pages(self) -> None:
        """A long answer says how to go on."""
        alice = Terminal(self.world, "alice", "127.0.0.1")
        for n in range(PAGE):
            account(self.world, f"user{n}")
        *lines, more = alice.typed("operator accounts list")
        self.assertEqual(len(lines), PAGE)
        rest = alice.typed(more.removeprefix("More: "))
        self.assertEqual((len(rest), rest[-1].split()[1]), (3, f"user{PAGE - 1}"))

    def test_no_message(self) -> None:
        """No line of an answer looks as if somebody had said it, whatever he is called."""
        alice = Terminal(self.world, "alice", "127.0.0.1")
        for command in (
            "statistics",
            "accounts show bob",
            "accounts create dave",
            "help",
            "invitations create",
        ):
            lines = alice.typed(f"operator {command}")
            self.assertEqual([line for line in lines if not line.startswith("  ")], [], command)

    def test_projections(self) -> None:
        """The statistics count what was not shown as it is, by wire."""
        alice = Terminal(self.world, "alice", "127.0.0.1")
        bob = logged_in(self.world, "bob")
        bob.ask(r.SendTo("alice", b"1", Kind.OPAQUE, "image/png", b"%"))
        alice.lines()
        shown = "\n".join(alice.typed("operator statistics"))
        self.assertRegex(shown, r"not shown as it is: \d+ \(.*telnet OPAQUE 1")
