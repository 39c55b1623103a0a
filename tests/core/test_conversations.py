"""Direct conversations and groups, as their members see them."""

import json
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.values import ConversationKind, Kind, Once
from tests.core.client import account, group, logged_in, text, text_to
from tests.fakes import LIMITS, World

ALICE, BOB, CAROL = 100_001, 100_002, 100_003


class ConversationsCase(SynchronousTestCase):
    limits = replace(LIMITS, refusals_before_close=10_000)

    def setUp(self) -> None:
        self.world = World(self.limits)
        self.alice, self.bob = logged_in(self.world, "alice"), logged_in(self.world, "bob")
        self.carol = logged_in(self.world, "carol")

    def use(self, **limits: object) -> None:
        self.world.core.limits = self.world.limits = replace(self.world.limits, **limits)


class DirectTests(ConversationsCase):
    def test_one_for_two(self) -> None:
        """Two people have one conversation, whoever opens it and however."""
        opened = self.alice.ask(r.OpenDirect(BOB)).membership.conversation
        self.assertEqual(
            (opened.kind, [peer.name for peer in opened.peers]), (ConversationKind.DIRECT, ["alice", "bob"])
        )
        self.assertEqual(self.bob.ask(r.OpenDirect(ALICE)).membership.conversation, opened)
        self.assertEqual(self.bob.ask(text_to("ALICE", "hello")).conversation, opened.id)

    def test_refused(self) -> None:
        """Not with oneself, nor with nobody."""
        self.assertEqual(self.alice.code(r.OpenDirect(ALICE)), "FORBIDDEN")
        self.assertEqual(self.alice.code(r.OpenDirect(5)), "NOT_FOUND")

    def test_twenty_new_ones_an_hour(self) -> None:
        """New conversations of any kind are rare; known ones are open all the time (threats.md T24)."""
        for n in range(25):
            account(self.world, f"name{n}")
        self.alice.ask(text_to("bob", "hello"))
        group(self.alice)
        codes = [self.alice.code(text_to(f"name{n}", f"{n}")) for n in range(25)]
        self.assertEqual((codes.count(""), codes.count("RATE_LIMITED")), (18, 7))
        self.assertEqual(self.alice.code(r.OpenDirect(100_003 + 25)), "RATE_LIMITED")
        self.assertEqual(self.alice.code(r.CreateGroup("group", [])), "RATE_LIMITED")
        self.assertEqual(self.alice.code(r.OpenDirect(BOB)), "")
        self.assertEqual(self.alice.code(text_to("bob", "again")), "")
        self.world.pass_seconds(181)
        self.assertEqual(self.alice.code(text_to("name24", "later")), "")

    def test_too_many(self) -> None:
        """Whoever is in as many conversations as allowed opens no more; those there are stay open (threats.md T24)."""
        self.use(max_conversations=2)
        account(self.world, "dave")
        self.alice.ask(r.OpenDirect(BOB))
        group(self.alice)
        self.assertEqual(self.alice.code(r.OpenDirect(CAROL)), "LIMIT_REACHED")
        self.assertEqual(self.alice.code(text_to("dave", "hello")), "LIMIT_REACHED")
        self.assertEqual(self.alice.code(text_to("bob", "hello")), "")

    def test_long_names_cost_nothing(self) -> None:
        """Names of any length that nobody has are refused, and are not kept (threats.md T27)."""
        self.use(enabled=False)
        for n in range(50):
            self.assertEqual(self.alice.code(text_to(f"{n}" + "x" * 200_000, "hello")), "NOT_FOUND")
        kept = self.world.core.conversations._direct._values
        self.assertLess(sum(len(name) for _, name in kept), 5_000)


