"""imserver.net.proxy"""

from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.errors import WireError
from imserver.core.limits import Limits
from imserver.net.gate import Gate, address_of
from imserver.net.proxy import MAX_BYTES, Header, ProxyFactory, parse

V1 = b"PROXY TCP4 192.0.2.7 10.0.0.1 56324 8890\r\n"
V1_SIX = b"PROXY TCP6 2001:db8::7 2001:db8::1 56324 8890\r\n"
V2_START = b"\r\n\r\n\0\r\nQUIT\n"
V2 = V2_START + bytes.fromhex("21 11 000c c0000207 0a000001 dc04 22ba")
V2_SIX = V2_START + bytes.fromhex(
    "21 21 0024 20010db8000000000000000000000007 20010db8" + "00" * 12 + "dc04 22ba"
)
V2_LOCAL = V2_START + bytes.fromhex("20 00 0000")
CLIENT = IPv4Address("TCP", "192.0.2.7", 56324)
CLIENT_SIX = IPv6Address("TCP", "2001:db8::7", 56324)


class ParseTests(SynchronousTestCase):
    """parse"""

    def test_good(self) -> None:
        """Both versions, both families, and what follows is not touched."""
        for data, source in (
            (V1, CLIENT),
            (V1_SIX, CLIENT_SIX),
            (V2, CLIENT),
            (V2_SIX, CLIENT_SIX),
            (V2_LOCAL, None),
            (b"PROXY UNKNOWN\r\n", None),
            (b"PROXY UNKNOWN ffff:f::1 ffff::2 65535 65535\r\n", None),
        ):
            self.assertEqual(parse(data + b"rest"), Header(len(data), source))

    def test_parts(self) -> None:
        """However much of a header is missing, it is waited for."""
        for data in (V1, V1_SIX, V2, V2_SIX, V2_LOCAL):
            for end in range(len(data)):
                self.assertIsNone(parse(data[:end]), data[:end])

    def test_extensions(self) -> None:
        """What version 2 appends to the addresses is skipped, up to 536 bytes in all."""
        size = MAX_BYTES - 16
        data = V2[:14] + size.to_bytes(2) + V2[16:]
        self.assertEqual(parse(data.ljust(MAX_BYTES, b"x") + b"rest"), Header(MAX_BYTES, CLIENT))
        self.assertRaises(WireError, parse, V2[:14] + (size + 1).to_bytes(2))

    def test_bad(self) -> None:
        """Everything else is refused."""
        for data in (
            b"GET / HTTP/1.1\r\n",
            b"PROXY " + b"x" * 101,
            b"PROXY TCP4 192.0.2.7 10.0.0.1 56324\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 56324 8890 1\r\n",
            b"PROXY TCP4 192.0.2.777 10.0.0.1 56324 8890\r\n",
            b"PROXY TCP4 2001:db8::7 2001:db8::1 56324 8890\r\n",
            b"PROXY TCP6 192.0.2.7 10.0.0.1 56324 8890\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 66324 8890\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 -1 8890\r\n",
            b"PROXY TCP4 \xff 10.0.0.1 1 8890\r\n",
            b"PROXY TCP5 192.0.2.7 10.0.0.1 1 8890\r\n",
            V2_START + bytes.fromhex("31 11 000c"),
            V2_START + bytes.fromhex("22 11 000c"),
            V2_START + bytes.fromhex("21 11 0004 c0000207"),
        ):
            self.assertRaises(WireError, parse, data)

    @given(
        st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", V2_START, V2[:14], V2_SIX[:14]]),
        st.binary(max_size=600),
    )
    def test_anything(self, start: bytes, rest: bytes) -> None:
        """Any bytes give a header within them, a wait of bounded length, or a WireError."""
        try:
            header = parse(start + rest)
        except WireError:
            return
        if header is None:
            self.assertLess(len(start + rest), MAX_BYTES)
        else:
            self.assertLessEqual(header.length, len(start + rest))


class Echo(Protocol):
    """Sends back what comes; the last one made is kept, with what happened to it."""

    lost = False
    peer = None

    def connectionMade(self) -> None:
        self.peer = self.transport.getPeer()

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)

    def connectionLost(self, reason: object = None) -> None:
        self.lost = True


class Echoes(Factory):
    """Makes Echo for an address, or nothing."""

    noisy = False
    made: Echo | None = None
    refuse = False

    def buildProtocol(self, addr: object) -> Echo | None:
        self.address = addr
        self.made = None if self.refuse else Echo()
        return self.made


