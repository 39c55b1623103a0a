"""Listening, the same for every wire.  A stream wire gets its connections through PROXY header, then TLS.

Ports are bound in privilegedStartService, synchronously, so that a port that cannot be had ends the start of
the daemon.  A listener without TLS serves this machine only, unless it says allow_plain.
"""

import errno
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any
from weakref import WeakSet

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IListeningPort, IProtocolFactory
from twisted.internet.protocol import DatagramProtocol, Factory
from twisted.internet.task import deferLater
from twisted.logger import Logger

from imserver.core.limits import Limits
from imserver.net.activation import adopted
from imserver.net.connections import Connections
from imserver.net.endpoints import address_text, inet_address, is_local, stream_endpoint
from imserver.net.gate import Gate
from imserver.net.proxy import ProxyFactory
from imserver.net.tls import ServerContext, TLSFactory

# A dead peer is noticed within two minutes although nothing is sent (threats.md T3).
# Accepted sockets inherit these from the listening one.
_SOCKET_OPTIONS = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)


class CannotListen(Exception):
    """A listener could not be started; one sentence says why and what to do."""


@dataclass(slots=True, frozen=True)
class ListenerOptions:
    """What every listener has.

    `wire` and `hint` name it in the log; `tls` is None for plain connections; `limits` is asked at each use,
    because a reload changes it; `gate` admits connections, `connections` looks after framed ones;
    `reactor` is the clock, too; `own` is what only this wire's listeners have (IWire.options), or None.
    """

    wire: str
    hint: str
    tls: ServerContext | None
    proxy_from: tuple[IPv4Network | IPv6Network, ...]
    allow_plain: bool
    limits: Callable[[], Limits]
    gate: Gate
    connections: Connections
    reactor: Any
    own: Any = None


class Listener(Service):
    """A bound port; subclasses bind it."""

    _log = Logger()
    closer = "give the listener a certificate (tls = ...), "
    risk = "passwords can be read on the network"

    def __init__(self, endpoint: str, options: ListenerOptions) -> None:
        self.options = options
        self._endpoint = endpoint
        self._port: IListeningPort | None = None

    def __str__(self) -> str:
        # Not the service's name: those must differ, and a wire may have several listeners.
        return f"{self.options.wire} on {self._endpoint}"

    def privilegedStartService(self) -> None:
        """Bind.  Raises CannotListen."""
        super().privilegedStartService()
        try:
            port = self._port = self._bind()
        except ValueError as error:
            raise CannotListen(f"{self.options.wire}: bad endpoint {self._endpoint}: {error}") from error
        except (CannotListenError, OSError) as error:
            raise CannotListen(self._unbindable(error)) from error
        self._check_exposure(port.getHost())
        self._announce(port.getHost())

    def stopService(self) -> Deferred[None]:
        """Let go of the port."""
        super().stopService()
        return self._unbind()

    def _unbind(self) -> Deferred[None]:
        port, self._port = self._port, None
        return maybeDeferred(port.stopListening) if port is not None else succeed(None)  # type: ignore[call-overload]

    def _bind(self) -> IListeningPort:
        raise NotImplementedError

    def _unbindable(self, error: Exception) -> str:
        cause = getattr(error, "socketError", error)
        is_taken = getattr(cause, "errno", None) == errno.EADDRINUSE
        return (
            f"{self.options.wire} cannot listen on {self._endpoint}: {getattr(cause, 'strerror', None) or cause}; "
            f"{'stop the program that uses it, or ' if is_taken else ''}choose another with --listen {self.options.wire}=ENDPOINT"
        )

    def _check_exposure(self, address: IAddress) -> None:
        if self.options.tls is not None or is_local(address):
            return
        where = address_text(address)
        if not self.options.allow_plain:
            self._unbind()
            raise CannotListen(
                f"{self.options.wire} would listen on {where} without encryption, for other machines to reach; "
                f"{self.closer}bind it to 127.0.0.1, or write allow_plain = true"
            )
        self._log.warn(
            "{wire} on {where} is not encrypted (allow_plain): {risk}",
            wire=self.options.wire,
            where=where,
            risk=self.risk,
        )

    def _announce(self, address: IAddress) -> None:
        where = address_text(address)
        self._log.info(
            "{wire} listens on {where}{tls}; try: {hint}",
            wire=self.options.wire,
            where=where,
            tls=" with TLS" if self.options.tls else "",
            hint=self.options.hint.replace("{address}", where).replace(
                "{tls}", " --tls" if self.options.tls else ""
            ),
        )


