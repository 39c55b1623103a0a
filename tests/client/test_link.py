"""One connection: tags, limits, deadlines, and every way to end."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.errors import NotConnected, QueueFull, RequestRefused
from imserver.client.link import (
    ANSWER_SECONDS,
    CLOSE_SECONDS,
    MAX_EVENT_BYTES,
    MAX_REQUESTS_IN_FLIGHT,
    MAX_WAITING,
    SILENCE_SECONDS,
    Link,
)
from imserver.codecs.protobuf import ProtobufCodec
from imserver.core.events import Closing, Done, Event, GoAway, Pong, Probe, Refused, Sent
from imserver.core.requests import ListDevices, MarkDelivered, Ping, Request, Send
from imserver.net.framing import Int32Framing


class LinkTests(SynchronousTestCase):
    """A link on a transport of strings."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.events: list[tuple[int, Event]] = []
        self.link = Link(self.clock, lambda tag, event: self.events.append((tag, event)))
        self.transport = StringTransport()
        self.codec = ProtobufCodec()
        self.framing = Int32Framing(MAX_EVENT_BYTES)
        self.link.makeConnection(self.transport)
        self.losses: list[NotConnected] = []
        self.link.lost.addCallback(self.losses.append)

    def asked(self) -> list[tuple[int, Request]]:
        """What the link wrote since the last look."""
        self.framing.receive(self.transport.value())
        self.transport.clear()
        return [self.codec.decode(frame) for frame in self.framing.frames()]

    def bytes_of(self, event: Event, tag: int = 0) -> bytes:
        """An event as the server writes it."""
        payload = self.codec.encode(event, tag)
        assert payload is not None
        return self.framing.pack(payload)

    def receive(self, event: Event, tag: int = 0) -> None:
        """The server says something."""
        self.link.dataReceived(self.bytes_of(event, tag))

    def lose(self) -> None:
        """The connection is gone."""
        self.link.connectionLost(Failure(ConnectionDone()))

    def failure_code(self, answer: "Deferred[Any]", kind: type[Exception] = NotConnected) -> str:
        """The code of the failure."""
        error = self.failureResultOf(answer, kind).value
        assert isinstance(error, NotConnected | RequestRefused | QueueFull)
        return error.code

    # -- answers

    def test_answers_find_their_requests(self) -> None:
        """By tag, in whatever order they come."""
        first, second = self.link.request(ListDevices()), self.link.request(Ping())
        (one, _), (two, _) = self.asked()
        self.receive(Pong(), two)
        self.receive(Done(), one)
        self.assertEqual((self.successResultOf(first), self.successResultOf(second)), (Done(), Pong()))
        self.assertEqual(self.events, [])

    def test_a_refusal_fails_the_request(self) -> None:
        """With its code and the time to wait."""
        answer = self.link.request(Ping())
        self.receive(Refused("RATE_LIMITED", "slow down", 1500), self.asked()[0][0])
        error = self.failureResultOf(answer, RequestRefused).value
        self.assertEqual((error.code, error.text, error.wait_seconds), ("RATE_LIMITED", "slow down", 1.5))

    def test_what_answers_nothing_goes_to_the_listener(self) -> None:
        """With its tag, so that the refusal of something that has no answer is known."""
        tag = self.link.tell(MarkDelivered(17, 3))
        self.assertEqual(self.asked(), [(tag, MarkDelivered(17, 3))])
        self.receive(Refused("RATE_LIMITED", "", 50), tag)
        self.receive(GoAway(5))
        self.assertEqual(self.events, [(tag, Refused("RATE_LIMITED", "", 50)), (0, GoAway(5))])

    def test_an_answer_that_nobody_wants_any_more(self) -> None:
        """A cancelled request may still be answered."""
        answer = self.link.request(Ping())
        answer.cancel()
        self.receive(Pong(), self.asked()[0][0])
        self.failureResultOf(answer)
        self.assertEqual(self.events, [])

    def test_a_probe_is_answered(self) -> None:
        """With a ping."""
        self.receive(Probe())
        self.assertEqual([request for _, request in self.asked()], [Ping()])

    @given(st.integers(1, 40))
    def test_any_chunking(self, size: int) -> None:
        """However the bytes dribble in, the events are the same."""
        self.setUp()
        data = b"".join(self.bytes_of(GoAway(number)) for number in range(5))
        for start in range(0, len(data), size):
            self.link.dataReceived(data[start : start + size])
        self.assertEqual([event for _, event in self.events], [GoAway(number) for number in range(5)])

    # -- limits

    def test_thirty_two_in_flight_and_the_rest_in_order(self) -> None:
        """Every answer lets the next request go."""
        for _ in range(MAX_REQUESTS_IN_FLIGHT):
            self.link.request(ListDevices())
        self.link.request(Ping())
        asked = self.asked()
        self.assertEqual([request for _, request in asked], [ListDevices()] * MAX_REQUESTS_IN_FLIGHT)
        self.receive(Done(), asked[5][0])
        self.assertEqual([request for _, request in self.asked()], [Ping()])

    def test_sends_do_not_wait_for_requests(self) -> None:
        """They have a window of their own."""
        for _ in range(MAX_REQUESTS_IN_FLIGHT):
            self.link.request(ListDevices())
        self.asked()
        send = Send(17, b"id", 1, "", b"hello")
        answer = self.link.request(send)
        ((tag, request),) = self.asked()
        self.assertEqual(request, send)
        self.receive(Sent(17, 1, 1), tag)
        self.assertEqual(self.successResultOf(answer), Sent(17, 1, 1))
        self.link.request(Ping())
        self.assertEqual(self.asked(), [])

    def test_what_waits_is_bounded(self) -> None:
        """Beyond that a request fails at once."""
        for _ in range(MAX_REQUESTS_IN_FLIGHT + MAX_WAITING):
            self.link.request(Ping()).addErrback(lambda _: None)
        self.assertEqual(self.failure_code(self.link.request(Ping()), QueueFull), "QUEUE_FULL")

    # -- deadlines

    def test_an_answer_that_does_not_come_ends_the_connection(self) -> None:
        """After the deadline of the oldest request, although others were answered meanwhile."""
        self.link.request(ListDevices()).addErrback(lambda _: None)
        self.asked()
        self.clock.advance(ANSWER_SECONDS - 1)
        self.link.request(Ping())
        self.receive(Pong(), self.asked()[0][0])
        self.assertFalse(self.transport.disconnected)
        self.clock.advance(1)
        self.assertTrue(self.transport.disconnected)
        self.lose()
        self.assertEqual([loss.code for loss in self.losses], [NotConnected.LOST])

    def test_an_answered_request_has_no_deadline(self) -> None:
        """The next one has a deadline of its own."""
        self.link.request(Ping())
        self.receive(Pong(), self.asked()[0][0])
        self.clock.advance(ANSWER_SECONDS - 1)
        self.link.request(Ping())
        self.clock.advance(ANSWER_SECONDS - 1)
        self.assertFalse(self.transport.disconnected)
        self.clock.advance(1)
        self.assertTrue(self.transport.disconnected)

    def test_silence_is_broken(self) -> None:
        """When nothing has come for a while the server is asked, and what is heard restarts the while."""
        self.clock.advance(SILENCE_SECONDS - 1)
        self.receive(GoAway(1))
        self.clock.advance(SILENCE_SECONDS - 1)
        self.assertEqual(self.asked(), [])
        self.clock.advance(1)
        self.assertEqual([request for _, request in self.asked()], [Ping()])
        self.clock.advance(ANSWER_SECONDS)
        self.assertTrue(self.transport.disconnected)

    # -- the end

    def test_a_loss_fails_everything(self) -> None:
        """What is in flight, what waits and what comes later; no timer is left."""
        answers = [self.link.request(Ping()) for _ in range(MAX_REQUESTS_IN_FLIGHT + 1)]
        self.lose()
        answers.append(self.link.request(Ping()))
        self.assertEqual({self.failure_code(answer) for answer in answers}, {NotConnected.LOST})
        self.assertEqual(self.losses[0].text, "the server closed the connection")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_server_s_reason_is_told(self) -> None:
        """What Closing says is why the connection ended."""
        answer = self.link.request(Ping())
        self.receive(Closing("REPLACED", "this device has connected anew"))
        self.lose()
        self.assertEqual(self.failure_code(answer), "REPLACED")
        self.assertEqual(self.losses[0].text, "this device has connected anew")

    def test_close(self) -> None:
        """Politely at first; a peer that does not let go is dropped after a second."""
        self.link.close()
        self.link.close()
        self.assertTrue(self.transport.disconnecting)
        self.assertFalse(self.transport.disconnected)
        self.clock.advance(CLOSE_SECONDS)
        self.assertTrue(self.transport.disconnected)
        self.lose()
        self.assertEqual(self.losses[0].code, NotConnected.CLOSED)

    def test_a_broken_server(self) -> None:
        """Too long a frame or no protobuf at all ends the connection, and nothing after it is read."""
        for broken in (b"\xff\xff\xff\xff", b"\0\0\0\x03\xff\xff\xff"):
            self.setUp()
            self.link.dataReceived(broken + self.bytes_of(GoAway(1)))
            self.assertTrue(self.transport.disconnected)
            self.link.dataReceived(self.bytes_of(GoAway(1)))
            self.assertEqual(self.events, [])

    def test_an_event_of_a_newer_server(self) -> None:
        """Is passed over, and a request that is answered by it is answered with nothing."""
        self.link.dataReceived(self.framing.pack(b"\xba\x3e\x00"))  # field 999, empty
        self.assertEqual(self.events, [])
        self.assertTrue(self.link.up)

    @given(st.binary(max_size=200))
    def test_any_bytes(self, data: bytes) -> None:
        """Any bytes are events or the end of the connection; nothing is raised."""
        self.setUp()
        self.link.dataReceived(data)
        self.link.dataReceived(self.framing.pack(data))
