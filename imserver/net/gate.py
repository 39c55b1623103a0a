"""Who may connect: counts and rates for each network address and for the process (threats.md T4).

An address is text: that of an IP peer, empty for a UNIX socket.  IPv6 counts by its /64, because that is
what one subscriber gets.  Loopback and UNIX peers are exempt from counts and rates per address, not from
those of the process; whoever came through a proxy is never exempt (see `address_of`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from twisted.internet.interfaces import INegotiated, IReactorTime
from twisted.logger import Logger

from imserver.core.limits import Limits
from imserver.core.rates import BoundedTable, Bucket

# The store, the log, uploads and the reactor need descriptors too.
_SPARE_DESCRIPTORS = 512


def address_of(transport: Any) -> str:
    """The text by which limits and logs know the peer."""
    address = getattr(transport.getPeer(), "host", "")
    # A proxy may well pass on a client of its own machine; here that client is a stranger.
    return f"{address} by proxy" if getattr(transport, "proxied", False) and is_local(address) else address


def is_local(address: str) -> bool:
    """Whether limits per address do not apply."""
    try:
        return not address or ip_address(address).is_loopback
    except ValueError:
        return False


def is_private(address: str, transport: Any) -> bool:
    """Whether nobody in between can read or change what is said: the peer is local, or speaks TLS with us."""
    return is_local(address) or INegotiated.providedBy(transport)


def network_of(address: str) -> str:
    """What is counted together: an IPv4 address, or the /64 of an IPv6 address."""
    if ":" not in address or " " in address:
        return address
    packed = ip_address(address.partition("%")[0]).packed
    return packed[:8].hex()


@dataclass(slots=True)
class _Count:
    connections: int = 0
    unauthenticated: int = 0


class Gate:
    """Admits connections.  `descriptors` is the limit on open files; `limits` is asked anew each time."""

    _log = Logger()

    def __init__(self, clock: IReactorTime, limits: Callable[[], Limits], descriptors: int) -> None:
        self._clock = clock
        self._limits = limits
        # With few descriptors half of them must do.
        self._most = max(descriptors - _SPARE_DESCRIPTORS, descriptors // 2)
        self._all = _Count()
        self._counts: dict[str, _Count] = {}
        self._arrivals = BoundedTable[str, Bucket](Bucket, lambda: limits().max_limiter_entries)
        self._refused = 0

    @property
    def connections(self) -> int:
        """How many are admitted now."""
        return self._all.connections

    def admit(self, address: str) -> bool:
        """Count a connection that has not logged in yet, or refuse it: then close it at once, without release."""
        if self._is_full() or not self._is_welcome(address):
            self._note_refusal()
            return False
        for count in (self._all, self._counts.setdefault(network_of(address), _Count())):
            count.connections += 1
            count.unauthenticated += 1
        return True

    def authenticated(self, address: str) -> None:
        """An admitted connection has logged in."""
        for count in (self._all, self._counts[network_of(address)]):
            count.unauthenticated -= 1

    def release(self, address: str, authenticated: bool) -> None:
        """An admitted connection is gone."""
        network = network_of(address)
        for count in (self._all, self._counts[network]):
            count.connections -= 1
            count.unauthenticated -= not authenticated
        if not self._counts[network].connections:
            del self._counts[network]

    def _is_full(self) -> bool:
        limits = self._limits()
        return (
            self._all.connections >= min(limits.max_connections, self._most)
            or self._all.unauthenticated >= limits.max_unauthenticated
        )

    def _is_welcome(self, address: str) -> bool:
        limits, network = self._limits(), network_of(address)
        if not limits.enabled or is_local(address):
            return True
        count = self._counts.get(network, _NOBODY)
        return (
            count.connections < limits.connections_per_address
            and count.unauthenticated < limits.unauthenticated_per_address
            and not self._arrivals[network].take(
                self._clock.seconds(), 1.0, limits.connects_per_second, limits.connects_burst
            )
        )

    def _note_refusal(self) -> None:
        self._refused += 1
        if self._refused == 1:
            self._clock.callLater(1.0, self._report)

    def _report(self) -> None:
        self._log.warn("refused {refused} connections within a second: too many", refused=self._refused)
        self._refused = 0


_NOBODY = _Count()
