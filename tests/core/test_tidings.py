"""What contacts are told of each other: soon, seldom, once, to contacts only, and without holding up anybody."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core import tidings
from imserver.core.errors import ChatError, Code
from imserver.core.values import Account, AccountPresence, Presence, State
from tests.core.client import Client, Hesitant, Turnstile, account, befriend, logged_in
from tests.core.test_router import TURN_SECONDS, Turns
from tests.fakes import LIMITS, World

ALICE, BOB, CAROL = 100_001, 100_002, 100_003
OFFLINE, ONLINE = Presence(State.OFFLINE, ""), Presence(State.ONLINE, "")
AWAY, BUSY = Presence(State.AWAY, ""), Presence(State.BUSY, "")


def told(client: Client) -> list[AccountPresence]:
    """All changes, in order."""
    return [change for event in client.of(e.PresenceChanged) for change in event.changes]


class TidingsTests(SynchronousTestCase):
    """Alice and Bob are contacts; Carol is nobody's."""

    def setUp(self) -> None:
        self.world = World()
        for name in ("alice", "bob", "carol"):
            account(self.world, name)
        befriend(self.world, ALICE, BOB)
        self.bob, self.carol = logged_in(self.world, "bob"), logged_in(self.world, "carol")
        self.world.pass_seconds(6)

    def choose(self, client: Client, presence: Presence) -> None:
        self.assertEqual(client.ask(r.SetPresence(presence.state, presence.text)), e.Done())

    # -- presence

    def test_comes_and_goes(self) -> None:
        """Contacts learn of it within a second or two, nobody else does."""
        alice = logged_in(self.world, "alice")
        self.world.pass_seconds(2)
        self.assertEqual(self.bob.events, [e.PresenceChanged([AccountPresence(ALICE, ONLINE)])])
        self.world.pass_seconds(5)
        alice.leave()
        self.world.pass_seconds(2)
        self.assertEqual(told(self.bob)[1:], [AccountPresence(ALICE, OFFLINE)])
        self.assertEqual((self.carol.events, alice.events), ([], []))

    def test_every_device(self) -> None:
        """All sessions of a contact are told."""
        tablet = logged_in(self.world, "bob", "tablet")
        logged_in(self.world, "alice")
        self.world.pass_seconds(2)
        self.assertEqual(told(tablet), told(self.bob))
        self.assertEqual(len(told(tablet)), 1)

    def test_seldom(self) -> None:
        """One change in five seconds for each account, the last one; what is the same again is not told (T24)."""
        alice = logged_in(self.world, "alice")
        self.world.pass_seconds(2)
        for state in (State.AWAY, State.BUSY, State.AWAY, State.DO_NOT_DISTURB, State.BUSY):
            self.choose(alice, Presence(state, ""))
        self.assertEqual(told(self.bob), [AccountPresence(ALICE, ONLINE)])
        self.world.pass_seconds(2)
        self.assertEqual(len(told(self.bob)), 1)
        self.world.pass_seconds(4)
        self.assertEqual(told(self.bob)[1:], [AccountPresence(ALICE, BUSY)])
        self.choose(alice, AWAY)
        self.choose(alice, BUSY)
        self.world.pass_seconds(10)
        self.assertEqual(len(told(self.bob)), 2)

    def test_reconnect(self) -> None:
        """A connection that is back before anybody was told never was away."""
        alice = logged_in(self.world, "alice")
        self.world.pass_seconds(8)
        alice.leave()
        logged_in(self.world, "alice")
        self.world.pass_seconds(8)
        self.assertEqual(told(self.bob), [AccountPresence(ALICE, ONLINE)])

    def test_invisible(self) -> None:
        """Whoever is invisible is told to be offline, and not at all if that was known."""
        alice = logged_in(self.world, "alice")
        self.choose(alice, Presence(State.INVISIBLE, "shh"))
        self.world.pass_seconds(8)
        self.assertEqual(told(self.bob), [])
        self.choose(alice, AWAY)
        self.world.pass_seconds(8)
        self.choose(alice, Presence(State.INVISIBLE, "shh"))
        self.world.pass_seconds(8)
        self.assertEqual(told(self.bob), [AccountPresence(ALICE, AWAY), AccountPresence(ALICE, OFFLINE)])

    def test_list_and_tidings_agree(self) -> None:
        """The list shows what was told, so that nothing that changed in between is missed."""
        alice = logged_in(self.world, "alice")
        (contact,) = self.bob.ask(r.ListContacts(0, 0)).contacts
        self.assertEqual(contact.presence, OFFLINE)
        self.world.pass_seconds(2)
        (contact,) = self.bob.ask(r.ListContacts(0, 0)).contacts
        self.assertEqual((contact.presence, told(self.bob)), (ONLINE, [AccountPresence(ALICE, ONLINE)]))
        alice.leave()
        (contact,) = self.bob.ask(r.ListContacts(0, 0)).contacts
        self.assertEqual(contact.presence, ONLINE)

    def test_new_contact_meanwhile(self) -> None:
        """Who becomes a contact while an account is being looked at knows the same as all others afterwards."""
        turnstile = Turnstile()
        self.world.core.store = Hesitant(self.world.store, turnstile, ["contact_numbers"])
        turnstile.closed = True
        logged_in(self.world, "alice")
        self.world.pass_seconds(1)
        befriend(self.world, CAROL, ALICE, accept=False)
        self.carol.session.ask(0, r.AnswerContact(ALICE, True))
        turnstile.let_one_pass()
        logged_in(self.world, "alice", "tablet").ask(r.AnswerContact(CAROL, True))
        turnstile.open()
        self.world.pass_seconds(2)
        (added,) = self.carol.of(e.ContactAdded)
        last = [added.contact.presence, *(change.presence for change in told(self.carol))][-1]
        self.assertEqual(last, ONLINE)

    # -- profiles

    def test_profile(self) -> None:
        """Contacts and the own devices see it; nobody else is told."""
        alice, tablet = logged_in(self.world, "alice"), logged_in(self.world, "alice", "tablet")
        self.world.pass_seconds(8)
        for client in (alice, tablet, self.bob):
            client.events.clear()
        self.assertEqual(alice.ask(r.UpdateProfile("Alice L.", "through the glass")), e.Done())
        self.world.pass_seconds(2)
        changed = e.ProfileChanged(Account(ALICE, "alice", "Alice L.", "through the glass"))
        for client in (alice, tablet, self.bob):
            self.assertEqual(client.events, [changed])
        self.assertEqual(self.carol.events, [])

    def test_profiles_seldom(self) -> None:
        """However often it changes, one in five seconds is told, the last one."""
        alice = logged_in(self.world, "alice")
        for n in range(20):
            alice.ask(r.UpdateProfile(f"Alice {n}", ""))
        self.world.pass_seconds(4)
        self.assertEqual(
            [event.account.display_name for event in self.bob.of(e.ProfileChanged)], ["Alice 19"]
        )

    def test_profile_and_presence(self) -> None:
        """Both at once are both told, whichever came first."""
        alice = logged_in(self.world, "alice")
        alice.ask(r.UpdateProfile("Alice L.", ""))
        self.choose(alice, AWAY)
        self.world.pass_seconds(2)
        self.assertEqual([type(event) for event in self.bob.events], [e.ProfileChanged, e.PresenceChanged])

    # -- trouble

    def test_store_in_trouble(self) -> None:
        """What could not be looked up is looked up again."""
        troubled = Troubled(self.world.store)
        self.world.core.store = troubled
        alice = logged_in(self.world, "alice")
        alice.ask(r.UpdateProfile("Alice L.", ""))
        self.world.pass_seconds(3)
        self.assertEqual(self.bob.events, [])
        troubled.refusing = False
        self.world.pass_seconds(2)
        self.assertEqual([type(event) for event in self.bob.events], [e.ProfileChanged, e.PresenceChanged])

    def test_congested(self) -> None:
        """A client with too much to read is told later, of the last state only."""
        alice = logged_in(self.world, "alice")
        self.bob.congested = True
        for presence in (AWAY, BUSY, ONLINE, AWAY):
            self.choose(alice, presence)
            self.world.pass_seconds(6)
        self.assertEqual(self.bob.events, [])
        self.bob.congested = False
        self.world.pass_seconds(1)
        self.assertEqual(told(self.bob), [AccountPresence(ALICE, AWAY)])

    def test_gone(self) -> None:
        """Nothing is kept for a session that has ended."""
        logged_in(self.world, "alice")
        self.bob.congested = True
        self.world.pass_seconds(2)
        self.bob.leave()
        self.world.pass_seconds(2)
        self.assertEqual(self.world.core.tidings._parcels, {})