class ListeningService(Listener):
    """Serves connections to `endpoint` by protocols of `factory`; their transports know the client's address."""

    def __init__(self, factory: IProtocolFactory, endpoint: str, options: ListenerOptions) -> None:
        super().__init__(endpoint, options)
        reactor, limits = options.reactor, options.limits
        if options.tls is not None:
            factory = TLSFactory(options.tls, factory, lambda: limits().tls_handshake_seconds, reactor)
        if options.proxy_from:
            factory = ProxyFactory(
                factory, options.proxy_from, lambda: limits().proxy_header_seconds, options.gate, reactor
            )
        self._acceptor = _Acceptor(factory)

    def stop_accepting(self) -> Deferred[None]:
        """Let go of the port; connections stay.  Fires when the port is closed."""
        return self._unbind()

    def stopService(self) -> Deferred[None]:
        """Stop listening and abort what is still connected; fires when all of it is gone."""
        unbound = super().stopService()
        return Deferred.fromCoroutine(self._abort_connections(unbound))

    async def _abort_connections(self, unbound: Deferred[None]) -> None:
        await unbound
        for protocol in self._acceptor.accepted:
            protocol.transport.abortConnection()
        # Aborted connections are reported lost in the next turn.
        await deferLater(self.options.reactor, 0)

    def _bind(self) -> IListeningPort:
        bound: list[IListeningPort] = []
        failed: list[Exception] = []
        endpoint = stream_endpoint(self.options.reactor, self._endpoint)
        endpoint.listen(self._acceptor).addCallbacks(
            bound.append, lambda failure: failed.append(failure.value)
        )
        if failed:
            raise failed[0]
        port = bound[0]
        if hasattr(port.getHost(), "host"):
            for option in _SOCKET_OPTIONS:
                port.socket.setsockopt(*option)  # type: ignore[attr-defined]
        return port


class DatagramService(Listener):
    """Serves datagrams to `udp:HOST:PORT`, or to a socket of systemd, by one protocol."""

    closer = ""
    risk = "other machines can ask it"

    def __init__(self, protocol: DatagramProtocol, endpoint: str, options: ListenerOptions) -> None:
        super().__init__(endpoint, options)
        self._protocol = protocol

    def _bind(self) -> IListeningPort:
        if self.options.tls or self.options.proxy_from:
            raise ValueError("datagrams know neither tls nor proxy_from")
        if self._endpoint.startswith("systemd:"):
            return self._adopt()
        if not self._endpoint.startswith("udp:"):
            raise ValueError("datagrams are received at udp:HOST:PORT or systemd:domain=INET:name=NAME")
        address = inet_address(self._endpoint)
        port: IListeningPort = self.options.reactor.listenUDP(address.port, self._protocol, address.host)
        return port

    def _adopt(self) -> IListeningPort:
        passed = adopted(self.options.reactor, self._endpoint)
        os.set_blocking(passed.fileno, False)
        port: IListeningPort = self.options.reactor.adoptDatagramPort(
            passed.fileno, passed.addressFamily, self._protocol
        )
        os.close(passed.fileno)  # the port has a duplicate
        return port


class _Acceptor(Factory):
    """Remembers who connected, so that they can be closed."""

    _log = Logger()
    noisy = False

    def __init__(self, wrapped: IProtocolFactory) -> None:
        self._wrapped = wrapped
        self.accepted = WeakSet[Any]()

    def startFactory(self) -> None:
        self._wrapped.doStart()

    def stopFactory(self) -> None:
        self._wrapped.doStop()

    def buildProtocol(self, addr: IAddress | None) -> Any:
        protocol: Any = self._wrapped.buildProtocol(addr)  # type: ignore[arg-type]
        if protocol is not None:
            self.accepted.add(protocol)
            self._guard_beginning(protocol)
        return protocol

    def _guard_beginning(self, protocol: Any) -> None:
        """Twisted closes a connection whose protocol raises, except if it does so at the very beginning."""
        begin = protocol.makeConnection

        def make_connection(transport: Any) -> None:
            del protocol.makeConnection  # which shows the class's method again
            try:
                begin(transport)
            except Exception:
                self._log.failure("a connection could not begin")
                transport.abortConnection()

        protocol.makeConnection = make_connection
