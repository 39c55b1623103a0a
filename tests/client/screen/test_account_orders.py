"""Orders about the own account, on a server in memory."""

from imserver.client.screen.orders import obey
from imserver.core import events, requests
from imserver.core.requests import Request
from imserver.core.values import Account, Contact, Presence, State
from tests.client.fake_server import ALICE
from tests.client.screen.fakes import ExchangeCase

OWN = Account(2, "bob", "Bobby", "at sea")
ASKED = (requests.UpdateProfile, requests.ChangePassword)


class AccountOrdersTest(ExchangeCase):
    def setUp(self) -> None:
        super().setUp()
        self.server.contacts = [Contact(ALICE, "the boss", "work", Presence(State.AWAY, "lunch"))]
        self.server.override = self.answer
        self.start()

    def answer(self, request: Request) -> events.Event | None:
        """What the server in memory does not know."""
        if isinstance(request, requests.LookUp) and request.name == OWN.name:
            return events.AccountFound(OWN)
        return events.Done() if isinstance(request, ASKED) else None

    def obey(self, text: str) -> list[Request]:
        """Type it; -> what the server was asked."""
        self.server.heard.clear()
        self.exchange.spawn(obey(self.desk, text))
        self.settle()
        return [each for each in self.server.heard if isinstance(each, ASKED)]

    def test_requests(self) -> None:
        """Each changes one thing and leaves the others as the server has them; it says what has come of it."""
        for text, request, said in (
            ("/name Bob the Builder", requests.UpdateProfile("Bob the Builder", "at sea"), "Bob the Builder"),
            ("/name", requests.UpdateProfile("bob", "at sea"), "bob"),
            ("/signature in port", requests.UpdateProfile("Bobby", "in port"), "in port"),
            ("/signature", requests.UpdateProfile("Bobby", ""), "no signature"),
        ):
            self.assertEqual(self.obey(text), [request])
            self.assertIn(said, self.desk.notices[-1])

    def test_profiles(self) -> None:
        """The own one, or that of somebody, with what is known of a contact; nothing is shown of what is empty."""
        self.obey("/profile")
        self.obey("/profile @Alice")
        self.obey("/profile nobody")
        own, other = ([line.split(None, 1) for line in sheet] for sheet in self.desk.sheets)
        self.assertEqual(own, [["bob"], ["number", "2"], ["display", "name  Bobby"], ["signature", "at sea"]])
        self.assertIn(["your", "remark   the boss"], other)
        self.assertIn(["presence", "away: lunch"], other)
        self.assertNotIn("signature", [line[0] for line in other])
        self.assertEqual(self.desk.notices, ["there is no nobody"])

    def test_password(self) -> None:
        """It is asked for, and never taken from the line."""
        self.assertEqual(self.obey("/password secret"), [])
        self.assertEqual((self.desk.asked_for_password, len(self.desk.notices)), (False, 1))
        self.assertNotIn("secret", self.desk.notices[0])
        self.obey("/password")
        self.assertTrue(self.desk.asked_for_password)
