"""How often something may happen: token buckets, counts of what was lately, and tables of them that cannot grow without bound."""

from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from typing import Generic, TypeVar

from imserver.core.errors import ChatError, Code

Key = TypeVar("Key")
Value = TypeVar("Value")

# Seconds; so that a burst of 30 is 30, and not 29 and what binary fractions leave over.
_ROUNDING = 1e-6


class Bucket:
    """A token bucket held in one number: the moment at which it is full again."""

    __slots__ = ("_full_at",)

    def __init__(self) -> None:
        self._full_at = 0.0

    def take(self, now: float, amount: float, per_second: float, burst: float) -> float:
        """Take the amount -> 0.0, or take nothing -> the seconds until it will be there."""
        full_at = max(self._full_at, now) + amount / per_second
        wait = full_at - now - burst / per_second
        if wait > _ROUNDING:
            return wait
        self._full_at = full_at
        return 0.0


class Recent:
    """At most so many in any span of so many seconds: the moments of those that were, eight bytes each.

    A bucket, which fills while it is emptied, would let through twice as many in its first span.
    """

    __slots__ = ("_moments",)

    def __init__(self) -> None:
        self._moments = array("d")

    def any(self, now: float, seconds: float) -> bool:
        """Whether there was one within that time."""
        return bool(self._moments) and now - self._moments[-1] < seconds - _ROUNDING

    def take(self, now: float, most: int, seconds: float) -> float:
        """One more -> 0.0, or too many -> the seconds until there may be one."""
        del self._moments[: bisect_right(self._moments, now - seconds + _ROUNDING)]
        if len(self._moments) >= most:
            return self._moments[-most] + seconds - now
        self._moments.append(now)
        return 0.0

    def give_back(self) -> None:
        """The latest, if it still counts, was none."""
        del self._moments[-1:]


class BoundedTable(Generic[Key, Value]):
    """Values made when first asked for; the longest unused are forgotten beyond `max_entries()`."""

    def __init__(self, make: Callable[[], Value], max_entries: Callable[[], int]) -> None:
        self._make = make
        self._max_entries = max_entries
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def __getitem__(self, key: Key) -> Value:
        value = self._values.get(key)
        if value is None:
            value = self._values[key] = self._make()
            while len(self._values) > self._max_entries():
                self._values.popitem(last=False)
        else:
            self._values.move_to_end(key)
        return value

    def __len__(self) -> int:
        return len(self._values)

    def forget(self, key: Key) -> None:
        """Drop the value, if there is one."""
        self._values.pop(key, None)


class AccountRates:
    """What one account has used of its rates, over all its sessions."""

    __slots__ = ("bytes", "contacts", "conversations", "day", "joins", "messages", "requests", "signals")

    def __init__(self) -> None:
        self.messages = Bucket()
        self.bytes = Bucket()
        self.day = Bucket()
        self.requests = Bucket()
        self.signals = Bucket()
        self.conversations = Bucket()  # new ones
        self.contacts = Bucket()  # requests for contact
        self.joins = Bucket()


def limited(seconds: float, what: str) -> ChatError:
    """The refusal of something that comes too often."""
    return ChatError(Code.RATE_LIMITED, f"too many {what}; wait", max(1, ceil(seconds * 1000)))
