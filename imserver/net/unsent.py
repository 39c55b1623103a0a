"""How much of what was written has not reached the other machine yet."""

import fcntl
import struct
import termios
from typing import Any


def unsent_bytes(transport: Any) -> int:
    """Bytes in the kernel's send queue of the connection under this transport, through TLS and PROXY wrappers.

    0 also for transports without a socket (tests, and connections that are gone).
    """
    while getattr(transport, "socket", None) is None and getattr(transport, "transport", None) is not None:
        transport = transport.transport
    handle = getattr(transport, "socket", None)
    if handle is None or handle.fileno() < 0:
        return 0
    queued: int = struct.unpack("i", fcntl.ioctl(handle.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0]
    return queued
