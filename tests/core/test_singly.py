"""imserver.core.singly: one event for each message, whatever came together."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.events import MessageArrived, Pong, RunArrived, Sent
from imserver.core.run import Run
from imserver.core.singly import singly
from imserver.core.values import Conversation, ConversationKind, Kind, Message


class SinglyTests(SynchronousTestCase):
    def test_run(self) -> None:
        """A run is one arrival for each of its messages, under the tag it came with."""
        message = Message(7, 3, 1, "alice", b"id", Kind.TEXT, "", b"hello", 0)
        conversation = Conversation(7, ConversationKind.GROUP, "", ())
        arrived = singly(RunArrived(Run.of(message), conversation), 0)
        self.assertEqual(arrived, [(MessageArrived(message, conversation), 0)])

    def test_acknowledgement(self) -> None:
        """The answer to several sends is one for each: seqs and tags count up, the time is the same."""
        self.assertEqual(
            singly(Sent(7, 3, 1234, more=2), 10),
            [(Sent(7, 3, 1234), 10), (Sent(7, 4, 1234), 11), (Sent(7, 5, 1234), 12)],
        )

    def test_others(self) -> None:
        """Anything else stays as it is."""
        for event in (Sent(7, 3, 1234), Pong()):
            self.assertEqual(singly(event, 10), [(event, 10)])
