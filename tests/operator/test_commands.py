"""The operator's commands: what they answer, and that they do what they say."""

from imserver.core import requests as r
from imserver.core.events import ConversationLeft
from imserver.core.values import LOBBY
from imserver.operator import accounts, command, sessions
from tests.core.client import PASSWORD, Client, account, group, logged_in, text
from tests.operator.operated import OperatedCase


class AccountsTests(OperatedCase):
    def test_list(self) -> None:
        """By number, with what is special about each."""
        for name in ("alice", "bob", "carol"):
            account(self.world, name)
        self.ask("accounts freeze bob")
        self.ask("accounts promote alice")
        logged_in(self.world, "carol")
        logged_in(self.world, "carol")
        self.assertEqual(
            [line.split() for line in self.ask("accounts list")],
            [
                ["100001", "alice", "administrator"],
                ["100002", "bob", "frozen"],
                ["100003", "carol", "online:2"],
            ],
        )

    def test_pages(self) -> None:
        """A page ends with the line that asks for the next one, until there is none."""
        for n in range(5):
            account(self.world, f"name{n}")
        for module in (command, accounts):
            self.patch(module, "PAGE", 2)
        found, rest = [], "accounts list"
        while rest:
            answer = self.answer(rest)
            found.append([line.split()[1] for line in answer.lines])
            rest = answer.rest
        self.assertEqual(found, [["name0", "name1"], ["name2", "name3"], ["name4"]])

    def test_show(self) -> None:
        """An account with its devices, there or not."""
        logged_in(self.world, "alice", "phone")
        logged_in(self.world, "alice", "laptop").leave()
        self.world.pass_seconds(2)
        lines = self.ask("accounts show alice")
        self.assertIn("display name: Alice", lines)
        self.assertIn("device: phone, here by test", lines)
        self.assertRegex("\n".join(lines), r"device: laptop, last seen 2026-09-\d\d \d\d:\d\d:\d\d")

    def test_create(self) -> None:
        """With the password given, or with one that is shown this once."""
        self.assertEqual(self.ask("accounts create alice", PASSWORD), ["alice has an account"])
        Client(self.world).log_in("alice")
        sentence, password = self.ask("accounts create bob")
        self.assertEqual(sentence, "bob has an account")
        login = r.LogIn("bob", password.removeprefix("password: "), "")
        self.assertEqual(Client(self.world).code(login), "")
        self.assertEqual(self.refusal("accounts create bob"), "NAME_TAKEN")

    def test_reset_password(self) -> None:
        """Likewise; whoever is logged in is logged out."""
        alice = logged_in(self.world, "alice")
        _, password = self.ask("accounts reset-password alice")
        self.assertEqual(alice.closed, "REVOKED")
        login = r.LogIn("alice", password.removeprefix("password: "), "")
        self.assertEqual(Client(self.world).code(login), "")

    def test_freeze_and_unfreeze(self) -> None:
        """The session ends; later the account can log in again."""
        alice = logged_in(self.world, "alice")
        self.ask("accounts freeze alice")
        self.assertEqual(alice.closed, "FORBIDDEN")
        self.assertEqual(Client(self.world).code(r.LogIn("alice", PASSWORD, "")), "FORBIDDEN")
        self.ask("accounts unfreeze alice")
        logged_in(self.world, "alice")

    def test_delete(self) -> None:
        """It is gone from the list, and its name stays taken."""
        account(self.world, "alice")
        self.ask("accounts delete alice")
        self.assertEqual(self.ask("accounts list"), [])
        self.assertEqual(self.refusal("accounts create alice"), "NAME_TAKEN")

    def test_promote_and_demote(self) -> None:
        """The role comes and goes."""
        account(self.world, "alice")
        self.ask("accounts promote alice")
        self.assertIn("administrator", self.ask("accounts show alice")[0])
        self.ask("accounts demote alice")
        self.assertNotIn("administrator", self.ask("accounts show alice")[0])

    def test_passwords_only_where_they_belong(self) -> None:
        """A password that comes with another command is dropped."""
        account(self.world, "alice")
        self.ask("accounts freeze alice", "whatever")
        self.ask("accounts unfreeze alice")
        logged_in(self.world, "alice")


class InvitationsTests(OperatedCase):
    def setUp(self) -> None:
        super().setUp()
        self.core.registration_open = False

    def test_create(self) -> None:
        """A code with which so many can register within so many days."""
        line, code = self.ask("invitations create 3 2")
        self.assertRegex(line, r"^1 +uses left: 2, until 2026-09-\d\d \d\d:\d\d")
        register = r.Register("alice", PASSWORD, "", code.removeprefix("code: "))
        self.assertEqual(Client(self.world).code(register), "")
        self.assertIn("uses left: 1", self.ask("invitations list")[0])

    def test_defaults(self) -> None:
        """One use within a week."""
        self.ask("invitations create")
        self.assertIn("uses left: 1", self.ask("invitations list")[0])
        self.world.clock.advance(7 * 86_400 - 60)
        self.assertEqual(len(self.ask("invitations list")), 1)
        self.world.clock.advance(120)
        self.assertEqual(self.ask("invitations list"), [])

    def test_withdraw(self) -> None:
        """Once."""
        self.ask("invitations create")
        self.ask("invitations withdraw 1")
        self.assertEqual(self.ask("invitations list"), [])
        self.assertEqual(self.refusal("invitations withdraw 1"), "NOT_FOUND")

    def test_refused(self) -> None:
        """Numbers out of range, and words that are none."""
        for words in ("0", "367", "1 0", "1 10001", "x", "1 x"):
            self.assertEqual(self.refusal(f"invitations create {words}"), "BAD_REQUEST", words)


