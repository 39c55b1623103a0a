"""Visitors know exactly what they have been told of their contacts."""

from typing import cast

from twisted.trial.unittest import SynchronousTestCase

from bench.frames import CODEC, pack
from bench.load import BrokenPromise, Line
from bench.prepare import token
from bench.visitors import Visitor
from imserver.core.events import ContactList, Event, LoggedIn, PresenceChanged, Refused
from imserver.core.requests import ListContacts, LogInWithToken
from imserver.core.values import Account, AccountPresence, Contact, Presence, State
from imserver.net.framing import Int32Framing
from tests.bench.test_ends import FakeLine

HERE, AWAY, GONE = (Presence(state, "") for state in (State.ONLINE, State.AWAY, State.OFFLINE))


class VisitorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.line = FakeLine()
        self.visitor = Visitor(cast(Line, self.line), 7)

    def hear(self, *events: Event) -> None:
        self.line.received(b"".join(pack(CODEC.encode(event, 1)) for event in events))

    def changed(self, number: int, presence: Presence) -> None:
        self.hear(PresenceChanged([AccountPresence(number, presence)]))

    def test_contacts(self) -> None:
        """Those of the list who are there, those who come later, and not those who go."""
        contacts = [Contact(account(n), "", "", presence) for n, presence in enumerate((HERE, AWAY, GONE))]
        self.hear(ContactList(contacts, 0))
        self.assertTrue(self.visitor.sees(2))
        self.changed(2, HERE)
        self.changed(0, AWAY)
        self.assertTrue(self.visitor.sees(3))
        self.changed(1, GONE)
        self.assertTrue(self.visitor.sees(2))

    def test_requests(self) -> None:
        """It logs in, and then asks for its contacts."""
        self.hear(LoggedIn(account(7), "load", b"", b"resume", 1))
        framing = Int32Framing(1024)
        framing.receive(self.line.written)
        requests = [CODEC.decode(frame)[1] for frame in framing.frames()]
        self.assertEqual(requests, [LogInWithToken(token(7)), ListContacts(0, 0)])

    def test_refused(self) -> None:
        """A refusal ends the run."""
        self.assertRaises(BrokenPromise, self.hear, Refused("TRY_LATER", "", 1000))


def account(number: int) -> Account:
    """Somebody."""
    return Account(number, f"load{number}", "", "")
