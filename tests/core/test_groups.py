"""Groups as their members and strangers see them: numbers, ways in, roles, moderation, the end."""

import json
from dataclasses import replace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.changes import OPERATOR, Action, GroupChange
from imserver.core.values import JoinPolicy, Once, Role
from tests.core.client import PASSWORD, Client, Hesitant, Turnstile, group, logged_in, result, text, text_to
from tests.fakes import LIMITS, World

ALICE, BOB, CAROL, DAVE = 100_001, 100_002, 100_003, 100_004


class GroupsCase(SynchronousTestCase):
    """alice owns the first group; bob is its admin, carol a member, dave a stranger."""

    limits = replace(LIMITS, refusals_before_close=10_000)

    def setUp(self) -> None:
        self.world = World(self.limits)
        names = ("alice", "bob", "carol", "dave")
        self.alice, self.bob, self.carol, self.dave = (logged_in(self.world, name) for name in names)
        self.club = group(self.alice, BOB, CAROL, title="Club")
        self.done(self.alice, r.SetRole(self.club, BOB, Role.ADMIN))
        for client in self.clients:
            client.events.clear()

    @property
    def clients(self) -> tuple[Client, ...]:
        return self.alice, self.bob, self.carol, self.dave

    def use(self, **limits: object) -> None:
        self.world.core.limits = self.world.limits = replace(self.world.limits, **limits)

    def done(self, client: Client, request: r.Request) -> Any:
        """Ask for what is not refused; -> the answer."""
        answer = client.ask(request)
        self.assertNotIsInstance(answer, e.Refused)
        return answer

    def set_policy(self, policy: JoinPolicy) -> None:
        self.done(self.alice, r.SetJoinPolicy(self.club, policy))

    def actions(self, client: Client) -> list[str]:
        """Of the notices that came."""
        return [json.loads(words)["action"] for words in client.texts if words.startswith("{")]

    def seqs(self, client: Client) -> list[int]:
        return [event.message.seq for event in client.of(e.MessageArrived)]


class NameTests(GroupsCase):
    """SendTo *N"""

    def test_members(self) -> None:
        """What a member sends to *N is said in the group of that number, also the second time."""
        for n in range(2):
            sent = self.done(self.bob, text_to("*2", f"{n}"))
            self.assertEqual(sent.conversation, self.club)
        self.assertEqual(self.carol.texts, ["0", "1"])

    def test_everybody_else(self) -> None:
        """A group of others, one there is not and what is no number get one answer."""
        for name in ("*2", "*3", "*", "*x", "*-2", "*2 ", "*\u00b2", "*" + "2" * 5000, f"*{2**63}"):
            answer = self.dave.ask(text_to(name, "hello", b"x"))
            self.assertEqual((answer.code, answer.text), ("NOT_FOUND", "you are in no group of that number"))
        self.assertEqual(self.carol.texts, [])

    def test_gone(self) -> None:
        """Who has left may ask again for the answer to an earlier send, and says nothing more."""
        sent = self.done(self.carol, text_to("*2", "hello"))
        self.done(self.carol, r.LeaveGroup(self.club))
        self.assertEqual(self.done(self.carol, text_to("*2", "hello")), sent)
        self.assertEqual(self.carol.code(text_to("*2", "still here")), "NOT_MEMBER")


class FindTests(GroupsCase):
    def test_members_find_it(self) -> None:
        """By its number, with the number of its members, and what is announced to them."""
        self.done(self.bob, r.SetAnnouncement(self.club, "Tuesday"))
        found = self.done(self.carol, r.FindGroup(2))
        self.assertEqual((found.conversation.id, found.conversation.number, found.members), (self.club, 2, 3))
        self.assertEqual((found.conversation.title, found.conversation.announcement), ("Club", "Tuesday"))

    def test_strangers_find_a_way_in(self) -> None:
        """A stranger finds what he could join, and not what is announced to the members."""
        self.done(self.bob, r.SetAnnouncement(self.club, "Tuesday"))
        for policy in (JoinPolicy.OPEN, JoinPolicy.BY_REQUEST):
            self.set_policy(policy)
            found = self.done(self.dave, r.FindGroup(2))
            self.assertEqual((found.conversation.title, found.conversation.announcement), ("Club", ""))
            self.assertEqual((found.conversation.join_policy, found.members), (policy, 3))

    def test_strangers_cannot_tell(self) -> None:
        """A group by invitation, a dissolved one and none are the same to a stranger, in the same words."""
        dissolved = group(self.alice)
        for request in (r.SetJoinPolicy(dissolved, JoinPolicy.OPEN), r.DissolveGroup(dissolved)):
            self.done(self.alice, request)
        words = {
            (answer.code, answer.text)
            for number in (2, 3, 4, 0, 2**62)
            for answer in (self.dave.ask(r.FindGroup(number)), self.dave.ask(r.JoinGroup(number, "")))
        }
        self.assertEqual(words, {("NOT_FOUND", "there is no group of that number that you could join")})


