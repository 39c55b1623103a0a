"""Whether the store's thread still works: it is given something to do now and then, and must do it.

A disk that takes long is no reason to start the daemon anew, because the next one would wait for the same disk;
a thread that hangs by itself is one, and so is a disk that takes two minutes.
"""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from imserver.store.group_commit import IsWorker

ANSWER_SECONDS = 10.0
SLOW_DISK_SECONDS = 120.0


class Pulse:
    """Of `worker`; `on_disk` tells whether it waits for the disk."""

    def __init__(self, worker: IsWorker, clock: IReactorTime, on_disk: Callable[[], bool]) -> None:
        self._worker = worker
        self._clock = clock
        self._on_disk = on_disk
        self._asked_at: float | None = None

    def is_alive(self) -> bool:
        """Whether the thread has done what it was last given, or may still do it; gives it the next thing."""
        if self._asked_at is None:
            self._asked_at = self._clock.seconds()
            self._worker.run(lambda: None).addCallback(self._answered)
            return True
        silent = self._clock.seconds() - self._asked_at
        return silent <= (SLOW_DISK_SECONDS if self._on_disk() else ANSWER_SECONDS)

    def _answered(self, _: None) -> None:
        self._asked_at = None
