"""When a client has taken too long: to log in, with a frame, to show a sign of life, to read."""

from enum import Enum

from imserver.core.errors import Code
from imserver.core.limits import Limits


class Verdict(Enum):
    """What to do about a client, with the words for it."""

    WAIT = (None, "")
    PROBE = (None, "are you there?")
    LOGIN = (Code.LOGIN_TIMEOUT, "log in sooner")
    FRAME = (Code.TOO_SLOW, "a frame took too long")
    DEAD = (Code.TOO_SLOW, "no sign of life")
    IDLE = (Code.TOO_SLOW, "nothing was said for too long")


class Deadlines:
    """Those of one connection; times are monotonic seconds."""

    __slots__ = ("_frame_since", "_heard_at", "_made_at", "_probed", "_progress", "_progress_at")

    def __init__(self, now: float) -> None:
        self._made_at = self._heard_at = self._progress_at = now
        self._frame_since = 0.0  # when the frame that is not complete began; 0.0: there is none
        self._probed = False
        self._progress = (0, 0)

    def heard(self, now: float) -> None:
        """Something has arrived."""
        self._heard_at = now
        self._probed = False

    def frames_read(self, any_complete: bool, unfinished: bool) -> None:
        """All frames that were complete have been handled; does another one wait for its end?"""
        if not unfinished:
            self._frame_since = 0.0
        elif any_complete or not self._frame_since:
            self._frame_since = self._heard_at

    def judge_input(
        self, now: float, limits: Limits, login_seconds: float, held: bool, idle_seconds: float = 0.0
    ) -> Verdict:
        """`login_seconds` is 0.0 once the client has logged in; `held`: it is we who do not read.

        Those who answer no probes have `idle_seconds`, if not 0.0: after their login so long may they be silent, and
        longer than others with a frame.
        """
        if login_seconds and now - self._made_at >= login_seconds:
            return Verdict.LOGIN
        if held:
            return Verdict.WAIT
        if idle_seconds:
            frame_end = (self._frame_since or now) + max(idle_seconds, limits.frame_seconds)
            end = self._heard_at + (login_seconds or idle_seconds)
            return Verdict.IDLE if now >= min(frame_end, end) else Verdict.WAIT
        if self._frame_since and now - self._frame_since >= limits.frame_seconds:
            return Verdict.FRAME
        if now - self._heard_at >= limits.dead_seconds:
            return Verdict.DEAD
        if now - self._heard_at >= limits.ping_seconds and not self._probed:
            self._probed = True
            return Verdict.PROBE
        return Verdict.WAIT

    def is_stalled(self, now: float, limits: Limits, waiting: bool, progress: tuple[int, int]) -> bool:
        """Whether what waits for the client has not moved for too long; `progress` changes as it moves."""
        if not waiting or progress != self._progress:
            self._progress = progress
            self._progress_at = now
        return now - self._progress_at >= limits.stall_seconds
