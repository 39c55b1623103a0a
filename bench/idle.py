"""What a connection costs that does nothing, and what the server costs without any."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bench.measure import family, rss_bytes
from bench.prepare import token
from imserver.core.events import Pong
from imserver.core.requests import Ping
from tests.end_to_end.peer import Address, Peer

SETTLE_SECONDS = 1.5
# The server holds 1,000 strangers at most, and these for 15 s.
STRANGERS = 900
T = TypeVar("T")


@dataclass(slots=True, frozen=True)
class Footprint:
    """Resident memory in bytes: of the process without connections, and more for each of `connections`."""

    connections: int
    empty_bytes: int
    bytes_each: float


def logged_in(address: Address, pid: int, count: int) -> Footprint:
    """Connections that are logged in, each to an account of its own; afterwards all must still answer."""
    return footprint(pid, count, lambda n: log_in(address, n), _leave)


def strangers(address: Address, pid: int) -> Footprint:
    """Connections that have said nothing."""
    return footprint(pid, STRANGERS, lambda _: Peer(address), _leave)


def log_in(address: Address, n: int) -> Peer:
    """A connection of the n-th prepared account."""
    peer = Peer(address)
    peer.log_in_with_token(token(n))
    return peer


def footprint(pid: int, count: int, come: Callable[[int], T], leave: Callable[[T], object]) -> Footprint:
    """What the process `pid` with its children needs for `count` peers who `come`, each with its number, and `leave`."""
    time.sleep(SETTLE_SECONDS)
    empty = _memory(pid)
    peers = [come(n) for n in range(count)]
    time.sleep(SETTLE_SECONDS)
    full = _memory(pid)
    for peer in peers:
        leave(peer)
    return Footprint(count, empty, (full - empty) / count)


def _memory(pid: int) -> int:
    return sum(map(rss_bytes, family(pid)))


def _leave(peer: Peer) -> None:
    peer.expect(Ping(), Pong)
    peer.close()
