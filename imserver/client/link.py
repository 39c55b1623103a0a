"""One connection to the server: frames and codec glued together, answers matched to requests by tag.

A link lives once and knows nothing of logging in or coming back.  At most 32 requests are in flight, others
wait their turn here; sends are not counted, because outgoing.py keeps their window.  An answer that does not
come in time means the connection is dead, so there is one deadline for all: that of the oldest request.
"""

from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IReactorTime, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from imserver.client.errors import NotConnected, QueueFull, RequestRefused
from imserver.client.tls import explain
from imserver.codecs.protobuf import ProtobufCodec
from imserver.core.errors import WireError
from imserver.core.events import Closing, Event, Probe, Refused, Sent
from imserver.core.requests import Ping, Request, Sending
from imserver.core.singly import singly
from imserver.net.framing import Int32Framing

MAX_EVENT_BYTES = 1024 * 1024  # a page of history and what surrounds it
MAX_REQUESTS_IN_FLIGHT = 32
MAX_WAITING = 1_024
ANSWER_SECONDS = 30.0
SILENCE_SECONDS = 45.0  # the server probes after 30; after this long, ask whether it is there
CLOSE_SECONDS = 1.0

Listener = Callable[[int, Event], None]


class _Asked:
    """A request that waits for its answer, since when, and whether it counts among the 32."""

    __slots__ = ("answer", "counted", "since")

    def __init__(self, answer: "Deferred[Any]", since: float, counted: bool) -> None:
        self.answer = answer
        self.since = since
        self.counted = counted


