"""A right that ends while it is being used: no session and no token survives (threats.md T21)."""

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from tests.core.client import PASSWORD, Client, Hesitant, Turnstile, logged_in
from tests.fakes import World

NEW = "another"
ENDS: dict[str, Callable[[], r.Request]] = {
    "password": lambda: r.ChangePassword(PASSWORD, NEW),
    "revoke": lambda: r.RevokeDevice("phone"),
    "delete": lambda: r.DeleteAccount(PASSWORD),
}


class RaceTests(SynchronousTestCase):
    """A login of alice's phone is stopped at each of its awaits in turn; then her laptop ends its right."""

    def race(self, how: str, end: str, steps: int) -> bool:
        """-> whether the login was still under way after that many steps."""
        self.world = World()
        turnstile = Turnstile()
        core = self.world.core
        laptop = logged_in(self.world, "alice", "laptop")
        before = Client(self.world)
        tokens = before.log_in("alice", "phone")
        before.leave()
        core.store = Hesitant(self.world.store, turnstile)
        core.passwords = Hesitant(self.world.passwords, turnstile)
        core.rosters._store = core.store
        turnstile.closed = True
        phone = Client(self.world)
        requests = {
            "login": r.LogIn("alice", PASSWORD, "phone"),
            "token": r.LogInWithToken(tokens.token),
            "resume": r.Resume(tokens.resume_token),
        }
        phone.start(requests[how])
        under_way = all(turnstile.let_one_pass() for _ in range(steps))
        turnstile.closed = False
        made_later = how == "login" and "put_device" not in core.store.done
        self.assertEqual(laptop.ask(ENDS[end]()), e.Done())
        turnstile.open()
        self.world.settle()
        cell = f"{how}, {end} after {steps} awaits"
        if made_later and end == "revoke":  # the password may make a new device of that name
            self.assertIsInstance(phone.answers[1], e.LoggedIn, cell)
            return under_way
        self.check(phone, end, cell)
        self.check_tokens(phone, tokens, end, cell)
        return under_way

    def check(self, phone: Client, end: str, cell: str) -> None:
        """The phone is not there; nor is anybody else but the laptop."""
        answer = phone.answers.get(1)
        refused = isinstance(answer, e.Refused)
        self.assertTrue(refused or phone.closed, cell)
        if not refused:
            self.assertEqual(phone.closed, "REVOKED", cell)
        here = [s.device.device.name for s in self.world.core.router.sessions_of(100_001)]
        self.assertEqual(here, [] if end == "delete" else ["laptop"], cell)
        self.assertEqual(self.world.core.session_count(), len(here), cell)

    def check_tokens(self, phone: Client, tokens: e.LoggedIn, end: str, cell: str) -> None:
        """None of the tokens it ever had is of use."""
        devices = self.world.store._tables.devices.values()
        stored = [d.token_sha256 for d in devices if d.record.device.name == "phone"]
        self.assertEqual(stored, [None] * len(stored), cell)
        answer = phone.answers.get(1)
        found = [tokens.token, tokens.resume_token]
        if isinstance(answer, e.LoggedIn):
            found += [answer.token, answer.resume_token]
        for token in filter(None, found):
            for request in (r.LogInWithToken(token), r.Resume(token)):
                self.assertEqual(Client(self.world).code(request), "WRONG_CREDENTIALS", cell)

    def test_every_await(self) -> None:
        """Wherever in a login the password is changed, the device revoked or the account deleted, the login comes to nothing."""
        for how in ("login", "token", "resume"):
            for end in ENDS:
                steps = 0
                while self.race(how, end, steps):
                    steps += 1
                self.assertGreater(steps, 5, f"{how}, {end}")

    def leave(self, how: str, steps: int) -> bool:
        """The phone leaves at that await of its login; -> whether it was still under way."""
        world, turnstile = World(), Turnstile()
        before = logged_in(world, "alice", "phone")
        tokens = before.answers[1]
        assert isinstance(tokens, e.LoggedIn)
        before.leave()
        world.core.store = Hesitant(world.store, turnstile)
        world.core.passwords = Hesitant(world.passwords, turnstile)
        turnstile.closed = True
        phone = Client(world)
        requests = {
            "login": r.LogIn("alice", PASSWORD, "phone"),
            "token": r.LogInWithToken(tokens.token),
            "resume": r.Resume(tokens.resume_token),
        }
        phone.start(requests[how])
        under_way = all(turnstile.let_one_pass() for _ in range(steps))
        phone.leave()
        turnstile.open()
        world.settle()
        here = world.core.router.sessions_of(100_001)
        self.assertEqual((len(here), world.core.session_count()), (0, 0), f"{how}, after {steps} awaits")
        return under_way

    def test_gone_at_every_await(self) -> None:
        """Wherever in a login the client leaves, it is not there any more."""
        for how in ("login", "token", "resume"):
            steps = 0
            while self.leave(how, steps):
                steps += 1
            self.assertGreater(steps, 5, how)

    def test_old_password_is_not_brought_back(self) -> None:
        """A login that hashes the old password anew does not undo a change made meanwhile."""
        for steps in range(20):
            world = World()
            laptop = logged_in(world, "alice", "laptop")
            turnstile = Turnstile()
            world.core.store = Hesitant(world.store, turnstile)
            world.core.passwords = Hesitant(world.passwords, turnstile)
            world.passwords.is_outdated = lambda hashed: not hashed.startswith("new")
            phone = Client(world)
            turnstile.closed = True
            phone.start(r.LogIn("alice", PASSWORD, "phone"))
            for _ in range(steps):
                turnstile.let_one_pass()
            turnstile.closed = False
            self.assertEqual(laptop.ask(r.ChangePassword(PASSWORD, NEW)), e.Done())
            turnstile.open()
            world.settle()
            self.assertEqual(Client(world).code(r.LogIn("alice", PASSWORD, "")), "WRONG_CREDENTIALS", steps)
            self.assertEqual(Client(world).code(r.LogIn("alice", NEW, "")), "", steps)

    def test_ended_while_changing_the_password(self) -> None:
        """A session that is sent away before its ChangePassword is carried out changes nothing, and deletes nothing."""
        for request in (r.ChangePassword(PASSWORD, NEW), r.DeleteAccount(PASSWORD)):
            world = World()
            thief, owner = logged_in(world, "alice", "stolen"), logged_in(world, "alice", "phone")
            world.passwords.holding = True
            thief.start(request)
            world.passwords.holding = False
            owner.ask(r.RevokeDevice("stolen"))
            world.passwords.release()
            world.settle()
            self.assertEqual((thief.closed, owner.closed), ("REVOKED", ""))
            self.assertEqual(Client(world).code(r.LogIn("alice", PASSWORD, "")), "")

    def test_login_in_the_place_of_the_changer(self) -> None:
        """Who takes over the device that is changing the password, with the old one, keeps nothing."""
        for steps in range(12):
            world = World()
            turnstile = Turnstile()
            phone = logged_in(world, "alice", "phone")
            world.core.store = Hesitant(world.store, turnstile, ["set_password"])
            turnstile.closed = True
            phone.start(r.ChangePassword(PASSWORD, NEW))
            for _ in range(steps):
                turnstile.let_one_pass()
            thief = Client(world)
            answer = thief.ask(r.LogIn("alice", PASSWORD, "phone"))
            turnstile.open()
            world.settle()
            if isinstance(answer, e.LoggedIn):
                self.assertTrue(thief.closed, steps)
                for request in (r.LogInWithToken(answer.token), r.Resume(answer.resume_token)):
                    self.assertEqual(Client(world).code(request), "WRONG_CREDENTIALS", steps)
            self.assertEqual(Client(world).code(r.LogIn("alice", PASSWORD, "")), "WRONG_CREDENTIALS", steps)
