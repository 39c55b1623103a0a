"""A daemon under attack, seen by two healthy clients and by the operator: nobody notices, and no trace stays.

"No trace" is what threats.md asks of every attack: no traceback and no line at level error, memory and
descriptors back to where they were soon after, and a healthy client's round trip under 250 ms for 99 of 100 while
it lasts.

A round trip takes no longer than the daemon works meanwhile: what the machine does instead, because it is slow or
busy, is not the daemon's doing.  So that the daemon cannot just idle either, half of the round trips must be that
short by the clock on the wall.
"""

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from statistics import median
from struct import pack
from time import monotonic, sleep

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.events import Event, MessageArrived, Pong, Sent
from imserver.core.requests import MarkDelivered, Ping, SendTo
from imserver.core.values import Kind
from tests.end_to_end.daemon import TWISTD, Daemon
from tests.end_to_end.peer import Address, Gone, Peer
from tests.net.certificates import make_certificate

ROUND_TRIP_SECONDS = 0.25
BACK_SECONDS = 30.0
MEMORY_SHARE = 0.05
# Above this, RSS is not noise of the allocator: what one arena more costs is nobody's leak.
MEMORY_NOISE_BYTES = 2 * 1024 * 1024

CONFIG = """
[registration]
open = true
[tls.office]
cert = "office.crt"
key = "office.key"
[[listeners]]
wire = "native"
endpoint = "tcp:127.0.0.1:0"
[[listeners]]
wire = "native"
endpoint = "tcp:127.0.0.1:0"
tls = "office"
[[listeners]]
wire = "native"
endpoint = "tcp:127.0.0.1:0"
proxy_from = ["127.0.0.0/8"]
[[listeners]]
wire = "native"
endpoint = "tcp:127.0.0.1:0"
tls = "office"
proxy_from = ["127.0.0.0/8"]
[[listeners]]
wire = "status"
endpoint = "udp:127.0.0.1:0"
[limits]
"""