class JoinTests(GroupsCase):
    def test_open(self) -> None:
        """Whoever joins is told the group, gets what follows, and may write."""
        self.done(self.alice, text(self.club, "before"))
        self.set_policy(JoinPolicy.OPEN)
        opened = self.done(self.dave, r.JoinGroup(2, ""))
        self.assertEqual(
            (opened.membership.conversation.id, opened.membership.role), (self.club, Role.MEMBER)
        )
        self.done(self.alice, text(self.club, "welcome"))
        self.assertEqual(self.dave.texts[1:], ["welcome"])
        self.assertEqual(self.actions(self.dave), ["joined"])
        self.assertEqual([type(event) for event in self.dave.events][:1], [e.ConversationOpened])
        self.done(self.dave, text(self.club, "thanks"))

    def test_joined_already(self) -> None:
        """A member who joins is answered with the membership."""
        self.assertEqual(self.done(self.carol, r.JoinGroup(2, "")).membership.conversation.id, self.club)

    def test_by_request(self) -> None:
        """The admins who are there are told who asks and why; who is let in is told the group."""
        self.set_policy(JoinPolicy.BY_REQUEST)
        for client in self.clients:
            client.events.clear()
        self.assertEqual(self.dave.ask(r.JoinGroup(2, " please ")), e.Done())
        for client, told in ((self.alice, 1), (self.bob, 1), (self.carol, 0), (self.dave, 0)):
            self.assertEqual(len(client.of(e.JoinRequested)), told)
        (event,) = self.bob.of(e.JoinRequested)
        self.assertEqual((event.request.account.name, event.request.text), ("dave", "please"))
        listed = self.done(self.bob, r.ListJoinRequests(self.club, 0, 0))
        self.assertEqual((listed.requests, listed.next), ([event.request], 0))
        self.done(self.bob, r.AnswerJoin(self.club, DAVE, True))
        self.assertEqual(len(self.dave.of(e.ConversationOpened)), 1)
        self.assertEqual(self.actions(self.dave), ["admitted"])
        self.assertEqual(self.done(self.bob, r.ListJoinRequests(self.club, 0, 0)).requests, [])

    def test_rejected(self) -> None:
        """Who is not let in is not told, and nobody else is either."""
        self.set_policy(JoinPolicy.BY_REQUEST)
        self.done(self.dave, r.JoinGroup(2, ""))
        for client in self.clients:
            client.events.clear()
        self.done(self.bob, r.AnswerJoin(self.club, DAVE, False))
        self.assertEqual([client.events for client in self.clients], [[]] * 4)
        self.assertEqual(self.bob.code(r.AnswerJoin(self.club, DAVE, True)), "NOT_FOUND")

    def test_pages_of_requests(self) -> None:
        """Requests come in pages by number."""
        self.set_policy(JoinPolicy.BY_REQUEST)
        eve = logged_in(self.world, "eve")
        for client in (self.dave, eve):
            self.done(client, r.JoinGroup(2, ""))
        page = self.done(self.alice, r.ListJoinRequests(self.club, 0, 1))
        self.assertEqual(([one.account.name for one in page.requests], page.next), (["dave"], DAVE))
        page = self.done(self.alice, r.ListJoinRequests(self.club, DAVE, 1))
        self.assertEqual([one.account.name for one in page.requests], ["eve"])

    def test_requests_are_for_admins(self) -> None:
        """Members do not see who asks."""
        self.assertEqual(self.carol.code(r.ListJoinRequests(self.club, 0, 0)), "FORBIDDEN")
        self.assertEqual(self.dave.code(r.ListJoinRequests(self.club, 0, 0)), "NOT_FOUND")

    def test_rate(self) -> None:
        """Joining is counted with adding."""
        codes = [self.dave.code(r.JoinGroup(2, "")) for _ in range(12)]
        self.assertEqual(codes, ["NOT_FOUND"] * 10 + ["RATE_LIMITED"] * 2)

    def test_retried(self) -> None:
        """The same request is answered as before, whatever has happened since."""
        self.set_policy(JoinPolicy.BY_REQUEST)
        request = r.JoinGroup(2, "", Once(5, 1))
        self.assertEqual([self.dave.ask(request) for _ in range(2)], [e.Done()] * 2)
        self.done(self.bob, r.AnswerJoin(self.club, DAVE, True))
        self.assertIsInstance(self.dave.ask(request), e.ConversationOpened)
        self.assertEqual(self.done(self.bob, r.ListJoinRequests(self.club, 0, 0)).requests, [])

    def test_bad_text(self) -> None:
        """What is said for it is one line of a certain length."""
        for words in ("x" * 257, "a\nb"):
            self.assertEqual(self.dave.code(r.JoinGroup(2, words)), "BAD_REQUEST")


