"""Messages that are burnt after reading: when, and who is told."""

from typing import Any

from imserver.core import burning
from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.errors import ChatError, Code
from imserver.core.values import Extra, Gone, Kind
from tests.core.client import group, logged_in, result
from tests.core.test_actions import BOB, CAROL, ActionsCase
from tests.fakes import LIMITS, World


class BurningTests(ActionsCase):
    def burnable(self, seconds: int = 5, where: int = 0) -> int:
        seq: int = self.act(self.alice, Kind.TEXT, Extra(burn_seconds=seconds), b"secret", where).seq
        return seq

    def burnt(self, client: Any) -> list[int]:
        return [event.seq for event in client.of(e.MessageBurnt)]

    def test_after_reading(self) -> None:
        """So many seconds after the other has read it, both are told, and nothing of it is left."""
        self.burnable(5)
        self.world.pass_seconds(30)
        self.bob.ask(r.MarkRead(self.direct, 1))
        self.world.pass_seconds(5)
        self.assertEqual([m.body for m in self.log(self.bob)], [b"secret"])
        self.world.pass_seconds(2)
        for client in (self.alice, self.bob):
            self.assertEqual(client.of(e.MessageBurnt), [e.MessageBurnt(self.direct, 1)])
            (gone,) = self.log(client)
            self.assertEqual((gone.kind, gone.content_type, gone.body), (Kind.TOMBSTONE, Gone.BURNT, b""))

    def test_own_reading(self) -> None:
        """It does not count."""
        self.burnable(5)
        self.alice.ask(r.MarkRead(self.direct, 1))
        self.world.pass_seconds(20)
        self.assertEqual([m.body for m in self.log(self.bob)], [b"secret"])

    def test_group(self) -> None:
        """The last of those who could see it decides; who came later is not told."""
        carol, dave = logged_in(self.world, "carol"), logged_in(self.world, "dave")
        where = group(self.alice, BOB, CAROL)
        seq = self.burnable(5, where)
        self.alice.ask(r.AddMembers(where, [100_004]))
        self.bob.ask(r.MarkRead(where, seq))
        self.world.pass_seconds(20)
        self.assertEqual(self.burnt(self.bob), [])
        carol.ask(r.MarkRead(where, seq))
        self.world.pass_seconds(7)
        for client in (self.alice, self.bob, carol):
            self.assertEqual(self.burnt(client), [seq])
        self.assertEqual(self.burnt(dave), [])

    def test_only_the_one_who_leaves_had_not_read(self) -> None:
        """His leaving starts the clock."""
        carol = logged_in(self.world, "carol")
        where = group(self.alice, BOB, CAROL)
        seq = self.burnable(5, where)
        self.bob.ask(r.MarkRead(where, seq))
        self.world.pass_seconds(20)
        carol.ask(r.LeaveGroup(where))
        self.world.pass_seconds(7)
        self.assertEqual(self.burnt(self.bob), [seq])

    def test_unread(self) -> None:
        """After burn_unread_seconds it goes unread."""
        self.burnable()
        self.later(604_800)
        self.world.pass_seconds(1)
        self.assertEqual(self.burnt(self.bob), [1])

    def test_slices(self) -> None:
        """At most so many a second, and none is forgotten."""
        self.patch(burning, "MOST_A_SECOND", 2)
        for _ in range(5):
            self.burnable(1)
        self.bob.ask(r.MarkRead(self.direct, 5))
        found = []
        for _ in range(6):
            self.world.pass_seconds(1)
            found.append(len(self.burnt(self.bob)))
        self.assertEqual(found[-1], 5)
        self.assertIn(2, found)
        self.assertIn(4, found)

    def test_nobody_there(self) -> None:
        """What burns while a member is away is a tombstone when he comes back."""
        self.burnable(1)
        self.bob.ask(r.MarkRead(self.direct, 1))
        self.bob.leave()
        self.world.pass_seconds(5)
        self.assertEqual(self.log(logged_in(self.world, "bob"))[0].content_type, Gone.BURNT)

    def test_after_a_restart(self) -> None:
        """What was read when the daemon ended, at whatever moment, burns when it is back."""
        self.burnable(1)
        self.store_read(1)
        again = World(LIMITS, self.world.store)
        bob = logged_in(again, "bob")
        again.pass_seconds(3)
        self.assertEqual(self.burnt(bob), [1])

    def store_read(self, seq: int) -> None:
        """The cursor is written, and the daemon ends before anything comes of that."""
        result(self.world.store.save_cursors([], [(BOB, self.direct, seq)]))

    def test_store_fails(self) -> None:
        """While the store takes nothing the clock does not start; it starts as soon as the store is back."""
        self.burnable(1)
        real = self.world.store.start_burning

        async def failing(*arguments: Any) -> None:
            raise ChatError(Code.UNAVAILABLE_STORAGE, "full")

        self.world.store.start_burning = failing
        self.bob.ask(r.MarkRead(self.direct, 1))
        self.world.pass_seconds(5)
        self.assertEqual(self.burnt(self.bob), [])
        self.world.store.start_burning = real
        self.world.pass_seconds(3)
        self.assertEqual(self.burnt(self.bob), [1])
