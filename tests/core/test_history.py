"""Pages of history, both ways, and what a device lacks."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from tests.core.client import Hesitant, Turnstile, group, logged_in, text
from tests.fakes import LIMITS, World

BOB = 100_002


class HistoryTests(SynchronousTestCase):
    limits = replace(LIMITS, enabled=False, page_items=5, sync_page_items=3)

    def setUp(self) -> None:
        self.world = World(self.limits)
        self.alice, self.bob = logged_in(self.world, "alice"), logged_in(self.world, "bob")
        self.conversation = group(self.alice)  # seq 1
        self.say(11)  # 2 ... 12

    def say(self, count: int, size: int = 1) -> None:
        for _ in range(count):
            self.alice.ask(text(self.conversation, "x" * size, f"{self.alice.tag}".encode()))

    def page(self, after: int, before: int, limit: int) -> tuple[list[int], bool]:
        answer = self.alice.ask(r.FetchHistory(self.conversation, after, before, limit))
        self.assertIsInstance(answer, e.History)
        return [message.seq for message in answer.messages], answer.more

    def test_forward(self) -> None:
        """The oldest after a position, ascending; `more` until the newest is in it."""
        self.assertEqual(self.page(0, 0, 3), ([1, 2, 3], True))
        self.assertEqual(self.page(3, 0, 3), ([4, 5, 6], True))
        self.assertEqual(self.page(9, 0, 3), ([10, 11, 12], False))
        self.assertEqual(self.page(10, 0, 3), ([11, 12], False))
        self.assertEqual(self.page(12, 0, 3), ([], False))
        self.assertEqual(self.page(2**63 - 1, 0, 3), ([], False))

    def test_backward(self) -> None:
        """The newest before a position, ascending; `more` until the first after `after` is in it."""
        self.assertEqual(self.page(0, 2**62, 3), ([10, 11, 12], True))
        self.assertEqual(self.page(0, 10, 3), ([7, 8, 9], True))
        self.assertEqual(self.page(0, 4, 3), ([1, 2, 3], False))
        self.assertEqual(self.page(6, 10, 5), ([7, 8, 9], False))
        self.assertEqual(self.page(5, 10, 3), ([7, 8, 9], True))
        self.assertEqual(self.page(0, 1, 3), ([], False))
        self.assertEqual(self.page(9, 5, 3), ([], False))

    def test_bounds(self) -> None:
        """A page holds page_items at most, whatever is asked; 0 asks for as many."""
        for limit in (0, 5, 6, 2**32 - 1):
            self.assertEqual(self.page(0, 0, limit), ([1, 2, 3, 4, 5], True))

    def test_bytes(self) -> None:
        """A page holds page_bytes of bodies, and at least one message."""
        self.world.core.limits = self.world.limits = replace(self.limits, page_bytes=1000)
        self.say(3, 400)  # 13 ... 15
        self.say(1, 5000)  # 16
        self.assertEqual(self.page(12, 0, 0), ([13, 14], True))
        self.assertEqual(self.page(14, 0, 0), ([15], True))
        self.assertEqual(self.page(15, 0, 0), ([16], False))
        self.assertEqual(self.page(0, 2**62, 0), ([16], True))

    def test_new_member(self) -> None:
        """A new member sees what follows the joining only, in either direction, and `more` says nothing of the rest."""
        self.alice.ask(r.AddMembers(self.conversation, [BOB]))  # 13
        self.say(2)
        for request in (
            r.FetchHistory(self.conversation, 0, 0, 0),
            r.FetchHistory(self.conversation, 0, 2**62, 0),
        ):
            answer = self.bob.ask(request)
            self.assertEqual(([m.seq for m in answer.messages], answer.more), ([13, 14, 15], False))
        answer = self.bob.ask(r.FetchHistory(self.conversation, 3, 9, 0))
        self.assertEqual((answer.messages, answer.more), ([], False))

    def test_who_has_left(self) -> None:
        """Who has left sees everything up to the notice of that, and `more` says nothing of the rest."""
        self.alice.ask(r.AddMembers(self.conversation, [BOB]))  # 13
        self.bob.ask(r.LeaveGroup(self.conversation))  # 14
        self.say(5)
        for request in (
            r.FetchHistory(self.conversation, 0, 0, 0),
            r.FetchHistory(self.conversation, 0, 2**62, 0),
        ):
            answer = self.bob.ask(request)
            self.assertEqual(([m.seq for m in answer.messages], answer.more), ([13, 14], False))

    def test_said_meanwhile(self) -> None:
        """What is said while a page is being read is announced by `more`, so that it is not missed."""
        turnstile = Turnstile()
        self.world.core.store = Hesitant(self.world.store, turnstile, ["history"])
        turnstile.closed = True
        tag = self.alice.start(r.FetchHistory(self.conversation, 9, 0, 0))
        turnstile.let_one_pass()  # it has been read, and is not answered yet
        other = logged_in(self.world, "alice", "other")
        other.ask(text(self.conversation, "meanwhile"))
        turnstile.open()
        answer = self.alice.answers[tag]
        self.assertEqual(([m.seq for m in answer.messages], answer.more), ([10, 11, 12], True))


class SynchroniseTests(SynchronousTestCase):
    def test_pages(self) -> None:
        """The conversations in which this device lacks messages, ascending by id, in pages, with the log's epoch."""
        world = World(replace(LIMITS, enabled=False, sync_page_items=3))
        alice = logged_in(world, "alice")
        logged_in(world, "bob").leave()
        conversations = sorted(group(alice, BOB) for _ in range(7))
        bob = logged_in(world, "bob")
        quiet = group(bob)
        bob.ask(r.MarkDelivered(quiet, 1))
        world.pass_seconds(1)
        found, after = [], 0
        for size in (3, 3, 1):
            page = bob.ask(r.Synchronise(after))
            self.assertEqual((len(page.memberships), page.log_epoch), (size, world.store.log_epoch()))
            found += [membership.conversation.id for membership in page.memberships]
            after = page.next
        self.assertEqual((found, after), (conversations, 0))
