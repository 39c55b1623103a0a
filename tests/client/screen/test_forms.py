"""The forms to log in, to register and to change the password."""

from pathlib import Path

from imserver.client.profile import Profile
from imserver.client.screen.entrance import Entrance
from imserver.core import events
from imserver.core.requests import ChangePassword, LogIn, Register
from tests.client.fake_server import BOB, PASSWORD
from tests.client.screen.person import SIZES, AppCase, Person


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

    def test_buttons(self) -> None:
        """Log in, register and quit."""

        async def scenario(person: Person) -> None:
            for button, said in (("#login", "Type a name."), ("#register", "Type a name.")):
                await person.click(button)
                self.assertIn(said, person.sees)
            person.type_into("name", "bob")
            await person.click("#register")
            self.assertIn("Type a password, twice.", person.sees)
            await person.click("#leave")
            self.assertFalse(person.app.is_running)

        self.use(scenario, form=True)


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
