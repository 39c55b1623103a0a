"""The screen itself, as somebody uses it."""

from pathlib import Path

from textual.widgets import Static

from imserver.client.screen.entry_line import EntryLine
from imserver.client.screen.history import History
from imserver.core import events
from imserver.core.requests import SetTyping
from imserver.core.values import Account, Contact, ContactRequest, Kind, Presence, State
from tests.client.fake_server import ALICE, BOB, DIRECT, GROUP, direct, group
from tests.client.screen.person import SIZES, AppCase, Person


class TalkTest(AppCase):
    """Talking."""

    def test_a_conversation(self) -> None:
        """Unread, opened, answered, read; on a large screen and on a small one."""

        async def scenario(person: Person) -> None:
            self.server.say(DIRECT, "你好, Bob")
            await person.wait()
            self.assertRegex(person.sees, r"alice +1\b")
            await person.press("f3")
            self.assertIn("alice: 你好, Bob", person.sees)
            await person.press("f3")
            self.assertIn("Nothing is unread", person.sees)
            await person.type("hello 世界")
            await person.press("enter")
            self.assertIn("bob: hello 世界", person.sees)
            self.assertEqual(self.server.texts(DIRECT, BOB)[-1], "hello 世界")
            self.server.connection.tell(events.ReadUpTo(DIRECT, ALICE.number, 2))
            await person.wait()
            self.assertRegex(person.sees, r"hello 世界 *\n? * read")
            self.assertGreater(self.server.read[DIRECT], 0)

        self.use(scenario)

        self.setUp()
        self.use(scenario, (40, 12))

    def test_only_what_is_in_sight_is_read(self) -> None:
        """Not behind the list where it is narrow, behind a page, or while somebody looks elsewhere."""

        async def scenario(person: Person) -> None:
            await person.press("f3")
            self.assertEqual(self.server.read, {DIRECT: 1})
            for hide, show in (("f2", "f2"), ("f1", "escape")):
                await person.press(hide)
                self.server.say(DIRECT, "hello?")
                await person.wait()
                unread = self.server.read[DIRECT]
                await person.press(show)
                self.assertEqual((unread, self.server.read), (unread, {DIRECT: unread + 1}))
            person.app.app_focus = False
            self.server.say(DIRECT, "hello?")
            await person.wait()
            self.assertEqual(self.server.read, {DIRECT: 3})
            person.app.app_focus = True
            await person.wait()
            self.assertEqual(self.server.read, {DIRECT: 4})

        self.server.say(DIRECT, "hello?")
        self.use(scenario, (40, 12))

    def test_slips(self) -> None:
        """What was said wrongly is said anew in its place, then taken back; who calls is heard over all else."""

        async def scenario(person: Person) -> None:
            bells: list[None] = []
            person.app.bell = lambda: bells.append(None)  # type: ignore[method-assign]
            await person.press("f3")
            for text, sees in (
                ("helo", "bob: helo"),
                ("/edit hello", "bob: hello  edited"),
                ("/recall", "bob: [recalled]"),
            ):
                await person.type(text)
                await person.press("enter")
                self.assertIn(sees, person.sees)
            self.server.act(GROUP, Kind.ATTENTION)
            await person.wait()
            self.assertIn("alice calls for your attention in # team", person.sees)
            self.assertRegex(person.sees, r"# team +1\b")
            self.assertEqual(len(bells), 1)

        self.server.say(DIRECT, "hello?")
        self.use(scenario)

    def test_several_lines(self) -> None:
        """Ctrl-J (and Alt-Enter) begins one; Enter sends all."""

        async def scenario(person: Person) -> None:
            await person.press("f3")
            await person.type("one")
            await person.press("ctrl+j", "t", "w", "o", "enter")
            self.assertEqual(self.server.texts(DIRECT, BOB), ["one\ntwo"])

        self.server.say(DIRECT, "x")
        self.use(scenario)

    def test_nothing_of_others_is_obeyed(self) -> None:
        """Neither the terminal's commands nor textual's, wherever they stand."""
        self.server.conversations[GROUP] = group(GROUP, "[red]\x1b[2J[/]")
        self.server.say(GROUP, "\x1b]0;x\x07 [@click=quit]here[/]")

        async def scenario(person: Person) -> None:
            await person.press("f3")
            self.assertIn(r"# [red]\x1b[2J[/]", person.sees)
            self.assertIn(r"\x1b]0;x\x07 [@click=quit]here[/]", person.sees)
            self.assertNotIn("\x1b", person.sees)

        self.use(scenario)

    def test_drafts(self) -> None:
        """What was being written waits in its conversation."""

        async def scenario(person: Person) -> None:
            await person.press("alt+down")
            await person.type("not yet")
            await person.press("alt+down")
            self.assertNotIn("not yet", person.sees)
            await person.press("alt+up")
            self.assertIn("not yet", person.sees)
            self.assertTrue([each for each in self.server.heard if isinstance(each, SetTyping)])

        self.use(scenario)

    def test_tab(self) -> None:
        """Completes, or shows the choices."""

        async def scenario(person: Person) -> None:
            await person.type("/ms")
            await person.press("tab", "a", "tab", "enter")
            self.assertIn("alice", person.sees.splitlines()[0])
            await person.type("/group ")
            await person.press("tab")
            self.assertIn("/group leave", person.sees)

        self.use(scenario)

    def test_keys_that_come_at_once(self) -> None:
        """Are obeyed in their order: a text goes to the conversation in which it was written."""

        async def scenario(person: Person) -> None:
            await person.press("alt+down", *"one", "ctrl+j", *"two", "enter", "alt+down", *"three", "enter")
            self.assertEqual(self.server.texts(DIRECT, BOB), ["one\ntwo"])
            self.assertEqual(self.server.texts(GROUP, BOB), ["three"])

        self.server.say(DIRECT, "x")
        self.use(scenario)

    def test_help(self) -> None:
        """F1 opens it, Escape closes it, at any size."""

        async def scenario(person: Person) -> None:
            await person.press("f1")
            self.assertIn("Alt-Enter", person.sees)
            self.assertIn("Esc closes", person.sees)
            await person.press("escape")
            self.assertNotIn("Alt-Enter", person.sees)

        for size in SIZES:
            self.use(scenario, size)

    def test_idle(self) -> None:
        """Nothing is drawn anew, and so nothing goes over a slow line, while nothing happens."""

        async def scenario(person: Person) -> None:
            drawn: list[object] = []
            self.patch(Static, "update", lambda static, text: drawn.append(text))
            for _ in range(3):
                person.app.desk._second_passed()
                await person.wait()
            self.assertEqual(drawn, [])
            person.app.desk.notice("look here")
            await person.wait()
            self.assertEqual([str(text) for text in drawn], ["look here"])

        self.use(scenario)

    def test_mouse(self) -> None:
        """A click on the list opens what is there, says what can be answered, or begins a conversation."""
        self.server.contact_requests = [ContactRequest(Account(9, "carol", "", ""), "please", 1)]
        self.server.contacts = [Contact(ALICE, "", "", Presence(State.ONLINE, ""))]
        del self.server.conversations[DIRECT]

        async def scenario(person: Person) -> None:
            await person.click("#list", 0)
            self.assertIn('carol would like to be a contact, "please": /accept carol', person.sees)
            await person.click("#list", 1)
            self.assertTrue(person.sees.partition("▕")[2].startswith("# team"))
            self.server.add(direct())
            await person.click("#list", 2)
            self.assertTrue(person.sees.partition("▕")[2].startswith("alice"))

        self.use(scenario)

    def test_interrupt(self) -> None:
        """Ctrl-C says how to quit; it closes a page, and the form to log in."""

        async def scenario(person: Person) -> None:
            await person.press("ctrl+c")
            self.assertIn("Ctrl-Q quits", person.sees)
            await person.press("f1", "ctrl+c")
            self.assertNotIn("Alt-Enter", person.sees)
            self.assertTrue(person.app.is_running)

        async def at_the_form(person: Person) -> None:
            await person.press("ctrl+c")
            self.assertFalse(person.app.is_running)

        self.use(scenario)
        self.folder = Path(self.mktemp())
        self.use(at_the_form, form=True)

    def test_to_nobody(self) -> None:
        """What was typed is kept, and it is said what to do."""

        async def scenario(person: Person) -> None:
            await person.type("hello?")
            await person.press("enter")
            self.assertIn("Say to whom", person.sees)
            self.assertIn("hello?", person.sees)

        self.use(scenario)