class GroupTests(ConversationsCase):
    def notices(self, conversation: int) -> list[dict[str, object]]:
        messages = self.alice.ask(r.FetchHistory(conversation, 0, 0, 0)).messages
        return [json.loads(message.body) for message in messages if message.kind == Kind.NOTICE]

    def test_created(self) -> None:
        """Everybody is told of the group before its first entry, which says who made it and who is in."""
        opened = self.alice.ask(r.CreateGroup(" Lunch ", [BOB, CAROL, BOB]))
        conversation = opened.membership.conversation
        self.assertEqual((conversation.kind, conversation.title), (ConversationKind.GROUP, "Lunch"))
        for client in (self.bob, self.carol):
            self.assertEqual(
                [type(event) for event in client.events], [e.ConversationOpened, e.MessageArrived]
            )
        self.assertEqual(
            self.notices(conversation.id),
            [{"action": "created", "actor": "alice", "accounts": ["bob", "carol"], "title": "Lunch"}],
        )

    def test_every_change_is_in_the_log(self) -> None:
        """Renaming, adding and leaving are entries that everybody gets in order."""
        conversation = group(self.alice, BOB)
        self.assertEqual(
            self.alice.ask(r.RenameGroup(conversation, "Dinner")), e.GroupChanged(conversation, 2)
        )
        self.assertEqual(self.bob.ask(r.AddMembers(conversation, [CAROL])), e.GroupChanged(conversation, 3))
        self.assertEqual(self.carol.ask(r.LeaveGroup(conversation)), e.GroupChanged(conversation, 4))
        found = [
            (one["action"], one["actor"], one["accounts"], one["title"]) for one in self.notices(conversation)
        ]
        self.assertEqual(
            found[1:],
            [
                ("renamed", "alice", [], "Dinner"),
                ("added", "bob", ["carol"], "Dinner"),
                ("left", "carol", ["carol"], "Dinner"),
            ],
        )
        self.assertEqual([event.message.seq for event in self.alice.of(e.MessageArrived)], [1, 2, 3, 4])

    def test_added(self) -> None:
        """Who is added is told the group, and gets what follows, not what was before."""
        conversation = group(self.alice, BOB)
        self.alice.ask(text(conversation, "before"))
        self.alice.ask(r.AddMembers(conversation, [CAROL]))
        self.alice.ask(text(conversation, "after"))
        self.assertEqual(
            [type(event) for event in self.carol.events], [e.ConversationOpened] + [e.MessageArrived] * 2
        )
        self.assertEqual(self.carol.texts[-1], "after")
        membership = self.carol.events[0].membership
        self.assertEqual((membership.joined_seq, membership.delivered_seq), (2, 2))

    def test_added_again(self) -> None:
        """Adding who is in already changes nothing and leaves no entry."""
        conversation = group(self.alice, BOB)
        self.assertEqual(self.alice.ask(r.AddMembers(conversation, [BOB])), e.GroupChanged(conversation, 1))
        self.assertEqual(len(self.notices(conversation)), 1)

    def test_left(self) -> None:
        """All devices of who leaves are told; what follows does not reach them, and they cannot write."""
        conversation = group(self.alice, BOB)
        phone = logged_in(self.world, "bob", "phone")
        self.bob.ask(r.LeaveGroup(conversation))
        self.alice.ask(text(conversation, "among us"))
        for client in (self.bob, phone):
            self.assertEqual(client.of(e.ConversationLeft), [e.ConversationLeft(conversation)])
            self.assertNotIn("among us", client.texts)
        self.assertEqual(self.bob.code(text(conversation, "hello?")), "NOT_MEMBER")
        self.assertEqual(self.bob.code(r.LeaveGroup(conversation)), "NOT_MEMBER")

    def test_returned(self) -> None:
        """Who comes back gets what follows the return, live, and may write."""
        conversation = group(self.alice, BOB)
        self.bob.ask(r.LeaveGroup(conversation))
        self.alice.ask(text(conversation, "without bob"))
        self.alice.ask(r.AddMembers(conversation, [BOB]))
        self.alice.ask(text(conversation, "welcome"))
        self.assertEqual([event.message.seq for event in self.bob.of(e.MessageArrived)], [1, 2, 4, 5])
        self.assertEqual(self.bob.code(text(conversation, "thanks")), "")

    def test_refused(self) -> None:
        """Titles, unknown accounts, too many members: refused as a whole."""
        conversation = group(self.alice)
        for title in ("", "  ", "x" * 65, "a\nb", "\u202e"):
            self.assertEqual(self.alice.code(r.CreateGroup(title, [])), "BAD_REQUEST")
            self.assertEqual(self.alice.code(r.RenameGroup(conversation, title)), "BAD_REQUEST")
        self.assertEqual(self.alice.code(r.AddMembers(conversation, [BOB, 5])), "NOT_FOUND")
        self.use(max_members=2)
        self.assertEqual(self.alice.code(r.AddMembers(conversation, [BOB, CAROL])), "LIMIT_REACHED")
        self.assertEqual(self.alice.code(r.AddMembers(conversation, [5] * 3)), "LIMIT_REACHED")
        self.assertEqual(
            [m.account.name for m in self.alice.ask(r.ListMembers(conversation, 0, 0)).members], ["alice"]
        )

    def test_a_bad_title_costs_nothing(self) -> None:
        """What is refused for its content does not count among the new conversations."""
        for _ in range(30):
            self.alice.ask(r.CreateGroup("", []))
        self.assertEqual(self.alice.code(r.CreateGroup("good", [])), "")

    def test_ten_joins_a_minute(self) -> None:
        """Members are added ten times a minute at most."""
        conversation = group(self.alice)
        codes = [self.alice.code(r.AddMembers(conversation, [BOB])) for _ in range(12)]
        self.assertEqual(codes, [""] * 10 + ["RATE_LIMITED"] * 2)

    def test_too_many_conversations(self) -> None:
        """Nobody is in more groups than allowed, and cannot be put into more."""
        self.use(max_conversations=2)
        group(self.alice, BOB)
        group(self.alice, BOB)
        self.assertEqual(self.carol.code(r.CreateGroup("third", [BOB])), "LIMIT_REACHED")
        self.assertEqual(self.alice.code(r.CreateGroup("third", [])), "LIMIT_REACHED")

    def test_not_ready(self) -> None:
        """While the store takes nothing, or the server is about to stop, groups do not change."""
        conversation = group(self.alice)
        self.world.store.state = "degraded"
        self.assertEqual(self.alice.code(r.RenameGroup(conversation, "x")), "UNAVAILABLE_STORAGE")
        self.world.store.state = "ready"
        self.world.core.begin_drain(0)
        self.assertEqual(self.alice.code(r.LeaveGroup(conversation)), "RETRY_AFTER")


