"""The client's main promise, against arbitrary histories of a network and a server."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.client import Client
from imserver.core.events import Event, MessageArrived, Sent
from tests.client.fake_server import ALICE, BOB, DIRECT, GROUP, PASSWORD, FakeServer

CONVERSATIONS = (DIRECT, GROUP)
ACTIONS = (
    "say",
    "say",
    "send",
    "serve",
    "serve",
    "deliver",
    "deliver",
    "take",
    "repeat",
    "wait",
    "cut",
    "unreachable",
)
SECONDS = (0.01, 0.06, 1.0, 31.0)
STEPS = st.tuples(st.sampled_from(ACTIONS), st.integers(0, 30))


class World:
    """A server, a client, an application that takes its time, and what happens to them."""

    def __init__(self, window: int) -> None:
        self.clock = Clock()
        self.server = FakeServer(self.clock, window)
        self.client = Client(
            self.clock, self.server, self.listen, random_float=lambda: 0.5, wall_seconds=lambda: 1.0
        )
        self.shown: dict[int, list[str]] = {conversation: [] for conversation in CONVERSATIONS}
        self.said: dict[int, list[str]] = {conversation: [] for conversation in CONVERSATIONS}
        self.sends: list[Deferred[Sent]] = []
        self.untaken: list[Deferred[None]] = []
        self.slow = True
        self._login = Deferred.fromCoroutine(self.client.log_in(BOB.name, PASSWORD))
        for _ in range(2):  # Hello and LogIn, nothing of what follows
            self.server.connection.serve(1)
            self.server.connection.deliver(1)

    def listen(self, event: Event) -> Deferred[None] | None:
        """The application: it keeps each message for a while."""
        assert isinstance(event, MessageArrived)
        self.shown[event.message.conversation].append(event.message.body.decode())
        if not self.slow:
            return None
        self.untaken.append(Deferred())
        return self.untaken[-1]

    def step(self, action: str, number: int) -> None:
        """One thing happens."""
        getattr(self, action)(number)

    def say(self, number: int) -> None:
        """Alice says something."""
        conversation = CONVERSATIONS[number % 2]
        self.server.say(conversation, f"alice {len(self.server.log[conversation])}")

    def send(self, number: int) -> None:
        """Bob says something."""
        conversation = CONVERSATIONS[number % 2]
        self.said[conversation].append(f"bob {len(self.said[conversation])}")
        self.sends.append(Deferred.fromCoroutine(self.client.send(conversation, self.said[conversation][-1])))

    def serve(self, count: int) -> None:
        """The server works."""
        if self.server.connected:
            self.server.connection.serve(count)

    def deliver(self, count: int) -> None:
        """The network works."""
        if self.server.connected:
            self.server.connection.deliver(count)

    def take(self, count: int) -> None:
        """The application works."""
        for _ in range(count):
            if self.untaken:
                self.untaken.pop().callback(None)

    def repeat(self, number: int) -> None:
        """The server pushes again what the client has had."""
        log = self.server.log[CONVERSATIONS[number % 2]]
        if log and self.server.connected and self.server.connection.logged_in:
            self.server.repeat(log[0].conversation, number % len(log) + 1)

    def wait(self, number: int) -> None:
        """Time passes, and the network comes back."""
        self.server.reachable = True
        self.clock.advance(SECONDS[number % len(SECONDS)])

    def cut(self, number: int) -> None:
        """The connection is lost."""
        if self.server.connected:
            self.server.connection.cut()

    def unreachable(self, number: int) -> None:
        """And cannot be made again for now."""
        self.server.reachable = False
        self.cut(number)

    def heal(self) -> None:
        """Everything works from now on, for long enough."""
        self.slow = False
        for _ in range(20):
            self.take(1)
            self.server.reachable = True
            self.clock.advance(5.0)
            self.server.settle()


class ExactlyOnceTests(SynchronousTestCase):
    """Any interleaving of messages, lost connections, lost answers, duplicates and slow readers."""

    @settings(max_examples=300, deadline=None)
    @given(st.lists(STEPS, min_size=10, max_size=80), st.sampled_from([2, 4, 128]))
    def test_every_message_once_and_in_order(self, steps: list[tuple[str, int]], window: int) -> None:
        """Each message of others is given exactly once in order; each own is stored exactly once in order."""
        world = World(window)
        for action, number in steps:
            world.step(action, number)
        world.heal()
        for conversation in CONVERSATIONS:
            self.assertEqual(world.shown[conversation], world.server.texts(conversation, ALICE))
            self.assertEqual(world.said[conversation], world.server.texts(conversation, BOB))
            self.assertEqual(world.server.delivered.get(conversation, 0), len(world.server.log[conversation]))
        for sent in world.sends:
            self.successResultOf(sent)
