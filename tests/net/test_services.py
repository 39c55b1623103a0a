"""imserver.net.services"""

from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imserver.net.services import OrderedService, Part


class Recorded(Service):
    """Notes what is done to it, and stops when told to."""

    def __init__(self, name: str, calls: list[str], stopped: Deferred[None] | None = None) -> None:
        self.name = name
        self.calls = calls
        self.stopped = stopped

    def startService(self) -> None:
        self.calls.append(f"start {self.name}")

    def stopService(self) -> Deferred[None] | None:
        self.calls.append(f"stop {self.name}")
        return self.stopped


class OrderedServiceTests(SynchronousTestCase):
    """OrderedService"""

    def make(self, *stopped: Deferred[None] | None) -> OrderedService:
        self.clock = Clock()
        self.calls: list[str] = []
        service = OrderedService(self.clock, 15.0)
        for name, deferred in zip("abc", stopped, strict=False):
            service.addService(Recorded(name, self.calls, deferred))
        return service

    def test_order(self) -> None:
        """Children start as they were added and stop the other way round."""
        service = self.make(None, None, None)
        service.startService()
        self.successResultOf(service.stopService())
        self.assertEqual(self.calls, ["start a", "start b", "start c", "stop c", "stop b", "stop a"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_waits(self) -> None:
        """Nothing stops before what stands on it has stopped."""
        slow = Deferred[None]()
        service = self.make(None, slow)
        service.startService()
        stopped = service.stopService()
        self.assertEqual(self.calls[2:], ["stop b"])
        self.assertNoResult(stopped)
        slow.callback(None)
        self.successResultOf(stopped)
        self.assertEqual(self.calls[2:], ["stop b", "stop a"])

    def test_failure(self) -> None:
        """A child that fails to stop is logged and does not keep the others from stopping."""
        service = self.make(None, fail(ValueError()))
        service.startService()
        self.successResultOf(service.stopService())
        self.assertEqual(self.calls[2:], ["stop b", "stop a"])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_limit(self) -> None:
        """The stop ends after its time whatever the children do."""
        service = self.make(None, Deferred())
        service.startService()
        stopped = service.stopService()
        self.clock.advance(14.9)
        self.assertNoResult(stopped)
        self.clock.advance(0.2)
        self.successResultOf(stopped)


class PartTests(SynchronousTestCase):
    """Part"""

    def test_start(self) -> None:
        """A part starts in privilegedStartService, and what goes wrong there goes up."""

        def fail_to_start() -> None:
            raise OSError("no")

        part = Part("store", fail_to_start, lambda: None)
        self.assertRaises(OSError, part.privilegedStartService)

    def test_stop(self) -> None:
        """stopService fires when the coroutine has ended."""
        waiting = Deferred[None]()

        async def stop() -> None:
            await waiting

        stopped = Part("store", lambda: None, stop).stopService()
        self.assertNoResult(stopped)
        waiting.callback(None)
        self.successResultOf(stopped)
