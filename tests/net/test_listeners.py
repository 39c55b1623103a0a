"""imserver.net.listeners"""

import errno
import os
import socket
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactor, StringTransport
from twisted.logger import LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.limits import Limits
from imserver.net.connections import Connections
from imserver.net.gate import Gate
from imserver.net.listeners import CannotListen, DatagramService, ListenerOptions, ListeningService
from imserver.net.services import OrderedService
from imserver.net.tls import Certificates, ServerContext
from tests.net.certificates import make_certificate


class Port:
    """A bound port."""

    def __init__(self, address: Any) -> None:
        self.address = address
        self.open = True
        self.options: list[tuple[int, int, int]] = []
        self.socket = self

    def setsockopt(self, *option: int) -> None:
        self.options.append(option)

    def getHost(self) -> Any:
        return self.address

    def stopListening(self) -> None:
        self.open = False


class Reactor(Clock, MemoryReactor):
    """Binds in memory, unless that fails with the error number `failing`."""

    def __init__(self) -> None:
        Clock.__init__(self)
        MemoryReactor.__init__(self)
        self.ports: list[Port] = []
        self.factory: Any = None
        self.failing = 0

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Port:
        if self.failing:
            raise CannotListenError(interface, port, OSError(self.failing, os.strerror(self.failing)))
        self.factory = factory
        self.ports.append(Port(IPv4Address("TCP", interface, port)))
        return self.ports[-1]

    def listenUDP(self, port: int, protocol: Any, interface: str = "", maxPacketSize: int = 8192) -> Port:
        if self.failing:
            raise CannotListenError(interface, port, OSError(self.failing, os.strerror(self.failing)))
        self.ports.append(Port(IPv4Address("UDP", interface, port)))
        return self.ports[-1]


class Echo(Protocol):
    """Sends back what comes."""

    def connectionMade(self) -> None:
        self.peer = self.transport.getPeer()

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)


class ListenerTestCase(SynchronousTestCase):
    """Has a reactor, and keeps what is logged."""

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.logged: list[LogEvent] = []
        globalLogPublisher.addObserver(self.logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.logged.append)

    def options(self, **changed: Any) -> ListenerOptions:
        return ListenerOptions(
            **{
                "wire": "echo",
                "hint": "nc {address}{tls}",
                "tls": None,
                "proxy_from": (),
                "allow_plain": False,
                "limits": Limits,
                "gate": Gate(self.reactor, Limits, 1000),
                "connections": Connections(self.reactor, Limits),
                "reactor": self.reactor,
                **changed,
            }
        )

    def certificate(self) -> ServerContext:
        folder = Path(self.mktemp())
        folder.mkdir()
        certificates = Certificates()
        certificates.load({"a": make_certificate(folder, "a")})()
        return certificates["a"]

    def messages(self) -> list[str]:
        return [event["log_format"].format(**event) for event in self.logged if event["log_format"]]


