"""What docs/wires/native.md shows is what happens."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.events import ConversationOpened, DeliveredUpTo, Event, MessageArrived, RunArrived
from imserver.core.requests import MarkDelivered, Send
from imserver.core.singly import singly
from imserver.core.values import Message
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.peer import Peer
from tests.native_page import Step, steps


class NativePageTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.daemon = Daemon(self).start()
        self.bob = self._peer()
        self.bob.register("bob")
        self.bob.log_in("bob")
        self.alice = self._peer()
        self.conversation = 0

    def _peer(self) -> Peer:
        peer = Peer(self.daemon.address())
        self.addCleanup(peer.socket.close)
        return peer

    def test_the_example_happens(self) -> None:
        """The example's bytes, sent to a new server, get answers and events of the same kinds in the same order."""
        for step in steps():
            if step.to_server:
                self._say(step)
            else:
                self._hear(step)
        self.daemon.assert_clean()

    def _say(self, step: Step) -> None:
        """The page's own bytes, but for the conversation's id, which is random."""
        if isinstance(step.value, MarkDelivered):
            self.alice.tell(replace(step.value, conversation=self.conversation))
        else:
            self.alice.socket.sendall(step.frame)

    def _hear(self, step: Step) -> None:
        if isinstance(step.value, RunArrived):
            self._bob_answers(*step.value.run.messages())
        tag, event = self._next()
        expected = singly(step.value, step.tag)[0]
        self.assertEqual((type(event), tag), (type(expected[0]), expected[1]))
        if isinstance(event, ConversationOpened):
            self.conversation = event.membership.conversation.id

    def _next(self) -> tuple[int, Event]:
        """What alice hears; receipts come when their second is over, so they are passed over."""
        while isinstance((pair := self.alice.hear())[1], DeliveredUpTo):
            pass
        return pair

    def _bob_answers(self, message: Message) -> None:
        while not isinstance(event := self.bob.hear()[1], MessageArrived):
            pass
        self.assertEqual(event.message.body, b"hello")
        self.bob.tell(Send(self.conversation, message.client_id, message.kind, "", message.body))
