"""OpenSSL's own client and server, as a second opinion on our TLS."""

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.end_to_end.peer import Address

SECONDS = 60.0
# All there is, the broken ones, too, and without a look at the strength of keys.
ANYTHING = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"


def openssl(*arguments: str | Path, said: bytes = b"") -> str:
    """What the command writes on both channels when `said` is its input."""
    done = subprocess.run(
        ("openssl", *arguments), input=said, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS
    )
    return done.stdout.decode(errors="replace")


def connect(address: Address, *options: str | Path, said: bytes = b"") -> str:
    """What s_client tells about a connection over which `said` goes; it ends with its input."""
    host, port = address
    return openssl("s_client", "-connect", f"{host}:{port}", *options, said=said)


def speaks(address: Address, *options: str) -> bool:
    """Whether a handshake with these options comes to its end."""
    shown = connect(address, *options)
    return "Cipher is" in shown and "Cipher is (NONE)" not in shown


def ciphers() -> list[str]:
    """The names of all suites up to TLS 1.2 that this OpenSSL can offer."""
    return openssl("ciphers", "-tls1_2", "-s", ANYTHING).strip().split(":")


def rsa_certificate(folder: Path, name: str) -> None:
    """NAME.crt and NAME.key with a key for RSA, self-signed."""
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}"),
        *("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt"),
    )
    (folder / f"{name}.key").chmod(0o600)


@contextmanager
def server(folder: Path, name: str, options: Iterable[str]) -> Iterator[Address]:
    """s_server with that certificate, on a free port of loopback."""
    process = subprocess.Popen(
        (
            "openssl",
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-cert",
            f"{name}.crt",
            "-key",
            f"{name}.key",
            *options,
        ),
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        accepting = next(line for line in process.stdout if line.startswith("ACCEPT"))
        yield "127.0.0.1", int(accepting.rpartition(":")[2])
    finally:
        process.kill()
        process.communicate()
