"""T1: lengths that are only claimed, and input that never ends, before login."""

import socket
from struct import pack

from imserver.core.errors import Code
from imserver.core.events import Closing, Pong, Refused
from imserver.core.requests import Ping
from tests.end_to_end.peer import Peer
from tests.end_to_end.siege import Siege, rest

CONNECTIONS = 200
LIMIT = 8 * 1024
ENDLESS_BYTES = 100 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
SMALL_BUFFER_BYTES = 64 * 1024
# What the two kernels may hold of it, however little the daemon reads.
KERNELS_BYTES = 8 * 1024 * 1024
GROWN_BYTES = 20 * 1024 * 1024
# Nothing of this is a frame of the wire, whatever length is claimed for it.
FILLING = b"\xff" * 16
NO_LIMITS = """
max_frame_bytes = 4294967295
max_frame_bytes_before_login = 4294967295
max_bytes_before_login = 4294967295
"""


class HugeFrameTests(Siege):
    def test_claimed_lengths(self) -> None:
        """A length beyond 8 KiB is refused once it is read; others cost what was sent, and nothing stays."""
        self.begin()
        with self.unnoticed(grown_bytes=GROWN_BYTES):
            for length, data, code in (
                (LIMIT + 1, FILLING, Code.FRAME_TOO_LARGE),
                (2**31 - 1, FILLING, Code.FRAME_TOO_LARGE),
                (2**31, FILLING, Code.FRAME_TOO_LARGE),
                (2**32 - 1, FILLING, Code.FRAME_TOO_LARGE),
                (LIMIT, FILLING * (LIMIT // len(FILLING)), Code.PROTOCOL_ERROR),
                (1, FILLING, Code.PROTOCOL_ERROR),
            ):
                peers = self.claim(length, data)
                self.assertEqual([self.last_word(peer) for peer in peers], [code] * CONNECTIONS)

    def test_waiting(self) -> None:
        """An allowed length is only claimed, by 200 at once: the daemon holds what has come of it."""
        self.begin()
        with self.unnoticed(grown_bytes=GROWN_BYTES):
            before = self.daemon.resident_bytes()
            peers = self.claim(LIMIT, FILLING)
            # Whoever is answered last was read last: the daemon has all of the others, too.
            peers.append(self.peer(self.plain))
            peers[-1].expect(Ping(), Pong)
            self.assertLess(self.daemon.resident_bytes() - before, GROWN_BYTES)
            for peer in peers:
                peer.close()

    def test_empty(self) -> None:
        """An empty frame asks for nothing: that is refused, and the connection lives."""
        self.begin()
        peers = self.claim(0)
        for peer in peers:
            self.assertIsInstance(peer.hear()[1], Refused)
            peer.expect(Ping(), Pong)

    def test_endless_frame(self) -> None:
        """A frame without end is not read on: the connection ends long before its 100 MiB are sent."""
        self.begin()
        with self.unnoticed(grown_bytes=GROWN_BYTES):
            self.assertLess(max(self.pour(2**32 - 1)), KERNELS_BYTES)

    def test_endless_frames(self) -> None:
        """Small frames without end and without login end after 16 KiB."""
        self.begin()
        with self.unnoticed(grown_bytes=GROWN_BYTES):
            peer = self.peer(self.plain)
            peer.tell(*[Ping()] * 4000)
            self.assertEqual(self.last_word(peer), Code.FRAME_TOO_LARGE)

    def test_without_limits(self) -> None:
        """With the limits lifted the daemon takes in all of it: the measurement sees that."""
        self.begin(NO_LIMITS)
        before = self.daemon.resident_bytes()
        self.assertEqual(max(self.pour(2**32 - 1, connections=1)), ENDLESS_BYTES)
        self.wait_until(lambda: self.daemon.resident_bytes() - before > GROWN_BYTES)

    def claim(self, length: int, data: bytes = b"") -> list[Peer]:
        """Many connections that claim a frame of that length and send `data` of it."""
        peers = [self.peer(self.plain) for _ in range(CONNECTIONS)]
        for peer in peers:
            peer.socket.sendall(pack("!I", length) + data)
        return peers

    def last_word(self, peer: Peer) -> str:
        """The code with which the server closes the connection."""
        closing = rest(peer)[-1]
        peer.close()
        assert isinstance(closing, Closing)
        return closing.code

    def pour(self, length: int, connections: int = CONNECTIONS) -> list[int]:
        """Claim the length and send without end, all at once -> how many bytes each could get rid of."""
        sockets = [self.connect(length) for _ in range(connections)]
        sent = [0] * connections
        pouring = set(range(connections))
        while pouring:
            for n in list(pouring):
                try:
                    sent[n] += sockets[n].send(b"\xff" * min(CHUNK_BYTES, ENDLESS_BYTES - sent[n]))
                except ConnectionError:
                    pouring.discard(n)
                if sent[n] == ENDLESS_BYTES:
                    pouring.discard(n)
        for sock in sockets:
            sock.close()
        return sent

    def connect(self, length: int) -> socket.socket:
        """With little of a buffer, so that it is the daemon that would have to take what is sent."""
        sock = socket.create_connection(self.plain, 10.0)
        self.addCleanup(sock.close)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER_BYTES)
        sock.sendall(pack("!I", length))
        return sock
