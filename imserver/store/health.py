"""What the store can still do, and what a fault of the storage does to that (delivery.md section 3)."""

from collections.abc import Callable
from enum import StrEnum

import apsw
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imserver.store.trouble import FATAL, Trouble, locked, trouble_of, unavailable, unknown

PROBE_SECONDS = 5.0


class State(StrEnum):
    """READY; reads only, until a probe can write; nothing any more."""

    READY = "ready"
    DEGRADED = "degraded"
    STOPPED = "stopped"


class Health:
    """The store's state.

    `probe()` writes something or raises apsw.Error; `advice` tells the operator what to do about a damaged
    database; `fatal(exit status, sentence)` ends the daemon.
    """

    _log = Logger()

    def __init__(
        self, clock: IReactorTime, probe: Callable[[], None], advice: str, fatal: Callable[[int, str], None]
    ) -> None:
        self.state = State.READY
        self._clock = clock
        self._probe = probe
        self._advice = advice
        self._fatal = fatal
        self._call: IDelayedCall | None = None

    def suffered(self, error: Exception) -> Exception:
        """Do what an error asks for; -> what those hear who waited for the outcome."""
        match trouble_of(error):
            case Trouble.CORRUPT:
                self.damaged(str(error))
                return unknown()
            case Trouble.UNSYNCED:
                self.unsynced(str(error))
                return unknown()
            case Trouble.BROKEN:
                self._degrade(error)
                return unknown()
            case Trouble.UNWRITABLE:
                self._degrade(error)
                return unavailable()
            case None:
                return locked() if isinstance(error, apsw.BusyError) else error

    def damaged(self, what: str) -> None:
        """The database cannot be trusted any more."""
        self._stop(1, f"the database is damaged ({what}): {self._advice}")

    def unsynced(self, what: str) -> None:
        """After a failed sync the kernel may have dropped pages: it must not be tried again (fsyncgate)."""
        self._stop(75, f"the disk failed to sync ({what}): check it and start imserver again")

    def close(self) -> None:
        """No more probes."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _stop(self, exit_status: int, sentence: str) -> None:
        if self.state is State.STOPPED:
            return
        self.close()
        self.state = State.STOPPED
        self._log.critical("{sentence}", sentence=sentence)
        self._fatal(exit_status, sentence)

    def _degrade(self, error: Exception) -> None:
        if self.state is State.READY:
            self._log.error("cannot write ({reason}): read-only until that is over", reason=str(error))
            self.state = State.DEGRADED
            self._call = self._clock.callLater(PROBE_SECONDS, self._try)

    def _try(self) -> None:
        self._call = self._clock.callLater(PROBE_SECONDS, self._try)
        try:
            self._probe()
        except apsw.Error as error:
            if trouble_of(error) in FATAL:
                self.suffered(error)
        else:
            self.close()
            self.state = State.READY
            self._log.info("can write again")
