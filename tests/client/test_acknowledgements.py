"""When acknowledgements leave, and what becomes of those that are refused."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.acknowledgements import MAX_DELAY_SECONDS, MAX_UNACKNOWLEDGED, Acknowledgements
from imserver.core.requests import MarkDelivered


class AcknowledgementTests(SynchronousTestCase):
    """Sent ones are listed; the tag is their place in the list."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.connected = True
        self.sent: list[MarkDelivered] = []
        self.acknowledgements = Acknowledgements(self.clock, self.mark)

    def mark(self, request: MarkDelivered) -> int:
        """Send."""
        self.sent.append(request)
        return len(self.sent) if self.connected else 0

    def test_after_fifty_milliseconds(self) -> None:
        """Few messages are acknowledged together, by the newest of each conversation."""
        for conversation, seq in ((17, 1), (18, 1), (17, 2)):
            self.acknowledgements.add(conversation, seq)
        self.clock.advance(MAX_DELAY_SECONDS - 0.001)
        self.assertEqual(self.sent, [])
        self.clock.advance(0.001)
        self.assertEqual(self.sent, [MarkDelivered(17, 2), MarkDelivered(18, 1)])

    def test_after_sixteen_messages(self) -> None:
        """Many are acknowledged at once."""
        for seq in range(1, MAX_UNACKNOWLEDGED + 1):
            self.assertEqual(self.sent, [])
            self.acknowledgements.add(17, seq)
        self.assertEqual(self.sent, [MarkDelivered(17, MAX_UNACKNOWLEDGED)])
        self.clock.advance(1.0)
        self.assertEqual(len(self.sent), 1)

    def test_an_acknowledgement_never_goes_back(self) -> None:
        """A lower seq that is added later does not hide a higher one."""
        self.acknowledgements.add(17, 5)
        self.acknowledgements.add(17, 3, 0)
        self.acknowledgements.flush()
        self.assertEqual(self.sent, [MarkDelivered(17, 5)])

    def test_a_refused_one_is_repeated_when_the_server_says(self) -> None:
        """And until then all others wait, however many come together."""
        self.acknowledgements.add(17, 1)
        self.acknowledgements.flush()
        self.acknowledgements.refused(1, 2.0)
        for seq in range(1, 2 * MAX_UNACKNOWLEDGED):
            self.acknowledgements.add(18, seq)
        self.clock.advance(1.9)
        self.assertEqual(len(self.sent), 1)
        self.clock.advance(0.1)
        self.assertCountEqual(
            self.sent[1:], [MarkDelivered(17, 1), MarkDelivered(18, 2 * MAX_UNACKNOWLEDGED - 1)]
        )

    def test_refusals_of_something_else_are_nothing(self) -> None:
        """A tag that is not of an acknowledgement repeats nothing; neither does a refusal for good."""
        self.acknowledgements.add(17, 1)
        self.acknowledgements.flush()
        self.acknowledgements.refused(99, 1.0)
        self.acknowledgements.refused(1, 0.0)
        self.clock.advance(10.0)
        self.assertEqual(len(self.sent), 1)

    def test_nothing_stays_behind(self) -> None:
        """After clear no timer runs, and what was lost with the connection cannot be refused."""
        self.acknowledgements.add(17, 1)
        self.acknowledgements.clear()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.connected = False
        self.acknowledgements.add(17, 1)
        self.acknowledgements.flush()
        self.acknowledgements.refused(0, 1.0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
