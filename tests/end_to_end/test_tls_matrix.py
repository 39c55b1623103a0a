"""T8: what OpenSSL's client can and cannot agree on with a listener, and what comes of plain bytes on a TLS port."""

import re
import ssl
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.errors import Code
from imserver.core.events import Refused
from imserver.core.requests import LogIn, Register
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.openssl import ANYTHING, ciphers, connect, rsa_certificate, server, speaks
from tests.end_to_end.peer import PASSWORD, Address, Peer
from tests.end_to_end.siege import Siege
from tests.net.certificates import make_certificate

AT_ONCE = 4
# Authenticated encryption, with a key that is made for the connection.
GOOD = re.compile("ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM-SHA(256|384)|CHACHA20-POLY1305)")
LISTENERS = """
[tls.ecdsa]
cert = "ecdsa.crt"
key = "ecdsa.key"
[tls.rsa]
cert = "rsa.crt"
key = "rsa.key"
[[listeners]]
wire = "native"
endpoint = "tcp:127.0.0.1:0"
tls = "ecdsa"
[[listeners]]
wire = "native"
endpoint = "tcp:127.0.0.1:0"
tls = "rsa"
"""


def versions(address: Address) -> list[str]:
    """The versions on which a handshake came about, each tried alone and with every suite there is."""
    names = ("tls1", "tls1_1", "tls1_2", "tls1_3")
    return [name for name in names if speaks(address, f"-{name}", "-cipher", ANYTHING)]


def agreed(address: Address) -> list[str]:
    """The suites of TLS 1.2 on which a handshake came about, each tried alone."""
    names = ciphers()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        good = pool.map(partial(speaks_cipher, address), names)
        return [name for name, works in zip(names, good, strict=True) if works]


def speaks_cipher(address: Address, name: str) -> bool:
    """With this suite alone."""
    return speaks(address, "-tls1_2", "-cipher", f"{name}:@SECLEVEL=0")


class MatrixTests(SynchronousTestCase):
    """A listener with a certificate for ECDSA and one for RSA."""

    def setUp(self) -> None:
        self.daemon = Daemon(self, config=LISTENERS, listen=[])
        make_certificate(self.daemon.folder, "ecdsa")
        rsa_certificate(self.daemon.folder, "rsa")

    def test_versions(self) -> None:
        """TLS 1.2 and 1.3, and nothing older."""
        self.daemon.start()
        for address in self.daemon.listeners():
            self.assertEqual(versions(address), ["tls1_2", "tls1_3"])
        self.daemon.assert_clean()

    def test_ciphers(self) -> None:
        """Of TLS 1.2 the suites with forward secrecy and authenticated encryption, and no other one."""
        self.daemon.start()
        for address, kind in zip(self.daemon.listeners(), ("ECDSA", "RSA"), strict=True):
            names = agreed(address)
            self.assertEqual(len(names), 3, names)
            for name in names:
                self.assertRegex(name, GOOD)
                self.assertIn(kind, name)
        self.daemon.assert_clean()

    def test_renegotiation(self) -> None:
        """Nobody can make the server shake hands again and again on one connection."""
        self.daemon.start()
        for address in self.daemon.listeners():
            self.assertIn("no renegotiation", connect(address, "-tls1_2", said=b"R\n"))
        self.daemon.assert_clean()

    def test_lax_server(self) -> None:
        """A server without our settings has older versions, other suites and renegotiation: the matrix shows them."""
        options = ("-cipher", ANYTHING, "-client_renegotiation", "-legacy_renegotiation")
        with server(self.daemon.folder, "rsa", options) as address:
            self.assertIn("tls1", versions(address))
            self.assertTrue(speaks_cipher(address, "AES128-SHA"))
            self.assertNotIn("no renegotiation", connect(address, "-tls1_2", said=b"R\n"))


class PlainTests(Siege):
    """Plain bytes on a TLS port."""

    def test_before_the_handshake(self) -> None:
        """What is said before the handshake is neither heard nor followed by one."""
        self.begin()
        mallory = Register("mallory", PASSWORD, "")
        with self.unnoticed():
            with Peer(self.plain) as peer:
                frame = peer.frame(mallory)
            with self.assertRaises(ssl.SSLError):
                self.peer(self.tls, first=frame, tls=True)
            self.assertFalse(self.exists("mallory"))
        with self.peer(self.plain) as peer:
            peer.register("mallory")
        self.assertTrue(self.exists("mallory"))

    def exists(self, name: str) -> bool:
        """Whether somebody of that name can log in, with TLS."""
        with self.peer(self.tls, tls=True) as peer:
            answer = peer.ask(LogIn(name, PASSWORD, ""))
        if isinstance(answer, Refused):
            self.assertEqual(answer.code, Code.WRONG_CREDENTIALS)
        return not isinstance(answer, Refused)