class HistoryTest(AppCase):
    """Scrolling."""

    def setUp(self) -> None:
        super().setUp()
        for number in range(1, 201):
            self.server.say(DIRECT, f"message {number}")
        self.server.delivered[DIRECT] = self.server.read[DIRECT] = 200

    def test_up_to_the_beginning(self) -> None:
        """Pages come as they are needed, and what is in sight stays in sight; what arrives moves nothing."""

        async def scenario(person: Person) -> None:
            await person.press("alt+down")
            self.assertIn("message 200", person.sees)
            await person.press("pageup")
            top = person.sees.splitlines()[2]
            self.server.say(DIRECT, "meanwhile")
            await person.wait()
            self.assertEqual(person.sees.splitlines()[2], top)
            self.assertNotIn("meanwhile", person.sees)
            self.assertRegex(person.sees, r"alice +1\b")
            for _ in range(15):
                await person.press("pageup")
            self.assertIn("alice: message 1\n", person.sees)
            await person.press("ctrl+end")
            self.assertIn("meanwhile", person.sees)
            self.assertNotRegex(person.sees, r"alice +1\b")

        self.use(scenario)

    def test_where_it_was_left(self) -> None:
        """A conversation that is opened again shows what it showed, and what has come since is unread."""

        async def scenario(person: Person) -> None:
            await person.press("alt+down")
            await person.press("pageup")
            top = person.sees.splitlines()[2].partition("▕")[2]
            await person.press("alt+down")
            self.server.say(DIRECT, "meanwhile")
            await person.press("alt+up")
            self.assertEqual(person.sees.splitlines()[2].partition("▕")[2], top)
            self.assertRegex(person.sees, r"alice +1\b")

        self.use(scenario)

    def test_the_end_stays_in_sight(self) -> None:
        """Though a notice, more lines to write, or a smaller terminal take rows away; what arrives is shown and read."""

        async def scenario(person: Person) -> None:
            await person.press("alt+down")
            for number, shrink in enumerate(
                (
                    lambda: person.app.desk.notice("look here"),
                    lambda: person.app.screen.query_one("#entry", EntryLine).insert("one\ntwo\nthree"),
                )
            ):
                shrink()
                await person.wait()
                self.assertIn(f"message {200 + number}\n", person.sees)
                self.server.say(DIRECT, f"message {201 + number}")
                await person.wait()
                self.assertIn(f"message {201 + number}\n", person.sees)
                self.assertEqual(self.server.read[DIRECT], 201 + number)
            for size in ((80, 12), (40, 10), (80, 24)):
                await person.resize(*size)
                self.assertIn("message 202\n", person.sees)

        self.use(scenario)

    def test_resizing(self) -> None:
        """Smaller and larger, down to nothing that makes sense; what is in sight stays."""

        async def scenario(person: Person) -> None:
            await person.press("alt+down")
            await person.press("pageup", "pageup")
            top = person.sees.splitlines()[2].partition("▕")[2]
            for size in ((40, 12), (20, 5), (10, 3), (3, 2), (100, 40), (80, 24)):
                await person.resize(*size)
            self.assertNotIn("message 200", person.sees)
            self.assertIn(top, person.sees)
            await person.press("ctrl+end")
            self.assertTrue(person.app.screen.query_one(History).is_at_end)

        self.use(scenario)


