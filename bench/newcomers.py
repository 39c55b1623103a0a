"""People who log in one after the other, ask for their contacts, and listen.  As a program: HOST PORT COUNT SECONDS."""

import selectors
import socket
import sys
import time

from bench.prepare import token
from imserver.codecs.protobuf import ProtobufCodec
from imserver.core.requests import ListContacts, LogInWithToken, Ping, Request
from imserver.net.framing import Int32Framing
from tests.end_to_end.peer import Address

READ_BYTES = 64 * 1024
PING_SECONDS = 25.0
_CODEC = ProtobufCodec()
_PING = Int32Framing.pack(_CODEC.encode_request(Ping(), 3))


def newcomer(address: Address, n: int) -> socket.socket:
    """Somebody who has said who he is and what he wants to know."""
    requests: tuple[Request, ...] = (LogInWithToken(token(n)), ListContacts(0, 0))
    frames = [Int32Framing.pack(_CODEC.encode_request(each, tag + 1)) for tag, each in enumerate(requests)]
    connected = socket.create_connection(address)
    connected.sendall(b"".join(frames))
    connected.setblocking(False)
    return connected


def come(address: Address, count: int, seconds: float) -> None:
    """All of them but the first within that time, evenly; then they stay for ever."""
    began = time.monotonic()
    pinged_at = began
    with selectors.DefaultSelector() as selector:
        here: list[socket.socket] = []
        while True:
            while len(here) + 1 < min(count, count * (time.monotonic() - began) / seconds):
                here.append(newcomer(address, len(here) + 1))
                selector.register(here[-1], selectors.EVENT_READ)
            for key, _ in selector.select(0.01):
                if isinstance(key.fileobj, socket.socket) and not key.fileobj.recv(READ_BYTES):
                    raise SystemExit("the server has sent somebody away")
            if time.monotonic() - pinged_at > PING_SECONDS:
                pinged_at = time.monotonic()
                for connected in here:
                    connected.sendall(_PING)


if __name__ == "__main__":
    come((sys.argv[1], int(sys.argv[2])), int(sys.argv[3]), float(sys.argv[4]))
