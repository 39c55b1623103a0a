"""Conversations with the server, as they look on a terminal."""

from dataclasses import replace

from imserver.core import requests as r
from imserver.core.burst import Burst
from imserver.core.run import Run
from imserver.core.values import Extra, Gone, Kind, Message
from imserver.dialogues.telnet.commands import TABLE
from imserver.net.telnet import HIDE_TYPING, SHOW_TYPING
from imserver.operator.table import run
from tests.core.client import account, logged_in, result, text_to
from tests.dialogues.telnet.terminal import TelnetCase, Terminal
from tests.fakes import LIMITS


class EnteringTests(TelnetCase):
    def test_greeting(self) -> None:
        """Who connects is told what to say."""
        self.assertEqual(self.terminal().greeting, ["This is imserver.  Say help, or: login NAME"])

    def test_in_one_line(self) -> None:
        """A script logs in with one line."""
        terminal = self.terminal()
        self.assertEqual(terminal.typed("login Alice secret"), ["You are logged in as alice."])
        self.assertEqual(terminal.session.number, self.numbers["alice"])

    def test_unseen(self) -> None:
        """A password in a line of its own is not shown while it is typed, and blanks belong to it."""
        terminal = self.terminal()
        terminal.peer.send(b"login alice\r\n")
        self.assertEqual(terminal.raw(), b"Password: " + HIDE_TYPING)
        terminal.peer.send(b"secret\r\0")
        self.assertEqual(terminal.raw(), SHOW_TYPING + b"\r\nYou are logged in as alice.\r\n")

    def test_changed_mind(self) -> None:
        """No password, no login; and it counts as no try."""
        terminal = self.terminal()
        for _ in range(5):
            terminal.peer.send(b"login alice\r\n\r\n")
            self.assertTrue(terminal.raw().endswith(b"\r\nNothing was done.\r\n"))
        self.assertEqual(terminal.typed("login alice secret"), ["You are logged in as alice."])

    def test_three_tries(self) -> None:
        """The third wrong password ends the connection, however it was given."""
        terminal = self.terminal()
        wrong = "Name or password is wrong, or the token is no longer valid."
        self.assertEqual(terminal.typed("login alice wrong"), [wrong])
        terminal.peer.send(b"login alice\r\nwrong\r\n")
        self.assertIn(wrong.encode(), terminal.raw())
        self.assertEqual(terminal.typed("login alice wrong")[0], wrong)
        self.world.pass_seconds(2)
        self.assertFalse(terminal.peer.open)

    def test_register(self) -> None:
        """Registering logs in."""
        terminal = self.terminal()
        found = terminal.typed("register dave secret")
        self.assertEqual(found[1:], ["You are logged in as dave."])
        self.assertRegex(found[0], r"You are registered as dave, with the number \d+\.")

    def test_register_unseen(self) -> None:
        """A new password that nobody sees is typed twice, and has to be the same."""
        terminal = self.terminal()
        terminal.peer.send(b"register dave\nsecret\nsecrets\n")
        self.assertIn(b"These were two passwords.", terminal.raw())
        terminal.peer.send(b"register dave\nsecret\n")
        self.assertIn(b"Once more: " + HIDE_TYPING, terminal.raw())
        terminal.peer.send(b"secret\n")
        self.assertIn(b"You are logged in as dave.", terminal.raw())

    def test_register_refused(self) -> None:
        """What is wrong with a name or a password is said, and the next try goes on."""
        terminal = self.terminal()
        self.assertEqual(terminal.typed("register bob secret"), ["That name is taken; choose another."])
        self.assertEqual(terminal.typed("register root secret"), ["That name is reserved; choose another."])
        self.assertEqual(terminal.typed("register dave x"), ["A password has 6 to 1024 bytes."])

    def test_invited(self) -> None:
        """Where strangers may not register, the invitation is asked for, and its code need not be seen."""
        self.world.core.registration_open = False
        answered = result(run(self.world.core, "root", "invitations create"))
        code = next(word for line in answered.lines for word in line.split() if len(word) > 15)
        terminal = self.terminal()
        terminal.peer.send(b"register dave secret\r\nnonsense\r\n")
        self.assertTrue(terminal.raw().startswith(b"Only with an invitation: " + HIDE_TYPING + SHOW_TYPING))
        terminal.peer.send(b"register dave secret\r\n" + code.encode() + b"\r\n")
        self.assertIn(b"You are logged in as dave.", terminal.raw())

    def test_strangers(self) -> None:
        """Before login there are help, register, login and quit; of anything else three end the connection."""
        strangers = [name for name, each in TABLE.items() if each.before_login]
        self.assertEqual(strangers, ["help", "register", "login", "quit"])
        terminal = self.terminal()
        self.assertEqual([line.split()[0] for line in terminal.typed("help")], strangers)
        for command in ("who", "status busy", "add bob"):
            self.assertEqual(terminal.typed(command)[0], "Log in first.")
        self.world.pass_seconds(2)
        self.assertFalse(terminal.peer.open)

    def test_quit(self) -> None:
        """Who leaves is told so, and gone."""
        terminal = self.terminal("alice")
        self.assertEqual(terminal.typed("QUIT"), ["Goodbye."])
        self.assertFalse(terminal.peer.open)
        self.assertEqual(self.world.core.session_count(), 0)

    def test_quit_after_speaking(self) -> None:
        """A script may say its last words and leave in one go: it is told what became of them; what follows is not looked at."""
        terminal, bob = self.terminal("alice"), self.terminal("bob")
        terminal.peer.send(b"msg bob one\r\nmsg nobody-here two\r\nmsg bob three\r\nquit\r\nmsg bob four\r\n")
        *told, last = terminal.lines()
        refused = "Not sent to nobody-here: there is no such account."
        self.assertEqual((sorted(told), last), ([refused, "Sent to bob.", "Sent to bob."], "Goodbye."))
        self.assertFalse(terminal.peer.open)
        self.assertEqual(bob.lines(), ["alice: one", "alice: three"])

    def test_bad_telnet(self) -> None:
        """A byte after IAC that is no command ends the connection without a word."""
        terminal = self.terminal("alice")
        terminal.peer.send(b"\xff\x01help\r\n")
        self.assertEqual((terminal.raw(), terminal.peer.open), (b"", False))


