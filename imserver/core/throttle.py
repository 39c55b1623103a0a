"""Slowing down those who guess passwords or register in masses, by account name and by network address."""

from collections.abc import Callable

from imserver.core.limits import Limits
from imserver.core.rates import BoundedTable, Bucket, limited

FREE_FAILURES = 5
MAX_DELAY_SECONDS = 300.0


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
        self._logins: BoundedTable[str, Bucket] = BoundedTable(Bucket, entries)
        self._registrations: BoundedTable[str, Bucket] = BoundedTable(Bucket, entries)

    def begin_login(self, name: str, address: str) -> bool:
        """A password is about to be checked: -> whether logins from that address failed lately; raises RATE_LIMITED."""
        limits = self._limits()
        if not limits.enabled:
            return False
        suspect = bool(address) and not self._logins[address].is_full(self._now())
        if address:
            wait = self._take_login(address, 1)
            if wait:
                raise limited(wait, "logins from your address")
        wait = self._names[name].begin(self._now())
        if wait:
            raise limited(wait, "failed logins")
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
            self._take_login(address, -1)

    def _take_login(self, address: str, amount: int) -> float:
        limits = self._limits()
        most = limits.failed_logins_per_address
        per_second = most / limits.failed_logins_window_seconds
        return self._logins[address].take(self._now(), amount, per_second, most)

    def register(self, address: str, trusted: bool) -> None:
        """An account is about to be made; raises RATE_LIMITED."""
        limits = self._limits()
        if address and limits.enabled and not trusted:
            most = limits.registrations_per_address
            wait = self._registrations[address].take(
                self._now(), 1, most / limits.registrations_window_seconds, most
            )
            if wait:
                raise limited(wait, "registrations from your address")
