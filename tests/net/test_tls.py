"""imserver.net.tls"""

import contextlib
import gc
import os
import stat
import struct
import weakref
from pathlib import Path

from OpenSSL import SSL
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imserver.net.tls import CertificateError, Certificates, TLSFactory, located, make_context
from tests.net.certificates import make_certificate

PEER = IPv4Address("TCP", "192.0.2.1", 1)


class Echo(Protocol):
    """Sends back what comes."""

    lost = False

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)

    def connectionLost(self, reason: object = None) -> None:
        self.lost = True


class TLSTests(SynchronousTestCase):
    """A server of TLSFactory and a client of OpenSSL's, with memory in between."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.certificates = Certificates()
        self.certificates.load({"office": make_certificate(self.folder, "one")})()
        self.clock = Clock()
        self.wire = Factory.forProtocol(Echo)
        self.wire.noisy = False
        self.factory = TLSFactory(self.certificates["office"], self.wire, lambda: 10.0, self.clock)

    def connect(self, context: SSL.Context | None = None) -> SSL.Connection:
        self.transport = StringTransport(peerAddress=PEER)
        self.server = self.factory.buildProtocol(PEER)
        self.server.makeConnection(self.transport)
        client = SSL.Connection(context or SSL.Context(SSL.TLS_CLIENT_METHOD), None)
        client.set_connect_state()
        return client

    def exchange(self, client: SSL.Connection) -> bytes:
        """Let both sides talk until both are silent -> what the client was told."""
        said = b""
        for _ in range(10):
            for step in (client.do_handshake, lambda: client.recv(2**16)):
                with contextlib.suppress(SSL.WantReadError):
                    said += step() or b""
            with contextlib.suppress(SSL.WantReadError):
                self.server.dataReceived(client.bio_read(2**16))
            self.clock.advance(0)
            if self.transport.value():
                client.bio_write(self.transport.value())
            self.transport.clear()
        return said

    def served_name(self, client: SSL.Connection) -> str:
        self.exchange(client)
        return client.get_peer_certificate().get_subject().CN

    def test_talk(self) -> None:
        """A client of today talks TLS 1.3."""
        client = self.connect()
        self.exchange(client)
        client.send(b"hello")
        self.assertEqual(self.exchange(client), b"hello")
        self.assertEqual(client.get_protocol_version_name(), "TLSv1.3")

    def test_versions(self) -> None:
        """TLS 1.2 is the oldest that is spoken."""
        for version, good in (
            (SSL.TLS1_2_VERSION, True),
            (SSL.TLS1_1_VERSION, False),
            (SSL.TLS1_VERSION, False),
        ):
            context = SSL.Context(SSL.TLS_CLIENT_METHOD)
            context.set_min_proto_version(version)
            context.set_max_proto_version(version)
            context.set_cipher_list(b"ALL:@SECLEVEL=0")
            client = self.connect(context)
            if good:
                self.exchange(client)
            else:
                self.assertRaises(SSL.Error, self.exchange, client)
            self.assertEqual(client.get_peer_finished() is not None, good)

    def test_ciphers(self) -> None:
        """Of TLS 1.2 only authenticated suites with forward secrecy are offered."""
        names = SSL.Connection(self.certificates["office"].context).get_cipher_list()
        self.assertGreater(len(names), 3)
        for name in names:
            self.assertTrue("GCM" in name or "CHACHA20" in name, name)
            self.assertTrue(name.startswith(("TLS_", "ECDHE-")), name)
        for weak in (b"ECDHE-ECDSA-AES128-SHA256", b"ECDHE-ECDSA-AES256-SHA", b"AES128-SHA"):
            context = SSL.Context(SSL.TLS_CLIENT_METHOD)
            context.set_max_proto_version(SSL.TLS1_2_VERSION)
            context.set_cipher_list(weak + b":@SECLEVEL=0")
            self.assertRaises(SSL.Error, self.exchange, self.connect(context))

    def test_options(self) -> None:
        """No renegotiation, no compression."""
        options = self.certificates["office"].context.set_options(0)
        for option in (SSL.OP_NO_RENEGOTIATION, SSL.OP_NO_COMPRESSION):
            self.assertTrue(options & option)

    def test_renegotiation(self) -> None:
        """A client that asks for a new handshake gets none."""
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        client = self.connect(context)
        self.exchange(client)
        client.renegotiate()
        self.assertRaises(SSL.Error, self.exchange, client)

    def test_too_slow(self) -> None:
        """T2: a handshake that is not complete after its time is aborted, however busy it looks."""
        self.connect()
        for _ in range(9):
            self.clock.advance(1.0)
            self.server.dataReceived(b"\x16")
        self.assertFalse(self.transport.disconnected)
        self.clock.advance(1.1)
        self.assertTrue(self.transport.disconnected)

    def test_in_time(self) -> None:
        """A connection whose handshake is complete stays."""
        client = self.connect()
        self.exchange(client)
        self.clock.advance(60.0)
        self.assertFalse(self.transport.disconnecting)

    def test_gone(self) -> None:
        """A connection that is gone leaves no timer behind, and the wire knows."""
        self.connect()
        self.server.connectionLost()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_freed(self) -> None:
        """T3: a connection that ends without a farewell, or with nonsense, is freed without the cycle collector."""
        gc.disable()
        self.addCleanup(gc.enable)
        for last_words in (b"\x17", b"GET / HTTP/1.0\r\n\r\n"):
            self.exchange(self.connect())
            self.server.dataReceived(last_words)
            self.server.connectionLost(Failure(ConnectionDone()))
            gone, self.server, self.transport = weakref.ref(self.server), None, None
            self.assertIsNone(gone())

    def test_refused_by_the_wire(self) -> None:
        """A factory that makes no protocol refuses the connection."""
        self.wire.buildProtocol = lambda address: None
        self.assertIsNone(self.factory.buildProtocol(PEER))

    def test_renewal(self) -> None:
        """New connections get the new certificate; live ones go on."""
        live = self.connect()
        self.assertEqual(self.served_name(live), "one")
        server, transport = self.server, self.transport
        self.certificates.load({"office": make_certificate(self.folder, "two")})()
        self.assertEqual(self.served_name(self.connect()), "two")
        self.server, self.transport = server, transport
        live.send(b"hello")
        self.assertEqual(self.exchange(live), b"hello")

    def test_all_or_nothing(self) -> None:
        """One bad file among several certificates changes none."""
        good = make_certificate(self.folder, "two")
        bad = (self.folder / "none.crt", self.folder / "none.key")
        self.assertRaises(CertificateError, self.certificates.load, {"office": good, "other": bad})
        self.assertEqual(self.served_name(self.connect()), "one")


class FileTests(SynchronousTestCase):
    """What is wrong with files, in a sentence."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.cert, self.key = make_certificate(self.folder, "a")

    def assert_refused(self, *words: str) -> None:
        sentence = str(self.assertRaises(CertificateError, make_context, self.cert, self.key))
        for word in words:
            self.assertIn(word, sentence)

    def test_missing(self) -> None:
        """A file that is not there."""
        for path in (self.cert, self.key):
            path.rename(f"{path}.away")
            self.assert_refused(str(path), "No such file")
            Path(f"{path}.away").rename(path)

    def test_nonsense(self) -> None:
        """A file that is not PEM, or PEM of something else."""
        self.cert.write_text("nonsense")
        self.assert_refused(str(self.cert), "PEM")
        self.cert.write_bytes(self.key.read_bytes())
        self.assert_refused(str(self.cert), "PEM")

    def test_other_key(self) -> None:
        """A key that does not belong to the certificate."""
        _, self.key = make_certificate(self.folder, "b")
        self.assert_refused(str(self.cert), str(self.key), "mismatch")

    def test_key_of_everybody(self) -> None:
        """T40: a key that others can read."""
        for mode in (0o640, 0o604, 0o644):
            self.key.chmod(mode)
            self.assert_refused(str(self.key), "chmod 600")
        self.key.chmod(0o400)
        make_context(self.cert, self.key)

    def test_key_with_an_access_list(self) -> None:
        """systemd may give a unit its credential by an access list; the group's mode is then the list's mask."""
        os.setxattr(self.key, "system.posix_acl_access", access_list(65534))
        self.assertEqual(stat.S_IMODE(self.key.stat().st_mode), 0o440)
        make_context(self.cert, self.key)

    def test_located(self) -> None:
        """A credential lies where systemd says, everything else where it is written."""
        self.assertEqual(located("/etc/a.key", {}), Path("/etc/a.key"))
        given = {"CREDENTIALS_DIRECTORY": "/run/credentials/imserver.service"}
        where = located("$CREDENTIALS_DIRECTORY/a.key", given)
        self.assertEqual(where, Path("/run/credentials/imserver.service/a.key"))
        error = self.assertRaises(CertificateError, located, "$CREDENTIALS_DIRECTORY/a.key", {})
        self.assertIn("LoadCredential=", str(error))


def access_list(other_user: int) -> bytes:
    """The owner and one other user may read, nobody else (acl(5), as the kernel keeps it in version 2)."""
    nobody = 0xFFFFFFFF
    entries = ((1, 4, nobody), (2, 4, other_user), (4, 0, nobody), (16, 4, nobody), (32, 0, nobody))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