class Bystanders:
    """Alice pings the server and writes to bob all the time, well within the rates; each round trip is timed.

    `worked()`: the CPU seconds of the daemon so far.
    """

    PAUSE_SECONDS = 0.02
    PINGS_FOR_A_MESSAGE = 8

    def __init__(self, address: Address, worked: Callable[[], float]) -> None:
        self.delays: list[float] = []  # by the clock
        self.efforts: list[float] = []  # how much of that the daemon worked, on all that it had to do
        self._worked = worked
        self._sent = 0
        self.alice, self.bob = Peer(address), Peer(address)
        for peer, name in ((self.alice, "alice"), (self.bob, "bob")):
            peer.register(name)
            peer.log_in(name)
        self._ended = threading.Event()
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """From now on they talk, in a thread."""
        self.delays, self.efforts = [], []
        self._ended.clear()
        self._thread = threading.Thread(target=self._talk, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """They have talked; raises what went wrong."""
        self._ended.set()
        assert self._thread is not None
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """They leave."""
        self.alice.close()
        self.bob.close()

    @property
    def p99_seconds(self) -> float:
        """How long 99 of 100 round trips took at most, without what the machine did instead."""
        taken = sorted(map(min, self.delays, self.efforts))
        return taken[len(taken) * 99 // 100]

    def _talk(self) -> None:
        try:
            while True:
                self._time(self.ping)
                if len(self.delays) % self.PINGS_FOR_A_MESSAGE == 0:
                    self._time(self.chat)
                if self._ended.wait(self.PAUSE_SECONDS):
                    return
        except BaseException as failure:
            self._failure = failure

    def _time(self, act: Callable[[], None]) -> None:
        began, worked = monotonic(), self._worked()
        act()
        self.delays.append(monotonic() - began)
        self.efforts.append(self._worked() - worked)

    def ping(self) -> None:
        """There and back."""
        self.alice.expect(Ping(), Pong)

    def chat(self) -> None:
        """A message, on disk and at the other one."""
        self._sent += 1
        self.alice.expect(SendTo("bob", b"%d" % self._sent, Kind.TEXT, "", b"still there?"), Sent)
        while not isinstance(event := self.bob.hear()[1], MessageArrived):
            pass
        self.bob.tell(MarkDelivered(event.message.conversation, event.message.seq))


class Siege(SynchronousTestCase):
    """The steps that attacks are made of; `plain`, `tls`, `proxied` and `proxied_tls` are addresses."""

    def begin(self, limits: str = "", config: str = CONFIG, command: Iterable[str] = TWISTD) -> None:
        """A daemon with a listener of each kind, and two healthy clients; `limits` are lines of that table."""
        self.daemon = Daemon(self, config=config + limits, listen=[], command=command)
        self.certificate, _ = make_certificate(self.daemon.folder, "office")
        self.daemon.start()
        self.plain, self.tls, self.proxied, self.proxied_tls = self.daemon.listeners()
        self.bystanders = Bystanders(self.plain, self.daemon.cpu_seconds)
        self.addCleanup(self.bystanders.close)

    @contextmanager
    def unnoticed(self, grown_bytes: float = 0.0) -> Iterator[None]:
        """What happens inside disturbs nobody and leaves no trace; memory may stay larger by `grown_bytes`."""
        memory, descriptors = self.daemon.resident_bytes(), self.descriptors()
        most = memory + max(memory * MEMORY_SHARE, MEMORY_NOISE_BYTES, grown_bytes)
        self.bystanders.start()
        try:
            yield
        finally:
            self.bystanders.stop()
        self.wait_until(lambda: self.descriptors() <= descriptors)
        self.wait_until(lambda: self.daemon.resident_bytes() <= most)
        self.assert_no_errors()
        self.assertLess(self.bystanders.p99_seconds, ROUND_TRIP_SECONDS)
        self.assertLess(median(self.bystanders.delays), ROUND_TRIP_SECONDS)

    def descriptors(self) -> int:
        """How many files and sockets the daemon has open."""
        return len(list(Path(f"/proc/{self.daemon.pid}/fd").iterdir()))

    def wait_until(self, done: Callable[[], bool], seconds: float = BACK_SECONDS) -> None:
        """Fails if it does not come true in time."""
        end = monotonic() + seconds
        while not done():
            if monotonic() > end:
                self.fail(
                    f"not within {seconds} s: {self.descriptors()} descriptors, "
                    f"{self.daemon.resident_bytes() / 2**20:.1f} MiB"
                )
            sleep(0.05)

    def assert_no_errors(self) -> None:
        """The log has neither tracebacks nor lines at level error or above."""
        self.daemon.assert_clean()
        self.assertEqual([event for event in self.daemon.events() if event["level"] == "error"], [])

    # -- ways in

    def peer(
        self, address: Address, first: bytes = b"", tls: bool = False, receive_buffer_bytes: int = 0
    ) -> Peer:
        """A client of the native wire that says `first`, such as a PROXY header, before anything else."""
        peer = Peer(address, receive_buffer_bytes=receive_buffer_bytes)
        self.addCleanup(peer.close)
        peer.socket.sendall(first)
        if tls:
            peer.socket = trusting(self.certificate).wrap_socket(peer.socket, server_hostname="localhost")
        return peer


def proxy_line(source: str) -> bytes:
    """What a proxy says of a client at that IPv4 address."""
    return f"PROXY TCP4 {source} 127.0.0.1 1 2\r\n".encode()


def trusting(certificate: Path) -> ssl.SSLContext:
    """What a client that trusts this certificate uses."""
    return ssl.create_default_context(cafile=str(certificate))


def reset(peer: Peer) -> None:
    """Close with a RST."""
    peer.socket.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
    peer.close()


def rest(peer: Peer) -> list[Event]:
    """All events until the server closes, which it must."""
    events: list[Event] = []
    try:
        while True:
            events.append(peer.hear()[1])
    except Gone:
        return events
