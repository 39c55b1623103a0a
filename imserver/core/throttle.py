"""Slowing down those who guess passwords or register in masses, by account name and by network address."""

from collections.abc import Callable

from imserver.core.limits import Limits
from imserver.core.rates import BoundedTable, Recent, limited

FREE_FAILURES = 5
MAX_DELAY_SECONDS = 300.0
# By then it is known whether a try that has begun succeeds.
TRY_SECONDS = 2.0


class _Guesses:
    """Failed logins of one name, known or not: after five, 1, 2, 4 ... 300 s between tries."""

    __slots__ = ("blocked_until", "failures")

    def __init__(self) -> None:
        self.failures = 0
        self.blocked_until = 0.0

    def begin(self, now: float) -> float:
        """Count a try as failed until it succeeds; -> 0.0, or the seconds to wait."""
        if now < self.blocked_until:
            return self.blocked_until - now
        self.failures += 1
        if self.failures >= FREE_FAILURES:
            exponent = min(self.failures - FREE_FAILURES, 9)
            self.blocked_until = now + min(2.0**exponent, MAX_DELAY_SECONDS)
        return 0.0

    def undo(self) -> None:
        """The try that began last was not made."""
        self.failures -= 1
        self.blocked_until = 0.0


class Throttle:
    """Tries count before they are made, so that many at once do not slip through together."""

    def __init__(self, limits: Callable[[], Limits], now: Callable[[], float]) -> None:
        def entries() -> int:
            return limits().max_limiter_entries

        self._limits = limits
        self._now = now
        self._names: BoundedTable[str, _Guesses] = BoundedTable(_Guesses, entries)
        self._failures: BoundedTable[str, Recent] = BoundedTable(Recent, entries)
        self._registrations: BoundedTable[str, Recent] = BoundedTable(Recent, entries)

    def begin_login(self, name: str, address: str) -> bool:
        """A password is about to be checked: -> whether logins from that address failed lately; raises RATE_LIMITED."""
        limits = self._limits()
        if not limits.enabled:
            return False
        suspect = bool(address) and self._begin_from(address, limits)
        wait = self._names[name].begin(self._now())
        if wait:
            self._give_back(address)
            raise limited(wait, "failed logins")
        return suspect

    def _begin_from(self, address: str, limits: Limits) -> bool:
        failures, now, seconds = self._failures[address], self._now(), limits.failed_logins_window_seconds
        suspect = failures.any(now, seconds)
        wait = failures.take(now, limits.failed_logins_per_address, seconds)
        if wait:
            under_way = failures.any(now, TRY_SECONDS)
            raise limited(min(wait, TRY_SECONDS) if under_way else wait, "logins from your address")
        return suspect

    def login_succeeded(self, name: str, address: str) -> None:
        """That try, and the earlier ones of this name, do not count."""
        self._names.forget(name)
        self._give_back(address)

    def login_not_tried(self, name: str, address: str) -> None:
        """The server was too busy for the try that has just begun; it does not count."""
        if self._limits().enabled:
            self._names[name].undo()
        self._give_back(address)

    def _give_back(self, address: str) -> None:
        if address and self._limits().enabled:
            self._failures[address].give_back()

    def register(self, address: str, trusted: bool) -> None:
        """An account is about to be made; raises RATE_LIMITED."""
        limits = self._limits()
        if address and limits.enabled and not trusted:
            wait = self._registrations[address].take(
                self._now(), limits.registrations_per_address, limits.registrations_window_seconds
            )
            if wait:
                raise limited(wait, "registrations from your address")
