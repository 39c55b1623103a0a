"""What a client sends in a row is stored in a row, also where some of it is refused for now and comes again (delivery.md P3)."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.capabilities import Capabilities
from imserver.core.turns import GRACE_SECONDS
from imserver.core.values import Kind
from tests.core.client import Client, group, logged_in, text, text_to
from tests.fakes import LIMITS, World

LIMITED = replace(LIMITS, message_bytes_per_second=100, message_bytes_burst=100)
BOB = 100_002


class TurnsTests(SynchronousTestCase):
    """Alice may say a hundred bytes a second; what is too long for now would be followed by what is short enough."""

    def setUp(self) -> None:
        self.world = World(LIMITED)
        self.alice, self.bob = logged_in(self.world, "alice"), logged_in(self.world, "bob")
        self.club, self.other = group(self.alice, BOB), group(self.alice, BOB)
        self.bob.events.clear()

    def send(self, n: int, size: int = 1, where: int = 0) -> e.Event:
        """Message number n, so long."""
        answer: e.Event = self.alice.ask(text(where or self.club, f"{n}" * size, b"%d" % n))
        return answer

    def codes(self, *answers: e.Event) -> list[str]:
        return [getattr(answer, "code", "") for answer in answers]

    def test_what_follows_waits(self) -> None:
        """It is refused, too, until the one that was refused has come again; then everything goes on at once."""
        answers = [self.send(1, 90), self.send(2, 60), self.send(3), self.send(4)]
        self.assertEqual(self.codes(*answers), ["", *["RATE_LIMITED"] * 3])
        waits = [answer.retry_after_ms for answer in answers[1:]]  # type: ignore[union-attr]
        self.assertTrue(500 >= waits[0] == waits[1] == waits[2] > 490, waits)
        self.world.clock.advance(0.5)
        late, again = self.send(3), self.send(2, 60)
        self.world.clock.advance(0.1)
        self.assertEqual(self.codes(late, again, self.send(3)), ["RATE_LIMITED", "", ""])
        self.assertEqual([each[:1] for each in self.bob.texts], ["1", "2", "3"])

    def test_refused_again(self) -> None:
        """As often as it is."""
        self.send(1, 100)
        for _ in range(3):
            self.assertEqual(self.codes(self.send(2, 90), self.send(3)), ["RATE_LIMITED"] * 2)
            self.world.clock.advance(0.2)
        self.world.clock.advance(0.4)
        self.assertEqual(self.codes(self.send(2, 90), self.send(3)), ["", ""])

    def test_not_for_ever(self) -> None:
        """Who gives it up goes on a second after its time."""
        self.send(1, 90)
        self.send(2, 60)
        self.world.clock.advance(0.5 + GRACE_SECONDS - 0.001)
        self.assertEqual(self.codes(self.send(3)), ["RATE_LIMITED"])
        self.world.clock.advance(0.001)
        self.assertEqual(self.codes(self.send(3)), [""])

    def test_elsewhere(self) -> None:
        """Other conversations and other connections have their own order."""
        self.send(1, 90)
        self.send(2, 60)
        self.assertEqual(self.codes(self.send(3, where=self.other)), [""])
        phone = logged_in(self.world, "alice", "phone")
        self.assertEqual(phone.code(text(self.club, "4")), "")

    def test_by_name(self) -> None:
        """A conversation that is called by a name keeps its order, too; so do forwards."""
        self.alice.ask(text_to("bob", "1" * 90, b"1"))
        codes = [self.alice.code(text_to("bob", body, body.encode())) for body in ("2" * 60, "3")]
        self.assertEqual(codes, ["RATE_LIMITED"] * 2)
        direct = self.alice.ask(r.OpenDirect(BOB)).membership.conversation.id
        forwards = [r.Forward(direct, 1, self.club, b"4"), text(self.club, "5")]
        self.assertEqual([self.alice.code(forward) for forward in forwards], ["RATE_LIMITED"] * 2)

    def test_a_conversation_that_has_to_be_loaded(self) -> None:
        """What waits for it together is stored together, or waits."""
        self.world.core.set_limits(
            replace(LIMITS, conversation_messages_per_second=1, conversation_messages_burst=1)
        )
        self.world.core.rosters._recent.clear()
        self.world.core.rosters._alive.clear()
        tags = [self.alice.start(text(self.club, f"{n}")) for n in range(3)]
        self.world.settle()
        self.assertEqual(self.codes(*(self.alice.answers[tag] for tag in tags)), ["", *["RATE_LIMITED"] * 2])
        self.world.clock.advance(1.0)
        self.assertEqual([self.alice.code(text(self.club, f"{n}")) for n in (2, 1)], ["RATE_LIMITED", ""])

    def test_overload(self) -> None:
        """What is too long to wait with all the rest is not passed by what is short."""
        self.world.core.set_limits(replace(LIMITS, enabled=False, max_waiting_bytes=100))
        answers = [self.send(1, 101), self.send(2)]
        self.assertEqual(self.codes(*answers), ["RETRY_AFTER"] * 2)

    def test_final_refusals(self) -> None:
        """Nothing waits behind what will never come."""
        self.assertEqual(self.codes(self.send(1, 70_000), self.send(2)), ["BODY_TOO_LARGE", ""])

    def test_calls_for_attention(self) -> None:
        """They wait behind nothing, and nothing behind them."""
        call = r.Send(self.club, b"call", Kind.ATTENTION, "", b"")
        self.assertEqual(self.alice.code(call), "")
        again = replace(call, client_id=b"again")
        self.assertEqual((self.alice.code(again), self.codes(self.send(1, 90))), ("RATE_LIMITED", [""]))
        self.send(2, 60)
        self.world.pass_seconds(10)
        self.assertEqual(
            self.codes(self.send(3, 100), self.send(4, 60), self.send(5)), ["", *["RATE_LIMITED"] * 2]
        )
        self.assertEqual(self.alice.code(again), "")

    def test_people_at_a_keyboard(self) -> None:
        """Wires that send nothing again hold nobody up."""
        carol = Client(self.world, Capabilities("line", acknowledges=False))
        carol.ask(r.Register("carol", "secret", ""))
        carol.log_in("carol")
        codes = [carol.code(text_to("bob", body, body[:1].encode())) for body in ("1" * 90, "2" * 60, "3")]
        self.assertEqual(codes, ["", "RATE_LIMITED", ""])

    def test_bounded(self) -> None:
        """However many conversations somebody names, what is remembered of them is forgotten with its time."""
        for n in range(50):
            self.assertEqual(self.codes(self.send(n + 10, 100, where=10_000 + n)), ["RATE_LIMITED"])
            self.world.pass_seconds(3)
        turns = self.alice.session.turns
        assert turns is not None
        self.assertLess(len(turns._waiting), 4)
