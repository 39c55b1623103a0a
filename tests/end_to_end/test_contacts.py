"""Contacts, presence, blocks and the directory over the native wire, as two people and a third would use them."""

from typing import TypeVar

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import requests as r
from imserver.core.events import (
    AccountList,
    ContactAdded,
    ContactList,
    ContactRemoved,
    ContactRequested,
    ContactRequestList,
    Done,
    Event,
    MessageArrived,
    PresenceChanged,
    PrivacySettings,
    ProfileChanged,
    Sent,
)
from imserver.core.values import AccountPresence, Kind, Presence, Privacy, State
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.peer import PASSWORD, Peer

OFFLINE, ONLINE = Presence(State.OFFLINE, ""), Presence(State.ONLINE, "")
AWAY = Presence(State.AWAY, "at lunch")
_T = TypeVar("_T", bound=Event)

# So that the test need not wait.
QUICK = "[limits]\npresence_seconds = 0.1\n"


class ContactsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.daemon = Daemon(self, config=QUICK).start()
        self.alice, self.bob = self.newcomer("alice"), self.newcomer("bob")
        self.alice_number, self.bob_number = 100_001, 100_002

    def newcomer(self, name: str) -> Peer:
        """With a new account."""
        with Peer(self.daemon.address()) as peer:
            peer.register(name)
        return self.logged_in(name)

    def logged_in(self, name: str, device: str = "phone") -> Peer:
        peer = Peer(self.daemon.address())
        self.addCleanup(peer.close)
        peer.log_in(name, device)
        return peer

    def hear(self, peer: Peer, kind: type[_T]) -> _T:
        """The next event of that kind; it may take some seconds."""
        while not isinstance(event := peer.hear()[1], kind):
            pass
        return event

    def presence(self, peer: Peer) -> list[AccountPresence]:
        return self.hear(peer, PresenceChanged).changes

    def contacts(self, peer: Peer) -> list[tuple[str, Presence]]:
        found = peer.expect(r.ListContacts(0, 0), ContactList).contacts
        return [(contact.account.name, contact.presence) for contact in found]

    def befriend(self) -> None:
        self.alice.expect(r.RequestContact(self.bob_number, "it is me"), Done)
        asked = self.hear(self.bob, ContactRequested).request
        self.assertEqual((asked.account.name, asked.text), ("alice", "it is me"))
        self.bob.expect(r.AnswerContact(self.alice_number, True), Done)
        self.assertEqual(self.hear(self.alice, ContactAdded).contact.account.name, "bob")
        self.assertEqual(self.hear(self.bob, ContactAdded).contact.account.name, "alice")

    def test_a_friendship(self) -> None:
        """From the directory to the end of it."""
        (found,) = self.alice.expect(r.Search("bo", 0, 0), AccountList).accounts
        self.assertEqual(found.number, self.bob_number)
        self.befriend()
        self.bob.expect(r.SetPresence(State.AWAY, "at lunch"), Done)
        while self.presence(self.alice)[-1:] != [AccountPresence(self.bob_number, AWAY)]:
            pass
        self.bob.expect(r.UpdateProfile("Bob B.", "back soon"), Done)
        self.assertEqual(self.hear(self.alice, ProfileChanged).account.display_name, "Bob B.")
        self.bob.close()
        self.assertEqual(self.presence(self.alice), [AccountPresence(self.bob_number, OFFLINE)])
        self.alice.expect(r.RemoveContact(self.bob_number), Done)
        self.assertEqual(self.contacts(self.logged_in("bob")), [])
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.assert_clean()

    def test_over_a_restart(self) -> None:
        """Requests, contacts, remarks, blocks and privacy are on disk."""
        self.befriend()
        self.alice.expect(r.SetRemark(self.bob_number, "from school", "friends"), Done)
        carol = self.newcomer("carol")
        carol.expect(r.RequestContact(self.alice_number, ""), Done)
        self.bob.expect(r.Block(self.bob_number + 1), Done)
        self.bob.expect(r.SetPrivacy(False, True), Done)
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        alice, bob = self.logged_in("alice"), self.logged_in("bob")
        (contact,) = alice.expect(r.ListContacts(0, 0), ContactList).contacts
        self.assertEqual(
            (contact.account.name, contact.remark, contact.category), ("bob", "from school", "friends")
        )
        (waiting,) = alice.expect(r.ListContactRequests(0, 0), ContactRequestList).requests
        self.assertEqual(waiting.account.name, "carol")
        (blocked,) = bob.expect(r.ListBlocked(0, 0), AccountList).accounts
        self.assertEqual(blocked.name, "carol")
        self.assertEqual(bob.expect(r.FetchPrivacy(), PrivacySettings).privacy, Privacy(False, True))
        found = alice.expect(r.Search("", 0, 0), AccountList).accounts
        self.assertEqual([account.name for account in found], ["alice", "carol"])

    def test_block(self) -> None:
        """A contact who is blocked sees the other go, and nothing else."""
        self.befriend()
        while (self.contacts(self.bob)) != [("alice", ONLINE)]:
            self.presence(self.bob)
        self.alice.expect(r.Block(self.bob_number), Done)
        while self.presence(self.bob) != [AccountPresence(self.alice_number, OFFLINE)]:
            pass
        self.assertEqual(self.contacts(self.bob), [("alice", OFFLINE)])
        self.bob.expect(r.SendTo("alice", b"1", Kind.TEXT, "", b"why?"), Sent)
        tombstone = self.hear(self.alice, MessageArrived).message
        self.assertEqual((tombstone.kind, tombstone.body), (Kind.TOMBSTONE, b""))
        self.bob.expect(r.RequestContact(self.alice_number, "why?"), Done)
        self.assertEqual(self.alice.expect(r.ListContactRequests(0, 0), ContactRequestList).requests, [])

    def test_deleted_account(self) -> None:
        """Its contacts are told."""
        self.befriend()
        self.bob.expect(r.DeleteAccount(PASSWORD), Done)
        self.assertEqual(self.hear(self.alice, ContactRemoved).account, self.bob_number)
        self.assertEqual(self.contacts(self.alice), [])
