"""When the server says that it is overloaded, before it is slow for everyone.

The signal is delay, not load: how long messages waited for their commit, averaged over the last seconds (not
over batches: on a slow disk those are few), and how late the reactor's timers run.  Acknowledgements, reads and log-outs are never shed.
"""

from collections.abc import Callable
from math import exp

from imserver.core.errors import ChatError, Code
from imserver.core.limits import Limits

AVERAGE_SECONDS = 2.0  # time constant of the average
MAX_STEP_SECONDS = 1.0  # a batch speaks for the time since the last one, but not for more than this
LAG_SECONDS = 0.5  # a reactor this late counts like waiting messages over the second threshold
FORGET_SECONDS = 2.0  # once nothing waits, a delay this old says nothing about now


class Admission:
    """`limits`, `now` (seconds) and `idle` (nothing waits) are asked at each use; `random` gives 0.0 ... 1.0 for jitter."""

    def __init__(
        self,
        limits: Callable[[], Limits],
        now: Callable[[], float],
        idle: Callable[[], bool],
        random: Callable[[], float],
    ) -> None:
        self._limits = limits
        self._now = now
        self._idle = idle
        self._random = random
        self._delay = 0.0
        self._seen_at = 0.0
        self._lag = 0.0

    def waited(self, seconds: float) -> None:
        """The oldest message of a batch waited this long."""
        before, now = self._current(), self._now()
        step = min(now - self._seen_at, MAX_STEP_SECONDS)
        self._delay = before + (1 - exp(-step / AVERAGE_SECONDS)) * (seconds - before)
        self._seen_at = now

    def lagged(self, seconds: float) -> None:
        """A timer ran this late."""
        self._lag = seconds

    @property
    def delay(self) -> float:
        """What a message must expect to wait, in seconds."""
        lag = self._limits().shed_sends_seconds * (self._lag > LAG_SECONDS) * 1.01
        return max(self._current(), lag)

    @property
    def overloaded(self) -> bool:
        """Whether anybody's sends may have to be refused."""
        return self.delay > self._limits().shed_unfair_seconds

    def check_send(self, is_unfair: Callable[[], bool]) -> None:
        """Raises RETRY_AFTER if a new message of a sender should not be taken on."""
        delay = self.delay
        limits = self._limits()
        if delay > limits.shed_sends_seconds or (delay > limits.shed_unfair_seconds and is_unfair()):
            raise self.retry_after()

    @property
    def connections_open(self) -> bool:
        """Whether to take new connections."""
        return self.delay <= self._limits().shed_connections_seconds

    def retry_after(self) -> ChatError:
        """The refusal, with a jittered wait of 1 to 5 s."""
        wait_ms = 1000 + int(4000 * self._random())
        return ChatError(Code.RETRY_AFTER, "the server is overloaded; send it again later", wait_ms)

    def _current(self) -> float:
        if self._now() - self._seen_at > FORGET_SECONDS and self._idle():
            self._delay = 0.0
        return self._delay
