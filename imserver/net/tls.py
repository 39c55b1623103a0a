"""TLS for listeners: what is offered, how long a handshake may take, and certificates that can be renewed.

One context per certificate.  `Certificates.reload` swaps the contexts of all certificates or of none; new
connections use the new ones, live ones go on with theirs.  There is no STARTTLS (threats.md T8).
"""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import (
    IAddress,
    IOpenSSLServerConnectionCreator,
    IProtocolFactory,
    IReactorTime,
    ITransport,
)
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

# TLS 1.3 has authenticated (AEAD) suites only; this leaves the same of 1.2, with forward secrecy.
_CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"
_OPTIONS = SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE

_ACCESS_LIST = "system.posix_acl_access"
_CREDENTIALS = "$CREDENTIALS_DIRECTORY"


class CertificateError(Exception):
    """One sentence: what is wrong with a certificate or its key."""


def located(file: str, environment: Mapping[str, str]) -> Path:
    """A PEM file by its name in the configuration, where the unit's credentials are $CREDENTIALS_DIRECTORY/NAME.

    Raises CertificateError if systemd gave none.
    """
    if not file.startswith(f"{_CREDENTIALS}/"):
        return Path(file)
    folder = environment.get(_CREDENTIALS[1:])
    if not folder:
        raise CertificateError(f"there is no {file}: name it with LoadCredential= in the unit")
    return Path(folder + file.removeprefix(_CREDENTIALS))


def make_context(cert: Path, key: Path) -> SSL.Context:
    """A server's context from PEM files.  Raises CertificateError, also for a key that others can read."""
    _check_private(key)
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(_CIPHERS)
    context.set_options(_OPTIONS)
    # An idle connection keeps no buffers, and the server no sessions.
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    _use(context.use_certificate_chain_file, cert, "a PEM certificate and its chain")
    _use(context.use_privatekey_file, key, f"the PEM key of {cert}")
    return context


def _check_private(key: Path) -> None:
    try:
        mode = stat.S_IMODE(os.stat(key).st_mode)
    except OSError as error:
        raise CertificateError(f"cannot read the key {key}: {error.strerror}") from error
    # systemd may give the unit its credentials by an access list, whose mask shows as the group's mode.
    if mode & 0o007 or (mode & 0o070 and _ACCESS_LIST not in os.listxattr(key)):
        raise CertificateError(f"others can read the key {key} (mode {mode:04o}); run: chmod 600 {key}")


def _use(load: Callable[[bytes], None], path: Path, what: str) -> None:
    try:
        path.open("rb").close()  # for the reason: OpenSSL does not tell why it cannot read
        load(os.fsencode(path))
    except OSError as error:
        raise CertificateError(f"cannot read {path}: {error.strerror}") from error
    except SSL.Error as error:
        reasons = ", ".join(entry[2] for entry in error.args[0])
        raise CertificateError(f"cannot use {path} as {what}: {reasons}") from error


@implementer(IOpenSSLServerConnectionCreator)
class ServerContext:
    """What a listener serves; the context behind it may change."""

    def __init__(self, context: SSL.Context) -> None:
        self.context = context

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:  # noqa: N802
        """Twisted: a connection came."""
        return SSL.Connection(self.context, None)


class Certificates:
    """The certificates of the configuration, by name: pairs of PEM files (certificate with its chain, key)."""

    def __init__(self) -> None:
        self._contexts: dict[str, ServerContext] = {}

    def __getitem__(self, name: str) -> ServerContext:
        return self._contexts[name]

    def load(self, files: Mapping[str, tuple[Path, Path]]) -> Callable[[], None]:
        """Read all files -> a call that puts them to use.  Raises CertificateError; then nothing changes."""
        loaded = {name: make_context(cert, key) for name, (cert, key) in files.items()}
        return lambda: self._swap(loaded)

    def _swap(self, loaded: dict[str, SSL.Context]) -> None:
        for name, context in loaded.items():
            if name in self._contexts:
                self._contexts[name].context = context
            else:
                self._contexts[name] = ServerContext(context)


class _TimedTransport(BufferingTLSTransport):
    """Aborts a connection whose handshake takes too long, however busy it looks."""

    _log = Logger()
    factory: "TLSFactory"

    def makeConnection(self, transport: ITransport) -> None:
        self._deadline = self.factory.clock.callLater(self.factory.handshake_seconds(), self._check_handshake)
        super().makeConnection(transport)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._deadline.active():
            self._deadline.cancel()
        super().connectionLost(reason)

    def _tlsShutdownFinished(self, reason: Failure | None) -> None:  # noqa: N802
        super()._tlsShutdownFinished(reason)
        if reason is not None:
            # Its frames hold this connection, and are held by it: 50 KiB that would wait for the cycle collector.
            reason.cleanFailure()

    def _check_handshake(self) -> None:
        if self.getHandle().get_peer_finished() is None:
            self._log.debug("TLS handshake of {address} took too long", address=self.getPeer())
            self.abortConnection()


class TLSFactory(TLSMemoryBIOFactory):
    """Wraps a wire's factory; `handshake_seconds` is asked for each connection and counts from its start."""

    protocol = _TimedTransport

    def __init__(
        self,
        context: ServerContext,
        wrapped: IProtocolFactory,
        handshake_seconds: Callable[[], float],
        clock: IReactorTime,
    ) -> None:
        super().__init__(context, isClient=False, wrappedFactory=wrapped, clock=clock)
        self.handshake_seconds = handshake_seconds
        self.clock = clock

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Twisted: somebody connected; the wire's factory may refuse."""
        wrapped = self.wrappedFactory.buildProtocol(addr)
        return None if wrapped is None else self.protocol(self, wrapped)
