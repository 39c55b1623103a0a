"""Addresses, and how a server's identity is verified: handshakes with OpenSSL's server, with memory in between."""

import contextlib
import hashlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL
from twisted.internet.error import ConnectError, ConnectionDone, ConnectionRefusedError, DNSLookupError
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import Certificate
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.tls import Server, explain, parse_address, parse_fingerprint, verification
from tests.net.certificates import make_certificate


class Listener(Protocol):
    """The client's side, which remembers what it was told and why it ended."""

    def __init__(self) -> None:
        self.heard = b""
        self.lost: Failure | None = None

    def dataReceived(self, data: bytes) -> None:
        """Told."""
        self.heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Ended."""
        self.lost = reason


class VerificationTests(SynchronousTestCase):
    """The certificates are for localhost and 127.0.0.1."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.certificate, self.key = make_certificate(self.folder, "office")
        self.other, _ = make_certificate(self.folder, "other")

    def connect(self, server: Server, version: int = SSL.TLS1_3_VERSION) -> Listener:
        """What becomes of a connection to a server with `certificate`, which says "hello" first."""
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_max_proto_version(version)
        context.use_certificate_file(str(self.certificate))
        context.use_privatekey_file(str(self.key))
        peer = SSL.Connection(context, None)
        peer.set_accept_state()
        listener = Listener()
        factory = TLSMemoryBIOFactory(verification(server), True, Factory.forProtocol(lambda: listener))
        factory.noisy = False
        protocol, transport = factory.buildProtocol(None), StringTransport()
        protocol.makeConnection(transport)
        said = False
        for _ in range(6):
            peer.bio_write(transport.value()) if transport.value() else None
            transport.clear()
            with contextlib.suppress(SSL.Error):
                peer.do_handshake()
                said = said or peer.send(b"hello") > 0
            with contextlib.suppress(SSL.WantReadError):
                protocol.dataReceived(peer.bio_read(2**16))
        if transport.disconnected or transport.disconnecting:
            protocol.connectionLost(Failure(ConnectionDone()))
        return listener

    def refusal(self, server: Server) -> str:
        """Why the connection was not made."""
        listener = self.connect(server)
        self.assertEqual(listener.heard, b"")
        assert listener.lost is not None and listener.lost.value is not None
        return explain(listener.lost.value)

    def fingerprint(self, file: Path) -> bytes:
        """Of a certificate."""
        return hashlib.sha256(Certificate.loadPEM(file.read_bytes()).dump()).digest()

    def test_authorities(self) -> None:
        """A certificate of the authority, for the name that was asked for."""
        for host in ("localhost", "127.0.0.1"):
            self.assertEqual(
                self.connect(Server(host, tls=True, authorities=self.certificate)).heard, b"hello"
            )

    def test_several_authorities(self) -> None:
        """A file may hold more than one."""
        both = self.folder / "both.pem"
        both.write_bytes(b"two of them\n" + self.other.read_bytes() + self.certificate.read_bytes())
        self.assertEqual(self.connect(Server("localhost", tls=True, authorities=both)).heard, b"hello")

    def test_another_name(self) -> None:
        """A certificate for somebody else is refused."""
        for host in ("example.org", "127.0.0.2"):
            self.assertIn(
                "certificate is for another name",
                self.refusal(Server(host, tls=True, authorities=self.certificate)),
            )

    def test_unknown_authority(self) -> None:
        """So is one that nobody known has signed, by the file or by the system."""
        for authorities in (self.other, None):
            self.assertIn(
                "no secure connection: certificate verify failed",
                self.refusal(Server("localhost", tls=True, authorities=authorities)),
            )

    def test_pinned(self) -> None:
        """The one certificate, whatever its name and whoever signed it."""
        for host in ("example.org", "127.0.0.1", "::1"):
            server = Server(host, tls=True, fingerprint=self.fingerprint(self.certificate))
            self.assertEqual(self.connect(server).heard, b"hello")

    def test_another_certificate_than_the_pinned_one(self) -> None:
        """Is refused, although an authority may have signed it."""
        for version in (SSL.TLS1_3_VERSION, SSL.TLS1_2_VERSION):
            server = Server("localhost", tls=True, fingerprint=self.fingerprint(self.other))
            self.assertEqual(self.connect(server, version).heard, b"")
        self.assertIn("no secure connection", self.refusal(server))

    def test_old_versions(self) -> None:
        """Nothing below TLS 1.2 is spoken, pinned or not."""
        for server in (
            Server("localhost", tls=True, fingerprint=self.fingerprint(self.certificate)),
            Server("localhost", tls=True, authorities=self.certificate),
        ):
            self.assertEqual(self.connect(server, SSL.TLS1_1_VERSION).heard, b"")
            self.assertEqual(self.connect(server, SSL.TLS1_2_VERSION).heard, b"hello")

    def test_files_without_certificates(self) -> None:
        """A wrong file is told from a right one before anything is connected."""
        empty, damaged = self.folder / "empty", self.folder / "damaged"
        empty.write_bytes(b"\xff nothing")
        damaged.write_text("-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n")
        for file in (empty, damaged):
            self.assertRaises(ValueError, verification, Server("localhost", tls=True, authorities=file))
        missing = Server("localhost", tls=True, authorities=self.folder / "missing")
        self.assertRaises(OSError, verification, missing)


class ExplanationTests(SynchronousTestCase):
    """Why there is no connection, for people."""

    def test_known(self) -> None:
        """Without the words of the system."""
        for error, text in (
            (ConnectionDone(), "the server closed the connection"),
            (ConnectionRefusedError(osError=111), "nothing listens there"),
            (DNSLookupError("nowhere.example"), "there is no host of that name"),
        ):
            self.assertEqual(explain(error), text)

    def test_others(self) -> None:
        """By what they say, or else by what they are; without a full stop."""
        self.assertEqual(explain(OSError("no such file.")), "no such file")
        self.assertEqual(explain(MemoryError()), "MemoryError")
        self.assertIn("connecting", explain(ConnectError()))


class ParsingTests(SynchronousTestCase):
    """What people type."""

    def test_addresses(self) -> None:
        """With and without a port."""
        for text, address in (
            ("chat.example", ("chat.example", 8890)),
            ("chat.example:1", ("chat.example", 1)),
            ("127.0.0.1:65535", ("127.0.0.1", 65535)),
            ("[::1]", ("::1", 8890)),
            ("[::1]:99", ("::1", 99)),
            ("/run/imserver/native.sock", ("/run/imserver/native.sock", 0)),
        ):
            self.assertEqual(parse_address(text), address)

    def test_no_addresses(self) -> None:
        """Each is a ValueError that says so."""
        for text in (
            "",
            ":1",
            "a:",
            "a:0",
            "a:65536",
            "a:b",
            "::1",
            "[::1",
            "[]:1",
            "[::1]x",
            "a:1:2",
            "a:²",
        ):
            self.assertRaises(ValueError, parse_address, text)

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Is an address that is shown as it would be typed, or a ValueError."""
        with contextlib.suppress(ValueError):
            host, port = parse_address(text)
            self.assertEqual(parse_address(str(Server(host, port))), (host, port))

    def test_fingerprints(self) -> None:
        """As openssl prints them, and without colons."""
        self.assertEqual(parse_fingerprint("AB:" * 31 + "ab"), b"\xab" * 32)
        self.assertEqual(parse_fingerprint("ab" * 32), b"\xab" * 32)
        for text in ("", "ab" * 31, "ab" * 33, "xy" * 32, " a" * 32):
            self.assertRaises(ValueError, parse_fingerprint, text)
