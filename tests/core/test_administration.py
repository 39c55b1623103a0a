"""What operators do to accounts: that it holds at once, for live sessions and for every way back in (threats.md T21)."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.administration import MS_A_DAY
from imserver.core.errors import ChatError, Code
from tests.core.client import PASSWORD, Client, Hesitant, Turnstile, account, logged_in, result, text_to
from tests.fakes import World


class AdministrationCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.core = self.world.core
        self.administration = self.core.administration

    def refusal(self, coroutine: Any) -> Code:
        error = self.assertRaises(ChatError, result, coroutine)
        return error.code

    def code_of(self, request: r.Request) -> str:
        """Of a new client that asks it."""
        return Client(self.world).code(request)

    def two_devices(self) -> None:
        """Carol with a phone, connected, and a laptop that has just been lost."""
        account(self.world, "carol")
        self.phone, self.laptop = Client(self.world), Client(self.world)
        self.phone_login = self.phone.log_in("carol", "phone")
        self.laptop_login = self.laptop.log_in("carol", "laptop")
        self.laptop.leave()

    def ways_in(self) -> dict[str, str]:
        """The outcome of every way to come back; resume tokens are used up by it."""
        return {
            "password": self.code_of(r.LogIn("carol", PASSWORD, "tablet")),
            "phone's token": self.code_of(r.LogInWithToken(self.phone_login.token)),
            "laptop's token": self.code_of(r.LogInWithToken(self.laptop_login.token)),
            "phone's resume token": self.code_of(r.Resume(self.phone_login.resume_token)),
            "laptop's resume token": self.code_of(r.Resume(self.laptop_login.resume_token)),
        }


class FreezeTests(AdministrationCase):
    def test_frozen(self) -> None:
        """Its sessions end, and nothing opens it; whoever could have come in learns why, and nobody else."""
        self.two_devices()
        result(self.administration.freeze("Carol"))
        self.assertEqual(self.phone.closed, Code.FORBIDDEN)
        self.assertEqual(set(self.ways_in().values()), {Code.FORBIDDEN})
        self.assertEqual(self.code_of(r.LogIn("carol", "wrong", "")), Code.WRONG_CREDENTIALS)
        self.assertEqual(self.code_of(r.LogInWithToken(b"none")), Code.WRONG_CREDENTIALS)

    def test_unfrozen(self) -> None:
        """Password and tokens work as before; only what was tried meanwhile is used up."""
        self.two_devices()
        result(self.administration.freeze("carol"))
        result(self.administration.unfreeze("carol"))
        found = self.ways_in()
        # The phone's connection was ended, with nothing revoked; each login by token replaced the resume token.
        self.assertEqual(
            [found[way] for way in ("password", "phone's token", "laptop's token")], ["", "", ""]
        )

    def test_name_and_messages_stay(self) -> None:
        """Others find it, write to it, and it has what they wrote once it is back."""
        self.two_devices()
        result(self.administration.freeze("carol"))
        alice = logged_in(self.world, "alice")
        self.assertIsInstance(alice.ask(r.LookUp("carol", 0)), e.AccountFound)
        self.assertIsInstance(alice.ask(text_to("carol", "are you there?")), e.Sent)
        result(self.administration.unfreeze("carol"))
        carol = Client(self.world)
        carol.ask(r.LogInWithToken(self.phone_login.token))
        (membership,) = carol.ask(r.Synchronise(0)).memberships
        self.assertEqual(membership.last_seq, 1)

    def test_frozen_during_a_login(self) -> None:
        """Whatever a login waits for when its account is frozen: it comes to nothing."""
        self.two_devices()
        requests = {
            "password": lambda: r.LogIn("carol", PASSWORD, "phone"),
            "token": lambda: r.LogInWithToken(self.laptop_login.token),
            "resume": lambda: r.Resume(self.laptop_login.resume_token),
        }
        for way, request in requests.items():
            for steps in range(20):
                self.setUp()
                self.two_devices()
                turnstile = Turnstile()
                self.core.store = Hesitant(self.world.store, turnstile)
                turnstile.closed = True
                client = Client(self.world)
                tag = client.start(request())
                passed = [turnstile.let_one_pass() for _ in range(steps)]
                self.core.store = self.world.store  # the operator does not wait
                result(self.administration.freeze("carol"))
                turnstile.open()
                self.world.settle()
                came_in = isinstance(client.answers.get(tag), e.LoggedIn)
                self.assertTrue(client.closed or not came_in, f"{way}, frozen after {steps} steps")
                self.assertEqual(self.core.router.sessions_of(100_001), (), f"{way}, {steps}")
            self.assertFalse(all(passed), f"{way} takes more steps than were tried")

    def test_idle_frozen_account(self) -> None:
        """An account without sessions can be frozen, twice too, and a strange one cannot."""
        account(self.world, "alice")
        result(self.administration.freeze("alice"))
        result(self.administration.freeze("alice"))
        self.assertEqual(self.code_of(r.LogIn("alice", PASSWORD, "")), Code.FORBIDDEN)
        for name, code in (("nobody-here", "NOT_FOUND"), ("", "BAD_NAME"), ("IMSERVER", "FORBIDDEN")):
            self.assertEqual(self.refusal(self.administration.freeze(name)), code)


class PasswordTests(AdministrationCase):
    def test_reset(self) -> None:
        """Every session, token and resume token ends; the new password opens."""
        self.two_devices()
        self.assertEqual(result(self.administration.reset_password("carol", "another")), "another")
        self.assertEqual(self.phone.closed, Code.REVOKED)
        self.assertEqual(set(self.ways_in().values()), {Code.WRONG_CREDENTIALS})
        self.assertEqual(self.code_of(r.LogIn("carol", "another", "")), "")

    def test_generated(self) -> None:
        """Without a password one is made, another each time."""
        account(self.world, "carol")
        first = result(self.administration.reset_password("carol", ""))
        second = result(self.administration.reset_password("carol", ""))
        self.assertNotEqual(first, second)
        self.assertEqual(self.code_of(r.LogIn("carol", first, "")), Code.WRONG_CREDENTIALS)
        self.assertEqual(self.code_of(r.LogIn("carol", second, "")), "")

    def test_refused(self) -> None:
        """A bad password changes nothing."""
        self.two_devices()
        self.assertEqual(self.refusal(self.administration.reset_password("carol", "short")), "BAD_PASSWORD")
        self.assertEqual(self.phone.closed, "")
        self.assertEqual(self.code_of(r.LogIn("carol", PASSWORD, "")), "")


class AccountTests(AdministrationCase):
    def test_create(self) -> None:
        """An account can be made while registration is closed, under the same rules for names and passwords."""
        self.core.registration_open = False
        password = result(self.administration.create("Alice", ""))
        self.assertEqual(self.code_of(r.LogIn("alice", password, "")), "")
        self.assertEqual(result(self.administration.create("bob", PASSWORD)), PASSWORD)
        for name, password, code in (
            ("alice", "", "NAME_TAKEN"),
            ("root", "", "BAD_NAME"),
            ("imserver", "", "BAD_NAME"),
            ("carol", "short", "BAD_PASSWORD"),
        ):
            self.assertEqual(self.refusal(self.administration.create(name, password)), code, name)

    def test_delete(self) -> None:
        """It ends as if its owner had deleted it."""
        self.two_devices()
        result(self.administration.delete("carol"))
        self.assertEqual(self.phone.closed, Code.REVOKED)
        self.assertEqual(set(self.ways_in().values()), {Code.WRONG_CREDENTIALS})
        self.assertEqual(self.refusal(self.administration.delete("carol")), "NOT_FOUND")
        self.assertEqual(self.refusal(self.administration.create("carol", "")), "NAME_TAKEN")

    def test_administrator(self) -> None:
        """The role is on the account until it is taken away."""
        account(self.world, "alice")
        for role in (True, False):
            result(self.administration.set_administrator("alice", role))
            self.assertEqual(result(self.administration.find("alice")).administrator, role)

    def test_server_account(self) -> None:
        """The server's own account is made once; no password opens it and no command touches it."""
        first, second = (result(self.administration.server_account()) for _ in range(2))
        self.assertEqual((first, first.name), (second, "imserver"))
        for password in ("", "imserver", PASSWORD):
            self.assertEqual(self.code_of(r.LogIn("imserver", password, "")), Code.WRONG_CREDENTIALS)
        for command in (
            self.administration.delete,
            self.administration.freeze,
            self.administration.unfreeze,
            self.administration.devices,
            self.administration.log_out,
        ):
            self.assertEqual(self.refusal(command("imserver")), Code.FORBIDDEN)
        self.assertEqual(self.refusal(self.administration.reset_password("imserver", "")), Code.FORBIDDEN)
        self.assertEqual(
            self.refusal(self.administration.set_administrator("imserver", True)), Code.FORBIDDEN
        )


