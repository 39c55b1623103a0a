"""Events given one at a time."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imserver.client import inbox
from imserver.client.inbox import Inbox
from imserver.core.events import ConversationLeft, Event


class InboxTests(SynchronousTestCase):
    """Events are told apart by their numbers."""

    def setUp(self) -> None:
        self.shown: list[int] = []
        self.given: list[tuple[int, int]] = []
        self.answers: list[Deferred[None]] = []
        self.slow = True
        self.inbox = Inbox(self.listen, lambda conversation, seq: self.given.append((conversation, seq)))

    def listen(self, event: Event) -> Any:
        """The application."""
        assert isinstance(event, ConversationLeft)
        self.shown.append(event.conversation)
        if not self.slow:
            return None
        self.answers.append(Deferred())
        return self.answers[-1]

    def put(self, seq: int) -> None:
        """A message arrives."""
        self.inbox.put_message(ConversationLeft(seq), 17, seq)

    def test_one_at_a_time(self) -> None:
        """The next one waits until the listener has finished; only then is the first one given."""
        self.put(1)
        self.put(2)
        self.assertEqual((self.shown, self.given), ([1], []))
        self.answers[0].callback(None)
        self.assertEqual((self.shown, self.given), ([1, 2], [(17, 1)]))

    def test_own_messages_keep_their_turn(self) -> None:
        """They are not shown, and count as given when everything before them was."""
        self.put(1)
        self.inbox.put_message(None, 17, 2)
        self.assertEqual(self.given, [])
        self.answers[0].callback(None)
        self.assertEqual((self.shown, self.given), ([1], [(17, 1), (17, 2)]))

    def test_a_quick_listener_and_many_events(self) -> None:
        """No recursion, however many wait."""
        self.put(0)
        for seq in range(1, 1000):
            self.put(seq)
        self.slow = False
        self.answers[0].callback(None)
        self.assertEqual(self.shown, list(range(1000)))
        self.assertEqual(len(self.inbox), 0)

    def test_a_listener_that_asks_for_more(self) -> None:
        """What arrives while the listener runs is given after it, not inside it."""
        order: list[str] = []

        def listen(event: Event) -> None:
            assert isinstance(event, ConversationLeft)
            order.append(f"begin {event.conversation}")
            if event.conversation == 1:
                box.put(ConversationLeft(2))
            order.append(f"end {event.conversation}")

        box = Inbox(listen, lambda conversation, seq: None)
        box.put(ConversationLeft(1))
        self.assertEqual(order, ["begin 1", "end 1", "begin 2", "end 2"])

    def test_a_coroutine_function_may_listen(self) -> None:
        """Its end is waited for."""
        gate: Deferred[None] = Deferred()

        async def listen(event: Event) -> None:
            await gate

        box = Inbox(listen, lambda conversation, seq: self.given.append((conversation, seq)))
        box.put_message(ConversationLeft(1), 17, 1)
        self.assertEqual(self.given, [])
        gate.callback(None)
        self.assertEqual(self.given, [(17, 1)])

    def test_a_listener_that_fails(self) -> None:
        """Is logged, and the next event comes."""
        self.put(1)
        self.put(2)
        self.answers[0].errback(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual((self.shown, self.given), ([1, 2], [(17, 1)]))

    def test_full(self) -> None:
        """Hints are dropped then; messages are the caller's care."""
        self.patch(inbox, "MAX_EVENTS", 2)
        for number in range(5):
            self.inbox.put(ConversationLeft(number))
        self.assertTrue(self.inbox.full)
        self.slow = False
        self.answers[0].callback(None)
        self.assertEqual(self.shown, [0, 1, 2])

    def test_cleared(self) -> None:
        """What waits is forgotten, and what is being shown no longer counts."""
        self.put(1)
        self.put(2)
        self.inbox.clear()
        self.answers[0].callback(None)
        self.assertEqual((self.shown, self.given), ([1], []))
