"""How long to wait before connecting again: exponential backoff with full jitter.

A thousand clients that lost one server must not come back together, so each waits a random time between
nothing and a bound that doubles with every failure ("Exponential Backoff And Jitter", AWS Architecture Blog,
2015).  What the server asked for comes first.
"""

from collections.abc import Callable

FIRST_SECONDS = 1.0
MAX_SECONDS = 60.0


class Backoff:
    """The waiting times of one client; `random` gives floats in [0, 1)."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._bound = FIRST_SECONDS
        self._asked_for: float | None = None

    def next_seconds(self) -> float:
        """The time to wait now; the bound of the next one is twice as long."""
        if self._asked_for is not None:
            seconds, self._asked_for = self._asked_for, None
            return seconds
        bound = self._bound
        self._bound = min(bound * 2, MAX_SECONDS)
        return self._random() * bound

    def ask_for(self, seconds: float) -> None:
        """The server said when to come back: the next wait is that long, whatever came before."""
        self._asked_for = max(0.0, seconds)

    def reset(self) -> None:
        """All is well again: the next failure is a first one."""
        self._bound = FIRST_SECONDS
