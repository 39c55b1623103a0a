"""When messages have arrived at a client that cannot say so: once they have left, and a frame has come after that."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core.capabilities import Capabilities
from imserver.net import arrival as module
from imserver.net.arrival import Arrival
from imserver.wires.native import native
from tests.contracts.native_client import NativeClient
from tests.core.client import PASSWORD, Client, account, logged_in, text_to
from tests.fakes import LIMITS, Peer, World

SILENT = replace(native.dialect, capabilities=Capabilities("silent", acknowledges=False, fetches=False))
PING = b"\0\0\0\2\x3a\0"


class Listener(NativeClient):
    """Reads, and says nothing by itself."""

    def receive(self, data: bytes) -> bytes:
        super().receive(data)
        return b""


class ArrivalTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World(replace(LIMITS, enabled=False, window_messages=10))
        self.unsent = 0
        self.patch(module, "unsent_bytes", lambda transport: self.unsent)
        account(self.world, "bob")
        self.alice: Client = logged_in(self.world, "alice")
        self.bob, self.he = self.log_in()

    def log_in(self) -> tuple[Peer, Listener]:
        client = Listener()
        peer = Peer(self.world, SILENT, client)
        peer.send(client.log_in("bob", PASSWORD))
        return peer, client

    def say(self, count: int) -> None:
        for _ in range(count):
            self.conversation = self.alice.ask(text_to("bob", f"{self.alice.tag}")).conversation

    def cursor(self) -> int:
        """As it would be written."""
        session = self.bob.protocol.session
        return session.window.positions[self.conversation].delivered

    def test_left_and_heard(self) -> None:
        """A message counts as delivered when a frame comes after everything has left, and not sooner."""
        self.unsent = 50
        self.say(3)
        self.bob.send(PING)
        self.world.pass_seconds(1)
        self.bob.send(PING)
        self.assertEqual(self.cursor(), 0)
        self.unsent = 0
        self.world.pass_seconds(1)  # it is seen to have left
        self.assertEqual(self.cursor(), 0)
        self.bob.send(PING)
        self.assertEqual(self.cursor(), 3)

    def test_through_a_proxy(self) -> None:
        """Behind a proxy the second frame counts that comes two seconds after the first, for what left before the first."""
        self.bob.protocol._arrival = Arrival(self.world.core, self.bob.protocol.session, proxied=True)
        self.say(3)
        self.world.pass_seconds(1)  # it is seen to have left
        self.bob.send(PING)
        self.say(2)
        self.world.pass_seconds(1)
        self.bob.send(PING)
        self.assertEqual(self.cursor(), 0)
        self.world.pass_seconds(1)
        self.bob.send(PING)
        self.assertEqual(self.cursor(), 3)
        self.world.pass_seconds(1)
        self.bob.send(PING)
        self.assertEqual(self.cursor(), 3)
        self.world.pass_seconds(1)
        self.bob.send(PING)
        self.assertEqual(self.cursor(), 5)

    def test_what_came_later(self) -> None:
        """A frame acknowledges what had left before it, not what was pushed since."""
        self.say(2)
        self.world.pass_seconds(1)
        self.unsent = 50
        self.say(2)
        self.bob.send(PING)
        self.assertEqual(self.cursor(), 2)

    def test_room(self) -> None:
        """What the kernel has taken makes room in the window, as long as it has not too much; so such a client is fed all it lacks."""
        self.unsent = LIMITS.window_bytes
        self.say(25)
        self.assertEqual(len(self.he.arrived), 10)
        self.world.pass_seconds(3)
        self.assertEqual(len(self.he.arrived), 10)
        self.unsent = LIMITS.window_bytes // 2
        self.world.pass_seconds(4)
        self.assertEqual([text for _, text in self.he.arrived], [f"{n}" for n in range(1, 26)])

    def test_a_fast_conversation(self) -> None:
        """Room is made as soon as the kernel has taken it: nobody waits for the next second."""
        self.unsent = 50
        self.say(35)
        self.assertEqual(len(self.he.arrived), 35)
        self.assertEqual(self.cursor(), 0)

    def test_not_written_yet(self) -> None:
        """What waits for the transport has not left."""
        self.bob.transport.stalled = True
        self.bob.protocol.deliver(e.Closing("x", "y" * 100_000))
        self.world.settle()
        self.say(3)
        self.world.pass_seconds(2)
        self.bob.send(PING)
        self.assertEqual((self.cursor(), self.bob.protocol.all_written), (0, False))

    def test_after_a_loss(self) -> None:
        """What was not heard of comes again; what was does not."""
        self.say(3)
        self.world.pass_seconds(1)
        self.bob.send(PING)
        self.unsent = 50
        self.say(2)
        self.world.pass_seconds(2)
        self.bob.transport.lose()
        _, again = self.log_in()
        self.world.pass_seconds(2)
        self.assertEqual([text for _, text in again.arrived], ["4", "5"])

    def test_both_together(self) -> None:
        """Its cursor is told to the other side like anybody's."""
        self.say(3)
        self.world.pass_seconds(1)
        self.bob.send(PING)
        self.world.pass_seconds(1)
        self.assertEqual([event.seq for event in self.alice.of(e.DeliveredUpTo)], [3])
