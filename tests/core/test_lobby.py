"""The built-in group of those whose wire has it."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.capabilities import Capabilities
from imserver.core.changes import OPERATOR, Action, GroupChange
from imserver.core.values import LOBBY
from tests.core.client import PASSWORD, Client, Hesitant, Turnstile, group, logged_in, result, text
from tests.fakes import LIMITS, World

ALICE, BOB = 100_001, 100_002
WITH_LOBBY = Capabilities("old", acknowledges=False, fetches=False, lobby=True)


class LobbyTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World(replace(LIMITS, max_lobby_members=3))
        self.alice, self.bob = self.guest("alice"), self.guest("bob")

    def guest(self, name: str, device: str = "") -> Client:
        return logged_in(self.world, name, device, capabilities=WITH_LOBBY)

    def members(self) -> list[str]:
        return [member.account.name for member in result(self.world.store.members(LOBBY, 0, 99))]

    def operator(self, action: Action, *members: int, **more: object) -> None:
        change = GroupChange(action, OPERATOR, LOBBY, "", members, None, **more)
        result(self.world.core.groups.carry_out(change))

    def test_entered_by_logging_in(self) -> None:
        """Whoever logs in over such a wire is in it, and hears and is heard at once."""
        self.assertEqual(self.members(), ["alice", "bob"])
        self.alice.ask(text(LOBBY, "good morning"))
        self.assertEqual(self.bob.texts, ["good morning"])
        self.assertEqual(self.world.store._tables.logs[LOBBY].runs[0].bodies, [b"good morning"])

    def test_entered_once(self) -> None:
        """Later logins change nothing, and ask the store nothing."""
        turnstile = Turnstile()
        self.world.core.store = Hesitant(self.world.store, turnstile)
        self.guest("bob", "tablet")
        self.assertNotIn("change_group", self.world.core.store.done)
        self.assertEqual(self.members(), ["alice", "bob"])

    def test_heard_while_away(self) -> None:
        """What is said in it meanwhile is there at the next login."""
        self.bob.leave()
        self.alice.ask(text(LOBBY, "where is bob?"))
        bob = self.guest("bob")
        self.world.pass_seconds(1)
        self.assertEqual(bob.texts, ["where is bob?"])

    def test_others_are_told(self) -> None:
        """A device on another wire learns that its account is in now."""
        carol = logged_in(self.world, "carol")
        self.guest("carol", "old")
        (opened,) = carol.of(e.ConversationOpened)
        self.assertEqual(
            (opened.membership.conversation.title, opened.membership.conversation.number), ("lobby", 1)
        )
        self.assertEqual(self.alice.events, [])

    def test_full(self) -> None:
        """Beyond its limit people log in all the same, and are not told."""
        self.guest("carol")
        dave = self.guest("dave")
        self.assertEqual((self.members(), dave.closed, dave.events), (["alice", "bob", "carol"], "", []))
        self.assertEqual(dave.code(text(LOBBY, "hello")), "NOT_FOUND")
        self.assertEqual(dave.code(r.JoinGroup(LOBBY, "")), "LIMIT_REACHED")

    def test_entered_on_request(self) -> None:
        """People of other wires find it by its number and join it, without a notice."""
        carol = logged_in(self.world, "carol")
        found = carol.ask(r.FindGroup(1))
        self.assertEqual((found.conversation.title, found.members), ("lobby", 2))
        self.assertIsInstance(carol.ask(r.JoinGroup(1, "")), e.ConversationOpened)
        carol.ask(text(LOBBY, "hello"))
        self.assertEqual([client.texts for client in (self.alice, self.bob)], [["hello"]] * 2)

    def test_found_while_empty(self) -> None:
        """It is there before anybody is in it."""
        world = World()
        alice = logged_in(world, "alice")
        self.assertEqual(alice.ask(r.FindGroup(1)).members, 0)
        self.assertIsInstance(alice.ask(r.JoinGroup(1, "")), e.ConversationOpened)

    def test_everybodys(self) -> None:
        """Nobody leaves, changes or moderates it, or adds to it."""
        logged_in(self.world, "carol")
        for request in (
            r.LeaveGroup(LOBBY),
            r.RenameGroup(LOBBY, "mine"),
            r.DissolveGroup(LOBBY),
            r.AddMembers(LOBBY, [100_003]),
            r.RemoveMember(LOBBY, BOB),
            r.SetRole(LOBBY, BOB, 2),
            r.HandOver(LOBBY, ALICE),
            r.Mute(LOBBY, BOB, 60),
            r.SetAnnouncement(LOBBY, "mine"),
            r.SetJoinPolicy(LOBBY, 3),
        ):
            self.assertEqual(self.alice.code(request), "FORBIDDEN", request)

    def test_strangers(self) -> None:
        """Who is not in it is a stranger to it."""
        carol = logged_in(self.world, "carol")
        for request in (text(LOBBY, "x"), r.ListMembers(LOBBY, 0, 0), r.FetchHistory(LOBBY, 0, 0, 0)):
            self.assertEqual(carol.code(request), "NOT_FOUND")

    def test_muted_by_the_operator(self) -> None:
        """The operator mutes one or all of them."""
        self.operator(Action.MUTED, BOB, value=60)
        self.assertEqual(self.bob.code(text(LOBBY, "x")), "FORBIDDEN")
        self.operator(Action.MUTED, value=60)
        self.assertEqual(self.alice.code(text(LOBBY, "x")), "FORBIDDEN")

    def test_removed_by_the_operator(self) -> None:
        """Who was removed stays out, at every further login."""
        self.operator(Action.REMOVED, BOB)
        self.assertEqual(self.bob.events[-1], e.ConversationLeft(LOBBY))
        bob = self.guest("bob", "tablet")
        self.assertEqual((self.members(), bob.closed), (["alice"], ""))
        self.assertEqual(bob.code(r.JoinGroup(1, "")), "FORBIDDEN")

    def test_deleted(self) -> None:
        """An account that ends is gone from it, without a notice."""
        self.assertEqual(self.bob.ask(r.DeleteAccount(PASSWORD)), e.Done())
        self.assertEqual((self.members(), self.alice.events), (["alice"], []))

    def test_store_takes_nothing(self) -> None:
        """While nothing can be stored, those who are in log in, and nobody comes in."""
        carol = logged_in(self.world, "carol", "old")
        carol.leave()
        self.world.store.state = "degraded"
        again = Client(self.world, WITH_LOBBY)
        self.assertIsInstance(again.ask(r.LogIn("carol", PASSWORD, "old")), e.LoggedIn)
        self.assertEqual(self.members(), ["alice", "bob"])

    def test_does_not_count(self) -> None:
        """It is entered by those, too, who are in as many conversations as allowed."""
        self.world.core.limits = self.world.limits = replace(self.world.limits, max_conversations=1)
        carol = logged_in(self.world, "carol")
        group(carol)
        self.guest("carol", "old")
        self.assertIn("carol", self.members())

    def test_left_while_entering(self) -> None:
        """Who is gone before the login is through is not there afterwards."""
        turnstile = Turnstile()
        for steps in range(1, 30):
            self.setUp()
            self.world.core.store = Hesitant(self.world.store, turnstile)
            guest = Client(self.world, WITH_LOBBY)
            result(self.world.store.create_account("carol", "", f"hash of {PASSWORD}", 1))
            turnstile.closed = True
            guest.start(r.LogIn("carol", PASSWORD, ""))
            for _ in range(steps):
                turnstile.let_one_pass()
            if guest.answers:
                return
            guest.leave()
            turnstile.open()
            self.world.settle()
            self.assertEqual(self.world.core.session_count(), 2)
        self.fail("the login never ends")
