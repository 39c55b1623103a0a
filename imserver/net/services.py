"""Services that start in order and stop in reverse, each fully stopped before the one below it."""

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.application.service import IService, MultiService, Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure


class OrderedService(MultiService):
    """What is added first starts first and stops last; MultiService alone stops all of them at once."""

    _log = Logger()

    def __init__(self, clock: IReactorTime, stop_seconds: float) -> None:
        super().__init__()
        self._clock = clock
        self._stop_seconds = stop_seconds

    def stopService(self) -> Deferred[Any]:
        """Stop the children; fires when all have stopped, or after `stop_seconds` all the same."""
        Service.stopService(self)
        late = deferLater(self._clock, self._stop_seconds, self._give_up)
        stopped = Deferred.fromCoroutine(self._stop_children())
        stopped.addCallback(lambda _: late.cancel())
        return DeferredList([stopped, late], fireOnOneCallback=True, consumeErrors=True)

    async def _stop_children(self) -> None:
        for service in reversed(list(self)):
            await maybeDeferred(service.stopService).addErrback(self._failed, service)

    def _failed(self, failure: Failure, service: IService) -> None:
        self._log.failure("{part} did not stop cleanly", failure, part=service.name or service)

    def _give_up(self) -> None:
        self._log.error(
            "not everything stopped within {seconds} seconds; ending all the same", seconds=self._stop_seconds
        )


class Part(Service):
    """A part of the daemon that a call starts, in privilegedStartService, and another one stops."""

    def __init__(
        self, name: str, start: Callable[[], object], stop: Callable[[], Coroutine[Any, Any, None] | None]
    ) -> None:
        self.name = name
        self._start = start
        self._stop = stop

    def privilegedStartService(self) -> None:
        """Start; what this raises ends the start of the daemon."""
        super().privilegedStartService()
        self._start()

    def stopService(self) -> Deferred[None] | None:
        """Stop; fires when it has."""
        super().stopService()
        stopping = self._stop()
        return None if stopping is None else Deferred.fromCoroutine(stopping)
