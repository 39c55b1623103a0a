"""Presence: what an account's devices make of it, and what of that others see."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.values import AccountPresence, Presence, State
from tests.core.client import PASSWORD, Client, logged_in
from tests.fakes import LIMITS, World

ALICE = 100_001
OFFLINE, ONLINE = Presence(State.OFFLINE, ""), Presence(State.ONLINE, "")
INVISIBLE = Presence(State.INVISIBLE, "")
BUSY, AWAY = Presence(State.BUSY, "thesis"), Presence(State.AWAY, "lunch")


class PresenceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.presences = self.world.core.presences
        self.phone = logged_in(self.world, "alice", "phone")

    def choose(self, client: Client, presence: Presence) -> None:
        self.assertEqual(client.ask(r.SetPresence(presence.state, presence.text)), e.Done())

    def own_and_shown(self) -> tuple[Presence, Presence]:
        return self.presences.own(ALICE), self.presences.shown(ALICE)

    def test_derived(self) -> None:
        """Who has a session is online, who has none is offline."""
        self.assertEqual(self.own_and_shown(), (ONLINE, ONLINE))
        tablet = logged_in(self.world, "alice", "tablet")
        self.phone.leave()
        self.assertEqual(self.own_and_shown(), (ONLINE, ONLINE))
        tablet.leave()
        self.assertEqual(self.own_and_shown(), (OFFLINE, OFFLINE))

    def test_chosen(self) -> None:
        """Each state with its text; invisible looks like offline, and its text is not shown."""
        for state in (State.ONLINE, State.AWAY, State.BUSY, State.DO_NOT_DISTURB):
            chosen = Presence(state, "so it is")
            self.choose(self.phone, chosen)
            self.assertEqual(self.own_and_shown(), (chosen, chosen))
        hidden = Presence(State.INVISIBLE, "nobody home")
        self.choose(self.phone, hidden)
        self.assertEqual(self.own_and_shown(), (hidden, OFFLINE))

    def test_several_devices(self) -> None:
        """The most available choice holds; a device that chose nothing counts for nothing beside one that did."""
        tablet = logged_in(self.world, "alice", "tablet")
        self.choose(self.phone, INVISIBLE)
        self.assertEqual(self.own_and_shown(), (INVISIBLE, OFFLINE))
        self.choose(tablet, BUSY)
        self.assertEqual(self.own_and_shown(), (BUSY, BUSY))
        self.choose(self.phone, AWAY)
        self.assertEqual(self.own_and_shown(), (AWAY, AWAY))
        self.phone.leave()
        self.assertEqual(self.own_and_shown(), (BUSY, BUSY))

    def test_refused(self) -> None:
        """Offline cannot be chosen, nor what is no state, nor a text that is none."""
        for state, text in ((0, ""), (6, ""), (2**32 - 1, ""), (1, "x" * 129), (1, "a\nb"), (1, "\u202e")):
            self.assertEqual(self.phone.code(r.SetPresence(state, text)), "BAD_REQUEST", (state, ascii(text)))
        self.assertEqual(self.presences.own(ALICE), ONLINE)

    def test_own_devices(self) -> None:
        """The other devices learn at once what the account's presence is now, also when it is invisible."""
        tablet = logged_in(self.world, "alice", "tablet")
        for chosen in (INVISIBLE, AWAY):
            self.choose(self.phone, chosen)
            self.assertEqual(tablet.events.pop(), e.PresenceChanged([AccountPresence(ALICE, chosen)]))
        self.assertEqual(self.phone.events, [])

    def test_lost_connection(self) -> None:
        """A choice outlives its connection for ten minutes, so that nobody who is invisible shows; then it is forgotten."""
        self.choose(self.phone, INVISIBLE)
        self.phone.leave()
        self.world.clock.advance(LIMITS.resume_seconds - 1)
        self.phone = logged_in(self.world, "alice", "phone")
        self.assertEqual(self.own_and_shown(), (INVISIBLE, OFFLINE))
        self.phone.leave()
        self.world.clock.advance(LIMITS.resume_seconds)
        self.phone = logged_in(self.world, "alice", "phone")
        self.assertEqual(self.presences.own(ALICE), ONLINE)

    def test_replaced(self) -> None:
        """A device that connects anew has what it had chosen before."""
        self.choose(self.phone, INVISIBLE)
        anew = logged_in(self.world, "alice", "phone")
        self.assertEqual(self.phone.closed, "REPLACED")
        self.assertEqual(self.presences.own(ALICE), INVISIBLE)
        self.choose(anew, ONLINE)
        self.assertEqual(self.presences.own(ALICE), ONLINE)

    def test_other_device(self) -> None:
        """What one device chose is not another's."""
        self.choose(self.phone, INVISIBLE)
        self.phone.leave()
        logged_in(self.world, "alice", "tablet")
        self.assertEqual(self.presences.own(ALICE), ONLINE)

    def test_kept_is_bounded(self) -> None:
        """However many devices come and go, so many choices are kept, the newest; what ran out goes first."""
        self.world.core.set_limits(replace(LIMITS, max_limiter_entries=3, max_devices=100))
        for n in range(10):
            device = logged_in(self.world, "alice", f"device{n}")
            self.choose(device, AWAY)
            device.leave()
        self.assertEqual(len(self.presences._kept), 3)
        logged_in(self.world, "alice", "device9")
        self.assertEqual(self.presences.own(ALICE), AWAY)

    def test_failed_login(self) -> None:
        """A session that ends without having been logged in changes nothing."""
        failed = Client(self.world)
        failed.code(r.LogIn("alice", "wrong", "phone"))
        failed.leave()
        self.assertEqual(self.presences.own(ALICE), ONLINE)

    def test_deleted_account(self) -> None:
        """Nobody is there any more."""
        self.choose(self.phone, AWAY)
        self.phone.ask(r.DeleteAccount(PASSWORD))
        self.assertEqual(self.presences.own(ALICE), OFFLINE)
