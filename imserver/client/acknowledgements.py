"""MarkDelivered, coalesced: after 16 messages of a conversation or 50 ms, whichever comes first.

An acknowledgement is cumulative, so only the newest of a conversation counts.  When the server finds them
too frequent they wait together for as long as it says; none is lost, or the server would take its window
for full and push nothing more.
"""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from imserver.core.requests import MarkDelivered

MAX_UNACKNOWLEDGED = 16
MAX_DELAY_SECONDS = 0.05
MAX_REMEMBERED = 256  # acknowledgements on their way that may still be refused


class Acknowledgements:
    """Gathers what was delivered.  `mark` sends a MarkDelivered and returns its tag; 0 if there is no connection."""

    def __init__(self, clock: IReactorTime, mark: Callable[[MarkDelivered], int]) -> None:
        self._clock = clock
        self._mark = mark
        self._pending: dict[int, tuple[int, int]] = {}  # conversation -> (seq, messages)
        self._on_their_way: dict[int, tuple[int, int]] = {}  # tag -> (conversation, seq)
        self._timer: IDelayedCall | None = None
        self._paused = False

    def add(self, conversation: int, seq: int, messages: int = 1) -> None:
        """The application has everything of the conversation up to seq."""
        before, count = self._pending.get(conversation, (0, 0))
        self._pending[conversation] = (max(before, seq), count + messages)
        if count + messages >= MAX_UNACKNOWLEDGED and not self._paused:
            self._send(conversation)
        elif self._timer is None:
            self._timer = self._clock.callLater(MAX_DELAY_SECONDS, self._due)

    def refused(self, tag: int, retry_after_seconds: float) -> None:
        """The server did not take the acknowledgement with that tag: repeat it, and send no other, after so long."""
        if tag not in self._on_their_way or not retry_after_seconds:
            return
        self._pause(retry_after_seconds)
        conversation, seq = self._on_their_way.pop(tag)
        self.add(conversation, seq, 0)

    def flush(self) -> None:
        """Send all that is pending now."""
        self._stop_timer()
        self._paused = False
        for conversation in list(self._pending):
            self._send(conversation)

    def clear(self) -> None:
        """Forget what is pending: the connection is gone, and the next one begins by comparing cursors."""
        self._stop_timer()
        self._paused = False
        self._pending.clear()
        self._on_their_way.clear()

    def _send(self, conversation: int) -> None:
        seq, _ = self._pending.pop(conversation)
        tag = self._mark(MarkDelivered(conversation, seq))
        if not tag:
            return
        if len(self._on_their_way) >= MAX_REMEMBERED:
            del self._on_their_way[next(iter(self._on_their_way))]
        self._on_their_way[tag] = (conversation, seq)

    def _pause(self, seconds: float) -> None:
        self._stop_timer()
        self._paused = True
        self._timer = self._clock.callLater(seconds, self._due)

    def _due(self) -> None:
        self._timer = None
        self.flush()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
