"""What one device has been given: its position in each conversation, and what it has not acknowledged yet.

A push happens only at position + 1, so a device sees every seq in order and live messages never overtake its
cursor.  What cannot be pushed, because the window is full or because the device is further back, stays in
the log: the conversation is remembered as behind, and the device fetches it.
"""

from collections import deque

from imserver.core.burst import Burst
from imserver.core.limits import Limits

OVERHEAD_BYTES = 128  # of a message in the window, beside its body
MAX_OWN = 128  # stretches of its own messages that a device has among others it lacks


class Position:
    """One conversation on one device: given up to `pushed`, acknowledged up to `delivered`.

    `own`: (first seq, last seq) of what it has sent itself above `delivered`, for wires without acknowledgements.
    """

    __slots__ = ("delivered", "in_flight", "own", "pushed")

    def __init__(self, delivered: int) -> None:
        self.pushed = delivered
        self.delivered = delivered
        self.in_flight: deque[tuple[int, int, int]] = (
            deque()
        )  # (first seq, last seq, bytes), not acknowledged
        self.own: tuple[tuple[int, int], ...] = ()

    def sent(self, first: int, last: int) -> None:
        """The device has sent these itself.  Beyond MAX_OWN they are taken for another device's, and shown."""
        own = self.own
        if own and own[-1][1] >= first - 1:
            self.own = (*own[:-1], (own[-1][0], max(last, own[-1][1])))
        elif len(own) < MAX_OWN:
            self.own = (*own, (first, last))

    def has_sent(self, seq: int) -> bool:
        """Whether it was this device."""
        return any(first <= seq <= last for first, last in self.own)

    def beyond_own(self, seq: int) -> int:
        """Who has everything up to seq has also what it has sent itself right after it: -> the last of that."""
        while self.own and self.own[0][0] <= seq + 1:
            seq = max(seq, self.own[0][1])
            self.own = self.own[1:]
        return seq


class Window:
    """The positions of one session and the bound of what is in flight to it."""

    __slots__ = ("_limits", "behind", "bytes", "messages", "positions", "released")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.positions: dict[int, Position] = {}
        self.behind: dict[int, int] = {}  # conversation -> its last seq, which the device has not been told
        self.messages = 0
        self.bytes = 0
        self.released = 0  # messages that have left it, ever

    @property
    def full(self) -> bool:
        """Nothing more may be pushed until something is acknowledged."""
        return self.messages >= self._limits.window_messages or self.bytes >= self._limits.window_bytes

    @property
    def half_empty(self) -> bool:
        """There is room for a worthwhile amount."""
        limits = self._limits
        return self.messages * 2 <= limits.window_messages and self.bytes * 2 <= limits.window_bytes

    def position(self, conversation: int, delivered: int) -> Position:
        """The device's position, taken to be `delivered` where none is known."""
        position = self.positions.get(conversation)
        if position is None:
            position = self.positions[conversation] = Position(delivered)
        return position

    def fitting(self, burst: Burst) -> int:
        """How many of its messages there is room for."""
        limits = self._limits
        messages, size = self.messages + burst.count, self.bytes + burst.size
        if messages <= limits.window_messages and size <= limits.window_bytes:
            return burst.count
        room, count = limits.window_bytes - self.bytes, 0
        for body in burst.run.bodies[: max(0, limits.window_messages - self.messages)]:
            if room <= 0:
                break
            room -= len(body) + OVERHEAD_BYTES
            count += 1
        return count

    def pushed(self, position: Position, burst: Burst) -> None:
        """The burst, which begins at position + 1, is on its way."""
        count = burst.count
        size = burst.size + count * OVERHEAD_BYTES
        position.pushed = burst.last
        position.in_flight.append((burst.first, burst.last, size))
        self.messages += count
        self.bytes += size

    def has_given(self, conversation: int, seq: int) -> bool:
        """Whether the device may have it from this session."""
        position = self.positions.get(conversation)
        return position is None or seq <= position.pushed

    def acknowledged(self, conversation: int, seq: int) -> int:
        """The device has everything up to seq, which exists; -> its new cursor, 0 if that says nothing new."""
        position = self.positions.get(conversation)
        if position is None or seq <= position.delivered:
            return 0
        if position.own:
            seq = position.beyond_own(seq)
        self._release(position, seq)
        position.delivered = seq
        if seq > position.pushed:  # it has more than the cursor that was stored says
            position.pushed = seq
            if self.behind.get(conversation, seq + 1) <= seq:
                del self.behind[conversation]
        return seq

    def all_left(self) -> list[tuple[int, int]]:
        """All that was pushed has left this machine: make room.  -> (conversation, seq) pairs that it went up to."""
        left = []
        for conversation, position in self.positions.items():
            if position.in_flight:
                left.append((conversation, position.pushed))
                self._release(position, position.pushed)
        return left

    def _release(self, position: Position, seq: int) -> None:
        in_flight = position.in_flight
        while in_flight and in_flight[0][0] <= seq:
            first, last, size = in_flight.popleft()
            count, total = min(seq, last) + 1 - first, last + 1 - first
            released = size * count // total
            if count < total:
                in_flight.appendleft((seq + 1, last, size - released))
            self.messages -= count
            self.released += count
            self.bytes -= released
