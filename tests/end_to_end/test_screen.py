"""imchat's screen in a real terminal, against a real daemon, as two people use it."""

import os
import signal
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from imserver.client.blocking import BlockingClient
from imserver.client.tls import Server
from tests.end_to_end.daemon import ROOT, Daemon
from tests.end_to_end.terminal import Terminal
from tests.end_to_end.test_imchat import IMCHAT, PASSWORD

TYPED = [{" ": "Space"}.get(letter, letter) for letter in PASSWORD]
QUICK = "[limits]\npresence_seconds = 0.1\nmessages_per_second = 1000\nmessages_burst = 1000\n"
COLOUR = r"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]"


class Screen(SynchronousTestCase):
    """A daemon, and people in front of terminals."""

    def setUp(self) -> None:
        folder = TemporaryDirectory(prefix="screen-", dir="/var/tmp")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.daemon = Daemon(self, config=QUICK).start()
        self.addCleanup(self.daemon.assert_clean)

    def open(self, name: str, *arguments: str, size: tuple[int, int] = (80, 24), **more: str) -> Terminal:
        """Start imchat for somebody, with more in the environment."""
        return Terminal(self, name, (*IMCHAT, *arguments), {**self.environment(name), **more}, size)

    def environment(self, name: str) -> dict[str, str]:
        """Of somebody with a state folder of his own."""
        return {
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(self.folder / name),
            "IMCHAT_SERVER": self.daemon.addresses["native"],
            "LC_ALL": "C.UTF-8",
        }

    def register(self, name: str, size: tuple[int, int] = (80, 24)) -> Terminal:
        """A new account, and its screen."""
        password_file = self.folder / "password"
        password_file.write_text(PASSWORD)
        command = (*IMCHAT, "register", name, "--password-file", str(password_file))
        subprocess.run(command, env={**os.environ, **self.environment(name)}, check=True, capture_output=True)
        terminal = self.open(name, size=size)
        terminal.wait_for(f"{name} - online")
        return terminal

    def as_script(self, name: str) -> BlockingClient:
        """Somebody at another device."""
        host, port = self.daemon.address()
        return BlockingClient(name, PASSWORD, server=Server(host, port))