class ModerationTests(GroupsCase):
    def test_updated(self) -> None:
        """Another title, announcement or way in is told to the members who are there, after the notice."""
        for request in (
            r.RenameGroup(self.club, "Pub"),
            r.SetAnnouncement(self.club, "Tuesday"),
            r.SetJoinPolicy(self.club, JoinPolicy.OPEN),
        ):
            self.done(self.bob, request)
        updated = [event.conversation for event in self.carol.of(e.GroupUpdated)]
        self.assertEqual([one.title for one in updated], ["Pub"] * 3)
        self.assertEqual([one.announcement for one in updated], ["", "Tuesday", "Tuesday"])
        self.assertEqual([one.join_policy for one in updated], [3, 3, 1])
        self.assertEqual(self.actions(self.carol), ["renamed", "announced", "policy_changed"])
        self.assertEqual([type(event) for event in self.carol.events[:2]], [e.MessageArrived, e.GroupUpdated])
        self.assertEqual(self.dave.events, [])

    def test_updated_from_disk(self) -> None:
        """Whether the group was in memory makes no difference."""
        self.world.core.rosters._recent.clear()
        self.world.core.rosters._alive.clear()
        self.done(self.bob, r.RenameGroup(self.club, "Pub"))
        self.assertEqual([event.conversation.title for event in self.carol.of(e.GroupUpdated)], ["Pub"])

    def test_told_in_slices(self) -> None:
        """However many there are in a turn, each is told once."""
        self.use(fanout_per_turn=1)
        self.done(self.bob, r.RenameGroup(self.club, "Pub"))
        self.done(self.alice, r.DissolveGroup(self.club))
        for client in self.clients[:3]:
            self.assertEqual([event.conversation.title for event in client.of(e.GroupUpdated)], ["Pub"])
            self.assertEqual(client.of(e.ConversationLeft), [e.ConversationLeft(self.club)])

    def test_nothing_new(self) -> None:
        """What changes nothing is told to nobody."""
        self.done(self.bob, r.RenameGroup(self.club, "Club"))
        self.done(self.bob, r.Mute(self.club, CAROL, 0))
        self.assertEqual(self.carol.events, [])

    def test_bad_values(self) -> None:
        """Roles, policies, times and texts that there are not."""
        refused = {
            "BAD_REQUEST": [
                r.SetRole(self.club, CAROL, 0),
                r.SetRole(self.club, CAROL, 4),
                r.SetJoinPolicy(self.club, 0),
                r.SetJoinPolicy(self.club, 4),
                r.Mute(self.club, CAROL, 31_536_001),
                r.Mute(self.club, CAROL, -1),
                r.SetAnnouncement(self.club, "x" * 513),
                r.SetAnnouncement(self.club, "a\nb"),
            ],
            "FORBIDDEN": [r.SetRole(self.club, CAROL, Role.OWNER)],
        }
        for code, requests in refused.items():
            self.assertEqual([self.alice.code(request) for request in requests], [code] * len(requests))
        self.assertEqual(self.carol.events, [])

    def test_muted(self) -> None:
        """Who is muted is told so until the time is over; others write."""
        self.done(self.bob, r.Mute(self.club, CAROL, 60))
        answer = self.carol.ask(text(self.club, "but"))
        self.assertEqual(
            (answer.code, answer.text), ("FORBIDDEN", "you are muted until 2026-09-21 14:15 UTC")
        )
        self.done(self.alice, text(self.club, "so"))
        self.world.pass_seconds(61)
        self.done(self.carol, text(self.club, "finally"))
        self.assertEqual(self.world.core.rosters.get(self.club).muted, {})

    def test_muted_and_asking_again(self) -> None:
        """Who was muted after a send is answered by its seq all the same (delivery.md P2)."""
        sent = self.done(self.carol, text(self.club, "before"))
        self.done(self.bob, r.Mute(self.club, CAROL, 60))
        self.assertEqual(self.done(self.carol, text(self.club, "before")), sent)
        self.assertEqual(self.carol.code(text(self.club, "after")), "FORBIDDEN")

    def test_muted_while_writing(self) -> None:
        """Messages that come in a row are refused together, and use up nobody's rate."""
        self.done(self.bob, r.Mute(self.club, CAROL, 60))
        tags = [self.carol.start(text(self.club, "x", b"stem" + n.to_bytes(8))) for n in range(40)]
        self.world.settle()
        self.assertEqual({self.carol.answers[tag].code for tag in tags}, {"FORBIDDEN"})
        self.done(self.bob, r.RemoveMember(self.club, CAROL))
        tags = [self.carol.start(text(self.club, "x", b"stem" + n.to_bytes(8))) for n in range(10)]
        self.world.settle()
        self.assertEqual({self.carol.answers[tag].code for tag in tags}, {"NOT_MEMBER"})
        bucket, burst = (
            self.world.core.rosters.get(self.club).bucket,
            self.world.core.limits.conversation_messages_burst,
        )
        self.assertEqual(bucket.take(self.world.clock.seconds(), burst, 1.0, burst), 0.0)

    def test_muted_in_one_group(self) -> None:
        """In other conversations the muted one writes."""
        self.done(self.bob, r.Mute(self.club, CAROL, 60))
        self.done(self.carol, text_to("alice", "why?"))

    def test_muted_before_the_start(self) -> None:
        """A roster that is loaded from the store knows who is muted."""
        self.done(self.bob, r.Mute(self.club, CAROL, 60))
        self.world.core.rosters._recent.clear()
        self.world.core.rosters._alive.clear()
        self.assertEqual(self.carol.code(text(self.club, "but")), "FORBIDDEN")

    def test_all_muted(self) -> None:
        """When everybody is muted, the admins and the owner write, also a new admin."""
        self.done(self.bob, r.Mute(self.club, 0, 60))
        self.assertEqual(
            [client.code(text(self.club, "x")) for client in self.clients[:3]], ["", "", "FORBIDDEN"]
        )
        self.done(self.alice, r.SetRole(self.club, CAROL, Role.ADMIN))
        self.done(self.carol, text(self.club, "now"))
        self.done(self.alice, r.SetRole(self.club, BOB, Role.MEMBER))
        self.assertEqual(self.bob.code(text(self.club, "not")), "FORBIDDEN")
        self.done(self.alice, r.Mute(self.club, 0, 0))
        self.done(self.bob, text(self.club, "again"))

    def test_muted_both_ways(self) -> None:
        """The end of one mute is not the end of the other."""
        self.done(self.bob, r.Mute(self.club, CAROL, 30))
        self.done(self.bob, r.Mute(self.club, 0, 60))
        self.world.pass_seconds(31)
        self.assertEqual(self.carol.code(text(self.club, "x")), "FORBIDDEN")
        self.world.pass_seconds(30)
        self.done(self.carol, text(self.club, "x"))

    def test_removed(self) -> None:
        """Who is removed is told by the notice and then that it is over; nothing later comes."""
        self.done(self.bob, r.RemoveMember(self.club, CAROL))
        self.done(self.alice, text(self.club, "among us"))
        self.assertEqual([type(event) for event in self.carol.events], [e.MessageArrived, e.ConversationLeft])
        self.assertEqual(self.actions(self.carol), ["removed"])
        self.assertEqual(self.carol.code(text(self.club, "hello?")), "NOT_MEMBER")

    def test_handed_over(self) -> None:
        """The new owner may at once what the old one no longer may."""
        self.done(self.alice, r.HandOver(self.club, CAROL))
        self.assertEqual(self.alice.code(r.DissolveGroup(self.club)), "FORBIDDEN")
        self.done(self.carol, r.DissolveGroup(self.club))

    def test_heir(self) -> None:
        """When the owner leaves, or ends the account, the group has another one at once."""
        self.done(self.alice, r.LeaveGroup(self.club))
        self.done(self.bob, r.SetRole(self.club, CAROL, Role.ADMIN))
        self.assertEqual(self.bob.ask(r.DeleteAccount(PASSWORD)), e.Done())
        self.done(self.carol, r.DissolveGroup(self.club))
        self.assertEqual(json.loads(self.carol.texts[-2])["owner"], "carol")

    def test_dissolved(self) -> None:
        """All are told, keep what was said until then, and can do nothing more."""
        self.done(self.alice, text(self.club, "farewell"))
        seq = self.done(self.alice, r.DissolveGroup(self.club)).seq
        for client in self.clients[:3]:
            self.assertEqual(client.of(e.ConversationLeft), [e.ConversationLeft(self.club)])
            self.assertEqual(self.actions(client)[-1], "dissolved")
            page = self.done(client, r.FetchHistory(self.club, 0, 0, 0))
            self.assertEqual(page.messages[-1].seq, seq)
            self.assertEqual(client.code(text(self.club, "hello?")), "NOT_MEMBER")
        self.assertEqual(self.world.core.rosters.get(self.club).members, {})

    def test_operator(self) -> None:
        """The operator changes a group through the core, and everybody sees it."""
        change = GroupChange(Action.DISSOLVED, OPERATOR, self.club, "", (), None)
        self.assertEqual(len(result(self.world.core.groups.carry_out(change)).went), 3)
        self.assertEqual(json.loads(self.carol.texts[-1])["actor"], "operator")
        self.assertEqual(self.carol.events[-1], e.ConversationLeft(self.club))


