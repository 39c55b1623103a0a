"""Consecutive messages of one conversation on their way to everybody."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.burst import Burst
from imserver.core.values import Conversation, ConversationKind, Message

NOWHERE = Conversation(1, ConversationKind.GROUP, "", ())


class BurstTests(SynchronousTestCase):
    def setUp(self) -> None:
        messages = [Message(1, seq, 1, "alice", b"", 1, "", b"x" * seq, 0) for seq in (5, 6, 7)]
        self.burst = Burst(NOWHERE, messages, "origin")

    def test_sums(self) -> None:
        """It knows its ends and its size."""
        self.assertEqual((self.burst.first, self.burst.last, self.burst.bytes), (5, 7, 18))

    def test_part(self) -> None:
        """A part is of the same origin, with its own ends, and shares no encodings."""
        self.burst.encodings["wire"] = b"all"
        part = self.burst.part(1, 3)
        self.assertEqual((part.first, part.last, part.bytes, part.origin), (6, 7, 13, "origin"))
        self.assertEqual((part.conversation, part.encodings), (NOWHERE, {}))
