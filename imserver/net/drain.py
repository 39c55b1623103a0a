"""What SIGTERM does: accept nobody, finish what was accepted, send everybody away, stop (delivery.md, P10).

Many clients are told to leave over a few seconds, so that they do not come back all at once; with few of
them nothing waits for its own sake.  A second signal skips what is left of this, which loses nothing either.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from imserver.net.listeners import ListeningService
from imserver.net.notify import Notify

FINISH_SECONDS = 10.0
MAX_SPREAD_SECONDS = 10.0
LEAVE_SECONDS = 2.0
CLIENTS_PER_SECOND = 200
BUDGET_SECONDS = 45.0
_POLL_SECONDS = 0.02


class Drainable(Protocol):
    """What of the core is needed here."""

    @property
    def idle(self) -> bool:
        """Everything accepted has been answered."""

    def begin_drain(self, spread_ms: int) -> None:
        """Take nothing new; tell clients to go within that time."""

    def close_clients(self) -> None:
        """Close all sessions."""

    def session_count(self) -> int:
        """How many are logged in."""


class Drain:
    """`connections` tells how many are open; `stop` ends the daemon and is called once."""

    _log = Logger()

    def __init__(
        self,
        core: Drainable,
        listeners: Iterable[ListeningService],
        connections: Callable[[], int],
        notify: Notify,
        clock: IReactorTime,
        stop: Callable[[], None],
    ) -> None:
        self._core = core
        self._listeners = listeners
        self._connections = connections
        self._notify = notify
        self._clock = clock
        self._stop = stop
        self._draining = False
        self._stopped = False

    def request(self) -> None:
        """Begin; asked again, end at once."""
        if self._draining:
            self._finish("again asked to stop: stopping at once")
            return
        self._draining = True
        self._log.info("draining {sessions} sessions", sessions=self._core.session_count())
        self._notify.stopping(BUDGET_SECONDS)
        Deferred.fromCoroutine(self._drain()).addErrback(
            lambda failure: self._log.failure("the drain failed", failure)
        ).addBoth(lambda _: self._finish("drained"))

    async def _drain(self) -> None:
        for listener in self._listeners:
            await listener.stop_accepting()
        spread = min(MAX_SPREAD_SECONDS, self._core.session_count() / CLIENTS_PER_SECOND)
        if spread < 1.0:
            spread = 0.0
        self._core.begin_drain(int(spread * 1000))
        await self._until(lambda: not self._core.session_count(), spread)
        await self._until(lambda: self._core.idle, FINISH_SECONDS)
        self._core.close_clients()
        # Not sessions: those end at once, while their last words are still to be written.
        await self._until(lambda: not self._connections(), LEAVE_SECONDS)

    async def _until(self, done: Callable[[], bool], most_seconds: float) -> None:
        end = self._clock.seconds() + most_seconds
        while not done() and self._clock.seconds() < end and not self._stopped:
            await deferLater(self._clock, _POLL_SECONDS)

    def _finish(self, why: str) -> None:
        if not self._stopped:
            self._stopped = True
            self._log.info("{why}", why=why)
            self._stop()
