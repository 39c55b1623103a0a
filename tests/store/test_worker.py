"""imserver.store.worker: one thread, calls in order, answers in the reactor."""

from collections.abc import Callable
from queue import SimpleQueue
from threading import current_thread
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imserver.store.worker import Worker


class Threads:
    """As much of a reactor as a worker needs."""

    def __init__(self) -> None:
        self.calls: SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...]]] = SimpleQueue()

    def callFromThread(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.calls.put((function, arguments))

    def turn(self) -> None:
        function, arguments = self.calls.get(timeout=60)
        function(*arguments)


class WorkerTests(SynchronousTestCase):
    """A real thread, but no reactor."""

    def setUp(self) -> None:
        self.reactor = Threads()
        self.worker = Worker(self.reactor, "test")  # type: ignore[arg-type]
        self.addCleanup(self.worker.stop)

    def test_in_order(self) -> None:
        """Calls run one after the other in one thread that is not this one."""
        ran: list[Any] = []
        for n in range(100):
            self.worker.run(lambda n=n: ran.append((n, current_thread().name)))
        for _ in range(100):
            self.reactor.turn()
        self.assertEqual(ran, [(n, "test") for n in range(100)])

    def test_result(self) -> None:
        """What the call returned arrives by the reactor, not before."""
        done = self.worker.run(lambda: 7)
        self.assertNoResult(done)
        self.reactor.turn()
        self.assertEqual(self.successResultOf(done), 7)

    def test_error(self) -> None:
        """What the call raised arrives as a failure, and the thread goes on."""
        failed, done = self.worker.run(lambda: 1 // 0), self.worker.run(lambda: 7)
        self.reactor.turn()
        self.reactor.turn()
        self.failureResultOf(failed, ZeroDivisionError)
        self.assertEqual(self.successResultOf(done), 7)

    def test_stop(self) -> None:
        """A stop finishes what was asked for."""
        ran: list[int] = []
        for n in range(10):
            self.worker.run(lambda n=n: ran.append(n))
        self.worker.stop()
        self.assertEqual(ran, list(range(10)))
        for _ in range(10):
            self.reactor.turn()

    def test_stop_without_work(self) -> None:
        """A worker that never worked has no thread to stop."""
        self.worker.stop()
