"""Where a listener listens: `tcp:HOST:PORT`, `unix:PATH`, `udp:HOST:PORT` or `systemd:domain=INET:name=NAME`.

Twisted's spelling `tcp:PORT:interface=HOST` means the same; IPv6 addresses stand in brackets.  Everything
here raises ValueError with a sentence that says what would be right.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from twisted.internet.endpoints import (
    TCP4ServerEndpoint,
    TCP6ServerEndpoint,
    UNIXServerEndpoint,
)
from twisted.internet.interfaces import IAddress, IStreamServerEndpoint

from imserver.net.activation import adopted

_BACKLOG = 1024
_INET = re.compile(r"(?:tcp|udp):(?:\[([^\]]+)\]:|([^:\[\]]+):)?(\d{1,5})(?::interface=(.+))?")
_UNIX = re.compile(r"unix:(?:address=)?([^:]+)(?::mode=([0-7]{3,4}))?")
_REFUSED = ("ssl", "tls", "haproxy")


@dataclass(slots=True, frozen=True)
class InetAddress:
    """An IP address and a port."""

    host: str
    port: int


def stream_endpoint(reactor: Any, description: str) -> IStreamServerEndpoint:
    """The endpoint that `description` names."""
    match description.partition(":")[0]:
        case "tcp":
            address = inet_address(description)
            kind = TCP6ServerEndpoint if ":" in address.host else TCP4ServerEndpoint
            return kind(reactor, address.port, backlog=_BACKLOG, interface=address.host)
        case "unix":
            return _unix_endpoint(reactor, description)
        case "systemd":
            return adopted(reactor, description)
        case kind if kind in _REFUSED:
            raise ValueError(
                "name the certificate and the proxies with the listener's keys tls and proxy_from"
            )
    raise ValueError("an endpoint is tcp:HOST:PORT, unix:PATH or systemd:domain=INET:name=NAME")


def inet_address(description: str) -> InetAddress:
    """The address in `tcp:HOST:PORT` or `udp:HOST:PORT`; without host: all of IPv4."""
    found = _INET.fullmatch(description)
    if not found or int(found[3]) > 65_535:
        raise ValueError("an address is HOST:PORT, such as 127.0.0.1:8890 or [::1]:8890")
    host = found[1] or found[2] or (found[4] or "").replace("\\", "") or "0.0.0.0"
    try:
        return InetAddress(str(ip_address(host)), int(found[3]))
    except ValueError as error:
        raise ValueError(f"{host} is not an IP address, such as 127.0.0.1 or [::1]") from error


def is_local(address: IAddress) -> bool:
    """Whether only this machine can connect to a port bound there."""
    host = getattr(address, "host", None)
    return host is None or ip_address(host.partition("%")[0]).is_loopback


def describes_local(description: str) -> bool:
    """Whether only this machine could connect to what is bound there; False where that is not known."""
    try:
        return description.startswith("unix:") or ip_address(inet_address(description).host).is_loopback
    except ValueError:
        return False


def address_text(address: IAddress) -> str:
    """A bound address as people write it."""
    match address:
        case object(host=host, port=port):
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        case object(name=bytes() as name):
            return name.decode(errors="backslashreplace")
    return str(address)


def _unix_endpoint(reactor: Any, description: str) -> UNIXServerEndpoint:
    found = _UNIX.fullmatch(description)
    if not found:
        raise ValueError("a UNIX socket is unix:PATH or unix:PATH:mode=660")
    # wantPID: a socket that a killed daemon left behind is removed, that of a running one is not.
    return UNIXServerEndpoint(
        reactor, found[1], backlog=_BACKLOG, mode=int(found[2] or "600", 8), wantPID=True
    )
