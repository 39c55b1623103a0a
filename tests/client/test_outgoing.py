"""Messages until they are acknowledged: order, resending, patience, bounds."""

from typing import cast

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.errors import NotConnected, QueueFull, RequestRefused
from imserver.client.link import Link
from imserver.client.outgoing import (
    FIRST_IN_FLIGHT,
    MAX_BYTES,
    MAX_IN_FLIGHT,
    MAX_MESSAGES,
    ClientIds,
    Outgoing,
)
from imserver.core.events import Sent
from imserver.core.requests import Forward, Send
from imserver.core.values import Kind
from tests.client.fake_link import FakeLink


class ClientIdTests(SynchronousTestCase):
    """Ids of messages."""

    def test_ids_grow_and_are_known_again(self) -> None:
        """Eight random bytes, then a counter; an id of another start is not one's own."""
        ids, others = ClientIds(lambda size: b"a" * size), ClientIds(lambda size: b"b" * size)
        made = [ids.next() for _ in range(300)]
        self.assertEqual(made, sorted(set(made)))
        self.assertEqual(made[0], b"aaaaaaaa" + bytes(7) + b"\x01")
        self.assertTrue(ids.own(made[-1]))
        self.assertFalse(ids.own(others.next()))
        self.assertFalse(ids.own(b"aaaaaaaa"))


