"""A key and a self-signed certificate for it, for servers that no authority knows."""

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from imserver.admin.errors import AdminError, UsageError

_LABEL = re.compile("[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII | re.IGNORECASE)
_SKEW = timedelta(hours=1)  # of the clients' clocks


def make(names: Sequence[str], days: int, cert: Path, key: Path, now: datetime) -> str:
    """Write both as PEM, readable for this user only; -> the certificate's SHA-256 fingerprint.

    Nothing is overwritten.  Raises UsageError for what is neither a name nor an address.
    """
    secret = ec.generate_private_key(ec.SECP256R1())
    certificate = _signed(secret, _alternatives(names), days, now)
    pem = serialization.Encoding.PEM
    _write(key, secret.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    try:
        _write(cert, certificate.public_bytes(pem))
    except AdminError:
        key.unlink()
        raise
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _alternatives(names: Sequence[str]) -> list[x509.GeneralName]:
    return [_alternative(name) for name in names]


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name.strip("[]")))
    except ValueError:
        pass
    if all(map(_LABEL.fullmatch, name.removeprefix("*.").split("."))):
        return x509.DNSName(name)
    raise UsageError(f"{name!r} is neither an IP address nor a name in ASCII such as chat.example.org")


def _signed(
    secret: ec.EllipticCurvePrivateKey, alternatives: Sequence[x509.GeneralName], days: int, now: datetime
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "imserver")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        # Clients that are given it as their authority want it to be one; it signs nothing but itself.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(secret, hashes.SHA256())
    )


def _write(path: Path, data: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise AdminError(f"{path} is there already; move it away, or choose another file") from None
    except OSError as error:
        raise AdminError(f"{path} cannot be written: {error.strerror}") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def expires(cert: Path) -> datetime:
    """Until when the first certificate of a PEM file is valid; raises ValueError or OSError."""
    return x509.load_pem_x509_certificate(cert.read_bytes()).not_valid_after_utc


def now() -> datetime:
    """By this machine's clock."""
    return datetime.now(UTC)
