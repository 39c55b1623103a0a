"""What a connection costs that does nothing, and what the server costs without any."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.measure import rss_bytes
from bench.prepare import token
from imserver.core.events import Pong
from imserver.core.requests import Ping
from tests.end_to_end.peer import Address, Peer

SETTLE_SECONDS = 1.5
# The server holds 1,000 strangers at most, and these for 15 s.
STRANGERS = 900


@dataclass(slots=True, frozen=True)
class Footprint:
    """Resident memory in bytes: of the process without connections, and more for each of `connections`."""

    connections: int
    empty_bytes: int
    bytes_each: float


def logged_in(address: Address, pid: int, count: int) -> Footprint:
    """Connections that are logged in, each to an account of its own; afterwards all must still answer."""

    def come(n: int) -> Peer:
        peer = Peer(address)
        peer.log_in_with_token(token(n))
        return peer

    return _footprint(pid, count, come)


def strangers(address: Address, pid: int) -> Footprint:
    """Connections that have said nothing."""
    return _footprint(pid, STRANGERS, lambda _: Peer(address))


def _footprint(pid: int, count: int, come: Callable[[int], Peer]) -> Footprint:
    time.sleep(SETTLE_SECONDS)
    empty = rss_bytes(pid)
    peers = [come(n) for n in range(count)]
    time.sleep(SETTLE_SECONDS)
    full = rss_bytes(pid)
    for peer in peers:
        peer.expect(Ping(), Pong)
        peer.close()
    return Footprint(count, empty, (full - empty) / count)
