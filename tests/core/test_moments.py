"""Whoever has been acknowledged that somebody may not write gets nothing from him that was not acknowledged before."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.values import Role
from tests.core.client import PASSWORD, Client, group, logged_in, text
from tests.fakes import LIMITS, World

ALICE, BOB = 100_001, 100_002


class MomentTests(SynchronousTestCase):
    """Bob's message has been taken on and is not on disk yet; Alice ends his right to write it."""

    def setUp(self) -> None:
        self.world = World(replace(LIMITS, enabled=False))
        self.alice, self.bob = logged_in(self.world, "alice"), logged_in(self.world, "bob")
        self.club = group(self.alice, BOB)
        self.direct = int(self.bob.ask(r.OpenDirect(ALICE)).membership.conversation.id)
        for place in (self.club, self.direct):
            self.bob.ask(text(place, "early", b"%d" % place))

    def meet(self, place: int, *requests: r.Request, client: Client | None = None) -> tuple[e.Event, int]:
        """Bob writes, and the other asks this while that waits; -> Bob's answer, and the seq before it."""
        before = self.last_seq(place)
        tag = self.bob.start(text(place, "late"))
        for request in requests:
            (client or self.alice).start(request)
        self.world.settle()
        return self.bob.answers[tag], before

    def last_seq(self, place: int) -> int:
        return int(self.bob.ask(r.FetchHistory(place, 0, 2**53 - 1, 1)).runs[-1].last_seq)

    def assert_refused(self, code: str, place: int, *requests: r.Request) -> None:
        refusal, before = self.meet(place, *requests)
        assert isinstance(refusal, e.Refused), refusal
        self.assertEqual(refusal.code, code)
        notices = sum(isinstance(one, r.Mute | r.SetRole) for one in requests)
        self.assertEqual(self.last_seq(place), before + notices)

    def test_muted(self) -> None:
        """Nothing of who is muted follows the notice of that; also where everybody is."""
        for muted in (BOB, 0):
            self.assert_refused("FORBIDDEN", self.club, r.Mute(self.club, muted, 60))
            self.alice.ask(r.Mute(self.club, muted, 0))
            self.assertEqual(self.bob.code(text(self.club, "again", b"%d" % muted)), "")

    def test_no_admin_any_more(self) -> None:
        """Who was an admin is muted with everybody else."""
        self.alice.ask(r.SetRole(self.club, BOB, Role.ADMIN))
        self.alice.ask(r.Mute(self.club, 0, 60))
        self.assertEqual(self.bob.code(text(self.club, "as admin")), "")
        self.assert_refused("FORBIDDEN", self.club, r.SetRole(self.club, BOB, Role.MEMBER))

    def test_told_as_always(self) -> None:
        """The refusal is the one of who is muted already."""
        refusal, _ = self.meet(self.club, r.Mute(self.club, BOB, 60))
        self.assertEqual(refusal, self.bob.ask(text(self.club, "later")))

    def test_blocked(self) -> None:
        """What is said to somebody who has blocked is withheld, with the answer as always."""
        answer, before = self.meet(self.direct, r.Block(BOB))
        self.assertEqual((type(answer), answer.seq), (e.Sent, before + 1))  # type: ignore[union-attr]
        self.assertEqual(self.said_to_alice(), [b"early", b""])
        self.assertNotIn("late", self.alice.texts)

    def test_unblocked(self) -> None:
        """What is said after the end of a block comes, also behind what was said before it."""
        self.alice.ask(r.Block(BOB))
        self.bob.start(text(self.direct, "1", b"\1"))
        self.alice.start(r.Unblock(BOB))
        self.bob.start(text(self.direct, "2", b"\2"))
        self.world.settle()
        self.assertEqual(self.said_to_alice()[-1], b"2")

    def said_to_alice(self) -> list[bytes]:
        return [one.body for one in self.alice.ask(r.FetchHistory(self.direct, 0, 0, 0)).messages]

    def test_deleted(self) -> None:
        """Nobody's conversation takes anything."""
        self.assert_refused("NOT_FOUND", self.direct, r.DeleteAccount(PASSWORD))

    def test_retried(self) -> None:
        """What was stored before has its answer again."""
        said = text(self.club, "once")
        first = self.bob.ask(said)
        tag = self.bob.start(said)
        self.alice.ask(r.Mute(self.club, BOB, 60))
        self.assertEqual(self.bob.answers[tag], first)
