"""All framed connections of the process: written to at the end of a turn, looked after once a second."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.logger import Logger

from imserver.core.limits import Limits

if TYPE_CHECKING:
    from imserver.net.connection import Connection

SWEEP_SECONDS = 1.0


class Connections(Service):
    """One timer for all, because a timer for each would cost more memory than all its state.

    `clock` is the reactor or a test's clock; `limits` is asked at each use.
    """

    _log = Logger()

    def __init__(self, clock: Any, limits: Callable[[], Limits]) -> None:
        self._clock = clock
        self._limits = limits
        self._open: set[Connection] = set()
        self._written: list[Connection] = []
        self._sweep: Any = None

    def add(self, connection: "Connection") -> None:
        """It is there from now on."""
        self._open.add(connection)
        if self._sweep is None:
            self._sweep = self._clock.callLater(SWEEP_SECONDS, self._look_after)

    def remove(self, connection: "Connection") -> None:
        """It is gone."""
        self._open.discard(connection)

    def written(self, connection: "Connection") -> None:
        """It has something to flush at the end of this turn."""
        if not self._written:
            self._clock.callLater(0, self._flush)
        self._written.append(connection)

    def stopService(self) -> None:
        """End the timer."""
        super().stopService()
        if self._sweep is not None and self._sweep.active():
            self._sweep.cancel()

    def _flush(self) -> None:
        written, self._written = self._written, []
        for connection in written:
            try:
                connection.flush()
            except Exception:
                self._failed(connection)

    def _look_after(self) -> None:
        self._sweep = self._clock.callLater(SWEEP_SECONDS, self._look_after) if self._open else None
        now, limits = self._clock.seconds(), self._limits()
        waiting = 0
        for connection in tuple(self._open):
            try:
                connection.look_after(now, limits)
            except Exception:
                self._failed(connection)
            waiting += connection.waiting_bytes
        if waiting > limits.max_outbound_bytes:
            self._shed(waiting - limits.max_outbound_bytes)

    def _failed(self, connection: "Connection") -> None:
        """What one connection raises costs that connection, and not the rest of the turn."""
        self._log.failure("the connection of {address} failed", address=connection.address)
        connection.abort()

    def _shed(self, excess: int) -> None:
        """Let go of those for whom most waits; what they miss is in the log."""
        for connection in sorted(self._open, key=lambda one: one.waiting_bytes, reverse=True):
            if excess <= 0:
                return
            excess -= connection.waiting_bytes
            self._log.warn(
                "closing {address}: too much waits for all clients together", address=connection.address
            )
            connection.abort()