class ScreenTests(Screen):
    def test_the_first_time(self) -> None:
        """The form registers; the password is not shown, however fast it is typed, and what is wrong is said."""
        carol = self.open("carol")
        carol.wait_for("imserver at", "Register")
        carol.keys(*"carol", "Enter", *TYPED, "Enter")
        self.assertNotIn(PASSWORD, carol.wait_for("name or password is wrong"))
        carol.keys(*TYPED, "Tab", *TYPED, "Enter")
        self.assertNotIn(PASSWORD, carol.wait_for("carol - online"))

    def test_two_people(self) -> None:
        """Register, write, be unread, read, answer; typing and receipts show; several lines; emoji and CJK keep the columns."""
        alice, bob = self.register("alice"), self.register("bob")
        alice.say("/msg bob 你好 👨‍👩‍👧 世界 hello")
        bob.wait_for_match(r"^. alice +1▕")
        alice.wait_for("delivered")
        bob.keys("F3")
        bob.wait_for("alice: 你好 👨👩👧 世界 hello")
        bob.wait_for_match(r"^. alice +1▕", gone=True)
        alice.wait_for("read")
        bob.type("first")
        alice.wait_for("bob - typing")
        bob.keys("M-Enter")
        bob.say("second")
        alice.wait_for("bob: first", "second")
        for terminal in (alice, bob):
            rows = [row for row in terminal.screen.splitlines() if "▕" in row]
            self.assertEqual({_cells(row.partition("▕")[0]) for row in rows}, {25})

    def test_keys_that_come_at_once(self) -> None:
        """As over a slow line: each text goes to the conversation that was open when it was typed."""
        alice, _ = self.register("alice"), self.register("bob")
        alice.say("/group create 'here' bob")
        alice.wait_for("# here")
        alice.say("/msg bob first")
        alice.wait_for("delivered")
        alice.keys(*"to bob", "M-Enter", "x", "Enter", "M-Down", *"to all", "Enter")
        seen = alice.wait_for("alice: to all")
        self.assertNotIn("to bob", seen)
        alice.say("/msg bob")  # by name, because the list's order changes when the texts are acknowledged
        self.assertRegex(alice.wait_for("alice: to bob"), r"▕ +x  ")

    def test_nobody_commands_the_terminal(self) -> None:
        """Escape sequences that arrive are shown, also in titles and names of groups; the program goes on."""
        alice = self.register("alice")
        with self.as_script("alice") as script:
            group = script.call(lambda client: client.create_group("\\[bold]{x}", []))
            wicked = "\x1b[2J\x1b]0;owned\x07\x1bc [red]markup[/red] \u202eabc"
            script.call(lambda client: client.send(group.conversation.id, wicked))
        alice.wait_for(r"# \[bold]{x}")
        alice.keys("M-Down")
        alice.wait_for(r"\x1b[2J\x1b]0;owned\x07\x1bc", "[red]markup[/red]", r"\u202e")
        alice.wait_for("alice - online")

    def test_another_terminal(self) -> None:
        """Letters in Latin-1 are shown as unknown and end nothing; the function keys of the Linux console and of xterm work."""
        alice = self.register("alice")
        alice.send(b"a\xfcb")
        alice.wait_for("a\N{REPLACEMENT CHARACTER}b")
        for help_key in (b"\x1b[[A", b"\x1bOP", b"\x1b[11~"):
            alice.send(help_key)
            alice.wait_for("Esc closes")
            alice.keys("q")
            alice.wait_for("Esc closes", gone=True)
        alice.wait_for("alice - online")

    def test_a_long_history(self) -> None:
        """What was missed is unread; pages come while scrolling up; another size shows the same."""
        self.register("alice").keys("C-q")
        bob = self.register("bob")
        with self.as_script("alice") as script:
            for number in range(1, 301):
                script.send("bob", f"message {number} 世界")
        bob.wait_for_match(r"^. alice +300▕")
        bob.keys("F3")
        bob.wait_for("message 300 ")
        bob.press_until("PPage", "message 1 ")
        for size in ((40, 12), (20, 6), (120, 40), (80, 24)):
            bob.resize(*size)
        bob.wait_for("message 1 ")
        bob.keys("C-End")
        bob.wait_for("message 300 ")

    def test_the_server_dies(self) -> None:
        """One sees it, writes on, quits only when asked twice, and what was written is sent once when it is back."""
        alice, bob = self.register("alice"), self.register("bob", size=(40, 12))
        alice.say("/msg bob before")
        alice.wait_for("delivered")
        self.daemon.kill()
        alice.wait_for("No connection")
        alice.say("meanwhile")
        alice.wait_for("meanwhile  sending")
        alice.keys("C-q")
        alice.wait_for("1 text is not sent yet")
        self.daemon.start()
        alice.wait_for("sending", gone=True)
        bob.keys("F3")
        seen = bob.wait_for("alice: meanwhile", "alice: before")
        self.assertEqual(seen.count("meanwhile"), 1)

    def test_leaving_while_the_server_is_away(self) -> None:
        """What was written meanwhile is sent the next time, once."""
        alice, bob = self.register("alice"), self.register("bob")
        alice.say("/msg bob before")
        bob.wait_for("alice")
        bob.keys("F3")
        bob.wait_for("alice: before")
        self.daemon.kill()
        alice.wait_for("No connection")
        alice.say("meanwhile")
        alice.wait_for("meanwhile  sending")
        alice.keys("C-q")
        alice.wait_for("Ctrl-Q again quits")
        alice.keys("C-q")
        alice.wait_for("ended with 0")
        self.daemon.start()
        self.open("alice").wait_for("alice - online")
        self.assertEqual(bob.wait_for("alice: meanwhile", "alice: before").count("meanwhile"), 1)

    def test_leaving_and_coming_back(self) -> None:
        """The terminal is as before, the status 0; the next time nothing is asked; a second one here is told so."""
        alice = self.register("alice")
        again = self.open("alice")
        again.wait_for("another imchat")
        alice.keys("C-q")
        alice.wait_for("ended with 0")
        back = self.open("alice")
        back.wait_for("alice - online")
        back.say("/quit")
        back.wait_for("ended with 0")

    def test_ended_from_outside(self) -> None:
        """SIGTERM restores the terminal, and nothing goes wrong."""
        alice = self.register("alice")
        alice.signal(signal.SIGTERM)
        seen = alice.wait_for("ended with 0")
        self.assertNotIn("Traceback", seen)

    def test_contacts(self) -> None:
        """Somebody asks, is accepted, is seen to come and go, and is what he has chosen to be when he comes again."""
        alice, bob = self.register("alice"), self.register("bob")
        alice.say("/add bob")
        bob.wait_for("? alice asks")
        bob.say("/accept alice")
        alice.wait_for("● bob")
        bob.say("/status away lunch")
        alice.wait_for("◌ bob")
        bob.keys("C-q")
        alice.wait_for("○ bob")
        self.open("bob").wait_for("bob - away: lunch")
        alice.wait_for("◌ bob")

    def test_actions(self) -> None:
        """Said wrongly and corrected, taken back, passed on, burnt, and a call that rings: both see the same."""
        alice, bob = self.register("alice"), self.register("bob")
        alice.say("/group create 'team' bob")
        bob.wait_for("# team")
        alice.say("/msg bob helo")
        bob.wait_for("alice")
        alice.wait_for("delivered")
        bob.keys("F3")
        bob.wait_for("alice: helo")
        alice.say("/edit hello @bob")
        bob.wait_for("alice: hello @bob  edited")
        bob.say("/forward *2")
        bob.wait_for("Forwarded to team.")
        alice.say("oops")
        alice.wait_for_match(
            "alice: oops  (sent|delivered|read)"
        )  # before that there is nothing to take back
        alice.say("/recall")
        bob.wait_for("alice: [recalled]")
        bob.keys("F1")  # so that what is to be burnt is not read
        bob.wait_for("Esc closes")
        alice.say("/burn 1 psst")
        alice.wait_for_match(r"\(burns 1 s after reading\) psst  (sent|delivered)")
        bob.keys("Escape")
        for terminal in (alice, bob):
            terminal.wait_for("alice: hello @bob  edited", "alice: [recalled]", "alice: [burnt]")
        bob.say("/shake")
        alice.wait_for("bob calls for your attention")
        alice.say("/open team")
        alice.wait_for("bob: (forwarded from alice) hello @bob")

    def test_colours(self) -> None:
        """Only the sixteen of the terminal, and none at all where they are not wanted."""
        alice = self.register("alice")
        alice.say("/group create 'here'")
        alice.wait_for("# here")
        self.assertNotRegex(alice.styled, r"\x1b\[[0-9;]*[34]8;")
        self.assertRegex(alice.styled, COLOUR)
        alice.keys("C-q")
        alice.wait_for("ended with 0")
        plain = self.open("alice", NO_COLOR="1")
        plain.wait_for("alice - online", "# here")
        self.assertNotRegex(plain.styled, COLOUR)

    def test_lines(self) -> None:
        """With --lines it is the prompt as before."""
        alice = self.register("alice")
        alice.keys("C-q")
        alice.wait_for("ended with 0")
        lines = self.open("alice", "--lines")
        lines.wait_for("You are alice.")
        lines.keys("C-d")
        lines.wait_for("ended with 0")


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