class LogOutTests(AdministrationCase):
    def test_one_device(self) -> None:
        """Its session and both its tokens end; the password opens, and other devices go on."""
        self.two_devices()
        self.assertEqual(result(self.administration.log_out("carol", "laptop")), 0)
        self.assertEqual(self.phone.closed, "")
        self.assertEqual(self.code_of(r.LogInWithToken(self.laptop_login.token)), "WRONG_CREDENTIALS")
        self.assertEqual(self.code_of(r.Resume(self.laptop_login.resume_token)), "WRONG_CREDENTIALS")
        self.assertEqual(result(self.administration.log_out("carol", "phone")), 1)
        self.assertEqual(self.phone.closed, Code.LOGGED_OUT)
        self.assertEqual(self.code_of(r.LogIn("carol", PASSWORD, "phone")), "")

    def test_all_devices(self) -> None:
        """Without a device: all of them."""
        self.two_devices()
        self.assertEqual(result(self.administration.log_out("carol")), 1)
        self.assertEqual(self.phone.closed, Code.LOGGED_OUT)
        found = self.ways_in()
        self.assertEqual(found.pop("password"), "")
        self.assertEqual(set(found.values()), {Code.WRONG_CREDENTIALS})

    def test_kicked_during_a_login(self) -> None:
        """Whatever a login by a token waits for when its device is logged out: it comes to nothing."""
        for way in ("token", "resume"):
            for steps in range(20):
                self.setUp()
                self.two_devices()
                tokens = {
                    "token": r.LogInWithToken(self.laptop_login.token),
                    "resume": r.Resume(self.laptop_login.resume_token),
                }
                turnstile = Turnstile()
                self.core.store = Hesitant(self.world.store, turnstile)
                turnstile.closed = True
                Client(self.world).start(tokens[way])
                passed = [turnstile.let_one_pass() for _ in range(steps)]
                self.core.store = self.world.store  # the operator does not wait
                result(self.administration.log_out("carol", "laptop"))
                turnstile.open()
                self.world.settle()
                here = [session.device.device.name for session in self.core.router.sessions_of(100_001)]
                self.assertEqual(here, ["phone"], f"{way}, logged out after {steps} steps")
            self.assertFalse(all(passed), f"{way} takes more steps than were tried")

    def test_strange_device(self) -> None:
        """A device that the account has not is refused."""
        self.two_devices()
        self.assertEqual(self.refusal(self.administration.log_out("carol", "toaster")), "NOT_FOUND")
        self.assertEqual(self.phone.closed, "")


