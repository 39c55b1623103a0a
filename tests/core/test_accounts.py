"""Making an account, changing it, its devices, its end."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.errors import ChatError, Code
from tests.core.client import PASSWORD, Client, account, group, logged_in, result, text_to
from tests.fakes import LIMITS, World


class RegisterTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()

    def register(self, name: str, password: str = PASSWORD, display_name: str = "", **options: str) -> object:
        answer = Client(self.world, **options).ask(r.Register(name, password, display_name))
        return answer.code if isinstance(answer, e.Refused) else answer.account

    def test_registered(self) -> None:
        """The name is folded, the display name is the name unless given, and the account can log in."""
        found = self.register("Alice")
        self.assertEqual((found.name, found.display_name, found.signature), ("alice", "alice", ""))
        self.assertEqual(self.register("bob", display_name=" Bob B. ").display_name, "Bob B.")
        self.assertEqual(logged_in(self.world, "ALICE").session.number, found.number)

    def test_signature(self) -> None:
        """A signature may come with the registration, and keeps to its rule before anything is made."""
        answer = Client(self.world).ask(r.Register("alice", PASSWORD, "", signature=" hello "))
        self.assertEqual(answer.account.signature, "hello")
        found = logged_in(self.world, "bob").ask(r.LookUp("alice", 0)).account
        self.assertEqual((found.display_name, found.signature), ("alice", "hello"))
        refused = Client(self.world).ask(r.Register("carol", PASSWORD, "", signature="x\ny"))
        self.assertEqual(refused.code, "BAD_REQUEST")
        self.assertEqual(self.register("carol").name, "carol")

    def test_number(self) -> None:
        """An all-digit name becomes the number; all others are numbered from 100,001."""
        self.assertEqual(self.register("4711").number, 4711)
        self.assertEqual(self.register("alice").number, 100_001)

    def test_refused(self) -> None:
        """Closed, taken (in any spelling), a bad name, a bad password, a bad display name: each its code."""
        self.register("alice")
        self.assertEqual(self.register("ALICE"), "NAME_TAKEN")
        self.assertEqual(self.register("root"), "BAD_NAME")
        self.assertEqual(self.register("bob", "short"), "BAD_PASSWORD")
        self.assertEqual(self.register("bob", "x" * 2**20), "BAD_PASSWORD")
        self.assertEqual(self.register("bob", display_name="\u202e"), "BAD_REQUEST")
        self.assertEqual(self.register("bob", display_name="x" * 65), "BAD_REQUEST")
        self.world.core.registration_open = False
        self.assertEqual(self.register("bob"), "REGISTRATION_CLOSED")

    def test_never_again(self) -> None:
        """Name and number of a deleted account stay taken."""
        alice = logged_in(self.world, "alice")
        alice.ask(r.DeleteAccount(PASSWORD))
        self.assertEqual(self.register("alice"), "NAME_TAKEN")
        self.assertEqual(self.register("100001"), "NAME_TAKEN")

    def test_rate(self) -> None:
        """Twenty an hour from one address; refusals for other reasons do not count."""
        for _ in range(30):
            self.register("root")
        found = [self.register(f"name{n}") for n in range(21)]
        self.assertEqual((found[-1], found.count("RATE_LIMITED")), ("RATE_LIMITED", 1))
        self.assertNotEqual(self.register("other", address="192.0.2.2"), "RATE_LIMITED")

    def test_needs_a_login_all_the_same(self) -> None:
        """Registering logs nobody in."""
        client = Client(self.world)
        client.ask(r.Register("alice", PASSWORD, ""))
        self.assertEqual(client.code(r.ListDevices()), "NOT_AUTHENTICATED")


class PasswordTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.phone = Client(self.world)
        account(self.world, "alice")
        self.phone_login = self.phone.log_in("alice", "phone")
        self.tablet = Client(self.world)
        self.tablet_login = self.tablet.log_in("alice", "tablet")

    def code_of(self, request: r.Request) -> str:
        return Client(self.world).code(request)

    def test_changed(self) -> None:
        """The new one opens, the old one does not; the other sessions and tokens have ended; the asker stays."""
        self.assertEqual(self.phone.ask(r.ChangePassword(PASSWORD, "another")), e.Done())
        self.assertEqual((self.phone.closed, self.tablet.closed), ("", "REVOKED"))
        self.assertEqual(self.code_of(r.LogIn("alice", PASSWORD, "")), "WRONG_CREDENTIALS")
        self.assertEqual(self.code_of(r.LogInWithToken(self.tablet_login.token)), "WRONG_CREDENTIALS")
        self.assertEqual(self.code_of(r.Resume(self.tablet_login.resume_token)), "WRONG_CREDENTIALS")
        self.phone.leave()
        self.assertEqual(self.code_of(r.Resume(self.phone_login.resume_token)), "WRONG_CREDENTIALS")
        self.assertEqual(self.code_of(r.LogInWithToken(self.phone_login.token)), "")
        self.assertEqual(self.code_of(r.LogIn("alice", "another", "")), "")

    def test_detached_device(self) -> None:
        """A device that is away when the password changes does not come back by token or resume."""
        self.tablet.leave()
        self.phone.ask(r.ChangePassword(PASSWORD, "another"))
        self.assertEqual(self.code_of(r.Resume(self.tablet_login.resume_token)), "WRONG_CREDENTIALS")
        self.assertEqual(self.code_of(r.LogInWithToken(self.tablet_login.token)), "WRONG_CREDENTIALS")

    def test_refused(self) -> None:
        """A wrong old password and a bad new one change nothing and end nothing."""
        self.assertEqual(self.phone.code(r.ChangePassword("wrong", "another")), "WRONG_CREDENTIALS")
        self.assertEqual(self.phone.code(r.ChangePassword(PASSWORD, "short")), "BAD_PASSWORD")
        self.assertEqual((self.phone.closed, self.tablet.closed), ("", ""))
        self.assertEqual(self.code_of(r.LogIn("alice", PASSWORD, "")), "")

    def test_throttled(self) -> None:
        """Guessing by ChangePassword or DeleteAccount is as slow as by logging in."""
        requests = [r.ChangePassword("wrong", "another"), r.DeleteAccount("wrong")] * 5
        codes = [self.phone.code(request) for request in requests]
        self.assertEqual(codes, ["WRONG_CREDENTIALS"] * 5 + ["RATE_LIMITED"] * 5)

    def test_delete(self) -> None:
        """Every session ends, nothing opens the account again, and others no longer find it."""
        bob = logged_in(self.world, "bob")
        id = group(self.phone, bob.session.number)
        self.assertEqual(self.phone.code(r.DeleteAccount("wrong")), "WRONG_CREDENTIALS")
        self.assertEqual(self.phone.closed, "")
        self.assertEqual(self.phone.ask(r.DeleteAccount(PASSWORD)), e.Done())
        self.assertEqual((self.phone.closed, self.tablet.closed), ("REVOKED", "REVOKED"))
        for request in (
            r.LogIn("alice", PASSWORD, ""),
            r.LogInWithToken(self.phone_login.token),
            r.Resume(self.phone_login.resume_token),
            r.Resume(self.tablet_login.resume_token),
        ):
            self.assertEqual(self.code_of(request), "WRONG_CREDENTIALS", request)
        for request in (
            r.LookUp("alice", 0),
            r.LookUp("", 100_001),
            r.OpenDirect(100_001),
            text_to("alice", "?"),
        ):
            self.assertEqual(bob.code(request), "NOT_FOUND", request)
        members = bob.ask(r.ListMembers(id, 0, 0)).members
        self.assertEqual([member.account.name for member in members], ["bob"])

    def test_busy(self) -> None:
        """While the hashing threads are full nobody is told that his password is wrong, nor slowed down for it."""

        async def full(*_: object) -> bool:
            raise ChatError(Code.TRY_LATER, "later", 2000)

        verify, self.world.passwords.verify = self.world.passwords.verify, full
        for _ in range(30):
            self.assertEqual(self.phone.code(r.ChangePassword(PASSWORD, "another")), "TRY_LATER")
            self.assertEqual(self.code_of(r.LogIn("alice", PASSWORD, "")), "TRY_LATER")
        self.world.passwords.verify = verify
        self.assertEqual(self.code_of(r.LogIn("alice", PASSWORD, "")), "")


class ProfileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.alice = logged_in(self.world, "alice")

    def test_profile(self) -> None:
        """What others see changes; control characters and too long texts are refused."""
        self.assertEqual(self.alice.ask(r.UpdateProfile("Ali", "hello there")), e.Done())
        found = self.alice.ask(r.LookUp("alice", 0)).account
        self.assertEqual((found.display_name, found.signature), ("Ali", "hello there"))
        for request in (
            r.UpdateProfile("x" * 65, ""),
            r.UpdateProfile("x", "y" * 257),
            r.UpdateProfile("\n\x1b", ""),
        ):
            self.assertEqual(self.alice.code(request), "BAD_REQUEST")

    def test_look_up(self) -> None:
        """By name in any case, or by number where the name is empty."""
        for request in (r.LookUp("ALICE", 0), r.LookUp("alice", 5), r.LookUp("", 100_001)):
            self.assertEqual(self.alice.ask(request).account.name, "alice")
        for request in (
            r.LookUp("", 0),
            r.LookUp("", 2**63 - 1),
            r.LookUp("alicee", 0),
            r.LookUp("x" * 10**6, 0),
        ):
            self.assertEqual(self.alice.code(request), "NOT_FOUND")


class DeviceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.alice = logged_in(self.world, "alice", "phone")

    def names(self) -> list[str]:
        return sorted(device.name for device in self.alice.ask(r.ListDevices()).devices)

    def test_revoke_another(self) -> None:
        """Its connection ends at once, its token and its resume token are void."""
        other = Client(self.world)
        login = other.log_in("alice", "tablet")
        self.assertEqual(self.alice.ask(r.RevokeDevice("tablet")), e.Done())
        self.assertEqual((self.alice.closed, other.closed), ("", "REVOKED"))
        for request in (r.LogInWithToken(login.token), r.Resume(login.resume_token)):
            self.assertEqual(Client(self.world).code(request), "WRONG_CREDENTIALS")
        self.assertEqual(self.names(), ["phone"])

    def test_revoke_oneself(self) -> None:
        """The answer still comes; then the connection ends."""
        self.assertEqual(self.alice.ask(r.RevokeDevice("phone")), e.Done())
        self.assertEqual(self.alice.closed, "REVOKED")

    def test_revoke_nothing(self) -> None:
        """A device of that name must be the asker's own."""
        logged_in(self.world, "bob", "laptop")
        for name in ("", "laptop", "Phone", "x" * 10**6):
            self.assertEqual(self.alice.code(r.RevokeDevice(name)), "NOT_FOUND")

    def test_eleventh(self) -> None:
        """Beyond ten devices the longest unseen goes; one that is connected is not unseen, however long ago it came."""
        self.world.pass_seconds(10)
        for n in range(9):
            logged_in(self.world, "alice", f"device {n}").leave()
            self.world.pass_seconds(2)
        logged_in(self.world, "alice", "eleventh")
        expected = ["eleventh", "phone", *(f"device {n}" for n in range(1, 9))]
        self.assertEqual((self.alice.closed, self.names()), ("", sorted(expected)))

    def test_displaced(self) -> None:
        """A device that is displaced while connected is sent away, and its tokens are void."""
        self.world.core.limits = self.world.limits = replace(LIMITS, max_devices=2)
        second = Client(self.world)
        login = second.log_in("alice", "second")
        self.world.pass_seconds(2)
        logged_in(self.world, "alice", "third")
        self.assertEqual((self.alice.closed, second.closed), ("REVOKED", ""))
        logged_in(self.world, "alice", "fourth")
        self.assertEqual(second.closed, "REVOKED")
        for request in (r.LogInWithToken(login.token), r.Resume(login.resume_token)):
            self.assertEqual(Client(self.world).code(request), "WRONG_CREDENTIALS")

    def test_seen(self) -> None:
        """A device was last seen when its connection ended."""
        self.world.pass_seconds(60)
        self.alice.leave()
        self.world.pass_seconds(2)
        (record,) = result(self.world.store.devices_of(100_001))
        self.assertEqual(record.device.last_seen_ms - record.device.created_ms, 60_000)