class LineTests(TelnetCase):
    def test_help(self) -> None:
        """Every command has its line, and every line can be asked for."""
        terminal = self.terminal("alice")
        shown = terminal.typed("help")
        self.assertEqual(len(shown), len(TABLE))
        for line, command in zip(shown, TABLE.values(), strict=True):
            self.assertEqual(line, f"{command.whole:<28}  {command.help}")
            self.assertLess(len(line), 80)
            self.assertIn(line, terminal.typed(f"help {command.name}"))
        self.assertEqual(len(terminal.typed("help contacts")), 5)
        self.assertEqual(terminal.typed("help x\x1b"), ["There is no command x\u241b; say help."])

    def test_unknown(self) -> None:
        """What is not understood is answered by what would be."""
        terminal = self.terminal("alice")
        self.assertEqual(terminal.typed("dance \x1b[2J"), ["There is no command dance; say help."])
        self.assertEqual(terminal.typed("msg bob"), ["Say: msg NAME|*N TEXT."])
        self.assertEqual(terminal.typed("who is there"), ["Say: who."])
        self.assertEqual(terminal.typed("contacts remove"), ["Say: contacts remove NAME."])

    def test_blanks(self) -> None:
        """Blank lines mean nothing, and words may have many blanks between them."""
        terminal = self.terminal("alice")
        self.assertEqual(terminal.typed("") + terminal.typed("   "), [])
        self.assertEqual(terminal.typed("  contacts   remove\tbob "), ["bob is no contact of yours."])

    def test_no_text(self) -> None:
        """Bytes that are no UTF-8 are told to be so, also where a password is due."""
        terminal = self.terminal("alice")
        said = ["A line is text in UTF-8; set your terminal to it."]
        terminal.peer.send("msg bob grüße\r\n".encode("latin-1"))
        self.assertEqual(terminal.lines(), said)
        terminal = self.terminal()
        terminal.peer.send(b"login alice\r\n")
        terminal.raw()
        terminal.peer.send(b"\xe9\r\n")
        self.assertEqual(terminal.lines(), said)
        terminal.peer.send(b"secret\r\n")
        self.assertIn(b"You are logged in", terminal.raw())

    def test_negotiation(self) -> None:
        """Options are refused, and lines go on as they were."""
        terminal = self.terminal("alice")
        terminal.peer.send(b"he\xff\xfd\x03\xff\xfb\x1flp qu\xff\xfa\x27\0USER\1root\xff\xf0it\r\n")
        self.assertEqual(
            terminal.raw(), b"\xff\xfc\x03\xff\xfe\x1f" + b"quit                          leave\r\n"
        )


