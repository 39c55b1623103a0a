"""One thread that runs blocking calls in order and reports back to the reactor."""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

T = TypeVar("T")
_Task = tuple[Callable[[], Any], Deferred[Any]]


class Worker:
    """The thread; it starts with the first call."""

    def __init__(self, reactor: IReactorFromThreads, name: str) -> None:
        self._reactor = reactor
        self._queue: SimpleQueue[_Task | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=name, daemon=True)

    def run(self, blocking: Callable[[], T]) -> Deferred[T]:
        """Call it in the thread, after all calls before it; fires in the reactor with what it returned or raised."""
        if not self._thread.is_alive():
            self._thread.start()
        done: Deferred[T] = Deferred()
        self._queue.put((blocking, done))
        return done

    def stop(self) -> None:
        """Finish what was asked for and end the thread."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _work(self) -> None:
        while (task := self._queue.get()) is not None:
            blocking, done = task
            try:
                result = blocking()
            except BaseException:
                self._reactor.callFromThread(done.errback, Failure())
            else:
                self._reactor.callFromThread(done.callback, result)
