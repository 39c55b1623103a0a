"""Coming in: by password, by device token, by resume token; and going out."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.capabilities import Capabilities
from tests.core.client import PASSWORD, Client, Hesitant, Turnstile, account, group, logged_in, result, text
from tests.fakes import LIMITS, World


class LoginTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        for name in ("alice", "bob"):
            account(self.world, name)

    def client(self, **options: object) -> Client:
        return Client(self.world, **options)

    def code(self, request: r.Request, **options: object) -> str:
        return self.client(**options).code(request)

    # -- equal answers

    def test_equal_words_and_work(self) -> None:
        """Unknown, deleted, wrong and over-long: one answer, after one check of a password each (threats.md T12)."""
        logged_in(self.world, "carol").ask(r.DeleteAccount(PASSWORD))
        before = self.world.passwords.verified
        answers = [
            self.client().ask(r.LogIn(name, password, ""))
            for name, password in [
                ("alice", "wrong"),
                ("nobody", "wrong"),
                ("carol", PASSWORD),
                ("carol", ""),
                ("alice", "x" * 5000),
                ("alice", ""),
                ("", ""),
                ("x" * 10**5, "wrong"),
            ]
        ]
        self.assertEqual(answers, answers[:1] * 8)
        self.assertEqual(answers[0].code, "WRONG_CREDENTIALS")
        self.assertEqual(self.world.passwords.verified - before, 8)

    def test_equal_throttle(self) -> None:
        """An unknown name is slowed down like a known one."""
        for name in ("alice", "nobody"):
            codes = [self.code(r.LogIn(name, "wrong", ""), address=f"{name}{n}") for n in range(7)]
            self.assertEqual(codes, ["WRONG_CREDENTIALS"] * 5 + ["RATE_LIMITED"] * 2)

    def test_guesses_at_once(self) -> None:
        """Of 500 simultaneous guesses from as many addresses at most five are verified (threats.md T11)."""
        before = self.world.passwords.verified
        self.world.passwords.holding = True
        clients = [self.client(address=f"192.0.2.{n}") for n in range(500)]
        for client in clients:
            client.start(r.LogIn("alice", "wrong", ""))
        self.world.passwords.release()
        self.world.settle()
        self.assertEqual(self.world.passwords.verified - before, 5)
        self.assertEqual(
            sum(answer.code == "RATE_LIMITED" for c in clients for answer in c.answers.values()), 495
        )

    def test_known_device_gets_in(self) -> None:
        """However hard a name is attacked, its devices come in by their tokens, and its sessions stay."""
        phone = self.client()
        login = phone.log_in("alice")
        for n in range(50):
            self.code(r.LogIn("alice", "wrong", ""), address=f"192.0.2.{n}")
        self.assertEqual(self.code(r.LogIn("alice", PASSWORD, "")), "RATE_LIMITED")
        self.assertEqual(phone.closed, "")
        phone.leave()
        self.assertEqual(self.code(r.Resume(login.resume_token)), "")
        self.assertEqual(self.code(r.LogInWithToken(login.token)), "")

    def test_address(self) -> None:
        """An address has twenty failures in ten minutes, over all names; then even the right password waits."""
        for n in range(20):
            self.assertEqual(self.code(r.LogIn(f"name{n}", "wrong", "")), "WRONG_CREDENTIALS")
        self.assertEqual(self.code(r.LogIn("alice", PASSWORD, "")), "RATE_LIMITED")
        self.assertEqual(self.code(r.LogIn("alice", PASSWORD, ""), address="192.0.2.9"), "")

    def test_three_tries(self) -> None:
        """The third failure, of whatever kind, is answered and ends the connection."""
        for request in (r.LogIn("alice", "wrong", ""), r.LogInWithToken(b"x"), r.Resume(b"x")):
            client = self.client()
            self.assertEqual([client.code(request) for _ in range(3)], ["WRONG_CREDENTIALS"] * 3)
            self.assertEqual(client.closed, "WRONG_CREDENTIALS")

    # -- devices

    def test_slots(self) -> None:
        """Without a name a device gets the lowest free slot of its wire, and so its cursors again."""
        first, second = logged_in(self.world, "alice"), logged_in(self.world, "alice")
        other = logged_in(self.world, "alice", capabilities=Capabilities("line"))
        names = [client.answers[1].device for client in (first, second, other)]
        self.assertEqual(names, ["test-1", "test-2", "line-1"])
        first.leave()
        self.assertEqual(self.client().log_in("alice").device, "test-1")
        self.assertEqual(self.client().log_in("alice").device, "test-3")
        self.assertEqual(self.client().log_in("bob").device, "test-1")

    def test_slots_at_once(self) -> None:
        """Two logins at one moment get a slot each, and neither replaces the other."""
        self.world.passwords.holding = True
        turnstile = Turnstile()
        self.world.core.store = Hesitant(self.world.store, turnstile)
        clients = [self.client() for _ in range(3)]
        for client in clients:
            client.start(r.LogIn("alice", PASSWORD, ""))
        turnstile.closed = True
        self.world.passwords.release()
        turnstile.open()
        self.assertEqual([c.answers[1].device for c in clients], ["test-1", "test-2", "test-3"])
        self.assertEqual([c.closed for c in clients], [""] * 3)

    def test_names_of_devices(self) -> None:
        """A name is kept as given but for space around it; blank is none; control characters and length are refused."""
        self.assertEqual(self.client().log_in("alice", " phone ").device, "phone")
        self.assertEqual(self.client().log_in("alice", "  ").device, "test-1")
        for name in ("x" * 33, "a\nb", "\u202e"):
            self.assertEqual(self.code(r.LogIn("alice", PASSWORD, name)), "BAD_REQUEST")

    def test_replaced(self) -> None:
        """A second connection of a device ends the first, and the first one's resume token."""
        old = self.client()
        login = old.log_in("alice", "phone")
        new = self.client()
        self.assertEqual(new.log_in("alice", "phone").device, "phone")
        self.assertEqual((old.closed, new.closed), ("REPLACED", ""))
        self.assertEqual(self.world.core.session_count(), 1)
        self.assertEqual(self.code(r.Resume(login.resume_token)), "WRONG_CREDENTIALS")
        self.assertEqual(self.code(r.LogInWithToken(login.token)), "WRONG_CREDENTIALS")

    # -- tokens

    def test_tokens(self) -> None:
        """A token brings back its own device and account, again and again; only a login by password makes one."""
        login = self.client().log_in("alice", "phone")
        logged_in(self.world, "bob", "phone")
        for _ in range(3):
            answer = self.client().ask(r.LogInWithToken(login.token))
            self.assertEqual((answer.account.name, answer.device, answer.token), ("alice", "phone", b""))

    def test_tokens_are_random_and_hashed(self) -> None:
        """Each login draws 32 bytes; the store is given their digest only (threats.md T22)."""
        logins = [self.client().log_in("alice", "phone") for _ in range(3)]
        tokens = {token for login in logins for token in (login.token, login.resume_token)}
        self.assertEqual((len(tokens), {len(token) for token in tokens}), (6, {32}))
        stored = [device.token_sha256 for device in self.world.store._tables.devices.values()]
        self.assertFalse(tokens & set(stored))

    def test_log_out(self) -> None:
        """It ends the token and the resume token; the device keeps its cursors."""
        alice = self.client()
        login = alice.log_in("alice", "phone")
        self.assertEqual(alice.ask(r.LogOut()), e.Done())
        self.assertEqual(alice.closed, "LOGGED_OUT")
        for request in (r.LogInWithToken(login.token), r.Resume(login.resume_token)):
            self.assertEqual(self.code(request), "WRONG_CREDENTIALS")
        self.assertEqual(len(result(self.world.store.devices_of(100_001))), 1)

    def test_no_token_is_accepted_elsewhere(self) -> None:
        """A resume token is no device token and the other way round; neither is a part of one."""
        login = self.client().log_in("alice")
        for request in (
            r.LogInWithToken(login.resume_token),
            r.Resume(login.token),
            r.LogInWithToken(login.token[:31]),
            r.LogInWithToken(b""),
            r.Resume(b""),
        ):
            self.assertEqual(self.code(request), "WRONG_CREDENTIALS")

    # -- resume

    def test_resume(self) -> None:
        """It brings back the device, once, with a new resume token."""
        client = self.client()
        login = client.log_in("alice", "phone")
        client.leave()
        answer = self.client().ask(r.Resume(login.resume_token))
        self.assertEqual((answer.account.name, answer.device), ("alice", "phone"))
        self.assertNotEqual(answer.resume_token, login.resume_token)
        self.assertEqual(self.code(r.Resume(login.resume_token)), "WRONG_CREDENTIALS")

    def test_resume_beside_a_connection_not_known_to_be_dead(self) -> None:
        """A client may be back before the server knows that it was gone."""
        old = self.client()
        login = old.log_in("alice", "phone")
        self.assertIsInstance(self.client().ask(r.Resume(login.resume_token)), e.LoggedIn)
        self.assertEqual(old.closed, "REPLACED")

    def test_resume_expires(self) -> None:
        """Ten minutes after the connection was lost it is void, and the token still works."""
        client = self.client()
        login = client.log_in("alice")
        client.leave()
        self.world.clock.advance(600)
        self.assertEqual(self.code(r.Resume(login.resume_token)), "WRONG_CREDENTIALS")
        self.assertEqual(self.code(r.LogInWithToken(login.token)), "")

    # -- what is there after a login

    def test_pushes_wait_for_the_answer(self) -> None:
        """Whatever happens while a login is under way, LoggedIn is the first event, and nothing is missed for good."""
        bob = logged_in(self.world, "bob")
        id = group(bob, 100_001)
        turnstile = Turnstile()
        self.world.core.store = Hesitant(self.world.store, turnstile, ["memberships", "account_numbered"])
        alice = self.client()
        turnstile.closed = True
        alice.start(r.LogIn("alice", PASSWORD, ""))
        for n in range(20):
            turnstile.closed = False
            bob.ask(text(id, f"{n}"))
            bob.ask(r.SetTyping(id, True))
            turnstile.closed = True
            self.assertEqual((alice.events, alice.answers), ([], {}))
            turnstile.let_one_pass()
            if alice.answers:
                break
        turnstile.open()
        self.assertIsInstance(alice.answers[1], e.LoggedIn)
        self.world.pass_seconds(1)
        (behind,) = alice.ask(r.Synchronise(0)).memberships
        history = alice.ask(r.FetchHistory(id, behind.delivered_seq, 0, 0)).messages
        self.assertEqual([m.seq for m in history], list(range(1, n + 3)))
        bob.ask(text(id, "live"))
        self.assertEqual(alice.texts[-1:], ["live"])

    def test_more_conversations_than_a_page(self) -> None:
        """A device that is behind in very many conversations skips no message in any of them."""
        self.world.core.limits = self.world.limits = replace(LIMITS, enabled=False, sync_page_items=5)
        bob = logged_in(self.world, "bob")
        logged_in(self.world, "alice").leave()
        ids = [group(bob, 100_001) for _ in range(23)]
        alice = self.client()
        alice.log_in("alice")
        self.assertEqual(set(alice.session.window.positions), set(ids))
        for id in ids:
            bob.ask(text(id, f"live {id}"))
        self.assertEqual(alice.of(e.MessageArrived), [])

    def test_gone_meanwhile(self) -> None:
        """A client that leaves while its password is checked leaves no session behind."""
        self.world.passwords.holding = True
        client = self.client()
        client.start(r.LogIn("alice", PASSWORD, ""))
        client.leave()
        self.world.passwords.release()
        self.world.settle()
        self.assertEqual((self.world.core.session_count(), self.world.core.router.all_sessions()), (0, []))

    def test_rehashed(self) -> None:
        """A hash with outdated parameters is replaced at the next login."""
        self.world.passwords.is_outdated = lambda hashed: not hashed.startswith("new")
        self.world.passwords.hash = self.new_hash
        self.world.passwords.verify = self.verify
        self.client().log_in("alice")
        self.assertEqual(
            result(self.world.store.account_named("alice")).password_hash, f"new hash of {PASSWORD}"
        )
        self.client().log_in("alice")

    async def new_hash(self, password: str) -> str:
        return f"new hash of {password}"

    async def verify(self, hashed: str, password: str, suspect: bool = False) -> bool:
        return hashed.removeprefix("new ") == f"hash of {password}"

    def test_rehashed_at_once(self) -> None:
        """Two logins that find the same outdated hash both succeed."""
        self.world.passwords.is_outdated = lambda hashed: not hashed.startswith("new")
        count = iter(range(9))

        async def salted(password: str) -> str:
            return f"new hash of {password}" + " " * next(count)

        async def verify(hashed: str, password: str, suspect: bool = False) -> bool:
            return await self.verify(hashed.rstrip(), password)

        self.world.passwords.hash, self.world.passwords.verify = salted, verify
        turnstile = Turnstile()
        self.world.core.passwords = Hesitant(self.world.passwords, turnstile)
        clients = [self.client() for _ in range(3)]
        turnstile.closed = True
        for client in clients:
            client.start(r.LogIn("alice", PASSWORD, ""))
        turnstile.open()
        self.world.settle()
        self.assertEqual([type(client.answers[1]) for client in clients], [e.LoggedIn] * 3)
