"""What the kernel knows of the connection under a transport, through TLS and PROXY wrappers."""

import fcntl
import socket
import struct
import termios
from typing import Any


def unsent_bytes(transport: Any) -> int:
    """Bytes of what was written that have not reached the other machine yet.

    0 also for transports without a socket (tests, and connections that are gone).
    """
    handle = _socket_of(transport)
    if handle is None or handle.fileno() < 0:
        return 0
    queued: int = struct.unpack("i", fcntl.ioctl(handle.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0]
    return queued


def segment_bytes(transport: Any, default: int) -> int:
    """How much one segment carries to the other machine, as far as is known now; the default where there is no TCP."""
    handle = _socket_of(transport)
    if handle is None:
        return default
    try:
        carried: int = handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
    except OSError:  # a UNIX socket, or a connection that is gone
        return default
    return carried


def _socket_of(transport: Any) -> Any:
    while getattr(transport, "socket", None) is None and getattr(transport, "transport", None) is not None:
        transport = transport.transport
    return getattr(transport, "socket", None)
