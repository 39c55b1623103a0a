"""Contacts: who is told what when somebody asks, answers or ends it; what the asker cannot see."""

from dataclasses import replace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.capabilities import Capabilities
from imserver.core.values import Account, Contact, ContactRequest, Presence, State
from tests.core.client import PASSWORD, Client, account, befriend, logged_in
from tests.fakes import LIMITS, World

ALICE, BOB, CAROL = 100_001, 100_002, 100_003
OFFLINE, ONLINE = Presence(State.OFFLINE, ""), Presence(State.ONLINE, "")
DONE = e.Done()


def person(number: int, name: str) -> Account:
    return Account(number, name, name.title(), "")


class ContactTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.alice, self.bob = logged_in(self.world, "alice"), logged_in(self.world, "bob")
        account(self.world, "carol")

    def names(self, client: Client) -> list[str]:
        return [contact.account.name for contact in client.ask(r.ListContacts(0, 0)).contacts]

    def waiting(self, client: Client) -> list[str]:
        return [request.account.name for request in client.ask(r.ListContactRequests(0, 0)).requests]

    # -- asking and answering

    def test_asked(self) -> None:
        """Who is here is told at once, on every device; the asker hears nothing but Done."""
        tablet = logged_in(self.world, "bob", "tablet")
        self.assertEqual(self.alice.ask(r.RequestContact(BOB, " it is me ")), DONE)
        told = ContactRequest(person(ALICE, "alice"), "it is me", self.world.core.wall_ms())
        for device in (self.bob, tablet):
            self.assertEqual(device.events, [e.ContactRequested(told)])
        self.assertEqual(self.bob.ask(r.ListContactRequests(0, 0)), e.ContactRequestList([told], 0))
        self.assertEqual(self.alice.events, [])

    def test_asked_while_away(self) -> None:
        """Who is away finds the request at the next login."""
        self.alice.ask(r.RequestContact(CAROL, "hello"))
        self.assertEqual(self.waiting(logged_in(self.world, "carol")), ["alice"])

    def test_accepted(self) -> None:
        """Both are told, with what they may know of each other; nothing waits any more."""
        self.world.pass_seconds(1)
        self.alice.ask(r.RequestContact(BOB, ""))
        self.bob.events.clear()
        self.assertEqual(self.bob.ask(r.AnswerContact(ALICE, True)), DONE)
        self.assertEqual(self.alice.events, [e.ContactAdded(Contact(person(BOB, "bob"), "", "", ONLINE))])
        self.assertEqual(self.bob.events, [e.ContactAdded(Contact(person(ALICE, "alice"), "", "", ONLINE))])
        self.assertEqual((self.names(self.alice), self.names(self.bob)), (["bob"], ["alice"]))
        self.assertEqual(self.waiting(self.bob), [])

    def test_refused(self) -> None:
        """The asker is not told, and asking again within a day looks the same and reaches nobody."""
        self.alice.ask(r.RequestContact(BOB, ""))
        self.assertEqual(self.bob.ask(r.AnswerContact(ALICE, False)), DONE)
        self.bob.events.clear()
        self.assertEqual(self.alice.ask(r.RequestContact(BOB, "please")), DONE)
        self.assertEqual((self.alice.events, self.bob.events, self.waiting(self.bob)), ([], [], []))
        self.world.clock.advance(86_401)
        self.assertEqual(self.alice.ask(r.RequestContact(BOB, "please")), DONE)
        self.assertEqual(self.waiting(self.bob), ["alice"])

    def test_crossed(self) -> None:
        """Two who ask each other are contacts."""
        self.alice.ask(r.RequestContact(BOB, ""))
        self.bob.ask(r.RequestContact(ALICE, ""))
        self.assertEqual([c.contact.account.name for c in self.alice.of(e.ContactAdded)], ["bob"])
        self.assertEqual([c.contact.account.name for c in self.bob.of(e.ContactAdded)], ["alice"])

    def test_open(self) -> None:
        """An account that is open is a contact at once, without a question."""
        self.assertEqual(self.bob.ask(r.SetPrivacy(True, True)), DONE)
        self.assertEqual(self.alice.ask(r.RequestContact(BOB, "")), DONE)
        self.assertEqual(self.names(self.alice), ["bob"])
        self.assertEqual([type(event) for event in self.bob.events], [e.ContactAdded])

    def test_open_by_wire(self) -> None:
        """Accounts registered over a wire whose users expect it begin open; others do not."""
        for name, is_open in (("dave", True), ("erin", False)):
            newcomer = Client(self.world, Capabilities("test", open_contacts=is_open))
            number = newcomer.ask(r.Register(name, PASSWORD, "")).account.number
            self.alice.ask(r.RequestContact(number, ""))
            self.assertEqual(name in self.names(self.alice), is_open)

    def test_refusals(self) -> None:
        """Oneself, nobody, what was not asked, texts that are none: each its code, and nobody is told."""
        for request, code in (
            (r.RequestContact(ALICE, ""), "FORBIDDEN"),
            (r.RequestContact(7, ""), "NOT_FOUND"),
            (r.RequestContact(0, ""), "NOT_FOUND"),
            (r.RequestContact(2**63 - 1, ""), "NOT_FOUND"),
            (r.RequestContact(BOB, "x" * 257), "BAD_REQUEST"),
            (r.RequestContact(BOB, "a\nb"), "BAD_REQUEST"),
            (r.AnswerContact(BOB, True), "NOT_FOUND"),
            (r.AnswerContact(BOB, False), "NOT_FOUND"),
            (r.SetRemark(BOB, "x", "y"), "NOT_FOUND"),
        ):
            self.assertEqual(self.alice.code(request), code, request)
        self.assertEqual(self.bob.events, [])

    def test_rate(self) -> None:
        """Sixty requests an hour, also those that come to nothing; answers are not counted."""
        codes = [self.alice.code(r.RequestContact(CAROL, "")) for _ in range(61)]
        self.assertEqual(codes, [""] * 60 + ["RATE_LIMITED"])
        self.bob.ask(r.RequestContact(ALICE, ""))
        self.assertEqual(self.alice.ask(r.AnswerContact(BOB, True)), DONE)
        self.world.clock.advance(61)
        self.assertEqual(self.alice.code(r.RequestContact(CAROL, "")), "")

    def test_no_rate(self) -> None:
        """Where rates are lifted this one is, too."""
        self.world.core.set_limits(replace(LIMITS, enabled=False))
        codes = {self.alice.code(r.RequestContact(CAROL, "")) for _ in range(100)}
        self.assertEqual(codes, {""})

    # -- ending it

    def test_removed(self) -> None:
        """Both are told, whoever ends it."""
        befriend(self.world, ALICE, BOB)
        self.assertEqual(self.bob.ask(r.RemoveContact(ALICE)), DONE)
        self.assertEqual(self.alice.events, [e.ContactRemoved(BOB)])
        self.assertEqual(self.bob.events, [e.ContactRemoved(ALICE)])
        self.assertEqual(self.names(self.alice), [])
        self.assertEqual(self.bob.ask(r.RemoveContact(ALICE)), DONE)
        self.assertEqual(len(self.alice.events), 1)

    def test_withdrawn(self) -> None:
        """A request that waits is withdrawn by removing who was asked; nobody is told."""
        self.alice.ask(r.RequestContact(BOB, ""))
        self.alice.ask(r.RemoveContact(BOB))
        self.assertEqual(self.waiting(self.bob), [])
        self.assertEqual(self.alice.events, [])

    def test_account_deleted(self) -> None:
        """Contacts of a deleted account are told, and it is in no list any more."""
        befriend(self.world, ALICE, BOB)
        befriend(self.world, CAROL, BOB)
        self.alice.ask(r.DeleteAccount(PASSWORD))
        self.assertEqual(self.bob.of(e.ContactRemoved), [e.ContactRemoved(ALICE)])
        self.assertEqual(self.names(self.bob), ["carol"])
        self.assertEqual(self.bob.code(r.RequestContact(ALICE, "")), "NOT_FOUND")
        self.world.pass_seconds(10)
        self.assertEqual(self.bob.of(e.PresenceChanged), [])

    # -- the list

    def test_remark(self) -> None:
        """One's own words, in one's own list only."""
        befriend(self.world, ALICE, BOB)
        self.assertEqual(self.alice.ask(r.SetRemark(BOB, " from school ", "friends")), DONE)
        (contact,) = self.alice.ask(r.ListContacts(0, 0)).contacts
        self.assertEqual((contact.remark, contact.category), ("from school", "friends"))
        (contact,) = self.bob.ask(r.ListContacts(0, 0)).contacts
        self.assertEqual((contact.remark, contact.category), ("", ""))
        self.assertEqual(self.bob.events, [])
        for remark, category in (("x" * 65, ""), ("", "x" * 65), ("\u202e", ""), ("", "\0")):
            self.assertEqual(self.alice.code(r.SetRemark(BOB, remark, category)), "BAD_REQUEST")

    def pages(self, client: Client, kind: Any, field: str) -> list[list[str]]:
        """The names of page after page of two."""
        found, after = [], 0
        while True:
            page = client.ask(kind(after, 2))
            found.append([one.account.name for one in getattr(page, field)])
            after = page.next
            if not after:
                return found

    def test_pages(self) -> None:
        """Long lists come in pages, by number, each name once."""
        names = [f"person{n}" for n in range(10)]
        for n, name in enumerate(names):
            befriend(self.world, account(self.world, name), ALICE, accept=n < 5)
        pages = self.pages(self.alice, r.ListContacts, "contacts")
        self.assertEqual(pages, [names[:2], names[2:4], names[4:5]])
        pages = self.pages(self.alice, r.ListContactRequests, "requests")
        self.assertEqual(pages, [names[5:7], names[7:9], names[9:]])

    def test_long_page(self) -> None:
        """A page has at most page_items entries, whatever is asked for."""
        self.world.core.set_limits(replace(LIMITS, page_items=3))
        for n in range(5):
            befriend(self.world, account(self.world, f"person{n}"), ALICE)
        for limit in (0, 3, 1000, 2**32 - 1):
            self.assertEqual(len(self.alice.ask(r.ListContacts(0, limit)).contacts), 3)
