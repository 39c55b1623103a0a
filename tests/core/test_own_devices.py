"""What one device of an account sets, its other devices learn at once; nobody else does."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.values import AccountPresence, Presence, Privacy, State
from tests.core.client import befriend, logged_in
from tests.fakes import World

ALICE, BOB = 100_001, 100_002
DONE = e.Done()


class OwnDevicesTests(SynchronousTestCase):
    """Alice has a phone, which asks, and a tablet; Bob is her contact."""

    def setUp(self) -> None:
        self.world = World()
        self.phone, self.tablet = (logged_in(self.world, "alice", name) for name in ("phone", "tablet"))
        self.bob = logged_in(self.world, "bob")
        befriend(self.world, ALICE, BOB)
        self.world.pass_seconds(6)
        for client in (self.phone, self.tablet, self.bob):
            client.events.clear()

    def assert_told(self, request: r.Request, event: e.Event) -> None:
        """The other device, once."""
        self.assertEqual(self.phone.ask(request), DONE)
        self.assertEqual((self.phone.events, self.tablet.events, self.bob.events), ([], [event], []))
        self.tablet.events.clear()

    def test_remark(self) -> None:
        """The own words about a contact, as they are stored."""
        self.assert_told(r.SetRemark(BOB, "tall", "friends"), e.RemarkChanged(BOB, "tall", "friends"))
        self.assert_told(r.SetRemark(BOB, "", ""), e.RemarkChanged(BOB, "", ""))

    def test_blocks(self) -> None:
        """Who is blocked and who is not any more."""
        self.assert_told(r.Block(BOB), e.BlockChanged(BOB, True))
        self.assert_told(r.Unblock(BOB), e.BlockChanged(BOB, False))

    def test_privacy(self) -> None:
        """How the account can be found and asked; whoever was away can ask for it."""
        self.assertEqual(self.tablet.ask(r.FetchPrivacy()), e.PrivacySettings(Privacy(True, False)))
        for privacy in (Privacy(False, False), Privacy(True, True)):
            settings = e.PrivacySettings(privacy)
            self.assert_told(r.SetPrivacy(privacy.findable, privacy.open_to_contacts), settings)
            self.assertEqual(self.tablet.ask(r.FetchPrivacy()), settings)
        self.assertEqual(self.bob.ask(r.FetchPrivacy()), e.PrivacySettings(Privacy(True, False)))

    def test_presence(self) -> None:
        """What is chosen is what the account is now."""
        away = AccountPresence(ALICE, Presence(State.AWAY, "lunch"))
        self.assert_told(r.SetPresence(State.AWAY, "lunch"), e.PresenceChanged([away]))

    def test_presence_of_a_device_that_leaves(self) -> None:
        """With a device its choice goes, and what is left of them is what the account is now."""
        self.phone.ask(r.SetPresence(State.INVISIBLE, ""))
        self.tablet.ask(r.SetPresence(State.BUSY, ""))
        self.phone.events.clear()
        self.tablet.leave()
        left = AccountPresence(ALICE, Presence(State.INVISIBLE, ""))
        self.assertEqual(self.phone.events, [e.PresenceChanged([left])])
        self.tablet = logged_in(self.world, "alice", "tablet")
        back = AccountPresence(ALICE, Presence(State.BUSY, ""))
        self.assertEqual(self.phone.events[1:], [e.PresenceChanged([back])])

    def test_presence_that_stays(self) -> None:
        """Of devices that come and go without having chosen anything there is nothing to tell."""
        self.tablet.leave()
        logged_in(self.world, "alice", "tablet")
        self.assertEqual(self.phone.events, [])

    def test_refused(self) -> None:
        """Nothing has changed, and nobody is told that it has."""
        for request in (r.SetRemark(7, "", ""), r.Block(ALICE), r.SetPresence(0, "")):
            self.assertNotEqual(self.phone.code(request), "")
        self.assertEqual(self.tablet.events, [])
