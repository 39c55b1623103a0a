"""How what happened reaches those who are here: slices, order, and sessions that end meanwhile."""

from dataclasses import replace
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.burst import Burst
from imserver.store.memory_tables import Place
from tests.core.client import Client, account, group, logged_in, text, text_to
from tests.fakes import LIMITS, World

TURN_SECONDS = 0.0001


class Turns:
    """A clock on which what is due at once is due in the next turn, a moment later."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.seconds = clock.seconds

    def callLater(self, delay: float, *call: Any) -> Any:
        return self._clock.callLater(max(delay, TURN_SECONDS), *call)


class FanOutTests(SynchronousTestCase):
    members = 1_200
    limits = replace(LIMITS, enabled=False)

    def setUp(self) -> None:
        self.world = World(self.limits)
        self.alice = logged_in(self.world, "alice")
        self.conversation = group(self.alice)
        log = self.world.store._tables.logs[self.conversation]
        roster = self.world.core.rosters.get(self.conversation)
        assert roster is not None
        for n in range(self.members):
            number = account(self.world, f"member{n}")
            log.places[number] = Place(1)
            roster.members[number] = 1

    def say(self, *texts: str) -> None:
        """Start messages; the first slice of their fan-out is done."""
        self.world.core.clock = Turns(self.world.clock)
        for body in texts:
            self.alice.start(text(self.conversation, body, body.rjust(8).encode()))
        self.turn()

    def turn(self) -> None:
        self.world.clock.advance(TURN_SECONDS)

    def online(self, *which: int) -> list[Client]:
        return [logged_in(self.world, f"member{n}") for n in which]

    def test_slices(self) -> None:
        """The fan-out of a run to 1,200 members takes three turns of 500 at most; everybody gets it, in the order of the log."""
        first, middle, last = self.online(0, 700, 1199)
        self.say("0", "1", "2")
        for expected in ([3, 0, 0], [3, 3, 0], [3, 3, 3]):
            self.assertEqual([len(client.texts) for client in (first, middle, last)], expected)
            self.turn()
        self.assertEqual([client.texts for client in (first, middle, last)], [["0", "1", "2"]] * 3)

    def test_later_messages_do_not_overtake(self) -> None:
        """While a large fan-out is under way the next one waits, also one to another conversation."""
        (last,) = self.online(1199)
        self.say("large")
        self.assertEqual(last.texts, [])
        self.alice.start(text_to("member1199", "small"))
        self.world.settle()
        self.assertEqual(last.texts, ["large", "small"])

    def test_joined_meanwhile(self) -> None:
        """Who joins while a fan-out is under way gets what follows the joining, and nothing before it."""
        bob = logged_in(self.world, "bob")
        (last,) = self.online(1199)
        self.say("before")
        self.assertEqual(last.texts, [])
        self.alice.ask(r.AddMembers(self.conversation, [bob.session.number]))
        self.alice.ask(text(self.conversation, "after"))
        self.assertEqual([event.message.seq for event in bob.of(e.MessageArrived)], [3, 4])
        self.assertEqual(last.texts[0], "before")

    def test_gone_meanwhile(self) -> None:
        """Who goes while a fan-out is under way is passed over."""
        first, last = self.online(0, 1199)
        self.say("hello")
        last.leave()
        self.world.settle()
        self.assertEqual((first.texts, last.texts), (["hello"], []))


class EndingClient(Client):
    """Is lost in the moment in which something is pushed to it."""

    def push(self, burst: Burst) -> None:
        self.leave()


class RouterTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.alice = logged_in(self.world, "alice")
        account(self.world, "bob")

    def test_lost_by_a_push(self) -> None:
        """A session that ends by a push does not take the message from the account's others."""
        devices = [Client(self.world) for _ in range(4)]
        devices[1] = EndingClient(self.world)
        for device in devices:
            device.log_in("bob")
        self.alice.ask(text_to("bob", "hello"))
        self.assertEqual([device.texts for device in devices], [["hello"], [], ["hello"], ["hello"]])

    def test_opened_before_its_first_message(self) -> None:
        """Both sides of a new direct conversation are told of it before the first message, and only then."""
        bob = logged_in(self.world, "bob")
        self.alice.ask(text_to("bob", "hello"))
        self.alice.ask(text_to("bob", "again"))
        self.assertEqual(
            [type(event) for event in bob.events], [e.ConversationOpened, e.MessageArrived, e.MessageArrived]
        )
        self.assertEqual([type(event) for event in self.alice.events], [e.ConversationOpened])
        membership = bob.events[0].membership
        self.assertEqual((membership.last_seq, membership.delivered_seq), (1, 0))
        self.assertEqual([peer.name for peer in membership.conversation.peers], ["alice", "bob"])

    def test_closing_all(self) -> None:
        """Everybody is sent away, though closing changes the list of who is here."""
        clients = [logged_in(self.world, "bob") for _ in range(5)]
        self.world.core.close_clients()
        self.assertEqual([client.closed for client in clients], ["STOPPING"] * 5)
        self.assertEqual(self.world.core.router.all_sessions(), [])
        self.assertEqual(self.world.core.router._online, {})
