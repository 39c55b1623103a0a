"""What one device has been given: each visible seq once, in order, whatever happens in between (delivery.md P4)."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.burst import Burst
from imserver.core.capabilities import Capabilities
from imserver.core.limits import Limits
from imserver.core.run import Run
from imserver.core.values import Conversation, ConversationKind, Message
from imserver.core.window import MAX_OWN, OVERHEAD_BYTES, Window
from tests.core.client import Client, group, logged_in, text
from tests.fakes import LIMITS, World

NOWHERE = Conversation(1, ConversationKind.GROUP, "", ())
ALICE, BOB = 100_001, 100_002


def burst(first: int, count: int, size: int = 10) -> Burst:
    return Burst(NOWHERE, Run(1, first, 1, "alice", b"", 0, 1, "", [b"x" * size] * count, 0))


class WindowTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.window = Window(replace(Limits(), window_messages=10, window_bytes=10_000))

    def push(self, first: int, count: int, size: int = 10) -> None:
        self.window.pushed(self.window.position(1, first - 1), burst(first, count, size))

    def test_full(self) -> None:
        """It is full at the limit of messages or of bytes, and half empty at half of both."""
        self.push(1, 9)
        self.assertEqual((self.window.full, self.window.half_empty), (False, False))
        self.push(10, 1)
        self.assertTrue(self.window.full)
        self.window.acknowledged(1, 5)
        self.assertEqual((self.window.full, self.window.half_empty), (False, True))
        self.push(11, 1, 10_000)
        self.assertTrue(self.window.full)

    @given(st.integers(0, 12), st.integers(1, 15), st.integers(0, 3000))
    def test_fitting(self, before: int, count: int, size: int) -> None:
        """What fits does not go beyond the messages, nor beyond the bytes by more than one message."""
        self.setUp()
        if before:
            self.push(1, before, size)
        fitting = self.window.fitting(burst(before + 1, count, size))
        self.assertTrue(0 <= fitting <= count)
        self.assertEqual(fitting == 0, self.window.full)
        self.assertLessEqual(fitting, max(0, 10 - before))
        if fitting > 1:
            self.assertLess(self.window.bytes + (fitting - 1) * size, 10_000)

    @given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 14)), max_size=12))
    def test_accounts(self, steps: Sequence[tuple[int, int]]) -> None:
        """Messages and bytes in flight are those pushed and not acknowledged; the cursor never moves back or too far."""
        self.setUp()
        top, cursor = 0, 0
        for count, ack in steps:
            self.push(top + 1, count, 100)
            top += count
            moved = self.window.acknowledged(1, min(ack, top))
            self.assertEqual(moved, min(ack, top) if min(ack, top) > cursor else 0)
            cursor = max(cursor, moved)
            self.assertEqual(self.window.messages, top - cursor)
            self.assertEqual(self.window.bytes, (top - cursor) * (100 + OVERHEAD_BYTES))
            self.assertEqual(self.window.released, cursor)

    def test_acknowledged_beyond(self) -> None:
        """A device may have more than its stored cursor says: then its position is there, and it is not behind."""
        self.push(1, 3)
        self.window.behind[1] = 7
        self.assertEqual([self.window.has_given(1, seq) for seq in (3, 4)], [True, False])
        self.assertEqual(self.window.acknowledged(1, 6), 6)
        self.assertEqual((self.window.messages, self.window.bytes, self.window.behind), (0, 0, {1: 7}))
        self.assertEqual((self.window.acknowledged(1, 7), self.window.behind), (7, {}))
        self.assertEqual(self.window.positions[1].pushed, 7)

    def test_unknown_conversation(self) -> None:
        """Where no position is known there is nothing to acknowledge."""
        self.assertEqual([self.window.acknowledged(2, seq) for seq in (0, 5, 2**64 - 1)], [0, 0, 0])

    def test_all_left(self) -> None:
        """What has left makes room and is told once, but is not acknowledged yet."""
        self.push(1, 3)
        self.assertEqual((self.window.all_left(), self.window.messages), ([(1, 3)], 0))
        self.assertEqual(self.window.all_left(), [])
        self.assertEqual(self.window.acknowledged(1, 3), 3)


class OwnTests(SynchronousTestCase):
    """What a device has sent itself (Position, Window.acknowledged)."""

    def setUp(self) -> None:
        self.window = Window(Limits())
        self.position = self.window.position(1, 0)

    def test_stretches(self) -> None:
        """What follows each other is one stretch, and may be told twice."""
        for first, last in ((2, 3), (4, 4), (7, 9), (7, 9)):
            self.position.sent(first, last)
        self.assertEqual(self.position.own, ((2, 4), (7, 9)))
        sent = [seq for seq in range(12) if self.position.has_sent(seq)]
        self.assertEqual(sent, [2, 3, 4, 7, 8, 9])

    def test_bounded(self) -> None:
        """Beyond so many stretches the rest is taken for another device's; later there is room again."""
        for n in range(MAX_OWN + 5):
            self.position.sent(2 * n + 2, 2 * n + 2)
        self.assertEqual(len(self.position.own), MAX_OWN)
        self.assertFalse(self.position.has_sent(2 * MAX_OWN + 2))
        self.window.acknowledged(1, 1)
        self.position.sent(1000, 1000)
        self.assertTrue(self.position.has_sent(1000))

    @given(st.sets(st.integers(1, 30)), st.integers(1, 30))
    def test_acknowledged(self, own: set[int], seq: int) -> None:
        """Who has everything up to a message has what it has sent itself right after it, and nothing else."""
        self.setUp()
        for each in sorted(own):
            self.position.sent(each, each)
        expected = seq
        while expected + 1 in own:
            expected += 1
        self.assertEqual(self.window.acknowledged(1, seq), expected)
        self.assertEqual((self.position.delivered, self.position.pushed), (expected, expected))
        left = {each for each in range(32) if self.position.has_sent(each)}
        self.assertEqual(left, {each for each in own if each > expected})


