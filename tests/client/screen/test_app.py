"""The screen itself, drawn without a terminal, over a server in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.widgets import Static
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.profile import Profile
from imserver.client.screen.app import ScreenApp
from imserver.client.screen.entrance import Entrance
from imserver.client.screen.entry_line import EntryLine
from imserver.client.screen.history import History
from imserver.core import events
from imserver.core.requests import ChangePassword, LogIn, Register, SetTyping
from imserver.core.values import Kind
from tests.client.fake_server import ALICE, BOB, DIRECT, GROUP, PASSWORD, FakeServer, group

SECONDS = 120.0
QUIET_ROUNDS = 2
SIZES = ((80, 24), (40, 12))
Scenario = Callable[["Person"], Awaitable[None]]


class Person:
    """Somebody at the keyboard."""

    def __init__(self, app: ScreenApp, pilot: "Pilot[None]", server: FakeServer, clock: Clock) -> None:
        self.app = app
        self.server = server
        self._pilot = pilot
        self._clock = clock

    async def wait(self, seconds: float = 0.0) -> None:
        """Let everything move, and as much time pass."""
        await self._settle()
        self._clock.advance(seconds)
        await self._settle()

    async def _settle(self) -> None:
        """Until nothing has moved for a few rounds: a pause of textual's ends early on a machine that is busy."""
        quiet_rounds = 0
        while quiet_rounds < QUIET_ROUNDS:
            await self._pilot.pause()
            moved = self.server.settle() or any(each.message_queue_size for each in self._pumps())
            quiet_rounds = 0 if moved else quiet_rounds + 1
            self._clock.advance(0.01)

    def _pumps(self) -> list[MessagePump]:
        screens = self.app.screen_stack
        return [self.app, *screens, *(widget for screen in screens for widget in screen.walk_children())]

    async def press(self, *keys: str) -> None:
        """Keys, by textual's names."""
        await self._pilot.press(*keys)
        await self.wait()

    async def type(self, text: str) -> None:
        """Letters."""
        self.app.screen.query_one("#entry", EntryLine).insert(text)
        await self.wait()

    async def fill(self, name: str, password: str, again: str = "", invitation: str = "") -> None:
        """The form, with Enter at the end."""
        fields = {"name": name, "password": password, "again": again, "invitation": invitation}
        for field, value in fields.items():
            self.app.screen.query_one(f"#{field}").value = value  # type: ignore[attr-defined]
        self.app.screen.query_one("#again" if again else "#password").focus()
        await self.press("enter")

    async def resize(self, width: int, height: int) -> None:
        """The terminal is another one."""
        await self._pilot.resize_terminal(width, height)
        await self.wait()

    @property
    def sees(self) -> str:
        """The whole screen."""
        return "\n".join(strip.text.rstrip() for strip in self.app.screen._compositor.render_strips())


