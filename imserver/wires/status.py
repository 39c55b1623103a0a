"""The status wire: one small datagram asks how the daemon is, one not longer answers (docs/wires/status.md).

Nobody can use it to multiply traffic against others: a request is at least as long as its answer, answers are
limited per source and in all, and everything else is met with silence (threats.md T14).
"""

from struct import Struct
from typing import Any

from twisted.application.service import IService
from twisted.internet.protocol import DatagramProtocol
from twisted.plugin import IPlugin
from zope.interface import implementer

from imserver.core.rates import BoundedTable, Bucket
from imserver.interfaces import IWire
from imserver.net.gate import network_of
from imserver.net.listeners import DatagramService, ListenerOptions

VERSION = 1
MIN_REQUEST_BYTES = 64
REQUEST = Struct("!4sB8s")
REPLY = Struct("!4sB8sBII")
STATES = ("ready", "draining", "degraded")

_PER_SOURCE, _SOURCE_BURST = 5.0, 10.0
_IN_ALL = 1_000.0


class StatusProtocol(DatagramProtocol):
    """Answers well-formed requests within the rates."""

    noisy = False

    def __init__(self, core: Any, options: ListenerOptions) -> None:
        self._core = core
        self._clock = options.reactor
        self._all = Bucket()
        self._sources = BoundedTable[str, Bucket](Bucket, lambda: options.limits().max_limiter_entries)

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        """Twisted: something came."""
        if len(datagram) < MIN_REQUEST_BYTES:
            return
        magic, version, nonce = REQUEST.unpack_from(datagram)
        if magic == b"IMSQ" and version == VERSION and self._is_welcome(addr[0]) and self.transport:
            self.transport.write(self._reply(nonce), addr)

    def _is_welcome(self, host: str) -> bool:
        now, source = self._clock.seconds(), self._sources[network_of(host)]
        return not (
            source.take(now, 1, _PER_SOURCE, _SOURCE_BURST) or self._all.take(now, 1, _IN_ALL, _IN_ALL)
        )

    def _reply(self, nonce: bytes) -> bytes:
        core = self._core
        return REPLY.pack(
            b"IMSA", VERSION, nonce, STATES.index(core.state), core.uptime_seconds(), core.session_count()
        )


@implementer(IPlugin, IWire)
class StatusWire:
    """UDP; on loopback unless configured otherwise."""

    name = "status"
    default_endpoint = "udp:127.0.0.1:8007"
    hint = "the one-line client in docs/wires/status.md"
    options = None

    def make_service(self, core: Any, endpoint: str, options: ListenerOptions) -> IService:
        """See IWire."""
        return DatagramService(StatusProtocol(core, options), endpoint, options)


wire = StatusWire()