class SessionsTests(OperatedCase):
    def test_list(self) -> None:
        """Who is here, by which wire, from where, on which device."""
        logged_in(self.world, "bob", "laptop", address="")
        logged_in(self.world, "alice", "phone")
        self.assertEqual(
            [line.split() for line in self.ask("sessions list")],
            [
                ["100001", "bob", "test", "local", "laptop"],
                ["100002", "alice", "test", "192.0.2.1", "phone"],
            ],
        )

    def test_pages(self) -> None:
        """Sessions of one account stay together."""
        self.patch(sessions, "PAGE", 2)
        for name, device in (("a00", "1"), ("b00", "1"), ("b00", "2"), ("c00", "1")):
            logged_in(self.world, name, device)
        first = self.answer("sessions list")
        self.assertEqual([line.split()[1] for line in first.lines], ["a00", "b00", "b00"])
        second = self.answer(first.rest)
        self.assertEqual(([line.split()[1] for line in second.lines], second.rest), (["c00"], ""))

    def test_kick(self) -> None:
        """All devices, or one of them."""
        phone, laptop = logged_in(self.world, "alice", "phone"), logged_in(self.world, "alice", "my laptop")
        self.assertEqual(self.ask("sessions kick alice 'my laptop'"), ["logged out; sessions that ended: 1"])
        self.assertEqual((phone.closed, laptop.closed), ("", "LOGGED_OUT"))
        self.assertEqual(self.ask("sessions kick alice"), ["logged out; sessions that ended: 1"])
        self.assertEqual(phone.closed, "LOGGED_OUT")
        self.assertEqual(self.refusal("sessions kick alice toaster"), "NOT_FOUND")


class GroupsTests(OperatedCase):
    def setUp(self) -> None:
        super().setUp()
        self.alice, self.bob = logged_in(self.world, "alice"), logged_in(self.world, "bob")
        self.group = group(self.alice, self.bob.session.number, title="the club")

    def test_list(self) -> None:
        """Members and messages of each."""
        lines = {line.split()[0]: " ".join(line.split()[1:]) for line in self.ask("groups list")}
        self.assertEqual(lines["*2"], "members: 2, messages: 1, title: the club")

    def test_dissolve(self) -> None:
        """Everybody is out at once, whoever owned it; what was said stays readable."""
        self.ask("groups dissolve 2")
        for client in (self.alice, self.bob):
            self.assertEqual(len(client.of(ConversationLeft)), 1)
            self.assertIn(client.code(text(self.group, "still there?")), ("NOT_MEMBER", "NOT_FOUND"))
            self.assertEqual(client.code(r.FetchHistory(self.group, 0, 0, 0)), "")
        self.assertEqual(self.refusal("groups dissolve 4711"), "NOT_FOUND")
        self.assertEqual(self.refusal(f"groups dissolve {LOBBY}"), "FORBIDDEN")

    def test_remove(self) -> None:
        """One member, also the owner; the others go on."""
        self.ask("groups remove 2 alice")
        self.assertEqual(len(self.alice.of(ConversationLeft)), 1)
        self.assertEqual(self.bob.code(text(self.group, "alone")), "")
        self.assertEqual(self.refusal("groups remove 2 alice"), "NOT_FOUND")

    def test_mute(self) -> None:
        """One member reads and does not write, until it is over or ended."""
        self.ask("groups mute 2 bob 60")
        self.assertEqual(self.bob.code(text(self.group, "one")), "FORBIDDEN")
        self.assertEqual(self.alice.code(text(self.group, "two")), "")
        self.ask("groups mute *2 bob 0")
        self.assertEqual(self.bob.code(text(self.group, "three")), "")
        for line in (f"groups mute 2 bob {10**12}", "groups mute **2 bob 60", "groups mute * bob 60"):
            self.assertEqual(self.refusal(line), "BAD_REQUEST")


class StatisticsTests(OperatedCase):
    def test_lines(self) -> None:
        """State, sessions by wire, messages, syncs, memory, refusals by code."""
        alice = logged_in(self.world, "alice")
        group(alice, account(self.world, "bob"))
        alice.code(r.LookUp("nobody", 0))
        said = dict(line.split(": ", 1) for line in self.ask("statistics"))
        self.assertTrue(said["state"].startswith("ready"))
        self.assertEqual(said["sessions"], "1 (test 1)")
        self.assertEqual(said["messages stored"], "1, found damaged: 0")
        self.assertRegex(said["batches"], r"^\d+, of \d+\.\d messages on average; commits: \d+$")
        self.assertEqual(said["refusals"], "1 (NOT_FOUND 1)")
        self.assertGreater(int(said["memory"].split()[0]), 10)