class ConnectionTest(AppCase):
    """Lost, back, and gone."""

    def test_lost_and_back(self) -> None:
        """One sees it; what was written meanwhile is sent once."""

        async def scenario(person: Person) -> None:
            await person.press("alt+down")
            self.server.reachable = False
            self.server.connection.cut()
            await person.type("are you there?")
            await person.press("enter")
            self.assertIn("No connection", person.sees)
            self.assertIn("bob - not connected", person.sees)
            self.assertIn("sending", person.sees)
            await person.press("ctrl+q")
            self.assertIn("not sent yet", person.sees)
            self.server.reachable = True
            await person.wait(5.0)
            self.assertIn("Connected again", person.sees)
            self.assertIn("bob - online", person.sees)
            self.assertNotIn("sending", person.sees)

        self.server.say(DIRECT, "x")
        self.use(scenario)
        self.assertEqual(self.server.texts(DIRECT, BOB), ["are you there?"])

    def test_replaced(self) -> None:
        """Somebody has to decide how to go on; the name stays, and no password is needed."""

        async def scenario(person: Person) -> None:
            self.server.connection.tell(events.Closing("REPLACED", "opened elsewhere"))
            self.server.connection.deliver()
            self.server.connection.cut()
            await person.wait()
            self.assertIn("opened elsewhere", person.sees)
            await person.press("enter")
            self.assertNotIn("opened elsewhere", person.sees)
            self.assertIn("alice", person.sees)

        self.use(scenario)

    def test_logged_out(self) -> None:
        """The form again."""

        async def scenario(person: Person) -> None:
            await person.type("/logout")
            await person.press("enter")
            self.assertIn("You have logged out.", person.sees)

        self.use(scenario)