class EndedTests(GroupsCase):
    def test_direct_with_a_deleted_account(self) -> None:
        """What was said stays readable, on all sides of memory; nothing more is taken."""
        conversation = self.done(self.alice, text_to("dave", "hello")).conversation
        self.assertEqual(self.dave.ask(r.DeleteAccount(PASSWORD)), e.Done())
        for _ in range(2):
            for request in (text(conversation, "are you there?"), text_to("dave", "or there?")):
                self.assertEqual(self.alice.code(request), "NOT_FOUND")
            self.assertEqual(self.done(self.alice, text_to("dave", "hello")).seq, 1)
            page = self.done(self.alice, r.FetchHistory(conversation, 0, 0, 0))
            self.assertEqual([message.body for message in page.messages], [b"hello"])
            self.world.core.rosters._recent.clear()
            self.world.core.rosters._alive.clear()

    def test_deleted_while_writing(self) -> None:
        """A send that waits for its conversation to be found meets the end of the other account."""
        conversation = self.done(self.alice, text_to("dave", "hello")).conversation
        self.world.core.rosters._recent.clear()
        self.world.core.rosters._alive.clear()
        turnstile = Turnstile()
        self.world.core.rosters._store = Hesitant(self.world.store, turnstile)
        turnstile.closed = True
        waiting = self.alice.start(text(conversation, "are you there?"))
        self.assertEqual(self.dave.ask(r.DeleteAccount(PASSWORD)), e.Done())
        turnstile.open()
        self.world.settle()
        self.assertEqual(self.alice.answers[waiting].code, "NOT_FOUND")

    def test_limit_of_conversations_at_once(self) -> None:
        """Two requests at the same time do not open one conversation more than allowed."""
        self.use(max_conversations=2)
        turnstile = Turnstile()
        self.world.core.store = Hesitant(self.world.store, turnstile, ["direct"])
        turnstile.closed = True
        tags = [self.alice.start(r.OpenDirect(number)) for number in (BOB, CAROL)]
        turnstile.open()
        self.world.settle()
        codes = [getattr(self.alice.answers[tag], "code", "") for tag in tags]
        self.assertEqual(codes, ["", "LIMIT_REACHED"])