class InvitationTests(AdministrationCase):
    def setUp(self) -> None:
        super().setUp()
        self.core.registration_open = False

    def register(self, name: str, code: str) -> str:
        return self.code_of(r.Register(name, PASSWORD, "", code))

    def test_invited(self) -> None:
        """A code opens a closed registration as often as it says, however it is spelt."""
        _, code = result(self.administration.invite(1, 2))
        self.assertEqual(self.register("alice", code), "")
        self.assertEqual(self.register("bob", code.upper().replace("-", " ")), "")
        self.assertEqual(self.register("carol", code), "REGISTRATION_CLOSED")
        self.assertEqual(self.code_of(r.LogIn("alice", PASSWORD, "")), "")

    def test_not_invited(self) -> None:
        """Without a valid code registration stays closed, and no password is hashed."""
        hashed: list[str] = []
        self.patch(self.world.passwords, "hash", hashed.append)
        for code in ("", "aaaa-aaaa-aaaa-aaaa", " "):
            self.assertEqual(self.register("alice", code), "REGISTRATION_CLOSED")
        self.assertEqual(hashed, [])

    def test_expired(self) -> None:
        """A code ends with its last day."""
        _, code = result(self.administration.invite(2, 9))
        self.world.clock.advance(2 * MS_A_DAY / 1000 - 2)
        self.assertEqual(self.register("alice", code), "")
        self.world.clock.advance(3)
        self.assertEqual(self.register("bob", code), "REGISTRATION_CLOSED")

    def test_withdrawn(self) -> None:
        """A code that was withdrawn opens nothing."""
        invitation, code = result(self.administration.invite(1, 1))
        result(self.administration.withdraw_invitation(invitation.id))
        self.assertEqual(self.register("alice", code), "REGISTRATION_CLOSED")
        self.assertEqual(self.refusal(self.administration.withdraw_invitation(invitation.id)), "NOT_FOUND")

    def test_refused_registration_uses_nothing(self) -> None:
        """A bad name, a bad password or a taken name leaves the code as it was."""
        account(self.world, "alice")
        _, code = result(self.administration.invite(1, 1))
        self.assertEqual(self.register("root", code), "BAD_NAME")
        self.assertEqual(self.code_of(r.Register("bob", "short", "", code)), "BAD_PASSWORD")
        self.assertEqual(self.register("alice", code), "NAME_TAKEN")
        self.assertEqual(self.register("bob", code), "")

    def test_not_needed(self) -> None:
        """While registration is open a code is neither looked at nor used up."""
        _, code = result(self.administration.invite(1, 1))
        self.core.registration_open = True
        self.assertEqual(self.register("alice", code), "")
        self.assertEqual(self.register("bob", "nonsense"), "")
        self.core.registration_open = False
        self.assertEqual(self.register("carol", code), "")

    def test_used_up_meanwhile(self) -> None:
        """Of two who register with the last use at once, one does."""
        _, code = result(self.administration.invite(1, 1))
        turnstile = Turnstile()
        self.core.passwords = Hesitant(self.world.passwords, turnstile)
        turnstile.closed = True
        clients = [Client(self.world), Client(self.world)]
        tags = [c.start(r.Register(f"name{n}", PASSWORD, "", code)) for n, c in enumerate(clients)]
        turnstile.open()
        self.world.settle()
        kinds = [type(client.answers[tag]) for client, tag in zip(clients, tags, strict=True)]
        self.assertEqual(kinds, [e.Registered, e.Refused])


class RefusalTests(AdministrationCase):
    def test_counted(self) -> None:
        """Every refusal is counted by its code."""
        client = Client(self.world)
        client.ask(r.ListDevices())
        client.ask(r.LogInWithToken(b"none"))
        self.assertEqual(self.core.refusals, {"NOT_AUTHENTICATED": 1, "WRONG_CREDENTIALS": 1})
