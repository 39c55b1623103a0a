"""The PROXY header, versions 1 and 2: what a proxy in front says about who really connected.

Peers inside the trusted networks must send one, as the specification demands: "the receiver must be
configured to only receive the protocol ... and must not try to guess".  All others are served directly.
Source: https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from struct import Struct
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress, IDelayedCall, IProtocolFactory, IReactorTime, ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import directlyProvides, providedBy

from imserver.core.errors import WireError
from imserver.net.gate import Gate, address_of

MAX_BYTES = 536

_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_V1_MAX_BYTES = 107
_V2 = Struct("!12sBBH")
_V2_SOURCE_BYTES = {0x11: 4, 0x21: 16}  # TCP over IPv4, over IPv6
_LOCAL, _PROXY = 0x20, 0x21
_NO_ADDRESS = ""


@dataclass(slots=True, frozen=True)
class Header:
    """`length` bytes long.  `source` None: the connection is the proxy's own, or it does not know the client."""

    length: int
    source: IPv4Address | IPv6Address | None


def parse(data: bytes) -> Header | None:
    """The header at the start of `data`; None: not all of it is there.  Raises WireError."""
    if data[:12] == _SIGNATURE[: len(data)]:
        return _parse_v2(data)
    if data[:6] == b"PROXY "[: len(data)]:
        return _parse_v1(data)
    raise WireError("no PROXY header")


def _parse_v1(data: bytes) -> Header | None:
    line, ending, _ = data[:_V1_MAX_BYTES].partition(b"\r\n")
    if not ending:
        if len(data) >= _V1_MAX_BYTES:
            raise WireError("PROXY line without end")
        return None
    length = len(line) + 2
    match line.split(b" "):
        case [_, b"UNKNOWN", *_]:
            return Header(length, None)
        case [_, b"TCP4" | b"TCP6" as family, source, _destination, port, _port]:
            address = _address(_text(source), _port_number(port))
            if isinstance(address, IPv4Address) == (family == b"TCP4"):
                return Header(length, address)
    raise WireError("malformed PROXY line")


def _parse_v2(data: bytes) -> Header | None:
    if len(data) < _V2.size:
        return None
    _, command, family, size = _V2.unpack_from(data)
    length = _V2.size + size
    if command not in (_LOCAL, _PROXY) or length > MAX_BYTES:
        raise WireError("unknown or too long PROXY header")
    if len(data) < length:
        return None
    source_bytes = _V2_SOURCE_BYTES.get(family, 0)
    if command == _LOCAL or not source_bytes:
        return Header(length, None)
    if size < 2 * source_bytes + 4:
        raise WireError("PROXY header without its addresses")
    end = _V2.size + source_bytes
    port = int.from_bytes(data[end + source_bytes : end + source_bytes + 2])
    return Header(length, _address(data[_V2.size : end], port))


def _text(value: bytes) -> str:
    try:
        return value.decode("ascii")
    except UnicodeDecodeError as error:
        raise WireError("malformed PROXY line") from error


def _port_number(value: bytes) -> int:
    if not value.isdigit() or len(value) > 5 or int(value) > 65_535:
        raise WireError("malformed port in a PROXY line")
    return int(value)


def _address(source: str | bytes, port: int) -> IPv4Address | IPv6Address:
    try:
        address = ip_address(source)
    except ValueError as error:
        raise WireError("malformed address in a PROXY line") from error
    return (IPv4Address if address.version == 4 else IPv6Address)("TCP", str(address), port)


class ProxiedProtocol(ProtocolWrapper):
    """Reads the header; then it is the transport of the wire's protocol, whose peer is the client."""

    _log = Logger()
    proxied = True
    factory: "ProxyFactory"
    wrappedProtocol: Any  # noqa: N815 - Twisted's; None before the header and after the end
    transport: Any

    def __init__(self, factory: "ProxyFactory", address: IAddress) -> None:
        super().__init__(factory, None)  # type: ignore[arg-type]
        self._peer = address
        self._unparsed = b""
        self._deadline: IDelayedCall | None = None  # while it waits for the header

    def makeConnection(self, transport: ITransport) -> None:
        """Twisted: wait for the header; the wire's protocol is made when it is here."""
        directlyProvides(self, providedBy(transport))
        Protocol.makeConnection(self, transport)
        factory = self.factory
        # Nobody knows yet whose it is, but it is open, and there is a limit on what is open.
        if not factory.gate.admit(_NO_ADDRESS):
            self.transport.abortConnection()
            return
        self._deadline = factory.clock.callLater(factory.header_seconds(), self._refuse, "no header in time")

    def dataReceived(self, data: bytes) -> None:
        """Twisted: bytes of the header, then of the wire."""
        if self.wrappedProtocol is not None:
            self.wrappedProtocol.dataReceived(data)
        elif self._deadline is not None:
            self._unparsed += data
            self._parse()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: the peer is gone."""
        self._end_wait()
        protocol, self.wrappedProtocol = self.wrappedProtocol, None
        if protocol is not None:
            protocol.connectionLost(reason)

    def getPeer(self) -> IAddress:
        """Who connected to the proxy, as far as it says."""
        return self._peer

    def _parse(self) -> None:
        try:
            header = parse(self._unparsed)
        except WireError as error:
            self._refuse(error.text)
            return
        if header is not None:
            self._end_wait()
            self._peer = header.source or self._peer
            self._connect(self._unparsed[header.length :])

    def _connect(self, rest: bytes) -> None:
        self._unparsed = b""
        self.wrappedProtocol = self.factory.wrappedFactory.buildProtocol(self._peer)
        if self.wrappedProtocol is None:
            self.transport.abortConnection()
            return
        self.wrappedProtocol.makeConnection(self)
        if rest:
            self.dataReceived(rest)

    def _end_wait(self) -> None:
        deadline, self._deadline = self._deadline, None
        if deadline is not None:
            self.factory.gate.release(_NO_ADDRESS, False)
            if deadline.active():
                deadline.cancel()

    def _refuse(self, why: str) -> None:
        self._end_wait()
        address = address_of(self.transport)
        self._log.warn("closed a connection of the proxy {address}: {why}", address=address, why=why)
        self.transport.abortConnection()


class ProxyFactory(WrappingFactory[ProxiedProtocol]):
    """Expects a header from peers in `networks`; `header_seconds` is asked for each of them, `gate` admits them."""

    noisy = False

    def __init__(
        self,
        wrapped: IProtocolFactory,
        networks: Sequence[IPv4Network | IPv6Network],
        header_seconds: Callable[[], float],
        gate: Gate,
        clock: IReactorTime,
    ) -> None:
        super().__init__(wrapped)
        self._networks = networks
        self.header_seconds = header_seconds
        self.gate = gate
        self.clock = clock

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Twisted: somebody connected."""
        host = getattr(addr, "host", "")
        if addr and host and any(ip_address(host) in network for network in self._networks):
            return ProxiedProtocol(self, addr)
        return self.wrappedFactory.buildProtocol(addr)
