"""T2: clients that send a byte a second, or nothing, hold a connection no longer than its deadline."""

import contextlib
import socket
from dataclasses import dataclass
from math import inf
from struct import pack
from time import monotonic, sleep

from imserver.core.events import Pong, Refused
from imserver.core.requests import SendTo
from imserver.core.values import Kind
from tests.end_to_end.drill import DEEP
from tests.end_to_end.greetings import CLIENT_HELLO
from tests.end_to_end.peer import Address
from tests.end_to_end.siege import Siege

SOCKETS = 1000 if DEEP else 300
DEADLINES = {"header": 5.0, "handshake": 10.0, "frame": 15.0, "frames": 15.0, "silence": 15.0}
SWEEP_SECONDS = 1.0
NOISE_SECONDS = 0.5
CPU_SHARE = 0.20
FRAME_BYTES = 256 * 1024
FRAME_FACTOR = 3
# What the allocator keeps of so many at once, a fifth of them in a handshake, which costs 50 KiB.
KEPT_BYTES = SOCKETS * 16 * 1024
LIFTED = """
proxy_header_seconds = 1
tls_handshake_seconds = 1000
login_seconds = 1000
"""
PING = bytes.fromhex("0000000408013a00")
FILLING = bytes.fromhex("c23ef707") + bytes(1015)  # a field that nobody knows


@dataclass(slots=True)
class Dribbler:
    """Sends `data`, byte by byte; `lasted`: seconds until the server closed."""

    socket: socket.socket
    kind: str
    data: bytes
    lasted: float = inf

    def send(self, n: int) -> None:
        """Byte number n, unless it is gone or has nothing to say."""
        with contextlib.suppress(ConnectionError):  # which `look` will notice
            self.socket.send(self.data[n : n + 1])

    def look(self, seconds: float) -> None:
        """Is it gone by now?"""
        try:
            while self.lasted == inf:
                if not self.socket.recv(1000):
                    self.lasted = seconds
        except BlockingIOError:
            pass
        except ConnectionResetError:
            self.lasted = seconds


class DribbleTests(Siege):
    def test_dribble(self) -> None:
        """Each kind is gone by its deadline and the next sweep; all together cost a fifth of a core at most."""
        self.begin()
        with self.unnoticed(grown_bytes=KEPT_BYTES):
            cpu, began = self.daemon.cpu_seconds(), monotonic()
            lasted = self.dribble(max(DEADLINES.values()) + SWEEP_SECONDS + NOISE_SECONDS)
            self.assertLess(self.daemon.cpu_seconds() - cpu, CPU_SHARE * (monotonic() - began))
        for kind, seconds in lasted.items():
            self.assertLess(seconds, DEADLINES[kind] + SWEEP_SECONDS + NOISE_SECONDS, kind)
            self.assertGreater(seconds, DEADLINES[kind] - SWEEP_SECONDS, kind)

    def test_without_deadlines(self) -> None:
        """Where deadlines are lifted they stay, which is seen; the one that is left still holds."""
        self.begin(LIFTED)
        lasted = self.dribble(3.0)
        self.assertLess(lasted.pop("header"), 1.0 + SWEEP_SECONDS)
        self.assertEqual(set(lasted.values()), {inf})

    def test_byte_by_byte(self) -> None:
        """A frame of 256 KiB that comes byte by byte is put together in linear time.

        It costs about as much as the same bytes in small frames, so that nothing depends on the machine; copying all
        that is there with every byte would cost many times as much.  The cheapest of three, because what one costs
        depends on how the kernel joins the bytes, too.
        """
        self.begin()
        small = min(self.small_frames() for _ in range(3))
        self.assertLess(min(self.one_frame() for _ in range(3)), FRAME_FACTOR * small)

    def small_frames(self) -> float:
        """-> the CPU seconds that so many bytes in frames of a KiB cost."""
        filled = PING[4:] + FILLING
        return self.byte_by_byte(
            (pack("!I", len(filled)) + filled) * (FRAME_BYTES // len(filled)), answers=256
        )

    def one_frame(self) -> float:
        """-> the CPU seconds that one such frame costs."""
        frame = self.bystanders.alice.frame(SendTo("bob", b"long", Kind.TEXT, "", bytes(FRAME_BYTES - 64)))
        return self.byte_by_byte(frame, answers=1)

    def byte_by_byte(self, data: bytes, answers: int) -> float:
        """-> the CPU seconds until all of it is answered."""
        alice = self.bystanders.alice
        before = self.daemon.cpu_seconds()
        with memoryview(data) as view:
            for n in range(len(view)):
                alice.socket.send(view[n : n + 1])
        heard = [alice.hear()[1] for _ in range(answers)]
        expected = Refused if answers == 1 else Pong
        self.assertTrue(all(isinstance(each, expected) for each in heard), heard[:3])
        return self.daemon.cpu_seconds() - before

    def dribble(self, seconds: float) -> dict[str, float]:
        """Sockets of every kind send a byte a second -> how long the last of each kind lasted."""
        dribblers, began = self.dribblers(), monotonic()
        for n in range(int(seconds) + 1):
            for dribbler in dribblers:
                dribbler.send(n)
            while (now := monotonic() - began) < min(n + 1, seconds):
                for dribbler in dribblers:
                    dribbler.look(now)
                sleep(0.1)
        return {kind: max(one.lasted for one in dribblers if one.kind == kind) for kind in DEADLINES}

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
                made.append(Dribbler(socket.create_connection(address, 10.0), kind, data))
                self.addCleanup(made[-1].socket.close)
                made[-1].socket.setblocking(False)
        return made