class TalkingTests(TelnetCase):
    def test_told(self) -> None:
        """Whoever says something is told what became of it."""
        alice, bob = self.terminal("alice"), self.terminal("bob")
        self.assertEqual(alice.typed("msg bob  hello,  you"), ["Sent to bob."])
        self.assertEqual(bob.lines(), ["alice: hello,  you"])
        self.assertEqual(
            alice.typed("msg nobody-here hello"), ["Not sent to nobody-here: there is no such account."]
        )
        self.assertEqual(
            alice.typed("msg alice hello"),
            ["Not sent to alice: you cannot open a conversation with yourself."],
        )
        self.assertEqual(alice.typed("msg bob \0"), ["Not sent to bob: a text has no U+0000."])

    def test_too_much(self) -> None:
        """Who says too much is told how long to wait."""
        alice = self.terminal("alice")
        alice.peer.write(b"msg bob hello\n" * 60)
        self.world.settle()
        shown = alice.lines()
        self.assertEqual(shown.count("Sent to bob."), 50)
        self.assertEqual(shown.count("Not sent to bob: too many messages; wait (1 s)."), 10)
        self.assertEqual(alice.peer.protocol._dialogue._on_their_way, {})

    def test_own_devices(self) -> None:
        """What one says at one terminal is seen at the other, and by nobody as something else."""
        first, second, bob = self.terminal("alice"), self.terminal("alice"), self.terminal("bob")
        first.typed("msg bob hello")
        self.assertEqual(
            (first.lines(), second.lines(), bob.lines()), ([], ["you to bob: hello"], ["alice: hello"])
        )

    def test_harm(self) -> None:
        """Nothing that somebody says moves a terminal's cursor or looks as if somebody else had said it."""
        bob = self.terminal("bob")
        alice = logged_in(self.world, "alice")
        alice.ask(text_to("bob", "hi\r\ncarol: I am\x1b[2Jhere\u202e"))
        self.assertEqual(bob.raw().decode(), "alice: hi\r\n| carol: I am\u241b[2Jhere<U+202E>\r\n")

    def test_other_kinds(self) -> None:
        """Rich text comes as text, a file as what it is; both are counted."""
        bob = self.terminal("bob")
        alice = logged_in(self.world, "alice")
        alice.ask(r.SendTo("bob", b"1", Kind.RICH, "", rb"{\rtf1 {\b fat} chance}"))
        alice.ask(r.SendTo("bob", b"2", Kind.OPAQUE, "image/png", b"%" * 3000))
        self.assertEqual(bob.lines(), ["alice: fat chance", "alice: [image/png, 3 KiB]"])
        lost = self.world.core.projections
        self.assertEqual((lost["telnet", "RICH"], lost["telnet", "OPAQUE"]), (1, 1))

    def test_beside_the_body(self) -> None:
        """What is forwarded, and what burns, says so; read again it says so again, and is counted again."""
        bob = self.terminal("bob")
        alice = logged_in(self.world, "alice")
        sent = alice.ask(r.SendTo("bob", b"1", Kind.RICH, "", rb"{\rtf1 {\b fat} chance}"))
        alice.ask(r.Forward(sent.conversation, sent.seq, sent.conversation, b"2"))
        alice.ask(r.Send(sent.conversation, b"3", Kind.TEXT, "", b"secret", Extra(burn_seconds=9)))
        said = ["fat chance", "(forwarded) fat chance", "(burns 9 s after reading) secret"]
        self.assertEqual(bob.lines(), [f"alice: {text}" for text in said])
        self.assertEqual(
            [line[16:] for line in bob.typed("history alice")], [f" alice: {text}" for text in said]
        )
        lost = self.world.core.projections
        self.assertEqual([lost["telnet", what] for what in ("RICH", "forwarded", "burning")], [4, 2, 2])

    def test_unknown_sender(self) -> None:
        """Where not even the sender of a damaged message is known, nobody's name stands before it (T25)."""
        bob, alice = self.terminal("bob"), logged_in(self.world, "alice")
        conversation = alice.ask(r.OpenDirect(self.numbers["bob"])).membership.conversation
        damaged = Message(conversation.id, 1, 0, "", b"", Kind.TOMBSTONE, Gone.DAMAGED, b"", 0)
        bob.peer.protocol.push(Burst(conversation, Run.of(damaged)))
        self.world.settle()
        self.assertEqual(bob.lines(), ["?: [damaged]"])

    def test_history(self) -> None:
        """The last messages, the newest last, each with its time."""
        alice, bob = self.terminal("alice"), self.terminal("bob")
        for n in range(30):
            alice.typed(f"msg bob {n}")
        bob.typed("msg alice two\tof them")
        self.assertEqual(alice.lines(), ["bob: two\tof them"])
        shown = alice.typed("history BOB")
        self.assertEqual(len(shown), 20)
        self.assertEqual(shown[0][16:], " you to bob: 11")
        self.assertRegex(shown[-1], r"^2026-09-2\d \d\d:\d\d bob: two\tof them$")
        self.assertEqual(
            [line[16:] for line in bob.typed("history alice 2")],
            [" alice: 29", " you to alice: two\tof them"],
        )
        for count in ("0", "201", "-1", "many", "1 2"):
            self.assertEqual(alice.typed(f"history bob {count}"), ["COUNT is a number from 1 to 200."])

    def test_no_history(self) -> None:
        """There may be none, and to ask for it makes none."""
        alice = self.terminal("alice")
        for name in ("bob", "nobody"):
            self.assertEqual(alice.typed(f"history {name}"), [f"You have not talked with {name} yet."])
        self.assertEqual(alice.session.window.positions, {})

    def test_long_lists_of_conversations(self) -> None:
        """A conversation is found behind a page of others."""
        self.world.limits = self.world.core.limits = replace(
            LIMITS, page_items=2, new_conversations_per_hour=100
        )
        alice = self.terminal("alice")
        for n in range(5):
            account(self.world, f"user{n}")
            alice.typed(f"msg user{n} hello")
        for n in range(5):
            self.assertTrue(alice.typed(f"history user{n}")[0].endswith(f"you to user{n}: hello"))

    def test_nearly_a_command(self) -> None:
        """A word that does not go on from the one before is not taken for too much."""
        alice = self.terminal("alice")
        for name in ("group", "contacts"):
            said = [f"There is no command {name} dance; say: help {name}."]
            self.assertEqual(alice.typed(f"{name} dance with me"), said)
        self.assertEqual(alice.typed("who is it"), ["Say: who."])


