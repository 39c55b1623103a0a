"""imserver.net.gate"""

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import INegotiated
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from imserver.core.limits import Limits
from imserver.net.gate import Gate, address_of, is_local, is_private, network_of

STRANGER = "192.0.2.1"


class AddressTests(SynchronousTestCase):
    """The text that stands for a peer."""

    def test_kinds(self) -> None:
        """An IP peer is its address; a UNIX socket is empty."""
        for peer, text in (
            (IPv4Address("TCP", STRANGER, 1), STRANGER),
            (IPv6Address("TCP", "2001:db8::1", 1), "2001:db8::1"),
            (UNIXAddress(b"/x"), ""),
        ):
            self.assertEqual(address_of(StringTransport(peerAddress=peer)), text)

    def test_local(self) -> None:
        """Loopback of both kinds and UNIX sockets are local, nothing else is."""
        for address in ("127.0.0.1", "127.9.9.9", "::1", ""):
            self.assertTrue(is_local(address), address)
        for address in (STRANGER, "2001:db8::1", "127.0.0.1 by proxy", "localhost"):
            self.assertFalse(is_local(address), address)

    def test_proxied(self) -> None:
        """Who came through a proxy is never local, even if the proxy says so."""
        transport = StringTransport(peerAddress=IPv4Address("TCP", "127.0.0.1", 1))
        transport.proxied = True
        self.assertFalse(is_local(address_of(transport)))

    def test_networks(self) -> None:
        """IPv6 counts by its /64, IPv4 by address."""
        self.assertEqual(network_of("2001:db8::1"), network_of("2001:db8::ffff:1"))
        self.assertNotEqual(network_of("2001:db8::1"), network_of("2001:db8:0:1::1"))
        self.assertEqual(network_of("fe80::1%eth0"), network_of("fe80::2"))
        self.assertNotEqual(network_of(STRANGER), network_of("192.0.2.2"))
        self.assertEqual(network_of("::1 by proxy"), "::1 by proxy")


@implementer(INegotiated)
class Encrypted:
    """A transport that speaks TLS."""


class PrivacyTests(SynchronousTestCase):
    def test_private(self) -> None:
        """Private is what stays on this machine and what is encrypted up to here, whatever a proxy says of the rest."""
        for address, private in (
            ("127.0.0.1", True),
            ("", True),
            ("192.0.2.1", False),
            ("127.0.0.1 by proxy", False),
        ):
            self.assertEqual(is_private(address, StringTransport()), private, address)
            self.assertTrue(is_private(address, Encrypted()))


class GateTests(SynchronousTestCase):
    """Gate"""

    def make(self, descriptors: int = 20_000, **limits: object) -> Gate:
        self.clock = Clock()
        return Gate(self.clock, lambda: Limits(**limits), descriptors)

    def test_per_address(self) -> None:
        """So many connections from one address and no more; whoever leaves makes room."""
        gate = self.make(connections_per_address=2)
        for _ in range(2):
            self.assertTrue(gate.admit(STRANGER))
            gate.authenticated(STRANGER)
        self.assertFalse(gate.admit(STRANGER))
        self.assertTrue(gate.admit("192.0.2.2"))
        gate.release(STRANGER, authenticated=True)
        self.assertTrue(gate.admit(STRANGER))

    def test_unauthenticated_per_address(self) -> None:
        """Who has not logged in counts separately; logging in or leaving makes room."""
        gate = self.make(unauthenticated_per_address=2)
        self.assertEqual([gate.admit(STRANGER) for _ in range(3)], [True, True, False])
        gate.authenticated(STRANGER)
        self.assertEqual([gate.admit(STRANGER) for _ in range(2)], [True, False])
        gate.release(STRANGER, authenticated=False)
        self.assertEqual([gate.admit(STRANGER) for _ in range(2)], [True, False])

    def test_rate(self) -> None:
        """A burst, then so many a second."""
        gate = self.make(connects_per_second=8.0, connects_burst=32, unauthenticated_per_address=1000)
        self.assertEqual(sum(gate.admit(STRANGER) for _ in range(60)), 32)
        self.clock.advance(1.0)
        self.assertEqual(sum(gate.admit(STRANGER) for _ in range(60)), 8)

    def test_loopback(self) -> None:
        """Loopback is exempt from what counts per address, and so is everybody when limits are off."""
        self.assertTrue(all(map(self.make(connections_per_address=1).admit, ["127.0.0.1"] * 50 + [""] * 50)))
        gate = self.make(connections_per_address=1, enabled=False)
        self.assertTrue(all(gate.admit(STRANGER) for _ in range(50)))

    def test_process(self) -> None:
        """Totals hold for all, loopback included, limits enabled or not."""
        for enabled in (True, False):
            gate = self.make(max_connections=3, max_unauthenticated=2, enabled=enabled)
            self.assertEqual([gate.admit("127.0.0.1") for _ in range(3)], [True, True, False])
            gate.authenticated("127.0.0.1")
            self.assertEqual([gate.admit("127.0.0.1") for _ in range(2)], [True, False])
            gate.authenticated("127.0.0.1")
            gate.authenticated("127.0.0.1")
            self.assertFalse(gate.admit("127.0.0.1"))
            self.assertEqual(gate.connections, 3)

    def test_descriptors(self) -> None:
        """The store and the log keep descriptors for themselves."""
        gate = self.make(descriptors=600)
        self.assertEqual(sum(gate.admit("127.0.0.1") for _ in range(600)), 300)
        gate = self.make(descriptors=1224)
        self.assertEqual(sum(gate.admit("127.0.0.1") for _ in range(1224)), 712)

    def test_bounded(self) -> None:
        """T27: neither those who came nor those who were refused leave anything behind but a bounded table."""
        gate = self.make(max_limiter_entries=100)
        for n in range(1000):
            address = f"10.0.{n // 250}.{n % 250}"
            self.assertTrue(gate.admit(address))
            gate.release(address, authenticated=False)
        self.assertEqual(len(gate._counts), 0)
        self.assertEqual(len(gate._arrivals), 100)

    def test_one_line_a_second(self) -> None:
        """Refusals of a second make one line in the log."""
        gate = self.make(connects_burst=1)
        seen: list[LogEvent] = []
        globalLogPublisher.addObserver(seen.append)
        self.addCleanup(globalLogPublisher.removeObserver, seen.append)
        for _ in range(100):
            gate.admit(STRANGER)
        self.clock.advance(1.0)
        self.assertEqual([event["refused"] for event in seen], [99])
        self.assertEqual(self.clock.getDelayedCalls(), [])