class FactoryTests(SynchronousTestCase):
    """ProxyFactory and the protocols it makes."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.echoes = Echoes()
        self.gate = Gate(self.clock, lambda: Limits(max_unauthenticated=2), 1000)
        self.factory = self.make("10.0.0.0/8")

    def make(self, network: str) -> ProxyFactory:
        return ProxyFactory(self.echoes, [ip_network(network)], lambda: 5.0, self.gate, self.clock)

    def connect(self, host: str = "10.1.2.3") -> StringTransport:
        peer = IPv4Address("TCP", host, 1)
        self.transport = StringTransport(peerAddress=peer)
        self.protocol = self.factory.buildProtocol(peer)
        self.protocol.makeConnection(self.transport)
        return self.transport

    def test_proxied(self) -> None:
        """The wire sees the client's address, from its first moment, and the bytes after the header."""
        for header in (V1, V2):
            transport = self.connect()
            self.protocol.dataReceived(header + b"hello")
            self.assertEqual((self.echoes.address, self.echoes.made.peer), (CLIENT, CLIENT))
            self.assertEqual(transport.value(), b"hello")
            self.protocol.dataReceived(b" again")
            self.assertEqual(transport.value(), b"hello again")
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_byte_by_byte(self) -> None:
        """A header may dribble in."""
        transport = self.connect()
        for byte in V2 + b"hello":
            self.protocol.dataReceived(bytes([byte]))
        self.assertEqual(transport.value(), b"hello")

    def test_direct(self) -> None:
        """Others than proxies are served as they are; a header of theirs is only bytes to the wire."""
        transport = self.connect("192.0.2.99")
        self.protocol.dataReceived(V1)
        self.assertEqual(transport.value(), V1)
        self.assertEqual(self.echoes.made.peer.host, "192.0.2.99")

    def test_own_connection(self) -> None:
        """A connection of the proxy itself keeps its address, but is not trusted like a local one."""
        self.factory = self.make("127.0.0.0/8")
        self.connect("127.0.0.1")
        self.protocol.dataReceived(V2_LOCAL)
        self.assertEqual(self.echoes.made.peer.host, "127.0.0.1")
        self.assertEqual(address_of(self.echoes.made.transport), "127.0.0.1 by proxy")

    def test_nonsense(self) -> None:
        """No header, no service: the connection is aborted, and what still comes is dropped."""
        transport = self.connect()
        self.protocol.dataReceived(b"GET / HTTP/1.1\r\n")
        self.assertTrue(transport.disconnected)
        self.protocol.dataReceived(V1 + b"hello")
        self.assertIsNone(self.echoes.made)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_told(self) -> None:
        """The log names the proxy and what was wrong."""
        self.factory = self.make("127.0.0.0/8")
        self.connect("127.0.0.1")
        with capturedLogs() as events:
            self.protocol.dataReceived(b"GET / HTTP/1.1\r\n")
        self.assertEqual(
            [formatEvent(event) for event in events],
            ["closed a connection of the proxy 127.0.0.1: no PROXY header"],
        )

    def test_too_slow(self) -> None:
        """The header has its time from the first moment, however it dribbles."""
        transport = self.connect()
        self.clock.advance(4.9)
        self.protocol.dataReceived(V1[:10])
        self.clock.advance(0.2)
        self.assertTrue(transport.disconnected)

    def test_gone(self) -> None:
        """A connection that ends before its header leaves nothing behind; one that ends later tells the wire."""
        self.connect()
        self.protocol.connectionLost()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.connect()
        self.protocol.dataReceived(V1)
        self.protocol.connectionLost()
        self.assertTrue(self.echoes.made.lost)

    def test_counted(self) -> None:
        """T4: while it waits for its header a connection counts as one of the process; then the wire counts it."""
        for end in (
            lambda: self.protocol.dataReceived(V1),
            lambda: self.protocol.dataReceived(b"GET / HTTP/1.1"),
            lambda: self.protocol.connectionLost(),
            lambda: self.clock.advance(5.1),
        ):
            self.connect()
            self.assertEqual(self.gate.connections, 1)
            end()
            self.protocol.connectionLost()
            self.assertEqual(self.gate.connections, 0)

    def test_too_many(self) -> None:
        """T4: more than may be open are closed at once."""
        self.assertEqual([self.connect().disconnected for _ in range(3)], [False, False, True])
        self.protocol.dataReceived(V1)
        self.protocol.connectionLost()
        self.assertIsNone(self.echoes.made)
        self.assertEqual(self.gate.connections, 2)

    def test_refused_by_the_wire(self) -> None:
        """A factory that makes no protocol has refused the client."""
        self.echoes.refuse = True
        transport = self.connect()
        self.protocol.dataReceived(V1 + b"hello")
        self.assertTrue(transport.disconnected)
