"""Writing to a socket in this turn of the reactor instead of the next.

Twisted buffers what is written, asks epoll to say when the socket takes data, and writes then.  A socket
nearly always takes a chat's few frames at once: trying first saves two epoll_ctl calls and a dispatch for
each write, a quarter of what a message costs with few in flight.
"""

import socket
from typing import Any

from twisted.internet.tcp import Connection


def write(transport: Any, data: bytes) -> None:
    """Write now what the socket takes at once, and leave the rest, and every error, to the transport."""
    if _is_plain(transport) and not (transport.dataBuffer or transport._tempDataBuffer):
        try:
            sent = transport.socket.send(data, socket.MSG_DONTWAIT)
        except OSError:
            sent = 0  # the transport will meet the same error and report it
        if sent == len(data):
            return
        data = data[sent:]
    transport.write(data)


def write_apart(transport: Any, data: bytes) -> bool:
    """Write what the kernel is to send as it is, with nothing added (MSG_EOR).

    -> False if there is no room now: then nothing was written, and the transport calls its producer when there is.
    Where no socket is asked the transport takes everything, as `write` does.
    """
    if not _is_plain(transport):
        transport.write(data)
        return True
    waits = transport.dataBuffer or transport._tempDataBuffer
    try:
        sent = 0 if waits else transport.socket.send(data, socket.MSG_DONTWAIT | socket.MSG_EOR)
    except BlockingIOError:
        sent = 0
    except OSError:
        transport.write(data)
        return True
    if not sent:
        transport.producerPaused = True
        transport.startWriting()
    elif sent < len(data):
        transport.write(data[sent:])
    return sent > 0


def _is_plain(transport: Any) -> bool:
    """A socket, connected in the clear."""
    return (
        isinstance(transport, Connection)
        and bool(transport.connected)
        and not transport.disconnecting
        and not transport.TLS
    )
