"""Messages on their way: kept until the server says they are on disk, and sent again under their ids until then.

They leave in the order in which they were given, after a reconnect too, because ids grow and what comes back
goes into a heap by id.  The window in flight opens by one with every answer, up to the server's 128; a
refusal that says "later" closes it to one, so that a rate limit is met with one refusal at a time instead of
a hundred (the server sends away who is refused too often).  Those in flight behind a refused message the server
refuses, too, until that one has come again (core/turns.py); so nothing changes the order.
"""

import heapq
from collections.abc import Callable
from itertools import count
from struct import Struct

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from imserver.client.errors import ClientError, NotConnected, QueueFull, RequestRefused
from imserver.client.link import Link
from imserver.core.errors import Code
from imserver.core.events import Sent
from imserver.core.requests import Forward, Sending, is_call

MAX_IN_FLIGHT = 128
FIRST_IN_FLIGHT = 16
MAX_MESSAGES = 1_024
MAX_BYTES = 8 * 1024 * 1024


class ClientIds:
    """Ids for messages: 8 random bytes of this start, then a counter of 8 bytes, big-endian.

    They grow, so that the server's index of them stays compact, and they tell what this start has sent.
    """

    _layout = Struct("!8sQ")
    _start_bytes = 8

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._start = random_bytes(self._start_bytes)
        self._count = count(1)

    def next(self) -> bytes:
        """A new id."""
        return self._layout.pack(self._start, next(self._count))

    def own(self, client_id: bytes) -> bool:
        """Whether the id was made here."""
        return len(client_id) == self._layout.size and client_id.startswith(self._start)


class Outgoing:
    """The unacknowledged messages of one client, at most MAX_MESSAGES and MAX_BYTES of bodies.

    `sent` is called with every answer before the sender learns of it.  A body longer than the server said it
    takes is refused here: in a frame that is too long it would end every connection that it is sent on.
    """

    def __init__(self, clock: IReactorTime, sent: Callable[[Sent], None]) -> None:
        self._clock = clock
        self._sent = sent
        self._answers: dict[bytes, Deferred[Sent]] = {}
        self._to_send: list[tuple[bytes, Sending]] = []  # a heap by client id
        self._bytes = 0
        self._max_body_bytes = MAX_BYTES
        self._in_flight = 0
        self._window = FIRST_IN_FLIGHT
        self._link: Link | None = None
        self._pause: IDelayedCall | None = None

    def put(self, message: Sending) -> "Deferred[Sent]":
        """-> Sent, once the message is safely on the server's disk; fails with RequestRefused.  Raises QueueFull."""
        size = _size(message)
        if size > self._max_body_bytes:
            return fail(
                RequestRefused(
                    Code.BODY_TOO_LARGE, f"a message may have at most {self._max_body_bytes} bytes"
                )
            )
        if len(self._answers) >= MAX_MESSAGES or self._bytes + size > MAX_BYTES:
            raise QueueFull("too many messages wait for the server")
        self._bytes += size
        answer = self._answers[message.client_id] = Deferred()
        heapq.heappush(self._to_send, (message.client_id, message))
        self._fill()
        return answer

    def link_up(self, link: Link, max_body_bytes: int) -> None:
        """Logged in: send all that has no answer yet, the oldest first."""
        self._link = link
        self._max_body_bytes = max_body_bytes
        self._fill()

    def end(self, reason: ClientError) -> None:
        """Nothing will be sent any more: tell the senders."""
        self._link = None
        self._stop_pause()
        answers = list(self._answers.values())
        self._answers.clear()
        self._to_send.clear()
        self._bytes = 0
        for answer in answers:
            answer.errback(reason)

    def _fill(self) -> None:
        while self._link and self._to_send and self._in_flight < self._window and not self._pause:
            _, message = heapq.heappop(self._to_send)
            self._in_flight += 1
            self._link.request(message).addCallbacks(
                self._accepted, self._failed, callbackArgs=(message,), errbackArgs=(message,)
            )

    def _accepted(self, sent: Sent, message: Sending) -> None:
        self._in_flight -= 1
        self._window = min(self._window + 1, MAX_IN_FLIGHT)
        self._sent(sent)
        answer = self._forget(message)
        self._fill()
        if answer is not None:
            answer.callback(sent)

    def _failed(self, failure: Failure, message: Sending) -> None:
        """Lost with the connection: send it on the next one.  Told to wait: wait.  Otherwise refused for good.

        A call for attention waits for nothing, and nothing waits behind it.
        """
        self._in_flight -= 1
        error = failure.value
        if isinstance(error, NotConnected):
            self._link = None
            self._again(message)
        elif isinstance(error, RequestRefused) and error.wait_seconds and not is_call(message):
            self._again(message)
            self._wait(error.wait_seconds)
        else:
            answer = self._forget(message)
            self._fill()
            if answer is not None:
                answer.errback(failure)

    def _again(self, message: Sending) -> None:
        if message.client_id in self._answers:
            heapq.heappush(self._to_send, (message.client_id, message))

    def _forget(self, message: Sending) -> "Deferred[Sent] | None":
        answer = self._answers.pop(message.client_id, None)
        if answer is not None:
            self._bytes -= _size(message)
        return answer

    def _wait(self, seconds: float) -> None:
        self._window = 1
        self._stop_pause()
        self._pause = self._clock.callLater(seconds, self._resume)

    def _resume(self) -> None:
        self._pause = None
        self._fill()

    def _stop_pause(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None


def _size(message: Sending) -> int:
    """Of its body in bytes; that of a forwarded message is not here."""
    return 0 if isinstance(message, Forward) else len(message.body)
