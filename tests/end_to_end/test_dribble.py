"""T2: clients that send a byte a second, or nothing, hold a connection no longer than its deadline."""

import contextlib
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from math import inf
from struct import pack
from time import monotonic, sleep

from imserver.core.events import Event, Pong, Refused
from imserver.core.requests import Ping, SendTo
from imserver.core.values import Kind
from tests.end_to_end.daemon import TWISTD
from tests.end_to_end.drill import DEEP
from tests.end_to_end.greetings import CLIENT_HELLO
from tests.end_to_end.peer import Address
from tests.end_to_end.siege import Siege

SOCKETS = 1000 if DEEP else 300
DEADLINES = {"header": 5.0, "handshake": 10.0, "frame": 15.0, "frames": 15.0, "silence": 15.0}
# A sweep a second finds them, and the machine may be busy; still before the next deadline there is.
LATE_SECONDS = 4.5
PATIENCE_SECONDS = 60.0  # by then whoever is not closed never will be, so long do they dribble
DRIBBLE_SECONDS = 4.0
PINGS = 500
BYTE_PINGS = 10
PIECES, PIECE_BYTES = 4096, 4096
FRAME_FACTOR = 3
LONG_FRAMES = "enabled = false\nmax_frame_bytes = 100_000_000\nframe_seconds = 1000"
COPYING = (
    sys.executable,
    "-c",
    "from imserver.net.framing import Framing; receive = Framing.receive;"
    "Framing.receive = lambda framing, data: (receive(framing, data), framing._joined());" + TWISTD[-1],
)
# What the allocator keeps of so many at once, a fifth of them in a handshake, which costs 50 KiB.
KEPT_BYTES = SOCKETS * 16 * 1024
LIFTED = """
proxy_header_seconds = 1
tls_handshake_seconds = 1000
login_seconds = 1000
"""
PING = bytes.fromhex("0000000408013a00")
# A field that nobody knows, so that the whole frame is a piece.
FILLING = bytes.fromhex("c23ef41f") + bytes(4084)


@dataclass(slots=True)
class Dribbler:
    """Sends `data`, byte by byte; `lasted`: seconds until the server closed."""

    socket: socket.socket
    kind: str
    data: bytes
    began: float
    lasted: float = inf

    def send(self, n: int) -> None:
        """Byte number n, unless it is gone or has nothing to say."""
        with contextlib.suppress(ConnectionError):  # which `look` will notice
            self.socket.send(self.data[n : n + 1])

    def look(self) -> None:
        """Is it gone by now?"""
        try:
            while self.lasted == inf:
                if not self.socket.recv(1000):
                    self.lasted = monotonic() - self.began
        except BlockingIOError:
            pass
        except ConnectionResetError:
            self.lasted = monotonic() - self.began


class DribbleTests(Siege):
    def test_dribble(self) -> None:
        """Each kind is gone by its deadline and the next sweep, however long it would have gone on."""
        self.begin()
        with self.unnoticed(grown_bytes=KEPT_BYTES):
            lasted = self.dribble(PATIENCE_SECONDS)
        for kind, (shortest, longest) in lasted.items():
            self.assertGreaterEqual(shortest, DEADLINES[kind], kind)
            self.assertLess(longest, DEADLINES[kind] + LATE_SECONDS, kind)

    def test_cost(self) -> None:
        """A byte that dribbles in costs what some pings cost at most, with the connection that it comes by."""
        self.begin()
        ping = self.cost(lambda: [self.bystanders.ping() for _ in range(PINGS)]) / PINGS
        dribble = self.cost(lambda: self.dribble(DRIBBLE_SECONDS))
        self.assertLess(dribble, SOCKETS * DRIBBLE_SECONDS * BYTE_PINGS * ping)

    def test_without_deadlines(self) -> None:
        """Where deadlines are lifted they stay, which is seen; the one that is left still holds."""
        self.begin(LIFTED)
        lasted = self.dribble(DRIBBLE_SECONDS)
        self.assertLess(lasted.pop("header")[1], inf)
        self.assertEqual(set(lasted.values()), {(inf, inf)})

    def test_piece_by_piece(self) -> None:
        """A long frame that comes in thousands of pieces costs about as much as a frame in each of them."""
        self.begin(LONG_FRAMES)
        self.assertLess(self.one_frame(), FRAME_FACTOR * self.many_frames())

    def test_copying(self) -> None:
        """A daemon that copies all that is there with every piece is caught."""
        self.begin(LONG_FRAMES, command=COPYING)
        self.assertGreater(self.one_frame(), FRAME_FACTOR * self.many_frames())

    def one_frame(self) -> float:
        """-> the CPU seconds that a frame in many pieces costs."""
        body = bytes(PIECES * PIECE_BYTES)
        frame = self.bystanders.alice.frame(SendTo("bob", b"long", Kind.TEXT, "", body))
        return self.cost(lambda: self.piece_by_piece(frame, Refused))

    def many_frames(self) -> float:
        """-> the CPU seconds that as many pieces cost of which each is a frame."""
        filled = PING[4:] + FILLING
        return self.cost(lambda: self.piece_by_piece((pack("!I", len(filled)) + filled) * PIECES, Pong))

    def piece_by_piece(self, data: bytes, answer: type[Event]) -> None:
        """Alice sends it; what bob asks after each piece is answered when the daemon has read that."""
        alice, bob = self.bystanders.alice, self.bystanders.bob
        for at in range(0, len(data), PIECE_BYTES):
            alice.socket.sendall(data[at : at + PIECE_BYTES])
            bob.expect(Ping(), Pong)
        self.assertIsInstance(alice.hear()[1], answer)

    def cost(self, act: Callable[[], object]) -> float:
        """-> the CPU seconds of the daemon for what happens."""
        before = self.daemon.cpu_seconds()
        act()
        return self.daemon.cpu_seconds() - before

    def dribble(self, seconds: float) -> dict[str, tuple[float, float]]:
        """Sockets of every kind send a byte a second, until all are closed -> how long the first and the last of a kind lasted."""
        dribblers, began = self.dribblers(), monotonic()
        for n in count():
            for dribbler in dribblers:
                dribbler.send(n)
            while (now := monotonic() - began) < min(n + 1, seconds):
                for dribbler in dribblers:
                    dribbler.look()
                sleep(0.1)
            if now >= seconds or all(dribbler.lasted < inf for dribbler in dribblers):
                break
        lasted = {kind: [one.lasted for one in dribblers if one.kind == kind] for kind in DEADLINES}
        return {kind: (min(each), max(each)) for kind, each in lasted.items()}

    def dribblers(self) -> list[Dribbler]:
        """As many of each kind."""
        kinds: dict[str, tuple[Address, bytes]] = {
            "header": (self.proxied, b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2"),
            "handshake": (self.tls, CLIENT_HELLO),
            "frame": (self.plain, pack("!I", 8000) + bytes(100)),
            "frames": (self.plain, PING * 10),
            "silence": (self.plain, b""),
        }
        made = []
        for kind, (address, data) in kinds.items():
            for _ in range(SOCKETS // len(kinds)):
                began = monotonic()
                made.append(Dribbler(socket.create_connection(address, 60.0), kind, data, began))
                self.addCleanup(made[-1].socket.close)
                made[-1].socket.setblocking(False)
        return made
