"""What edits and recalls make of earlier messages."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.client.screen.amendments import MAX_EDIT_BYTES, MAX_EDITS, MAX_RECALLS, Amendments
from imserver.core.values import Gone, Message
from tests.client.screen.values import edit, message, recall, tombstone


class AmendmentsTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.amendments = Amendments()

    def take(self, *messages: Message) -> None:
        """In this order."""
        for each in messages:
            self.amendments.take(each)

    def text(self, seq: int) -> bytes | None:
        """What is said now instead of a message."""
        found = self.amendments.edit_of(message(seq))
        return None if found is None else found.body

    def test_the_newest_edit(self) -> None:
        """Counts, in whatever order they are met; other messages have none."""
        self.take(edit(5, 1, "third"), edit(3, 1, "second"), message(2))
        self.assertEqual((self.text(1), self.text(2)), (b"third", None))

    def test_recalled(self) -> None:
        """A recall ends edits, also those that are met after it."""
        self.take(edit(3, 1, "second"), recall(4, 1), edit(2, 1, "first"))
        self.assertIsNone(self.text(1))

    def test_silent(self) -> None:
        """Edits and recalls are no messages of their own, nor is what a recall has left of an edit; all else is."""
        self.take(recall(9, 1))
        for seq, expected in ((1, False), (2, True)):
            self.assertEqual(self.amendments.is_silent(tombstone(seq)), expected)
        self.assertEqual(
            [
                self.amendments.is_silent(each)
                for each in (edit(3, 1, "x"), recall(4, 1), message(5), tombstone(6, Gone.BURNT))
            ],
            [True, True, False, False],
        )

    def test_nothing_is_left(self) -> None:
        """What is a tombstone says nothing, whatever it once said instead."""
        self.take(edit(3, 1, "second"))
        self.assertIsNone(self.amendments.edit_of(tombstone(1)))

    def test_bounded(self) -> None:
        """In number and in bytes; what was met first is forgotten."""
        self.take(*(edit(1_000 + seq, seq, "x") for seq in range(1, MAX_EDITS + 2)))
        self.assertEqual((self.text(1), self.text(2)), (None, b"x"))
        self.take(edit(5_000, 4_000, "y" * MAX_EDIT_BYTES))
        self.assertIsNone(self.text(MAX_EDITS))
        self.take(*(recall(20_000 + seq, seq) for seq in range(1, MAX_RECALLS + 2)))
        recalled = [self.amendments.is_silent(tombstone(seq)) for seq in (1, 2)]
        self.assertEqual(recalled, [True, False])