class Troubled:
    """A store that cannot say who is whose contact."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.refusing = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def contact_numbers(self, number: int) -> list[tuple[int, bool]]:
        if self.refusing:
            raise ChatError(Code.UNAVAILABLE_STORAGE, "not now", 1000)
        found: list[tuple[int, bool]] = await self._real.contact_numbers(number)
        return found


class CrowdTests(SynchronousTestCase):
    """Many at once."""

    COUNT = 30

    def setUp(self) -> None:
        self.world = World(replace(LIMITS, page_items=20))
        self.numbers = [account(self.world, f"person{n}") for n in range(self.COUNT)]
        for one in range(self.COUNT):
            for other in range(one):
                befriend(self.world, self.numbers[one], self.numbers[other])

    def test_one_event(self) -> None:
        """What a session is to be told goes in one event, cut only when it is longer than a page."""
        clients = [logged_in(self.world, f"person{n}") for n in range(self.COUNT)]
        self.world.pass_seconds(2)
        for client in clients:
            sizes = [len(event.changes) for event in client.of(e.PresenceChanged)]
            self.assertEqual(sizes, [20, 9])
            self.assertEqual(
                {change.account for change in told(client)}, {*self.numbers} - {client.session.number}
            )

    def test_slices(self) -> None:
        """No turn of the reactor looks at more than a few accounts, or tells more than a few sessions."""
        self.patch(tidings, "SESSIONS_PER_TURN", 7)
        clients = [logged_in(self.world, f"person{n}") for n in range(self.COUNT)]
        asked: list[int] = []
        real = self.world.store.contact_numbers
        self.patch(self.world.store, "contact_numbers", lambda number: asked.append(number) or real(number))
        self.world.core.clock = Turns(self.world.clock)
        self.world.core.tidings.flush()
        turns = [(len(asked), 0)]
        for _ in range(20):
            self.world.clock.advance(TURN_SECONDS)
            turns.append((len(asked), sum(bool(client.events) for client in clients)))
        looked = [after[0] - before[0] for before, after in pairwise([(0, 0), *turns])]
        informed = [after[1] - before[1] for before, after in pairwise(turns)]
        self.assertEqual((sum(looked), sum(informed)), (self.COUNT, self.COUNT))
        self.assertEqual((max(looked), max(informed)), (tidings.ACCOUNTS_PER_TURN, 7))

    def test_slow_store(self) -> None:
        """While the store takes its time, seconds pass without a second look at the same."""
        waiting: list[Deferred[None]] = []
        real = self.world.store.contact_numbers

        async def slow(number: int) -> list[tuple[int, bool]]:
            waiting.append(Deferred())
            await waiting[-1]
            return await real(number)

        self.patch(self.world.store, "contact_numbers", slow)
        clients = [logged_in(self.world, f"person{n}") for n in range(3)]
        self.world.pass_seconds(5)
        self.assertEqual(len(waiting), 1)
        while waiting:
            waiting.pop().callback(None)
            self.world.settle()
        self.world.pass_seconds(2)
        self.assertEqual([len(told(client)) for client in clients], [2, 2, 2])