class PeopleTests(TelnetCase):
    def befriend(self) -> tuple[Terminal, Terminal]:
        alice, bob = self.terminal("alice"), self.terminal("bob")
        alice.typed("add bob")
        bob.typed("add alice")
        alice.lines()
        return alice, bob

    def test_asking(self) -> None:
        """One asks, the other agrees by asking back, and both are told."""
        alice, bob = self.terminal("alice"), self.terminal("bob")
        self.assertEqual(alice.typed("add bob \x1b"), ["The text may not contain control characters."])
        self.assertEqual(alice.typed("add bob it's me"), ["bob has your request."])
        self.assertEqual(
            bob.lines(),
            ['alice would like to be your contact. "it\'s me"  Say: add alice, or: contacts refuse alice'],
        )
        self.assertEqual(bob.typed("add alice"), ["alice is your contact now."])
        self.assertEqual(alice.lines(), ["bob is your contact now."])
        self.assertEqual(alice.typed("add bob"), ["bob is your contact already."])
        self.assertEqual(bob.lines(), [])

    def test_asked_meanwhile(self) -> None:
        """Who was away is told at the next login, and by `contacts`."""
        self.terminal("alice").typed("add bob")
        bob = self.terminal()
        asked = "alice would like to be your contact.  Say: add alice, or: contacts refuse alice"
        self.assertEqual(bob.typed("login bob secret"), ["You are logged in as bob.", asked])
        self.assertEqual(bob.typed("contacts"), ["You have no contacts yet.  Say: add NAME", asked])
        self.assertEqual(bob.typed("contacts refuse alice"), ["alice will not become your contact."])
        self.assertEqual(bob.typed("contacts"), ["You have no contacts yet.  Say: add NAME"])

    def test_who(self) -> None:
        """Those who are there, and what they say about it."""
        alice, bob = self.befriend()
        self.world.pass_seconds(6)
        self.assertEqual(alice.typed("who"), ["bob is online."])
        self.assertEqual(
            bob.typed("status dnd  deep in thought"),
            ["You are not to be disturbed (deep in thought)."],
        )
        self.world.pass_seconds(6)
        self.assertEqual(alice.typed("who"), ["bob is not to be disturbed (deep in thought)."])
        self.assertEqual(bob.typed("status invisible"), ["You are invisible."])
        self.world.pass_seconds(6)
        self.assertEqual(alice.typed("who"), ["None of your contacts is there."])
        self.assertEqual(alice.typed("contacts"), ["bob (Bob) is offline."])
        self.assertEqual(alice.lines(), [])

    def test_status(self) -> None:
        """What was chosen, and what can be."""
        alice = self.terminal("alice")
        self.assertEqual(alice.typed("status"), ["You are online."])
        self.assertEqual(
            alice.typed("status asleep"), ["STATE is one of online, away, busy, dnd, invisible."]
        )
        self.assertEqual(alice.typed("status Away"), ["You are away."])
        self.assertEqual(alice.typed("status"), ["You are away."])

    def test_privacy(self) -> None:
        """What was chosen, either or both, and what can be."""
        alice = self.terminal("alice")
        for line, findable, is_open in (
            ("privacy", True, False),
            ("privacy hidden", False, False),
            ("privacy OPEN", False, True),
            ("privacy ask found", True, False),
            ("privacy", True, False),
        ):
            said = [
                "A search finds you." if findable else "No search finds you.",
                "Whoever asks is your contact at once." if is_open else "Contacts have to ask you.",
            ]
            self.assertEqual(alice.typed(line), said, line)
        self.assertEqual(alice.typed("privacy closed"), ["Say found or hidden, and open or ask."])

    def test_ends(self) -> None:
        """A contact ends for both; who is blocked is heard no more, and notices nothing."""
        alice, bob = self.befriend()
        self.assertEqual(alice.typed("contacts remove bob"), ["bob is no contact of yours."])
        self.assertEqual(bob.typed("contacts"), ["You have no contacts yet.  Say: add NAME"])
        self.assertEqual(alice.typed("contacts block bob"), ["Nothing comes from bob any more."])
        self.assertEqual(bob.typed("add alice"), ["alice has your request."])
        self.assertEqual(alice.lines(), [])
        self.assertEqual(bob.typed("msg alice hello?"), ["Sent to alice."])
        self.assertEqual((alice.lines(), alice.typed("history bob")), ([], ["Nothing was said yet."]))
        self.assertEqual(alice.typed("contacts unblock bob"), ["You hear from bob again."])
        self.assertEqual(alice.typed("add nobody-here"), ["There is nobody called nobody-here."])
