"""The load generator: streams of numbered messages, each from one sender to some receivers, in one thread.

A stream keeps a window of messages in flight; a message leaves it when its sender has the acknowledgement
and every receiver the message.  Every single one is checked: its number must be the next, so that loss,
duplication and reordering cannot go unseen, and its content must be what was sent.  Only the server's CPU
time is counted, but the generator must keep up with the relay on the other core of a small machine: raw
sockets, one epoll, and frames made by filling in a template.
"""

import select
import socket
from collections import deque
from collections.abc import Callable, Iterable
from time import monotonic

from bench.measure import Latencies

Clock = Callable[[], float]
_SEGMENT_BYTES = 256 * 1024


class BrokenPromise(Exception):
    """The server lost, repeated, reordered or changed a message, or refused one."""


class Line:
    """A connection without blocking; what does not go out at once waits."""

    __slots__ = ("_poll", "_unsent", "received", "socket")

    def __init__(self, connected: socket.socket, poll: select.epoll) -> None:
        self.socket = connected
        self.received: Callable[[bytes], None] = _unexpected
        self._poll = poll
        self._unsent = b""
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(connected, select.EPOLLIN)

    def write(self, data: bytes) -> None:
        """Send in the order written."""
        if self._unsent:
            self._unsent += data
            return
        sent = self._try(data)
        if sent < len(data):
            self._unsent = data[sent:]
            self._poll.modify(self.socket, select.EPOLLIN | select.EPOLLOUT)

    def ready(self, events: int) -> None:
        """What epoll said."""
        if events & select.EPOLLOUT and self._unsent:
            self._unsent = self._unsent[self._try(self._unsent) :]
            if not self._unsent:
                self._poll.modify(self.socket, select.EPOLLIN)
        if events & ~select.EPOLLOUT:
            data = self.socket.recv(_SEGMENT_BYTES)
            if not data:
                raise BrokenPromise("the server closed a connection")
            self.received(data)

    def _try(self, data: bytes) -> int:
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0


class Stream:
    """One sender's numbered messages on their way to `receivers` receivers.

    `compose(first, count)` makes the bytes of messages first ... first + count - 1.  The two ends of the wire
    in use call `acknowledged` and `received` as they see them.
    """

    def __init__(self, line: Line, compose: Callable[[int, int], bytes], receivers: int, acks: bool) -> None:
        self.completed = 0
        self.to_ack = Latencies()
        self.to_arrival = Latencies()
        self._line = line
        self._compose = compose
        self._parties = receivers + acks
        self._next = 1
        self._waiting: dict[int, int] = {}  # number -> how many parties have not yet told of it
        self._sent_at: dict[int, float] = {}

    @property
    def in_flight(self) -> int:
        """How many messages somebody still waits for."""
        return len(self._waiting)

    def fill(self, window: int, now: float) -> None:
        """Send until `window` messages are in flight."""
        count = window - len(self._waiting)
        if count > 0:
            first = self._next
            self._next += count
            for number in range(first, self._next):
                self._waiting[number] = self._parties
                self._sent_at[number] = now
            self._line.write(self._compose(first, count))

    def acknowledged(self, first: int, count: int, now: float) -> None:
        """The sender has the server's answer for these."""
        self._told(first, count, now, self.to_ack)

    def received(self, first: int, count: int, now: float) -> None:
        """One of the receivers has these."""
        self._told(first, count, now, self.to_arrival)

    def _told(self, first: int, count: int, now: float, latencies: Latencies) -> None:
        latencies.add(now - self._sent_at[first], count)  # sent together, or later: never an understatement
        for number in range(first, first + count):
            left = self._waiting[number] - 1
            if left:
                self._waiting[number] = left
            else:
                del self._waiting[number], self._sent_at[number]
                self.completed += 1


class Load:
    """Streams on one epoll, kept full for a while."""

    def __init__(self, clock: Clock = monotonic) -> None:
        self.poll = select.epoll()
        self.later: deque[tuple[float, Callable[[], None]]] = deque()  # all of the same delay, so in order
        self._lines: dict[int, Line] = {}
        self._clock = clock

    def line(self, connected: socket.socket) -> Line:
        """Take over a connection."""
        line = Line(connected, self.poll)
        self._lines[connected.fileno()] = line
        return line

    def run(self, streams: Iterable[Stream], window: int, seconds: float) -> None:
        """Keep the streams' windows full for that long."""
        streams = list(streams)
        end = self._clock() + seconds
        while (now := self._clock()) < end:
            for stream in streams:
                stream.fill(window, now)
            self.turn(now)

    def finish(self, streams: Iterable[Stream], seconds: float) -> None:
        """Wait until nothing is in flight.  Raises BrokenPromise after `seconds`."""
        streams = list(streams)
        end = self._clock() + seconds
        while left := sum(stream.in_flight for stream in streams):
            now = self._clock()
            if now > end:
                raise BrokenPromise(f"{left} messages were not delivered within {seconds:.0f} s")
            self.turn(now)

    def close(self) -> None:
        """Close every connection."""
        for line in self._lines.values():
            line.socket.close()
        self.poll.close()

    def turn(self, now: float, wait_seconds: float = 0.01) -> None:
        """Handle what has come, or comes within that time, and what is due."""
        for descriptor, events in self.poll.poll(wait_seconds):
            self._lines[descriptor].ready(events)
        while self.later and self.later[0][0] <= now:
            self.later.popleft()[1]()


def _unexpected(data: bytes) -> None:
    raise BrokenPromise(f"{len(data)} bytes that nobody had asked for")