class Reader(Client):
    """Does what a client should: takes pushes, acknowledges, fetches where it is behind; when is up to the test."""

    cursor = 0
    acknowledged = 0
    fetching = False
    started = False

    def deliver(self, event: e.Event, tag: int = 0) -> None:
        super().deliver(event, tag)
        match event:
            case e.MessageArrived(message=message):
                self.take([message])
            case e.History():
                self.take(event.messages)

    def take(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if message.seq > self.cursor:
                assert message.seq == self.cursor + 1, f"{message.seq} after {self.cursor}"
                self.cursor = message.seq

    def fetch(self, conversation: int, limit: int) -> None:
        answer = self.ask(r.FetchHistory(conversation, self.cursor, 0, limit))
        assert isinstance(answer, e.History), answer

    def mark(self, conversation: int) -> None:
        self.ask(r.MarkDelivered(conversation, self.cursor))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 9)),
        st.tuples(st.just("own"), st.integers(1, 3)),
        st.tuples(st.just("mark"), st.just(0)),
        st.tuples(st.just("fetch"), st.integers(1, 5)),
        st.tuples(st.just("congest"), st.integers(0, 1)),
        st.tuples(st.just("tick"), st.just(0)),
        st.tuples(st.just("reconnect"), st.integers(0, 1)),
        st.tuples(st.just("rename"), st.just(0)),
    ),
    max_size=25,
)


class DeviceTests(SynchronousTestCase):
    """One device of bob's in a group, with a small window, under any interleaving."""

    limits = replace(LIMITS, enabled=False, window_messages=4, window_bytes=4000, page_items=5)

    @settings(max_examples=150, deadline=None)
    @given(STEPS)
    def test_every_seq_once_in_order(self, steps: Sequence[tuple[str, int]]) -> None:
        """A device gets each seq in order without a gap; in the end, when it fetches where told, it has all of them."""
        self.world = World(self.limits)
        self.alice = logged_in(self.world, "alice")
        self.bob = self.reader(0)
        self.conversation = group(self.alice, BOB)
        for n, (what, amount) in enumerate(steps):
            self.step(what, amount, n)
        self.finish()

    def reader(self, cursor: int) -> Reader:
        if not self.world.core.router.sessions_of(BOB):
            logged_in(self.world, "bob", "spare").leave()
        reader = Reader(self.world)
        reader.cursor = cursor
        reader.log_in("bob", "phone")
        return reader

    def step(self, what: str, amount: int, n: int) -> None:
        match what:
            case "send":
                for part in range(amount):
                    self.alice.ask(text(self.conversation, f"{n}.{part}"))
            case "own":
                for part in range(amount):
                    self.own(f"own {n}.{part}")
            case "mark":
                self.bob.mark(self.conversation)
            case "fetch":
                self.bob.fetch(self.conversation, amount)
            case "congest":
                self.bob.congested = bool(amount)
            case "tick":
                self.world.pass_seconds(1)
            case "reconnect":
                if amount:  # and its cursor is written
                    self.world.pass_seconds(1)
                self.bob.leave()
                self.bob = self.reader(self.bob.cursor)
            case "rename":
                self.alice.ask(r.RenameGroup(self.conversation, f"title {n}"))

    def own(self, body: str) -> None:
        """What the device sends itself it has, if it has everything before it."""
        answer = self.bob.ask(text(self.conversation, body))
        if answer.seq == self.bob.cursor + 1:
            self.bob.cursor = answer.seq

    def finish(self) -> None:
        self.bob.congested = False
        for _ in range(100):
            self.bob.mark(self.conversation)
            self.world.pass_seconds(1)
            told = [event for event in self.bob.of(e.Behind) if event.last_seq > self.bob.cursor]
            if not told:
                break
            self.bob.events.clear()
            while self.bob.cursor < told[-1].last_seq:
                self.bob.fetch(self.conversation, 5)
        last_seq = self.world.store._tables.last_seq(self.conversation)
        behind = self.bob.ask(r.Synchronise(0)).memberships
        if behind and behind[0].last_seq > self.bob.cursor:
            # Told before it came back, perhaps; whoever synchronises finds out.
            while self.bob.cursor < last_seq:
                self.bob.fetch(self.conversation, 5)
        self.assertEqual(self.bob.cursor, last_seq)
        before = len(self.bob.of(e.MessageArrived))
        self.bob.mark(self.conversation)
        self.alice.ask(text(self.conversation, "live again"))
        self.assertEqual(self.bob.cursor, last_seq + 1)
        self.assertEqual(len(self.bob.of(e.MessageArrived)), before + 1)


