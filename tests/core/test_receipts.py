"""Delivered and read cursors, counts of them, and typing."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.errors import ChatError, Code
from tests.core.client import Hesitant, Turnstile, account, group, logged_in, result, text, text_to
from tests.fakes import LIMITS, World

ALICE, BOB, CAROL = 100_001, 100_002, 100_003


class ReceiptsCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World(replace(LIMITS, enabled=False))
        self.alice, self.bob = logged_in(self.world, "alice"), logged_in(self.world, "bob")

    def direct(self, count: int) -> int:
        for n in range(count):
            conversation = self.alice.ask(text_to("bob", f"{n}")).conversation
        return conversation

    def second(self) -> None:
        self.world.pass_seconds(1)


class DirectTests(ReceiptsCase):
    def test_coalesced(self) -> None:
        """However often a cursor moves, both sides are told once a second, the newest."""
        conversation = self.direct(9)
        for seq in range(1, 8):
            self.bob.ask(r.MarkDelivered(conversation, seq))
            self.bob.ask(r.MarkRead(conversation, min(seq, 5)))
        self.assertEqual(self.alice.of(e.DeliveredUpTo), [])
        self.second()
        for client in (self.alice, self.bob):
            self.assertEqual(client.of(e.DeliveredUpTo), [e.DeliveredUpTo(conversation, BOB, 7)])
            self.assertEqual(client.of(e.ReadUpTo), [e.ReadUpTo(conversation, BOB, 5)])
        self.second()
        self.assertEqual(len(self.alice.of(e.DeliveredUpTo)), 1)

    def test_monotone(self) -> None:
        """What is told never goes back: not by an older number, and not by a device that is further back."""
        conversation = self.direct(9)
        tablet = logged_in(self.world, "bob", "tablet")
        page = tablet.ask(r.FetchHistory(conversation, 0, 0, 0))
        self.assertEqual(len(page.messages), 9)
        for client, seq in ((self.bob, 6), (tablet, 3), (tablet, 4)):
            client.ask(r.MarkDelivered(conversation, seq))
            client.ask(r.MarkRead(conversation, seq))
        self.second()
        for client, seq in ((tablet, 5), (self.bob, 2), (self.bob, 9)):
            client.ask(r.MarkDelivered(conversation, seq))
            client.ask(r.MarkRead(conversation, seq))
            self.second()
        self.assertEqual([event.seq for event in self.alice.of(e.DeliveredUpTo)], [6, 9])
        self.assertEqual([event.seq for event in self.alice.of(e.ReadUpTo)], [6, 9])

    def test_beyond_the_end(self) -> None:
        """Nobody has received or read what does not exist."""
        conversation = self.direct(3)
        self.bob.ask(r.MarkDelivered(conversation, 2**64 - 1))
        self.bob.ask(r.MarkRead(conversation, 2**64 - 1))
        self.second()
        self.assertEqual([event.seq for event in self.alice.of(e.DeliveredUpTo)], [3])
        self.assertEqual([event.seq for event in self.alice.of(e.ReadUpTo)], [3])
        self.alice.ask(text_to("bob", "live"))
        self.assertEqual(self.bob.texts[-1], "live")

    def test_more_than_the_stored_cursor(self) -> None:
        """A device that was cut off before its cursor was written says what it has, and goes on live."""
        conversation = self.direct(3)
        self.bob.ask(r.MarkDelivered(conversation, 3))
        self.world.core.receipts._delivered.clear()  # as if the server had been killed
        self.bob.leave()
        bob = logged_in(self.world, "bob")
        bob.ask(r.MarkDelivered(conversation, 3))
        self.alice.ask(text_to("bob", "live"))
        self.assertEqual(bob.texts, ["live"])
        self.world.pass_seconds(2)
        self.assertEqual(bob.of(e.Behind), [])

    def test_reading_is_told_although_counts_were_asked_for(self) -> None:
        """A request that writes the cursors at once does not keep them from being told."""
        conversation = self.direct(3)
        self.bob.ask(r.MarkRead(conversation, 2))
        self.bob.ask(r.MarkDelivered(conversation, 3))
        self.assertEqual(
            self.alice.ask(r.CountReceipts(conversation, 2)), e.ReceiptCounts(conversation, 2, 1, 1)
        )
        self.second()
        self.assertEqual([event.seq for event in self.alice.of(e.ReadUpTo)], [2])
        self.assertEqual([event.seq for event in self.alice.of(e.DeliveredUpTo)], [3])

    def test_roster_not_in_memory(self) -> None:
        """Reading and typing work in a conversation that has to be looked up, and a client gone meanwhile does nothing."""
        conversation = self.direct(3)
        rosters = self.world.core.rosters
        rosters._recent.clear()
        rosters._alive.clear()
        turnstile = Turnstile()
        rosters._store = Hesitant(self.world.store, turnstile)
        turnstile.closed = True
        tablet = logged_in(self.world, "bob", "tablet")
        self.bob.start(r.MarkRead(conversation, 2))
        self.bob.start(r.SetTyping(conversation, True))
        tablet.start(r.MarkRead(conversation, 3))
        tablet.leave()
        turnstile.open()
        self.second()
        self.assertEqual(self.alice.of(e.ReadUpTo), [e.ReadUpTo(conversation, BOB, 2)])
        self.assertEqual(self.alice.of(e.TypingChanged), [e.TypingChanged(conversation, BOB, True)])

    def test_typing(self) -> None:
        """Told at once to the other side, to nobody else, and not to oneself."""
        conversation = self.direct(1)
        carol, second = logged_in(self.world, "carol"), logged_in(self.world, "bob")
        self.bob.ask(r.SetTyping(conversation, True))
        self.bob.ask(r.SetTyping(conversation, False))
        told = [e.TypingChanged(conversation, BOB, typing) for typing in (True, False)]
        self.assertEqual(self.alice.of(e.TypingChanged), told)
        self.assertEqual(carol.events + self.bob.of(e.TypingChanged) + second.of(e.TypingChanged), [])


class GroupTests(ReceiptsCase):
    def setUp(self) -> None:
        super().setUp()
        self.carol = logged_in(self.world, "carol")
        self.conversation = group(self.alice, BOB, CAROL)
        self.alice.ask(text(self.conversation, "hello"))  # seq 2

    def test_counts(self) -> None:
        """The sender learns how many have and have read the newest message; nobody learns who."""
        self.bob.ask(r.MarkDelivered(self.conversation, 2))
        self.carol.ask(r.MarkRead(self.conversation, 2))
        self.second()
        self.assertEqual(self.alice.of(e.ReceiptCounts), [e.ReceiptCounts(self.conversation, 2, 2, 1)])
        self.assertEqual(self.alice.of(e.DeliveredUpTo) + self.alice.of(e.ReadUpTo), [])
        self.assertEqual(self.bob.of(e.ReceiptCounts), [])

    def test_own_devices(self) -> None:
        """One's other devices learn what one has read."""
        phone = logged_in(self.world, "carol", "phone")
        self.carol.ask(r.MarkRead(self.conversation, 2))
        self.second()
        self.assertEqual(phone.of(e.ReadUpTo), [e.ReadUpTo(self.conversation, CAROL, 2)])

    def test_large_groups(self) -> None:
        """Above fifty members counts are given on request only, and typing is not told."""
        for n in range(48):
            number = account(self.world, f"member{n}")
            self.alice.ask(r.AddMembers(self.conversation, [number]))
        self.bob.ask(r.MarkRead(self.conversation, 2))
        self.bob.ask(r.SetTyping(self.conversation, True))
        self.second()
        self.assertEqual(self.alice.of(e.ReceiptCounts) + self.alice.of(e.TypingChanged), [])
        self.assertEqual(self.alice.ask(r.CountReceipts(self.conversation, 2)).read, 1)

    def test_who_has_left(self) -> None:
        """A sender who has left is told no counts any more."""
        self.alice.ask(r.LeaveGroup(self.conversation))
        self.bob.ask(r.MarkRead(self.conversation, 2))
        self.second()
        self.assertEqual(self.alice.of(e.ReceiptCounts), [])

    def test_on_request(self) -> None:
        """Counts of a message that does not exist are zero."""
        self.assertEqual(
            self.alice.ask(r.CountReceipts(self.conversation, 99)),
            e.ReceiptCounts(self.conversation, 99, 0, 0),
        )


