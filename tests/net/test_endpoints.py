"""imserver.net.endpoints"""

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.testing import MemoryReactor
from twisted.trial.unittest import SynchronousTestCase

from imserver.net.endpoints import (
    InetAddress,
    address_text,
    describes_local,
    inet_address,
    is_local,
    stream_endpoint,
)


class InetAddressTests(SynchronousTestCase):
    """inet_address"""

    def test_spellings(self) -> None:
        """Ours and Twisted's mean the same."""
        for description, address in (
            ("tcp:127.0.0.1:8890", InetAddress("127.0.0.1", 8890)),
            ("udp:127.0.0.1:8007", InetAddress("127.0.0.1", 8007)),
            ("tcp:[::1]:8890", InetAddress("::1", 8890)),
            ("tcp:8890:interface=127.0.0.1", InetAddress("127.0.0.1", 8890)),
            (r"tcp:8890:interface=\:\:1", InetAddress("::1", 8890)),
            ("tcp:8890", InetAddress("0.0.0.0", 8890)),
        ):
            self.assertEqual(inet_address(description), address)

    def test_bad(self) -> None:
        """Anything else is a ValueError with a sentence."""
        for description in (
            "tcp:",
            "tcp:x",
            "tcp:localhost:1",
            "tcp:::1:8890",
            "tcp:127.0.0.1:70000",
            "tcp:1:2:3",
        ):
            self.assertRaises(ValueError, inet_address, description)

    @given(st.text(max_size=30))
    def test_anything(self, text: str) -> None:
        """No text raises anything else."""
        for kind in ("", "tcp:", "unix:", "systemd:", "udp:"):
            try:
                stream_endpoint(MemoryReactor(), kind + text)
            except ValueError as error:
                self.assertTrue(str(error))


class StreamEndpointTests(SynchronousTestCase):
    """stream_endpoint"""

    def test_tcp(self) -> None:
        """IPv4 and IPv6, with a backlog that outlives a restart of many clients."""
        reactor = MemoryReactor()
        for description, host in (("tcp:127.0.0.1:1", "127.0.0.1"), ("tcp:[::1]:1", "::1")):
            stream_endpoint(reactor, description).listen(None)
            port, _, backlog, interface = reactor.tcpServers[-1]
            self.assertEqual((port, backlog, interface), (1, 1024, host))

    def test_unix(self) -> None:
        """A socket is private unless its mode is given."""
        reactor = MemoryReactor()
        for description, mode in (("unix:/run/x", 0o600), ("unix:/run/x:mode=660", 0o660)):
            stream_endpoint(reactor, description).listen(None)
            self.assertEqual(reactor.unixServers[-1][0], "/run/x")
            self.assertEqual(reactor.unixServers[-1][3], mode)

    def test_wrapped_ones(self) -> None:
        """Endpoints that bring TLS or PROXY of their own are refused, with advice."""
        for kind in ("ssl", "tls", "haproxy"):
            error = self.assertRaises(ValueError, stream_endpoint, MemoryReactor(), f"{kind}:8890")
            self.assertIn("proxy_from", str(error))

    def test_systemd(self) -> None:
        """A socket that systemd did not pass is missed by name."""
        error = self.assertRaises(
            ValueError, stream_endpoint, MemoryReactor(), "systemd:domain=INET:name=native"
        )
        self.assertIn("FileDescriptorName", str(error))


class LocalTests(SynchronousTestCase):
    """Who can connect, and how an address is written."""

    def test_bound(self) -> None:
        """Loopback and UNIX sockets are local."""
        for address, local, text in (
            (IPv4Address("TCP", "127.0.0.1", 1), True, "127.0.0.1:1"),
            (IPv6Address("TCP", "::1", 1), True, "[::1]:1"),
            (UNIXAddress(b"/run/x"), True, "/run/x"),
            (IPv4Address("TCP", "0.0.0.0", 1), False, "0.0.0.0:1"),
            (IPv6Address("TCP", "::", 1), False, "[::]:1"),
        ):
            self.assertEqual((is_local(address), address_text(address)), (local, text))

    def test_described(self) -> None:
        """The same before anything is bound; sockets of systemd may be anywhere."""
        for description in ("tcp:127.0.0.1:1", "tcp:[::1]:1", "unix:/run/x", "udp:127.0.0.1:1"):
            self.assertTrue(describes_local(description))
        for description in ("tcp:1", "tcp:0.0.0.0:1", "tcp:[::]:1", "systemd:domain=INET:name=native", "x"):
            self.assertFalse(describes_local(description))