class ListeningServiceTests(ListenerTestCase):
    """ListeningService"""

    def start(self, endpoint: str = "tcp:127.0.0.1:1", **changed: Any) -> ListeningService:
        factory = Factory.forProtocol(Echo)
        factory.noisy = False
        service = ListeningService(factory, endpoint, self.options(**changed))
        service.privilegedStartService()
        return service

    def connect(self, host: str = "127.0.0.1") -> StringTransport:
        peer = IPv4Address("TCP", host, 2)
        transport = StringTransport(peerAddress=peer)
        self.protocol = self.reactor.factory.buildProtocol(peer)
        self.protocol.makeConnection(transport)
        return transport

    def test_announcement(self) -> None:
        """One line says what it is, where, and how to try it."""
        self.start()
        self.assertEqual(self.messages(), ["echo listens on 127.0.0.1:1; try: nc 127.0.0.1:1"])

    def test_several(self) -> None:
        """A wire may have several listeners in one daemon: plain on loopback and with TLS outside, say."""
        services = OrderedService(self.reactor, 1.0)
        for port in (1, 2):
            self.start(f"tcp:127.0.0.1:{port}").setServiceParent(services)
        self.assertEqual(
            [str(one) for one in services], ["echo on tcp:127.0.0.1:1", "echo on tcp:127.0.0.1:2"]
        )

    def test_plain(self) -> None:
        """Without anything in between a connection is the wire's own protocol."""
        self.start()
        transport = self.connect()
        self.assertIsInstance(self.protocol, Echo)
        self.protocol.dataReceived(b"hello")
        self.assertEqual(transport.value(), b"hello")

    def test_socket_options(self) -> None:
        """T3: dead peers are noticed by the kernel, too."""
        self.start()
        options = self.reactor.ports[0].options
        self.assertIn((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), options)
        self.assertIn((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000), options)

    def test_wrapping(self) -> None:
        """PROXY header outside, TLS inside it, the wire innermost."""
        self.start(tls=self.certificate(), proxy_from=(ip_network("10.0.0.0/8"),))
        transport = self.connect("10.0.0.1")
        self.protocol.dataReceived(b"PROXY TCP4 192.0.2.7 10.0.0.1 5 6\r\n")
        echo = self.protocol.wrappedProtocol.wrappedProtocol
        self.assertEqual(echo.peer, IPv4Address("TCP", "192.0.2.7", 5))
        self.assertTrue(echo.transport.proxied)
        self.protocol.dataReceived(b"hello, which is no TLS")
        self.assertTrue(transport.disconnecting)
        self.assertNotIn(b"hello", transport.value())
        self.assertEqual(self.messages(), ["echo listens on 127.0.0.1:1 with TLS; try: nc 127.0.0.1:1 --tls"])

    def test_taken(self) -> None:
        """A port that cannot be had is one sentence that names it and what to do."""
        self.reactor.failing = errno.EADDRINUSE
        error = str(self.assertRaises(CannotListen, self.start))
        self.assertEqual(
            error,
            "echo cannot listen on tcp:127.0.0.1:1: Address already in use; "
            "stop the program that uses it, or choose another with --listen echo=ENDPOINT",
        )

    def test_unavailable(self) -> None:
        """Nobody is sent to look for another program where there is none."""
        self.reactor.failing = errno.EADDRNOTAVAIL
        error = str(self.assertRaises(CannotListen, self.start))
        self.assertEqual(
            error,
            "echo cannot listen on tcp:127.0.0.1:1: Cannot assign requested address; "
            "choose another with --listen echo=ENDPOINT",
        )

    def test_bad_endpoint(self) -> None:
        """So is an endpoint that cannot be understood."""
        for endpoint in ("tcp:x", "ssl:1", "udp:127.0.0.1:1", "x"):
            self.assertIn(endpoint, str(self.assertRaises(CannotListen, self.start, endpoint)))

    def test_exposed(self) -> None:
        """T8: without TLS, other machines are served only if the listener says so, and then with a warning."""
        self.assertRaises(CannotListen, self.start, "tcp:0.0.0.0:1")
        self.assertFalse(self.reactor.ports[0].open)
        self.assertEqual(self.messages(), [])
        self.start("tcp:0.0.0.0:1", allow_plain=True)
        self.assertIn("not encrypted", self.messages()[0])
        self.start("tcp:0.0.0.0:1", tls=self.certificate())
        self.assertEqual(len(self.messages()), 3)

    def test_stop_accepting(self) -> None:
        """The port is let go, connections stay."""
        service = self.start()
        transport = self.connect()
        self.successResultOf(service.stop_accepting())
        self.assertFalse(self.reactor.ports[0].open)
        self.assertFalse(transport.disconnected)

    def test_raises_at_once(self) -> None:
        """T42: a protocol that raises in connectionMade loses its connection, like one that raises later."""
        self.start()
        error = ValueError("broken")
        self.patch(Echo, "connectionMade", lambda protocol: self.raises(error))
        self.assertTrue(self.connect().disconnected)
        self.assertEqual([each.value for each in self.flushLoggedErrors(ValueError)], [error])

    def raises(self, error: Exception) -> None:
        raise error

    def test_stop(self) -> None:
        """Connections that are left are aborted; it has stopped when they are gone."""
        service = self.start()
        transport = self.connect()
        stopped = service.stopService()
        self.assertFalse(self.reactor.ports[0].open)
        self.assertTrue(transport.disconnected)
        self.assertNoResult(stopped)
        self.reactor.advance(0)
        self.successResultOf(stopped)
        self.successResultOf(service.stop_accepting())


class DatagramServiceTests(ListenerTestCase):
    """DatagramService"""

    def start(self, endpoint: str = "udp:127.0.0.1:1", **changed: Any) -> DatagramService:
        service = DatagramService(DatagramProtocol(), endpoint, self.options(**changed))
        service.privilegedStartService()
        return service

    def test_life(self) -> None:
        """Bound at the start, closed at the end."""
        service = self.start()
        self.assertTrue(self.reactor.ports[0].open)
        self.successResultOf(service.stopService())
        self.assertFalse(self.reactor.ports[0].open)

    def test_refused(self) -> None:
        """Streams' endpoints and keys, other machines, taken ports."""
        self.assertRaises(CannotListen, self.start, "tcp:127.0.0.1:1")
        self.assertRaises(CannotListen, self.start, tls=object())
        self.assertRaises(CannotListen, self.start, proxy_from=(ip_network("10.0.0.0/8"),))
        self.reactor.failing = errno.EADDRINUSE
        self.assertRaises(CannotListen, self.start)

    def test_exposed(self) -> None:
        """Other machines only if the listener says so; a certificate is no way out, and no password is at risk."""
        error = str(self.assertRaises(CannotListen, self.start, "udp:0.0.0.0:1"))
        self.assertIn("bind it to 127.0.0.1", error)
        self.assertNotIn("certificate", error)
        self.start("udp:0.0.0.0:1", allow_plain=True)
        self.assertIn("not encrypted", self.messages()[0])
        self.assertNotIn("password", self.messages()[0])
