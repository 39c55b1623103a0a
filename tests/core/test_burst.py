"""Consecutive messages of one conversation on their way to everybody."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.burst import Burst
from imserver.core.run import Run
from imserver.core.values import Conversation, ConversationKind, Gone, Kind

NOWHERE = Conversation(1, ConversationKind.GROUP, "", ())
ALICE, BOB = 1, 2


class BurstTests(SynchronousTestCase):
    def setUp(self) -> None:
        run = Run(1, 5, ALICE, "alice", b"", 0, Kind.TEXT, "", [b"x" * 5, b"x" * 6, b"x" * 7], 0)
        self.burst = Burst(NOWHERE, run, "origin")

    def test_sums(self) -> None:
        """It knows its ends and its size."""
        self.assertEqual((self.burst.first, self.burst.last, self.burst.size), (5, 7, 18))

    def test_part(self) -> None:
        """A part is of the same origin, with its own ends, and shares no encodings."""
        self.burst.encodings["wire"] = b"all"
        part = self.burst.part(1, 3)
        self.assertEqual((part.first, part.last, part.size, part.origin), (6, 7, 13, "origin"))
        self.assertEqual((part.conversation, part.encodings), (NOWHERE, {}))

    def test_seen_by(self) -> None:
        """Everybody sees the same burst; of a withheld one all but the sender see tombstones, made once."""
        self.assertIs(self.burst.seen_by(BOB), self.burst)
        self.burst.run.withheld = True
        self.assertIs(self.burst.seen_by(ALICE), self.burst)
        hidden = self.burst.seen_by(BOB)
        self.assertIs(self.burst.seen_by(BOB), hidden)
        self.assertEqual((hidden.first, hidden.last, hidden.size), (5, 7, 0))
        self.assertEqual((hidden.run.kind, hidden.run.content_type), (Kind.TOMBSTONE, Gone.WITHHELD))