class OutgoingTests(SynchronousTestCase):
    """Messages are numbered 0, 1, 2 ... in their bodies."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.max_body_bytes = MAX_BYTES
        self.sent: list[Sent] = []
        self.outgoing = Outgoing(self.clock, self.sent.append)
        self.link = self.new_link()
        self.ids = ClientIds(lambda size: bytes(size))
        self.count = 0

    def new_link(self) -> FakeLink:
        """Connected (again)."""
        link = FakeLink()
        self.outgoing.link_up(cast(Link, link), self.max_body_bytes)
        return link

    def put(self, body: bytes | None = None) -> "Deferred[Sent]":
        """One more message."""
        text = b"%d" % self.count if body is None else body
        self.count += 1
        return self.outgoing.put(Send(17, self.ids.next(), 1, "", text))

    def bodies(self, link: FakeLink) -> list[int]:
        """What was sent on a link, by number."""
        return [int(request.body) for request, _ in link.asked if isinstance(request, Send)]

    def test_acknowledged(self) -> None:
        """The sender gets what the server says, and the order learns of it before."""
        answer = self.put()
        answer.addCallback(lambda sent: self.assertEqual(self.sent, [sent]))
        self.link.answer(0, Sent(17, 1, 5))
        self.successResultOf(answer)

    def test_resent_in_order_under_the_same_ids(self) -> None:
        """What has no answer is sent again on the next link, before what came later."""
        for _ in range(4):
            self.put()
        self.link.answer(1, Sent(17, 1, 5))
        self.link.lose()
        self.put()
        link = self.new_link()
        self.assertEqual(self.bodies(link), [0, 2, 3, 4])
        self.assertEqual(link.asked[0][0], self.link.asked[0][0])

    @given(st.lists(st.integers(0, 30), max_size=4), st.integers(1, 60))
    def test_any_losses(self, answered: list[int], count: int) -> None:
        """However many answers come before each loss, every message leaves, the oldest always first."""
        self.setUp()
        answers = [self.put() for _ in range(count)]
        for number_of_answers in answered:
            for number in range(min(number_of_answers, len(self.link.asked))):
                self.link.answer(number, Sent(17, 1, 5))
            self.link.lose()
            self.link = self.new_link()
            self.assertEqual(self.bodies(self.link), sorted(self.bodies(self.link)))
        number = 0
        while number < len(self.link.asked):
            self.link.answer(number, Sent(17, 1, 5))
            number += 1
        self.assertEqual(self.bodies(self.link), sorted(self.bodies(self.link)))
        for answer in answers:
            self.successResultOf(answer)

    def test_the_window_opens_with_every_answer(self) -> None:
        """From sixteen up to the server's 128."""
        for _ in range(400):
            self.put()
        self.assertEqual(len(self.link.asked), FIRST_IN_FLIGHT)
        for number in range(MAX_IN_FLIGHT):
            self.link.answer(number, Sent(17, 1, 5))
        self.assertEqual(len(self.link.asked), 2 * MAX_IN_FLIGHT)
        self.link.answer(MAX_IN_FLIGHT, Sent(17, 1, 5))
        self.assertEqual(len(self.link.asked), 2 * MAX_IN_FLIGHT + 1)

    def test_calls_wait_for_nothing(self) -> None:
        """A call for attention that comes too soon is refused for good, and holds nobody up."""
        call = self.outgoing.put(Send(17, self.ids.next(), Kind.ATTENTION, "", b""))
        self.link.refuse(0, "RATE_LIMITED", 9000)
        self.assertEqual(self.failureResultOf(call, RequestRefused).value.code, "RATE_LIMITED")
        text = self.put()
        self.link.answer(1, Sent(17, 1, 5))
        self.successResultOf(text)

    def test_forwards(self) -> None:
        """They are sent again like all others, and weigh nothing."""
        forwarded = self.outgoing.put(Forward(17, 3, 18, self.ids.next()))
        self.link.lose()
        link = self.new_link()
        self.assertEqual(link.asked[0][0], self.link.asked[0][0])
        link.answer(0, Sent(18, 1, 5))
        self.successResultOf(forwarded)

    def test_told_to_wait(self) -> None:
        """A rate limit is waited for, met with one message at a time, and the refused one goes first."""
        answers = [self.put() for _ in range(FIRST_IN_FLIGHT + 2)]
        self.link.refuse(3, "RATE_LIMITED", 1500)
        for number in range(FIRST_IN_FLIGHT):
            if number != 3:
                self.link.answer(number, Sent(17, 1, 5))
        self.clock.advance(1.4)
        self.assertEqual(len(self.link.asked), FIRST_IN_FLIGHT)
        self.clock.advance(0.1)
        self.assertEqual(self.bodies(self.link)[FIRST_IN_FLIGHT], 3)
        self.assertNoResult(answers[3])
        self.link.answer(FIRST_IN_FLIGHT, Sent(17, 1, 5))
        self.successResultOf(answers[3])

    def test_one_in_flight_after_a_refusal(self) -> None:
        """Who was refused meets the limit with one message, not with all that wait."""
        for _ in range(FIRST_IN_FLIGHT):
            self.put()
        for number in range(FIRST_IN_FLIGHT):
            self.link.refuse(number, "RATE_LIMITED", 100)
        self.clock.advance(0.1)
        self.assertEqual(self.bodies(self.link)[FIRST_IN_FLIGHT:], [0])

    def test_an_unknown_outcome_is_tried_again(self) -> None:
        """UNKNOWN_RETRY says to ask under the same id, and says no time."""
        answer = self.put()
        self.link.refuse(0, "UNKNOWN_RETRY")
        self.clock.advance(1.0)
        self.assertEqual(self.link.asked[0][0], self.link.asked[1][0])
        self.link.answer(1, Sent(17, 1, 5))
        self.successResultOf(answer)

    def test_refused_for_good(self) -> None:
        """The sender learns it, and the next one goes; so does a wait that nobody would wait for."""
        for code, wait_ms in (("NOT_MEMBER", 0), ("RATE_LIMITED", 3_600_000)):
            answer = self.put()
            self.link.refuse(-1, code, wait_ms)
            self.assertEqual(self.failureResultOf(answer, RequestRefused).value.code, code)

    def test_longer_than_the_server_takes(self) -> None:
        """Is refused here, because a frame that is too long would end each connection it is sent on."""
        self.max_body_bytes = 10
        self.new_link()
        self.put(b"0123456789")
        refused = self.failureResultOf(self.put(b"0123456789x"), RequestRefused).value
        self.assertEqual(refused.code, "BODY_TOO_LARGE")

    def test_what_waits_is_bounded(self) -> None:
        """In number and in bytes, and there is room again after an answer."""
        for _ in range(MAX_MESSAGES):
            self.put()
        self.assertRaises(QueueFull, self.put)
        self.link.answer(0, Sent(17, 1, 5))
        self.put()
        self.setUp()
        self.put(bytes(MAX_BYTES - 1))
        self.put(b"1")
        self.assertRaises(QueueFull, self.put, b"1")
        self.link.answer(0, Sent(17, 1, 5))
        self.put(b"1")

    def test_the_end(self) -> None:
        """All senders learn it, an answer that comes later is nothing, and no timer is left."""
        answers = [self.put(), self.put()]
        self.link.refuse(0, "RATE_LIMITED", 100)
        self.outgoing.end(NotConnected("REPLACED", ""))
        for answer in answers:
            self.failureResultOf(answer, NotConnected)
        self.link.answer(1, Sent(17, 1, 5))
        self.assertEqual(self.clock.getDelayedCalls(), [])