class SavedTests(ReceiptsCase):
    def cursor(self, device: str = "test-1") -> int:
        """Of bob's device, as it is stored."""
        stored = [d for d in self.world.store._tables.devices.values() if d.record.account == BOB]
        return next(max(d.cursors.values(), default=0) for d in stored if d.record.device.name == device)

    def test_once_a_second(self) -> None:
        """Cursors are written once a second, however often they move, and not at all when they do not."""
        conversation = self.direct(5)
        turnstile = Turnstile()
        self.world.core.store = store = Hesitant(self.world.store, turnstile)
        for seq in range(1, 6):
            self.bob.ask(r.MarkDelivered(conversation, seq))
        self.assertEqual(store.done.count("save_cursors"), 0)
        self.world.pass_seconds(5)
        self.assertEqual(store.done.count("save_cursors"), 1)

    def test_saved_on_stop(self) -> None:
        """The last cursors are written when the core stops."""
        conversation = self.direct(5)
        bob = logged_in(self.world, "bob", "phone")
        bob.ask(r.FetchHistory(conversation, 0, 0, 0))
        bob.ask(r.MarkDelivered(conversation, 4))
        result(self.world.core.stop())
        self.assertEqual(self.cursor("phone"), 4)

    def test_degraded(self) -> None:
        """While the store takes nothing, cursors wait; afterwards they are written and told."""
        conversation = self.direct(5)
        self.world.store.state = "degraded"
        self.bob.ask(r.MarkDelivered(conversation, 4))
        self.world.pass_seconds(3)
        self.assertEqual(self.alice.of(e.DeliveredUpTo), [])
        self.world.store.state = "ready"
        self.second()
        self.assertEqual(self.cursor(), 4)
        self.assertEqual([event.seq for event in self.alice.of(e.DeliveredUpTo)], [4])

    def test_failed_write(self) -> None:
        """Cursors that could not be written are kept for the next time."""
        conversation = self.direct(5)

        async def fails(*_: object) -> None:
            raise ChatError(Code.RETRY_AFTER, "busy", 1000)

        self.world.store.save_cursors = fails
        self.bob.ask(r.MarkDelivered(conversation, 4))
        self.bob.ask(r.MarkRead(conversation, 3))
        self.second()
        del self.world.store.save_cursors
        self.world.pass_seconds(2)
        self.assertEqual(self.cursor(), 4)
        self.assertEqual([event.seq for event in self.alice.of(e.DeliveredUpTo)], [4])
        self.assertEqual([event.seq for event in self.alice.of(e.ReadUpTo)], [3])