class Link(Protocol):
    """A connection; `listener(tag, event)` is called for every event that answers no request.

    `lost` fires once, with a NotConnected that says why the connection ended; requests without an answer fail
    with the same before that.
    """

    _log = Logger()
    transport: Any  # a TCP or TLS transport, which no one interface of Twisted says

    def __init__(self, clock: IReactorTime, listener: Listener) -> None:
        self._clock = clock
        self._listener = listener
        self._codec = ProtobufCodec()
        self._framing = Int32Framing(MAX_EVENT_BYTES)
        self._tags = count(1)
        self._asked: dict[int, _Asked] = {}  # in the order of asking
        self._waiting: deque[tuple[Request, Deferred[Any]]] = deque()
        self._in_flight = 0
        self._loss: NotConnected | None = None  # why it is ending, once that is known
        self._watch: IDelayedCall | None = None
        self._end: IDelayedCall | None = None
        self._heard = 0.0
        self.up = False
        self.lost: Deferred[NotConnected] = Deferred()

    # -- asking

    def request(self, request: Request) -> "Deferred[Any]":
        """-> the answer; fails with RequestRefused or NotConnected, or QueueFull when too much waits."""
        answer: Deferred[Any] = Deferred()
        counted = not isinstance(request, Sending)
        if not self.up:
            answer.errback(self._loss or NotConnected(NotConnected.CLOSED, "the connection is closed"))
        elif not counted or self._in_flight < MAX_REQUESTS_IN_FLIGHT:
            self._ask(request, answer, counted)
        elif len(self._waiting) < MAX_WAITING:
            self._waiting.append((request, answer))
        else:
            answer.errback(QueueFull("too many requests wait for the server"))
        return answer

    def tell(self, request: Request) -> int:
        """Send a request that has no answer; -> its tag, under which it may be refused all the same."""
        tag = next(self._tags)
        self._write(request, tag)
        return tag

    def close(self) -> None:
        """End the connection when what was written has left, or after a second."""
        self._loss = self._loss or NotConnected(
            NotConnected.CLOSED, "the connection was closed by this program"
        )
        if self.transport is not None and self._end is None:
            self.transport.loseConnection()
            self._end = self._clock.callLater(CLOSE_SECONDS, self.transport.abortConnection)

    def abort(self, loss: NotConnected) -> None:
        """End the connection at once, for that reason."""
        self._loss = self._loss or loss
        self.up = False
        self.transport.abortConnection()

    # -- called by Twisted

    def connectionMade(self) -> None:
        """Ready to be asked."""
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)
        self.up = True
        self._heard = self._clock.seconds()
        self._watch_again(SILENCE_SECONDS)

    def dataReceived(self, data: bytes) -> None:
        """Cut it into frames and handle them; nothing more is read from a peer that breaks the protocol."""
        if not self.up:
            return
        self._heard = self._clock.seconds()
        self._framing.receive(data)
        try:
            for frame in self._framing.frames():
                if not self.up:
                    return
                self._frame_received(frame)
        except WireError as error:
            self._log.warn("the server broke the protocol: {text}", text=error.text)
            self.abort(NotConnected(error.code, f"the server broke the protocol: {error.text}"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Fail what waits, then tell why."""
        self.up = False
        loss = self._loss = self._loss or NotConnected(
            NotConnected.LOST, explain(reason.value or ConnectionDone())
        )
        for timer in (self._watch, self._end):
            if timer is not None and timer.active():
                timer.cancel()
        answers = [asked.answer for asked in self._asked.values()]
        answers.extend(answer for _, answer in self._waiting)
        self._asked.clear()
        self._waiting.clear()
        for answer in answers:
            answer.errback(loss)
        self.lost.callback(loss)

    # -- frames

    def _ask(self, request: Request, answer: "Deferred[Any]", counted: bool) -> None:
        tag = next(self._tags)
        if not self._asked:
            self._watch_again(ANSWER_SECONDS)
        self._asked[tag] = _Asked(answer, self._clock.seconds(), counted)
        self._in_flight += counted
        self._write(request, tag)

    def _write(self, request: Request, tag: int) -> None:
        if self.up:
            self.transport.write(self._framing.pack(self._codec.encode_request(request, tag)))

    def _frame_received(self, frame: bytes) -> None:
        tag, event = self._codec.decode_event(frame)
        if isinstance(event, Sent) and event.more >= len(self._asked):
            raise WireError("more is answered than was asked")
        for one, its_tag in singly(event, tag) if event else ():
            self._event_received(one, its_tag)

    def _event_received(self, event: Event, tag: int) -> None:
        asked = self._asked.pop(tag, None)
        if asked is not None:
            self._answered(asked, event)
        elif isinstance(event, Probe):
            self._ping()
        elif isinstance(event, Closing):
            self._loss = NotConnected(event.code, event.text)
        elif event is not None:
            self._listener(tag, event)

    def _answered(self, asked: _Asked, event: Event | None) -> None:
        self._in_flight -= asked.counted
        if self._waiting and self._in_flight < MAX_REQUESTS_IN_FLIGHT:
            self._ask(*self._waiting.popleft(), counted=True)
        if isinstance(event, Refused):
            asked.answer.errback(RequestRefused(event.code, event.text, event.retry_after_ms))
        else:
            asked.answer.callback(event)

    def _ping(self) -> None:
        """Whatever becomes of it is seen elsewhere: in its answer as a sign of life, in its deadline, in the loss."""
        self.request(Ping()).addErrback(lambda failure: None)

    # -- the deadline

    def _watch_again(self, seconds: float) -> None:
        if self._watch is not None and self._watch.active():
            self._watch.cancel()
        self._watch = self._clock.callLater(seconds, self._look)

    def _look(self) -> None:
        """Is the oldest answer overdue?  Has it been silent for too long?"""
        now = self._clock.seconds()
        if self._asked:
            due = next(iter(self._asked.values())).since + ANSWER_SECONDS
            if due <= now:
                self.abort(NotConnected(NotConnected.LOST, "the server does not answer"))
            else:
                self._watch_again(due - now)
        elif self._heard + SILENCE_SECONDS <= now:
            self._ping()
        else:
            self._watch_again(self._heard + SILENCE_SECONDS - now)
