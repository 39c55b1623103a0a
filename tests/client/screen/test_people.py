"""Whom somebody knows, and how the list shows them."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.client.screen.chats import Chats
from imserver.client.screen.listing import entries
from imserver.client.screen.people import MARKS, WORDS, People
from imserver.core.values import Account, AccountPresence, Contact, ContactRequest, Presence, State
from tests.client.fake_server import ALICE, BOB, group
from tests.client.screen.values import membership, message

CAROL = Account(3, "carol", "Carol", "")
DAVE = Account(4, "dave", "Dave", "")
OFFLINE, AWAY = Presence(State.OFFLINE, ""), Presence(State.AWAY, "at lunch")


def contact(account: Account, presence: Presence = OFFLINE, remark: str = "") -> Contact:
    """Of bob."""
    return Contact(account, remark, "", presence)


class PeopleTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.people = People()
        self.people.replace([contact(ALICE), contact(CAROL, AWAY)], [ContactRequest(DAVE, "please", 1)])

    def test_states(self) -> None:
        """Each has a mark of one cell and a word."""
        self.assertEqual((set(MARKS), set(WORDS)), (set(State), set(State)))
        self.assertEqual({len(mark) for mark in MARKS.values()}, {1})

    def test_presence(self) -> None:
        """Of contacts; nothing is known of strangers."""
        self.assertEqual([self.people.presence(n) for n in (1, 3, 99)], ["offline", "away: at lunch", ""])
        self.assertEqual(self.people.mark(99), " ")
        self.people.presence_changed([AccountPresence(1, AWAY), AccountPresence(99, AWAY)], BOB.number)
        self.assertEqual(self.people.mark(1), MARKS[State.AWAY])
        self.assertIsNone(self.people.contact(99))

    def test_own_presence(self) -> None:
        """Another device has chosen it."""
        self.people.presence_changed([AccountPresence(BOB.number, AWAY)], BOB.number)
        self.assertEqual(self.people.own, AWAY)

    def test_coming_and_going(self) -> None:
        """Who is accepted asks no longer; who is removed is a stranger."""
        self.people.added(contact(DAVE))
        self.assertEqual((self.people.requests(), self.people.names()), ([], {"alice", "carol", "dave"}))
        self.people.removed(DAVE.number)
        self.people.removed(99)
        self.people.asked(ContactRequest(DAVE, "", 2))
        self.people.answered(DAVE.number)
        self.assertEqual([each.account for each in self.people.contacts()], [CAROL, ALICE])

    def test_profiles(self) -> None:
        """A contact shows something else of itself; strangers are not remembered."""
        self.people.profile_changed(Account(1, "alice", "Al", "new"))
        self.people.profile_changed(Account(99, "x", "", ""))
        known = self.people.contact(1)
        assert known is not None
        self.assertEqual((known.account.signature, self.people.contact(99)), ("new", None))


class ListingTest(SynchronousTestCase):
    def test_order(self) -> None:
        """Who asks; conversations, the newest first; then contacts without one, those who are there first."""
        people, chats = People(), Chats(BOB)
        people.replace(
            [contact(ALICE, remark="boss"), contact(CAROL), contact(Account(5, "eve", "", ""), AWAY)],
            [ContactRequest(DAVE, "please", 1)],
        )
        chats.update(membership(conversation=group()))
        direct = chats.update(membership(last=1))
        direct.put(message(1))
        self.assertEqual(
            [(entry.mark, entry.title, entry.unread) for entry in entries(chats, people)],
            [
                ("?", "dave asks", 0),
                ("○", "alice (boss)", 1),
                ("#", "team", 0),
                ("◌", "eve", 0),
                ("○", "carol", 0),
            ],
        )
