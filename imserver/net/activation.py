"""Sockets that systemd has bound for the daemon (sd_listen_fds(3)), by their FileDescriptorName=.

systemd keeps them over a restart, so whoever connects meanwhile waits in the backlog instead of being refused.
Twisted takes them out of the environment as soon as it is imported; so its endpoint is asked for them.
"""

import os
import socket
from collections.abc import Mapping
from typing import Any

from twisted.internet.endpoints import AdoptedStreamServerEndpoint, serverFromString


def passed_names(environment: Mapping[str, str]) -> list[str]:
    """The names of all the sockets that systemd passed to this process."""
    names = environment.get("LISTEN_FDNAMES", "").split(":")
    return [name for name in names if name and passed(name)]


def passed(name: str) -> str:
    """How an endpoint is written for the socket of that name; empty if systemd passed none."""
    try:
        endpoint: Any = serverFromString(None, f"systemd:domain=INET:name={name}")
    except KeyError:
        return ""
    return f"systemd:domain={_domain(endpoint.fileno)}:name={name}"


def adopted(reactor: Any, description: str) -> AdoptedStreamServerEndpoint:
    """The endpoint of the socket that `description` names, also of a datagram one.  Raises ValueError."""
    try:
        endpoint = serverFromString(reactor, description)
    except (KeyError, IndexError) as error:
        raise ValueError(
            "systemd passed no such socket; see FileDescriptorName= in its .socket unit"
        ) from error
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError("a socket of systemd is systemd:domain=INET:name=NAME") from error
    assert isinstance(endpoint, AdoptedStreamServerEndpoint)
    domain = _domain(endpoint.fileno)
    if endpoint.addressFamily != getattr(socket, f"AF_{domain}"):
        raise ValueError(f"that socket is of another kind: write systemd:domain={domain}:name=NAME")
    return endpoint


def _domain(descriptor: int) -> str:
    """INET, INET6 or UNIX."""
    with socket.socket(fileno=os.dup(descriptor)) as duplicate:
        return socket.AddressFamily(duplicate.family).name.removeprefix("AF_")
