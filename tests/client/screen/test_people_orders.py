"""Orders about other people, on a server in memory."""

from imserver.client.screen.chosen import ChosenPresence
from imserver.client.screen.orders import obey
from imserver.core import events, requests
from imserver.core.requests import Request
from imserver.core.values import AccountPresence, Contact, ContactRequest, Presence, Privacy, State
from tests.client.fake_server import ALICE, BOB
from tests.client.screen.fakes import ExchangeCase

PEOPLE_REQUESTS = (
    requests.RequestContact,
    requests.AnswerContact,
    requests.RemoveContact,
    requests.Block,
    requests.Unblock,
    requests.SetRemark,
    requests.SetPresence,
    requests.SetPrivacy,
)
ONLINE = Presence(State.ONLINE, "")


class PeopleOrdersTest(ExchangeCase):
    def setUp(self) -> None:
        super().setUp()
        self.server.contacts = [Contact(ALICE, "", "friends", ONLINE)]
        self.server.override = self.answer
        self.start()

    def answer(self, request: Request) -> events.Event | None:
        """What the server in memory does not know."""
        if isinstance(request, PEOPLE_REQUESTS):
            return events.Done()
        if isinstance(request, requests.FetchPrivacy):
            return events.PrivacySettings(Privacy(True, False))
        if isinstance(request, requests.Search | requests.ListBlocked):
            return events.AccountList([ALICE], 1)
        return None

    def obey(self, text: str) -> list[Request]:
        """Type it; -> what the server was asked."""
        self.server.heard.clear()
        self.exchange.spawn(obey(self.desk, text))
        self.settle()
        return [each for each in self.server.heard if isinstance(each, PEOPLE_REQUESTS)]

    def test_requests(self) -> None:
        """Each asks for one thing, and says what has come of it."""
        for text, request in (
            ("/add alice let us talk", requests.RequestContact(1, "let us talk")),
            ("/accept @Alice", requests.AnswerContact(1, True)),
            ("/refuse alice", requests.AnswerContact(1, False)),
            ("/block alice", requests.Block(1)),
            ("/unblock alice", requests.Unblock(1)),
            ("/remark alice the boss", requests.SetRemark(1, "the boss", "friends")),
            ("/remark alice", requests.SetRemark(1, "", "friends")),
            ("/category alice at work", requests.SetRemark(1, "", "at work")),
            ("/category alice", requests.SetRemark(1, "", "")),
            ("/remove alice", requests.RemoveContact(1)),
        ):
            told = len(self.desk.notices)
            self.assertEqual(self.obey(text), [request])
            self.assertIn("alice", self.desk.notices[told])

    def test_remarks_are_for_contacts(self) -> None:
        """And it is said so."""
        for text in ("/remark carol x", "/category carol x"):
            self.assertEqual(self.obey(text), [])
            self.assertIn("no contact", self.desk.notices.pop())

    def test_contacts(self) -> None:
        """By category, with remark and presence."""
        self.obey("/category alice work")
        self.obey("/remark alice the boss")
        self.exchange.people.added(Contact(BOB, "", "", Presence(State.AWAY, "lunch")))
        self.obey("/contacts")
        self.exchange.people.removed(ALICE.number)
        self.exchange.people.removed(BOB.number)
        self.obey("/contacts")
        self.assertEqual(
            self.desk.sheets,
            [
                [
                    "Contacts",
                    "-- in no category",
                    "bob - away: lunch",
                    "-- work",
                    "alice (the boss) - online",
                ],
                ["Contacts", "none; /add NAME asks somebody"],
            ],
        )

    def test_pages(self) -> None:
        """What was found, and that there is more."""
        self.obey("/search al")
        self.obey("/blocked")
        self.assertEqual(
            self.desk.sheets,
            [["Accounts al", "alice  1  Alice", "... and more"], ["Blocked", "alice", "... and more"]],
        )

    def test_privacy(self) -> None:
        """What is not said stays as it was; alone it only tells."""
        for text, asked, told in (
            ("/privacy", [], "A search finds you; contacts have to ask."),
            (
                "/privacy hidden",
                [requests.SetPrivacy(False, False)],
                "No search finds you; contacts have to ask.",
            ),
            (
                "/privacy open",
                [requests.SetPrivacy(True, True)],
                "A search finds you; whoever asks is a contact at once.",
            ),
            ("/privacy shut", [], "say found or hidden, and open or ask"),
        ):
            self.assertEqual(self.obey(text), asked)
            self.assertEqual(self.desk.notices[-1], told)

    def test_presence(self) -> None:
        """What was chosen is chosen again on the next connection."""
        away = requests.SetPresence(State.AWAY, "at lunch")
        self.assertEqual(self.obey("/status away at lunch"), [away])
        self.assertEqual(self.exchange.people.own, Presence(State.AWAY, "at lunch"))
        self.server.heard.clear()
        self.server.connection.cut()
        self.clock.advance(2)
        self.settle()
        self.assertIn(away, self.server.heard)
        self.assertEqual(self.obey("/status asleep"), [])
        self.assertIn("dnd", self.desk.notices[-1])

    def test_presence_that_is_not_kept(self) -> None:
        """It is said that it is for now only, and nothing else goes wrong, with this connection and the next."""
        self.exchange.chosen = ChosenPresence(self.folder / "presence.json")
        self.folder.write_bytes(b"")  # where the folder should be
        self.obey("/status away")
        self.assertIn("cannot be written", self.desk.notices[-1])
        self.desk.notices.clear()
        self.server.connection.cut()
        self.clock.advance(2)
        self.settle()
        self.assertEqual((self.exchange.people.own.state, self.desk.notices), (State.AWAY, []))
        self.assertEqual(len(self.exchange.people.contacts()), 1)

    def test_events(self) -> None:
        """Who asks is said; who comes, goes and changes is shown."""
        connection, people = self.server.connection, self.exchange.people
        connection.tell(events.ContactRequested(ContactRequest(BOB, "please", 1)))
        connection.tell(events.PresenceChanged([AccountPresence(1, Presence(State.BUSY, ""))]))
        self.settle()
        self.assertIn("would like", self.desk.notices[-1])
        self.assertEqual((people.presence(1), len(people.requests())), ("busy", 1))
        connection.tell(events.ContactAdded(Contact(BOB, "", "", ONLINE)))
        connection.tell(events.ContactRemoved(1))
        self.settle()
        self.assertEqual((people.names(), people.requests()), ({"bob"}, []))
        connection.tell(events.ProfileChanged(BOB))
        self.settle()
        self.assertEqual([each.account for each in people.contacts()], [BOB])
        for account in (BOB.number, 99):
            connection.tell(events.RemarkChanged(account, "the builder", "work"))
        self.settle()
        found = [(each.account, each.remark, each.category) for each in people.contacts()]
        self.assertEqual(found, [(BOB, "the builder", "work")])
