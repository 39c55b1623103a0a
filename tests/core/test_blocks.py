"""Blocking: nothing comes through, and who is blocked cannot tell."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.roster import Rosters
from imserver.core.values import AccountPresence, Extra, Kind, Message, Presence, State
from tests.core.client import (
    Client,
    Hesitant,
    Turnstile,
    account,
    befriend,
    group,
    logged_in,
    result,
    text,
    text_to,
)
from tests.fakes import World

ALICE, BOB, CAROL = 100_001, 100_002, 100_003
OFFLINE, ONLINE = Presence(State.OFFLINE, ""), Presence(State.ONLINE, "")


class BlockTests(SynchronousTestCase):
    """Alice blocks Bob; Carol is what Bob would be if she had not."""

    def setUp(self) -> None:
        self.world = World()
        self.alice, self.bob, self.carol = (logged_in(self.world, name) for name in ("alice", "bob", "carol"))
        self.world.pass_seconds(6)

    def direct(self, client: Client, other: int) -> int:
        return int(client.ask(r.OpenDirect(other)).membership.conversation.id)

    def block(self) -> None:
        self.assertEqual(self.alice.ask(r.Block(BOB)), e.Done())

    def settle(self) -> None:
        """What is told once a second has been told."""
        self.world.pass_seconds(8)

    # -- what comes through

    def test_requests(self) -> None:
        """A blocked asker gets the answers of every other one, and nobody hears of him."""
        self.block()
        for asker in (self.bob, self.carol):
            for _ in range(2):
                self.assertEqual(asker.ask(r.RequestContact(ALICE, "hello")), e.Done())
        told = self.alice.of(e.ContactRequested)
        self.assertEqual([event.request.account.name for event in told], ["carol"])
        waiting = self.alice.ask(r.ListContactRequests(0, 0)).requests
        self.assertEqual([request.account.name for request in waiting], ["carol"])

    def test_same_work(self) -> None:
        """The store is asked the same for a blocked asker as for any other, so that time does not tell either."""
        self.block()
        work = []
        for asker in (self.bob, self.carol):
            self.world.core.store = hesitant = Hesitant(self.world.store, Turnstile())
            asker.ask(r.RequestContact(ALICE, "hello"))
            work.append(hesitant.done)
        self.assertEqual(work[0], work[1])
        self.assertIn("request_contact", work[0])

    def test_same_answers(self) -> None:
        """Look-ups, searches, opening conversations: all of it as for anybody else."""
        self.block()
        direct = {client: self.direct(client, ALICE) for client in (self.bob, self.carol)}
        for make in (
            lambda client: r.LookUp("alice", 0),
            lambda client: r.LookUp("", ALICE),
            lambda client: r.Search("ali", 0, 0),
            lambda client: r.RequestContact(ALICE, ""),
            lambda client: r.RemoveContact(ALICE),
            lambda client: r.AnswerContact(ALICE, True),
            lambda client: r.Block(ALICE),
            lambda client: r.Unblock(ALICE),
            lambda client: r.ListBlocked(0, 0),
            lambda client: r.ListContacts(0, 0),
            lambda client: r.SetTyping(direct[client], True),
            lambda client: r.MarkRead(direct[client], 1),
        ):
            answers = [client.ask(make(client)) for client in (self.bob, self.carol)]
            self.assertEqual(answers[0], answers[1])
        for client in (self.bob, self.carol):
            sent = client.ask(text(direct[client], "hello", b"%d" % client.session.number))
            self.assertEqual((type(sent), sent.seq), (e.Sent, 1))

    def test_typing(self) -> None:
        """Nobody sees the other typing, from the block on and until it ends."""
        direct = self.direct(self.bob, ALICE)
        self.block()
        for client, other in ((self.alice, self.bob), (self.bob, self.alice)):
            client.ask(r.SetTyping(direct, True))
            self.assertEqual(other.of(e.TypingChanged), [])
        self.alice.ask(r.Unblock(BOB))
        self.bob.ask(r.SetTyping(direct, True))
        self.assertEqual(self.alice.of(e.TypingChanged), [e.TypingChanged(direct, BOB, True)])

    def test_blocked_while_it_is_loaded(self) -> None:
        """A conversation that is being loaded while the block is stored has it afterwards."""
        direct = self.direct(self.bob, ALICE)
        turnstile = Turnstile()
        self.world.core.rosters = Rosters(Hesitant(self.world.store, turnstile))
        turnstile.closed = True
        self.bob.start(r.SetTyping(direct, False))
        turnstile.let_one_pass()  # it has been read, and is not yet there
        self.alice.start(r.Block(BOB))
        turnstile.open()
        self.assertEqual(result(self.world.core.rosters.load(direct)).blocked, {BOB})

    def test_typing_after_a_while(self) -> None:
        """Also where the conversation has to be loaded first."""
        direct = self.direct(self.bob, ALICE)
        self.block()
        self.world.core.rosters = Rosters(self.world.store)
        self.bob.ask(r.SetTyping(direct, True))
        self.assertEqual(self.alice.of(e.TypingChanged), [])

    def test_receipts(self) -> None:
        """Neither learns how far the other has got; each still learns it of the own devices."""
        direct = self.direct(self.bob, ALICE)
        self.bob.ask(text(direct, "before"))
        self.alice.ask(text(direct, "mine"))
        self.settle()
        self.block()
        tablet = logged_in(self.world, "alice", "tablet")
        for client in (self.alice, self.bob, tablet):
            client.events.clear()
        for client in (self.alice, self.bob):
            client.ask(r.MarkDelivered(direct, 2))
            client.ask(r.MarkRead(direct, 2))
        self.settle()
        for client, own in ((self.alice, ALICE), (self.bob, BOB), (tablet, ALICE)):
            told = client.of(e.DeliveredUpTo) + client.of(e.ReadUpTo)
            self.assertEqual(told, [e.DeliveredUpTo(direct, own, 2), e.ReadUpTo(direct, own, 2)])

    def test_messages(self) -> None:
        """What is said while the block lasts is stored for its sender, and stays withheld; what follows comes."""
        direct = self.direct(self.bob, ALICE)
        self.bob.ask(text(direct, "before"))
        self.block()
        self.assertEqual(self.bob.ask(text(direct, "meanwhile")).seq, 2)
        self.alice.ask(text(direct, "mine"))
        self.alice.ask(r.Unblock(BOB))
        self.bob.ask(text(direct, "after"))
        said = {
            client: [one.body for one in self.history(client, direct)] for client in (self.alice, self.bob)
        }
        self.assertEqual(said[self.bob], [b"before", b"meanwhile", b"mine", b"after"])
        self.assertEqual(said[self.alice], [b"before", b"", b"mine", b"after"])
        self.assertEqual(self.alice.texts, ["before", "", "after"])
        self.assertEqual(self.bob.texts, ["mine"])

    def test_first_message(self) -> None:
        """A conversation that begins with what is withheld is not announced to whom it is withheld from."""
        self.block()
        for client in (self.bob, self.carol):
            client.ask(text_to("alice", "hello", b"%d" % client.session.number))
            self.assertEqual(len(client.of(e.ConversationOpened)), 1)
        opened = [event.membership.conversation.peers for event in self.alice.of(e.ConversationOpened)]
        self.assertEqual([[peer.name for peer in peers] for peers in opened], [["alice", "carol"]])

    def history(self, client: Client, conversation: int) -> list[Message]:
        found: list[Message] = client.ask(r.FetchHistory(conversation, 0, 0, 0)).messages
        return found

    def test_message_counts(self) -> None:
        """The sender of what is withheld is not told that it has arrived."""
        direct = self.direct(self.bob, ALICE)
        self.block()
        self.bob.ask(text(direct, "hello"))
        for request in (r.MarkDelivered(direct, 1), r.MarkRead(direct, 1)):
            self.alice.ask(request)
        self.assertEqual(self.bob.ask(r.CountReceipts(direct, 1)), e.ReceiptCounts(direct, 1, 0, 0))

    def test_groups(self) -> None:
        """What is said in a group is said to everybody."""
        club = group(self.carol, ALICE, BOB)
        self.block()
        self.bob.ask(text(club, "hello"))
        self.bob.ask(r.SetTyping(club, True))
        self.assertEqual(self.alice.texts[-1:], ["hello"])
        self.assertEqual(len(self.alice.of(e.TypingChanged)), 1)

    def test_added_to_groups(self) -> None:
        """Who is blocked adds somebody to no group, old or new, and has the answers of anybody else."""
        self.block()
        for client in (self.bob, self.carol):
            created = client.ask(r.CreateGroup("new", [ALICE])).membership
            self.assertEqual((created.last_seq, created.joined_seq), (1, 0))
            old = group(client)
            self.assertEqual(client.ask(r.AddMembers(old, [ALICE])), e.GroupChanged(old, 2))
            client.ask(text(created.conversation.id, f"{client.session.number}"))
        self.assertEqual(len(self.alice.of(e.ConversationOpened)), 2)
        self.assertEqual(len(self.alice.ask(r.ListConversations(0, 0)).memberships), 2)
        self.assertEqual(self.alice.texts[-1], f"{CAROL}")
        self.assertNotIn(f"{BOB}", self.alice.texts)

    def test_withheld_from_now_on(self) -> None:
        """The conversation in memory knows at once whose messages are withheld, in both directions, and until when."""
        roster = result(self.world.core.rosters.load(self.direct(self.bob, ALICE)))
        self.assertEqual(roster.blocked, frozenset())
        self.block()
        self.assertEqual(roster.blocked, {BOB})
        self.bob.ask(r.Block(ALICE))
        self.assertEqual(roster.blocked, {ALICE, BOB})
        self.alice.ask(r.Unblock(BOB))
        self.assertEqual(roster.blocked, {ALICE})

    # -- contacts

    def befriend(self) -> None:
        for number in (BOB, CAROL):
            befriend(self.world, number, ALICE)
        for client in (self.alice, self.bob, self.carol):
            client.events.clear()

    def presences(self, client: Client) -> dict[int, Presence]:
        contacts = client.ask(r.ListContacts(0, 0)).contacts
        return {contact.account.number: contact.presence for contact in contacts}

    def told(self, client: Client) -> list[AccountPresence]:
        return [change for event in client.of(e.PresenceChanged) for change in event.changes]

    def test_contacts_see_each_other_offline(self) -> None:
        """At once and from then on; all others are told as before."""
        self.befriend()
        self.block()
        self.settle()
        self.assertEqual(self.told(self.bob), [AccountPresence(ALICE, OFFLINE)])
        self.assertEqual(self.told(self.alice), [AccountPresence(BOB, OFFLINE)])
        self.assertEqual(self.presences(self.bob), {ALICE: OFFLINE})
        self.assertEqual(self.presences(self.alice), {BOB: OFFLINE, CAROL: ONLINE})
        for client in (self.alice, self.bob):
            client.ask(r.SetPresence(State.AWAY, "lunch"))
        self.settle()
        self.assertEqual((len(self.told(self.alice)), len(self.told(self.bob))), (1, 1))
        self.assertEqual(self.told(self.carol), [AccountPresence(ALICE, Presence(State.AWAY, "lunch"))])

    def test_profiles(self) -> None:
        """What somebody who looks offline shows of himself is seen by who looks, and told to nobody."""
        self.befriend()
        self.block()
        self.settle()
        for client in (self.alice, self.bob):
            client.ask(r.UpdateProfile("Somebody", ""))
        self.settle()
        own = [event.account.number for event in self.bob.of(e.ProfileChanged)]
        self.assertEqual((own, len(self.carol.of(e.ProfileChanged))), ([BOB], 1))
        self.assertEqual([event.account.number for event in self.alice.of(e.ProfileChanged)], [ALICE])
        self.assertEqual(self.bob.ask(r.LookUp("alice", 0)).account.display_name, "Somebody")

    def test_burning(self) -> None:
        """What is withheld burns as if it were not read, because that would tell that it was."""
        direct = self.direct(self.bob, ALICE)
        self.block()
        self.bob.ask(r.Send(direct, b"id", Kind.TEXT, "", b"secret", Extra(burn_seconds=5)))
        self.alice.ask(r.MarkRead(direct, 1))
        self.settle()
        self.assertEqual(self.bob.of(e.MessageBurnt), [])
        self.assertEqual([one.body for one in self.history(self.bob, direct)], [b"secret"])
        self.world.clock.advance(self.world.limits.burn_unread_seconds)
        self.settle()
        self.assertEqual(self.bob.of(e.MessageBurnt), [e.MessageBurnt(direct, 1)])

    def test_unblocked_contacts(self) -> None:
        """They see each other as they are now; nothing was told meanwhile that could say so."""
        self.befriend()
        self.block()
        self.settle()
        self.alice.ask(r.SetPresence(State.BUSY, ""))
        self.settle()
        self.bob.events.clear()
        self.alice.ask(r.Unblock(BOB))
        self.settle()
        self.assertEqual(self.told(self.bob), [AccountPresence(ALICE, Presence(State.BUSY, ""))])
        self.assertEqual(self.presences(self.bob), {ALICE: Presence(State.BUSY, "")})

    def test_blocked_both_ways(self) -> None:
        """One of two blocks that ends is not enough."""
        self.befriend()
        self.block()
        self.bob.ask(r.Block(ALICE))
        self.alice.ask(r.Unblock(BOB))
        self.settle()
        self.assertEqual((self.presences(self.bob)), {ALICE: OFFLINE})
        self.assertNotIn(AccountPresence(ALICE, ONLINE), self.told(self.bob))

    def test_offline_stays_offline(self) -> None:
        """A contact that is offline anyway does not change by being blocked or unblocked."""
        self.befriend()
        self.alice.ask(r.SetPresence(State.INVISIBLE, ""))
        self.settle()
        self.bob.events.clear()
        self.block()
        self.settle()
        self.alice.ask(r.Unblock(BOB))
        self.settle()
        self.assertEqual(self.bob.events, [])

    def test_blocked_contact_comes_back(self) -> None:
        """Coming and going of either is not told to the other."""
        self.befriend()
        self.block()
        self.settle()
        self.bob.events.clear()
        self.alice.leave()
        self.settle()
        self.alice = logged_in(self.world, "alice", "tablet")
        self.settle()
        self.assertEqual(self.bob.events, [])

    # -- the list

    def test_list(self) -> None:
        """Whom one has blocked, in pages; it is nobody else's business."""
        for name in ("dave", "erin"):
            self.alice.ask(r.Block(account(self.world, name)))
        self.block()
        first = self.alice.ask(r.ListBlocked(0, 2))
        second = self.alice.ask(r.ListBlocked(first.next, 2))
        self.assertEqual([one.name for one in (*first.accounts, *second.accounts)], ["bob", "dave", "erin"])
        self.assertEqual(second.next, 0)
        self.assertEqual(self.bob.ask(r.ListBlocked(0, 0)), e.AccountList([], 0))

    def test_refusals(self) -> None:
        """Oneself, nobody and the server cannot be blocked; who is blocked cannot be asked; unblocking is always done."""
        self.assertEqual(self.alice.code(r.Block(ALICE)), "FORBIDDEN")
        self.assertEqual(self.alice.code(r.Block(7)), "NOT_FOUND")
        server = result(self.world.core.administration.server_account())
        self.assertEqual(self.alice.code(r.Block(server.number)), "FORBIDDEN")
        self.assertEqual(self.alice.ask(r.Unblock(7)), e.Done())
        self.block()
        self.assertEqual(self.alice.code(r.RequestContact(BOB, "")), "FORBIDDEN")
