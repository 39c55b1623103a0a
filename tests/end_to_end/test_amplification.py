"""T14: the UDP port answers with no more than it was asked, not often, and keeps nobody from chatting."""

import contextlib
import socket
from collections.abc import Iterator
from random import Random
from time import monotonic, sleep

from imserver.core.events import Pong
from imserver.core.requests import Ping
from tests.end_to_end.drill import DEEP
from tests.end_to_end.siege import Siege

SEED = 7
SOURCES = 200
BEGIN = b"IMSQ\x01"
NONCE = slice(5, 13)
MAX_DATAGRAM_BYTES = 1_500
SHARE_OF_REQUESTS = 0.1
DATAGRAMS = 1_000_000 if DEEP else 20_000
FLOOD_PER_SECOND = 10_000
FLOOD_SECONDS = 30 if DEEP else 3
SLICES_PER_SECOND = 200
# For one source, and for all together.
ONE_BURST, ONE_PER_SECOND = 10, 5
ALL_BURST, ALL_PER_SECOND = 1_000, 1_000


class AmplificationTests(Siege):
    def setUp(self) -> None:
        self.begin()
        self.random = Random(SEED)
        self.sources = [self.source(f"127.1.0.{n + 1}") for n in range(SOURCES)]

    def source(self, address: str) -> socket.socket:
        """A socket with that address of its own."""
        sock = socket.socket(type=socket.SOCK_DGRAM)
        self.addCleanup(sock.close)
        sock.bind((address, 0))
        sock.connect(self.daemon.address("status"))
        sock.setblocking(False)
        return sock

    def test_random_datagrams(self) -> None:
        """Of any length and content: an answer has the nonce of a request that was at least as long."""
        self.pace = self.peer(self.plain)
        self.pace.log_in("bob", "laptop")
        with self.unnoticed():
            lengths = {datagram[NONCE]: len(datagram) for datagram in self.send_all(DATAGRAMS)}
        answers = [answer for source in self.sources for answer in self.answers(source)]
        self.assertGreater(len(answers), SOURCES)
        for answer in answers:
            self.assertLessEqual(len(answer), lengths[answer[NONCE]])

    def test_flood(self) -> None:
        """Ten thousand good requests a second, from one source and from many: few answers, and chat goes on."""
        for sources in (self.sources[:1], self.sources[1:]):
            began = monotonic()
            with self.unnoticed():
                self.flood(sources)
            counts = [len(self.answers(source)) for source in sources]
            seconds = monotonic() - began
            self.assertLessEqual(max(counts), ONE_BURST + ONE_PER_SECOND * seconds)
            self.assertLessEqual(sum(counts), ALL_BURST + ALL_PER_SECOND * seconds)
            self.assertGreater(min(counts), 0)

    def send_all(self, count: int) -> Iterator[bytes]:
        """Random datagrams from all sources in turn, each as it was sent; the daemon's buffer is not what is tested."""
        for n in range(count):
            datagram = self.random_datagram()
            self.sources[n % SOURCES].send(datagram)
            yield datagram
            if n % SOURCES == SOURCES - 1:
                sleep(1.0 / SLICES_PER_SECOND)
                self.pace.expect(Ping(), Pong)

    def random_datagram(self) -> bytes:
        """Some begin like a request."""
        data = self.random.randbytes(self.random.randint(1, MAX_DATAGRAM_BYTES))
        return (BEGIN + data)[: len(data)] if self.random.random() < SHARE_OF_REQUESTS else data

    def flood(self, sources: list[socket.socket]) -> None:
        """Good requests at a steady rate, as far as they can be sent."""
        request, began = BEGIN.ljust(64, b"\0"), monotonic()
        for n in range(FLOOD_SECONDS * SLICES_PER_SECOND):
            for k in range(FLOOD_PER_SECOND // SLICES_PER_SECOND):
                with contextlib.suppress(BlockingIOError):
                    sources[(n + k) % len(sources)].send(request)
            sleep(max(0.0, began + (n + 1) / SLICES_PER_SECOND - monotonic()))

    def answers(self, source: socket.socket) -> list[bytes]:
        """All that have come."""
        answers = []
        with contextlib.suppress(BlockingIOError):
            while True:
                answers.append(source.recv(2**16))
        return answers