class OnceTests(ConversationsCase):
    """Retries of group requests (delivery.md section 4)."""

    def test_retry(self) -> None:
        """The same request is answered as before, and happens once, on any connection of the device."""
        request = r.CreateGroup("once", [BOB], Once(5, 1))
        first = self.alice.ask(request).membership.conversation.id
        self.alice.leave()
        alice = logged_in(self.world, "alice")
        self.assertEqual(alice.ask(request).membership.conversation.id, first)
        leave = r.LeaveGroup(first, Once(5, 2))
        self.assertEqual([alice.ask(leave) for _ in range(2)], [e.GroupChanged(first, 2)] * 2)
        self.assertEqual(len(self.bob.of(e.ConversationOpened)), 1)
        self.assertEqual(len(self.bob.of(e.MessageArrived)), 2)

    def test_reused(self) -> None:
        """Another request under a used number is refused."""
        conversation = self.alice.ask(r.CreateGroup("once", [], Once(5, 1))).membership.conversation.id
        for request in (
            r.CreateGroup("twice", [], Once(5, 1)),
            r.RenameGroup(conversation, "once", Once(5, 1)),
        ):
            self.assertEqual(self.alice.code(request), "REQUEST_ID_REUSED")

    def test_fenced(self) -> None:
        """An earlier start of the installation is refused once a later one has spoken."""
        self.alice.ask(r.CreateGroup("new", [], Once(6, 1)))
        self.assertEqual(self.alice.code(r.CreateGroup("old", [], Once(5, 9))), "FENCED")

    def test_too_old(self) -> None:
        """A number too far back is never carried out again."""
        self.use(enabled=False)
        conversation = self.alice.ask(r.CreateGroup("0", [], Once(5, 1))).membership.conversation.id
        for n in range(2, 70):
            self.alice.ask(r.RenameGroup(conversation, f"{n}", Once(5, n)))
        self.assertEqual(self.alice.code(r.CreateGroup("0", [], Once(5, 1))), "REQUEST_TOO_OLD")

    def test_devices_are_apart(self) -> None:
        """Each device counts for itself."""
        phone = logged_in(self.world, "alice", "phone")
        one = self.alice.ask(r.CreateGroup("a", [], Once(5, 1))).membership.conversation.id
        self.assertNotEqual(phone.ask(r.CreateGroup("b", [], Once(5, 1))).membership.conversation.id, one)

    def test_counts_from_one(self) -> None:
        """0 is no number of a request."""
        self.assertEqual(self.alice.code(r.CreateGroup("a", [], Once(5, 0))), "BAD_REQUEST")


class ListTests(ConversationsCase):
    def test_conversations(self) -> None:
        """All of one's own, also those left, in pages."""
        self.use(page_items=2, enabled=False)
        conversations = sorted(group(self.alice) for _ in range(5))
        self.alice.ask(r.LeaveGroup(conversations[2]))
        group(self.bob)
        found, after = [], 0
        for _ in range(3):
            page = self.alice.ask(r.ListConversations(after, 0))
            found += [(m.conversation.id, m.left_seq) for m in page.memberships]
            after = page.next
        self.assertEqual(found, [(id, 2 * (n == 2)) for n, id in enumerate(conversations)])
        self.assertEqual(after, 0)

    def test_members(self) -> None:
        """Those who are in, ascending by number, in pages of what was asked for at most."""
        conversation = group(self.alice, CAROL, BOB)
        page = self.alice.ask(r.ListMembers(conversation, 0, 2))
        self.assertEqual(([m.account.name for m in page.members], page.next), (["alice", "bob"], BOB))
        page = self.alice.ask(r.ListMembers(conversation, page.next, 2))
        self.assertEqual(([m.account.name for m in page.members], page.next), (["carol"], 0))
