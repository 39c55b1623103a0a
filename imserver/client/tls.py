"""How the server is reached and how its identity is verified: by certificate authorities, or by a pinned certificate.

With authorities, service-identity checks that the certificate is for the name that was asked for.  With a
pinned fingerprint exactly that certificate is accepted, whoever signed it and whatever name it bears.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from OpenSSL import SSL, crypto
from service_identity import VerificationError
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.error import (
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    DNSLookupError,
    NoRouteError,
    TCPTimedOutError,
    TimeoutError,
)
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IStreamClientEndpoint
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    TLSVersion,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

DEFAULT_PORT = 8890
_REASONS: dict[type[BaseException], str] = {
    ConnectionDone: "the server closed the connection",
    ConnectionLost: "the connection was lost",
    ConnectionRefusedError: "nothing listens there",
    DNSLookupError: "there is no host of that name",
    NoRouteError: "its network cannot be reached",
    TCPTimedOutError: "it does not answer",
    TimeoutError: "it does not answer",
    VerificationError: "the server's certificate is for another name",
}
CONNECT_SECONDS = 10.0
SHA256_HEX_DIGITS = 64
_ADDRESS = re.compile(r"(\[(?P<ipv6>[^][]*:[^][]*)\]|(?P<host>[^][:]+))(:(?P<port>[0-9]{1,5}))?")


@dataclass(slots=True, frozen=True)
class Server:
    """Where the server is, and how it proves itself.

    `tls` alone: by the system's authorities; `authorities`: by those of a PEM file; `fingerprint`: by being
    the certificate with that SHA-256 digest.  A host that is a path is a UNIX socket of this machine.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    tls: bool = False
    authorities: Path | None = None
    fingerprint: bytes = b""

    @property
    def is_unix(self) -> bool:
        """Whether it is a UNIX socket, which has no port and needs no TLS."""
        return self.host.startswith("/")

    def __str__(self) -> str:
        if self.is_unix:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> tuple[str, int]:
    """HOST, HOST:PORT, [IPv6], [IPv6]:PORT or the /PATH of a UNIX socket -> host and port; raises ValueError."""
    if text.startswith("/"):
        return text, 0
    found = _ADDRESS.fullmatch(text)
    port = int(found["port"] or DEFAULT_PORT) if found else 0
    if found is None or not 0 < port < 2**16:
        raise ValueError(f"{text!r} is not HOST, HOST:PORT, [IPv6]:PORT or /PATH")
    return found["ipv6"] or found["host"], port


def parse_fingerprint(text: str) -> bytes:
    """64 hexadecimal digits, with or without colons -> 32 bytes; raises ValueError."""
    digits = text.replace(":", "")
    if len(digits) != SHA256_HEX_DIGITS:
        raise ValueError("a SHA-256 fingerprint has 64 hexadecimal digits")
    return bytes.fromhex(digits)


def endpoint(reactor: Any, server: Server) -> IStreamClientEndpoint:
    """Where to connect; raises OSError or ValueError if the file of authorities is of no use."""
    if server.is_unix:
        return UNIXClientEndpoint(reactor, server.host, timeout=CONNECT_SECONDS)
    plain = HostnameEndpoint(reactor, server.host, server.port, timeout=CONNECT_SECONDS)
    return wrapClientTLS(verification(server), plain) if server.tls else plain


def verification(server: Server) -> IOpenSSLClientConnectionCreator:
    """What makes TLS connections that end unless the server is who it should be; raises likewise."""
    if server.fingerprint:
        return PinnedCertificate(server.host, server.fingerprint)
    roots = None if server.authorities is None else _authorities(server.authorities)
    return optionsForClientTLS(server.host, trustRoot=roots)


def _authorities(file: Path) -> Any:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    blocks = file.read_text("ascii", "replace").split(begin)[1:]
    if not blocks:
        raise ValueError(f"{file} holds no certificate in PEM form")
    try:
        certificates = [
            Certificate.loadPEM((begin + block.partition(end)[0] + end).encode()) for block in blocks
        ]
        return trustRootFromCertificates(certificates)
    except crypto.Error:
        raise ValueError(f"{file} holds a damaged certificate") from None


@implementer(IOpenSSLClientConnectionCreator)
class PinnedCertificate:
    """Accepts the certificate with that SHA-256 digest (of its DER form), and no other."""

    def __init__(self, host: str, sha256: bytes) -> None:
        self._host = host
        self._sha256 = sha256
        self._context = CertificateOptions(raiseMinimumTo=TLSVersion.TLSv1_2).getContext()
        self._context.set_verify(SSL.VERIFY_PEER, self._verify)

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:  # noqa: N803
        """A connection that names the host (RFC 6066: not if it is an address) and then judges the certificate alone."""
        connection = SSL.Connection(self._context, None)
        connection.set_app_data(tlsProtocol)
        if not isIPAddress(self._host) and not isIPv6Address(self._host):
            connection.set_tlsext_host_name(self._host.encode("idna"))
        return connection

    def _verify(self, connection: Any, certificate: Any, error: int, depth: int, ok: int) -> bool:
        """OpenSSL asks about each certificate of the chain, the server's own (depth 0) always among them."""
        if depth > 0:
            return True
        der: bytes = Certificate(certificate).dump()
        return hmac.compare_digest(hashlib.sha256(der).digest(), self._sha256)


def explain(error: BaseException) -> str:
    """Why a connection ended or could not be made, as one sentence without its full stop."""
    for kind, reason in _REASONS.items():
        if isinstance(error, kind):
            return reason
    if isinstance(error, SSL.Error):
        causes = ", ".join(str(part[-1]) for part in (error.args[0] if error.args else ()))
        return f"no secure connection: {causes or 'the handshake failed'}"
    return str(error).rstrip(".") or type(error).__name__
