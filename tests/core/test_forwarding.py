"""Forwarding: what is said again, by whom, and what is not."""

from typing import Any

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.values import Extra, Kind
from tests.core.client import Client, group, logged_in, text
from tests.core.test_actions import ALICE, BOB, ActionsCase
from tests.fakes import LIMITS


class ForwardingTests(ActionsCase):
    def setUp(self) -> None:
        super().setUp()
        self.carol = logged_in(self.world, "carol")
        self.group = group(self.bob, 100_003)
        self.carol.events.clear()

    def forward(self, client: Client, seq: int, to: int = 0, where: int = 0, id: bytes = b"f") -> Any:
        return client.ask(r.Forward(where or self.direct, seq, to or self.group, id))

    def test_forward(self) -> None:
        """What was said arrives elsewhere, from who has forwarded it, with the name of who has said it first."""
        sent = self.alice.ask(r.Send(self.direct, b"o", Kind.OPAQUE, "a/b", b"\xff", Extra(mentions=[BOB])))
        forwarded = self.forward(self.bob, sent.seq)
        self.assertEqual((forwarded.conversation, forwarded.seq), (self.group, 2))
        message = self.pushed(self.carol)[-1]
        self.assertEqual(
            (message.sender, message.kind, message.content_type, message.body), (BOB, 3, "a/b", b"\xff")
        )
        self.assertEqual(message.extra, Extra(origin=ALICE))

    def test_again(self) -> None:
        """What was forwarded to one is still of who has said it first."""
        seq = self.forward(self.bob, self.say(self.alice, "news")).seq
        other = group(self.carol)
        self.forward(self.carol, seq, other, self.group)
        self.assertEqual(self.log(self.carol, other)[-1].extra, Extra(origin=ALICE))

    def test_edit(self) -> None:
        """An edit becomes a text."""
        self.edit(self.alice, self.say(self.alice, "helo"), b"hello")
        self.forward(self.bob, 2)
        message = self.pushed(self.carol)[-1]
        self.assertEqual(
            (message.kind, message.body, message.extra), (Kind.TEXT, b"hello", Extra(origin=ALICE))
        )

    def test_what_is_not_forwarded(self) -> None:
        """Notices, calls, recalls and what is to be burnt; what is gone or was never there; what one cannot see."""
        self.act(self.alice, Kind.TEXT, Extra(burn_seconds=5), b"secret")
        self.act(self.alice, Kind.ATTENTION)
        self.recall(self.alice, self.say(self.alice, "wrong"))
        self.bob.ask(r.Block(ALICE))
        withheld = self.say(self.alice, "unheard")
        codes = [self.forward(self.bob, seq).code for seq in (1, 2, 3, 4, withheld, 0, 99, 2**63)]
        self.assertEqual(codes, ["FORBIDDEN"] * 2 + ["NOT_FOUND", "FORBIDDEN"] + ["NOT_FOUND"] * 4)
        self.assertEqual(self.forward(self.bob, 1, self.direct, self.group).code, "FORBIDDEN")
        self.assertEqual(self.forward(self.carol, 1).code, "NOT_FOUND")
        self.assertEqual(self.pushed(self.carol), [])

    def test_where(self) -> None:
        """To conversations of one's own; from those that one has left, what one has seen."""
        seq = self.say(self.alice, "text")
        self.assertEqual(self.forward(self.alice, seq, self.group).code, "NOT_FOUND")
        self.carol.ask(r.LeaveGroup(self.group))
        said = self.bob.ask(text(self.group, "later")).seq
        own = group(self.carol)
        self.assertEqual(self.forward(self.carol, said, own, self.group).code, "NOT_FOUND")

    def test_retry(self) -> None:
        """It has its answer, whatever has become of the original; the id is nobody else's (P2)."""
        seq = self.say(self.alice, "text")
        first = self.forward(self.bob, seq)
        self.recall(self.alice, seq)
        self.assertEqual(self.forward(self.bob, seq), first)
        self.assertEqual(self.forward(self.bob, seq, self.direct).code, "CLIENT_ID_REUSED")
        self.bob.ask(text(self.group, "said", b"other"))
        self.assertEqual(self.forward(self.bob, seq, id=b"other").code, "CLIENT_ID_REUSED")
        self.recall(self.bob, first.seq, self.group)
        self.assertEqual(self.forward(self.bob, seq), first)
        self.assertEqual(len(self.log(self.carol, self.group)), 4)

    def test_order_and_window(self) -> None:
        """It keeps its place among sends, and counts as one of them."""
        seq = self.say(self.alice, "text")
        tags = [
            self.bob.start(request)
            for request in (
                text(self.group, "before"),
                r.Forward(self.direct, seq, self.group, b"f"),
                text(self.group, "after"),
            )
        ]
        self.assertEqual(self.bob.session.sends_in_flight, 3)
        self.world.settle()
        self.assertEqual([self.bob.answers[tag].seq for tag in tags], [2, 3, 4])
        self.assertEqual(self.bob.session.sends_in_flight, 0)

    def test_rates(self) -> None:
        """A forward draws on the rate of messages, with the bytes of what it says."""
        seq = self.alice.ask(text(self.direct, "x" * 60_000, b"long")).seq
        answers = [self.forward(self.bob, seq, id=b"%d" % n) for n in range(10)]
        codes = [getattr(answer, "code", "") for answer in answers]
        self.assertEqual(codes, [""] * 8 + ["RATE_LIMITED"] * 2)
        self.assertEqual(LIMITS.message_bytes_burst, 524_288)

    def test_bad_id(self) -> None:
        """As that of a Send."""
        for id in (b"", b"x" * 65):
            self.assertEqual(self.forward(self.bob, self.say(self.alice, "text"), id=id).code, "BAD_REQUEST")

    def test_plain_send_cannot_claim_an_origin(self) -> None:
        """Only the server says who has said something first."""
        refused = self.act(self.bob, Kind.TEXT, Extra(origin=ALICE), b"she said it")
        self.assertIsInstance(refused, e.Refused)
        self.assertEqual(refused.code, "BAD_REQUEST")