class AppCase(SynchronousTestCase):
    """Bob in front of his screen."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.server = FakeServer(self.clock)
        self.folder = Path(self.mktemp())
        self.password = PASSWORD

    def use(self, scenario: Scenario, size: tuple[int, int] = (80, 24), form: bool = False) -> None:
        """Do something at the screen; with `form` nobody is logged in yet."""
        asyncio.run(asyncio.wait_for(self._use(scenario, size, form), SECONDS))
        self.assertEqual(self.flushLoggedErrors(), [])

    async def _use(self, scenario: Scenario, size: tuple[int, int], form: bool) -> None:
        entrance = Entrance(self.clock, self.server, self.folder, "here:1")
        name, password = ("", "") if form else (BOB.name, self.password)
        app = ScreenApp(entrance, name, lambda: 1_000, lambda: 0.5, password)
        async with app.run_test(size=size) as pilot:
            person = Person(app, pilot, self.server, self.clock)
            await person.wait()
            await scenario(person)
            leaving = Deferred.fromCoroutine(entrance.leave())
            while not leaving.called:
                await person.wait(1.0)


class ComingTest(AppCase):
    """The form."""

    def test_log_in(self) -> None:
        """What is wrong is said, and what was right is kept."""

        async def scenario(person: Person) -> None:
            self.assertIn("imserver at here:1", person.sees)
            for name, said in (("", "Type a name."), ("bob", "Type the password.")):
                await person.fill(name, "")
                self.assertIn(said, person.sees)
            self.assertEqual(self.server.heard, [])
            await person.fill("Bob ", "wrong")
            self.assertIn("no", person.sees)
            await person.fill("bob", PASSWORD)
            self.assertIn("alice", person.sees)
            self.assertNotIn("password", person.sees)

        for size in SIZES:
            self.use(scenario, size, form=True)
            self.folder = Path(self.mktemp())
            self.server.heard.clear()

    def test_register(self) -> None:
        """The password twice; nothing is sent while they differ."""

        async def scenario(person: Person) -> None:
            await person.fill("bob", PASSWORD, "another")
            self.assertIn("not the same", person.sees)
            self.assertEqual(self.server.heard, [])
            await person.fill("bob", PASSWORD, PASSWORD, "code")
            self.assertIn("alice", person.sees)

        self.use(scenario, form=True)
        registered = [each for each in self.server.heard if isinstance(each, Register)]
        self.assertEqual(registered, [Register("bob", PASSWORD, "bob", "code")])

    def test_the_next_time(self) -> None:
        """No password is needed, and a server that is not there is waited for."""

        async def nothing(person: Person) -> None:
            self.assertIn("alice", person.sees)

        async def later(person: Person) -> None:
            self.assertIn("No connection", person.sees)
            self.server.reachable = True
            await person.wait(5.0)
            await person.wait()
            self.assertIn("alice", person.sees)

        self.use(nothing)
        self.server.reachable, self.password = False, ""
        entrance = Entrance(self.clock, self.server, self.folder, "here:1")
        self.assertEqual(entrance.known(), ["bob"])
        self.use(later)


class PasswordTest(AppCase):
    """Changing it."""

    def test_changed(self) -> None:
        """Both are hidden; the other device here logs in with the new one; nothing of them stays in sight."""

        async def scenario(person: Person) -> None:
            await person.type("/password")
            await person.press("enter", *PASSWORD.replace(" ", "_"), "enter", "n", "e", "w", "enter")
            self.assertIn("•" * len(PASSWORD), person.sees)
            await person.press("o", "l", "d", "enter")
            self.assertIn("not the same", person.sees)
            await person.press("backspace", "backspace", "backspace", "n", "e", "w")
            self.assertNotIn("new\n", person.sees)
            await person.press("enter")
            self.assertIn("The password is changed", person.sees)
            self.assertNotIn("•", person.sees)

        self.server.override = lambda request: (
            events.LoggedIn(BOB, "imchat-2", b"another", b"", 7)
            if isinstance(request, LogIn) and request.password == "new"
            else None
        )
        self.use(scenario)
        change = next(each for each in self.server.heard if isinstance(each, ChangePassword))
        self.assertEqual((change.old_password, change.new_password), (PASSWORD.replace(" ", "_"), "new"))
        profile = Profile(self.folder, "here:1", BOB.name)
        self.assertEqual((profile.sender.load().token, profile.listener.load().token), (b"another", b"token"))

    def test_refused(self) -> None:
        """It is said why, and the other device stays logged in; so it does without a connection, when nothing is asked."""

        async def scenario(person: Person) -> None:
            for said in ("wrong", "no connection"):
                await person.type("/password")
                await person.press("enter", "x", "enter", "y", "enter", "y", "enter")
                self.assertIn(said, person.sees)
                self.server.reachable = False
                self.server.connection.cut()

        self.server.override = lambda request: (
            events.Refused("WRONG_CREDENTIALS", "wrong") if isinstance(request, ChangePassword) else None
        )
        self.use(scenario)
        self.assertEqual(len([each for each in self.server.heard if isinstance(each, ChangePassword)]), 1)
        self.assertEqual(Profile(self.folder, "here:1", BOB.name).sender.load().token, b"token")

    def test_cancelled(self) -> None:
        """Escape leaves it as it is."""

        async def scenario(person: Person) -> None:
            await person.type("/password")
            await person.press("enter", "x", "escape")
            self.assertNotIn("Change the password", person.sees)

        self.use(scenario)
        self.assertEqual([each for each in self.server.heard if isinstance(each, ChangePassword)], [])


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
