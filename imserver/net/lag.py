"""Notices when the reactor is blocked, and logs the stack that blocked it (threats.md T42).

Each beat pushes the interval timer ahead.  When beats stay away, its signal arrives in the midst of whatever
blocks; the stack is taken there and logged by the next beat, because a signal handler must not log.
"""

import signal
import traceback
from types import FrameType

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

LAG_SECONDS = 0.5
_BEAT_SECONDS = 0.5


class LagWatch:
    """Uses SIGALRM."""

    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._stack = ""
        self._last = 0.0
        self._beat = LoopingCall(self._beat_once)
        self._beat.clock = clock

    def start(self) -> None:
        """Watch until `stop`, from the reactor's first beat on.

        Not sooner: a start that is refused never gets there, and the signal would end it with a status of its own.
        """
        signal.signal(signal.SIGALRM, self._blocked)
        self._last = self._clock.seconds()
        self._beat.start(_BEAT_SECONDS, now=False)

    def stop(self) -> None:
        """Watch no more."""
        self._beat.stop()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def _beat_once(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, _BEAT_SECONDS + LAG_SECONDS)
        now = self._clock.seconds()
        if self._stack:
            late = max(0.0, now - self._last - _BEAT_SECONDS)
            self._log.warn("the reactor was blocked for {seconds:.1f} s", seconds=late, stack=self._stack)
            self._stack = ""
        self._last = now

    def _blocked(self, number: int, frame: FrameType | None) -> None:
        self._stack = "".join(traceback.format_stack(frame, 10))
