"""Workers without threads, and a SqliteStore over them."""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from imserver.store.sqlite import SqliteStore


class HandWorker:
    """Runs what it was given when told to."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[Callable[[], Any], Deferred[Any]]] = deque()

    def run(self, blocking: Callable[[], Any]) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self.waiting.append((blocking, done))
        return done

    def step(self) -> None:
        """Run the first."""
        blocking, done = self.waiting.popleft()
        try:
            result = blocking()
        except Exception:
            done.errback(Failure())
        else:
            done.callback(result)

    def stop(self) -> None:
        """Finish what was asked for."""
        while self.waiting:
            self.step()


class InstantWorker:
    """Runs what it is given at once."""

    def run(self, blocking: Callable[[], Any]) -> Deferred[Any]:
        return execute(blocking)

    def stop(self) -> None:
        """It has finished."""


class Rig:
    """A store over a Clock and a hand-driven worker, and the reasons for which it wanted to end the daemon."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.clock = Clock()
        self.workers: list[HandWorker] = []
        self.ended: list[tuple[int, str]] = []
        options.setdefault("sync", lambda descriptor: None)
        self.store = SqliteStore(folder, self.clock, self._end, make_worker=self._make_worker, **options)

    def _end(self, exit_status: int, sentence: str) -> None:
        self.ended.append((exit_status, sentence))

    def _make_worker(self, name: str) -> HandWorker:
        self.workers.append(HandWorker())
        return self.workers[-1]

    @property
    def worker(self) -> HandWorker:
        """The one that syncs."""
        return self.workers[0]

    def turn(self) -> None:
        """One turn of the reactor: what gathered is committed; its sync waits."""
        self.clock.advance(0)

    def settle(self) -> None:
        """Turn until there is nothing to do at this time."""
        self.turn()
        while any(worker.waiting for worker in self.workers):
            for worker in self.workers:
                if worker.waiting:
                    worker.step()
            self.turn()

    def close(self) -> Deferred[None]:
        closed = Deferred.fromCoroutine(self.store.close())
        self.settle()
        return closed