class FedTests(SynchronousTestCase):
    """A wire whose clients can neither fetch nor acknowledge."""

    line = Capabilities("line", acknowledges=False, fetches=False)
    limits = replace(LIMITS, enabled=False, window_messages=40)

    def setUp(self) -> None:
        self.world = World(self.limits)
        self.alice = logged_in(self.world, "alice")
        logged_in(self.world, "bob", capabilities=self.line).leave()
        self.conversation = group(self.alice, BOB)

    def say(self, count: int) -> list[str]:
        texts = [f"{self.alice.tag} {n}" for n in range(count)]
        for one in texts:
            self.alice.ask(text(self.conversation, one))
        return texts

    def arrived(self, client: Client) -> list[str]:
        """Its texts, without the group's notices."""
        return [
            event.message.body.decode() for event in client.of(e.MessageArrived) if event.message.kind == 1
        ]

    def everything_leaves(self, client: Client) -> None:
        for conversation, seq in client.session.window.all_left():
            self.world.core.receipts.mark_delivered(client.session, 0, r.MarkDelivered(conversation, seq))
        client.session.tell_behind()
        self.world.settle()

    def test_fed(self) -> None:
        """It is given what it lacks, as far as its window allows, then the rest, then live messages, in order."""
        texts = self.say(100)
        bob = logged_in(self.world, "bob", capabilities=self.line)
        self.world.pass_seconds(2)
        self.assertEqual(len(bob.of(e.MessageArrived)), 40)
        texts += self.say(5)
        for _ in range(5):
            self.everything_leaves(bob)
        texts += self.say(5)
        self.assertEqual(self.arrived(bob), texts)

    def test_congested(self) -> None:
        """Nothing is fed to a client that does not read; what it lacks comes when it does."""
        texts = self.say(30)
        bob = logged_in(self.world, "bob", capabilities=self.line)
        bob.congested = True
        self.world.pass_seconds(2)
        self.assertEqual(bob.events, [])
        bob.congested = False
        self.world.pass_seconds(1)
        self.assertEqual(self.arrived(bob), texts)

    def test_what_was_left(self) -> None:
        """Of a group it has left in the meantime it gets what was said until then."""
        texts = self.say(3)
        phone = logged_in(self.world, "bob", "phone")
        phone.ask(r.LeaveGroup(self.conversation))
        self.say(3)
        bob = logged_in(self.world, "bob", capabilities=self.line)
        self.world.pass_seconds(2)
        self.assertEqual(self.arrived(bob), texts)
        self.assertEqual(bob.session.window.behind, {})


class NewDeviceTests(SynchronousTestCase):
    def test_starts_at_the_highest_cursor(self) -> None:
        """A new device begins where the account's others are; what is older is history."""
        world = World()
        alice, bob = logged_in(world, "alice"), logged_in(world, "bob")
        id = group(alice, BOB)
        for n in range(5):
            alice.ask(text(id, f"{n}"))
        bob.ask(r.MarkDelivered(id, 4))
        world.pass_seconds(1)
        tablet = logged_in(world, "bob", "tablet")
        (membership,) = tablet.ask(r.Synchronise(0)).memberships
        self.assertEqual((membership.delivered_seq, membership.last_seq), (4, 6))
