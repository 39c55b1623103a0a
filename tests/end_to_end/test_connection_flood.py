"""T4: floods of connections on a thousand descriptors: who is logged in notices nothing, nor does the log's reader."""

import contextlib
import signal
import socket
from collections.abc import Callable
from time import monotonic

from tests.end_to_end.daemon import TWISTD
from tests.end_to_end.drill import DEEP
from tests.end_to_end.siege import Siege, proxy_line

CONNECTIONS = 5_000 if DEEP else 2_000
DESCRIPTORS = 1024
FEW_DESCRIPTORS = ("sh", "-c", f'ulimit -n {DESCRIPTORS}; exec "$@"', "sh", *TWISTD)
# The other half is for everything else.
MOST_ADMITTED = DESCRIPTORS // 2
FROM_ONE_ADDRESS = 16
MAX_LINES = 100
LINES_PER_SECOND = 2
# Shorter than any deadline by which the daemon would get rid of them.
SECONDS = 15.0
PATIENT = "login_seconds = 600\nproxy_header_seconds = 600\n"
NO_LIMITS = (
    PATIENT + "unauthenticated_per_address = 10000\nconnections_per_address = 10000\nconnects_burst = 10000\n"
)


class FloodTests(Siege):
    def test_one_address(self) -> None:
        """Of thousands of connections from one address sixteen stay; the others are closed at once."""
        self.begin(PATIENT, command=FEW_DESCRIPTORS)
        self.flood(lambda n: proxy_line("203.0.113.7"), FROM_ONE_ADDRESS)

    def test_many_addresses(self) -> None:
        """However many addresses they come from, half of the descriptors remain for everything else."""
        self.begin(PATIENT, command=FEW_DESCRIPTORS)
        self.flood(lambda n: proxy_line(f"198.51.{n // 250}.{n % 250}"), MOST_ADMITTED)

    def test_without_a_header(self) -> None:
        """Those who do not even say where they come from get no more."""
        self.begin(PATIENT, command=FEW_DESCRIPTORS)
        self.flood(lambda n: b"", MOST_ADMITTED)

    def test_without_limits(self) -> None:
        """Without the limits of one address it takes what all may have: the drill sees that."""
        self.begin(NO_LIMITS, command=FEW_DESCRIPTORS)
        self.assertRaises(
            self.failureException, self.flood, lambda n: proxy_line("203.0.113.7"), FROM_ONE_ADDRESS
        )

    def flood(self, first_words: Callable[[int], bytes], most: int) -> None:
        """Thousands connect, and stay if they may: `most` of them.  Few lines are logged."""
        lines, began = len(self.daemon.lines), monotonic()
        with self.unnoticed(), contextlib.ExitStack() as sockets:
            before = self.descriptors()
            for n in range(CONNECTIONS):
                with contextlib.suppress(ConnectionError):  # closed already, by a daemon that is full
                    sock = sockets.enter_context(socket.create_connection(self.proxied, 60.0))
                    sock.sendall(first_words(n))
            self.wait_until(lambda: self.descriptors() <= before + most, SECONDS)
            self.assert_files_can_be_opened()
        self.assertLess(len(self.daemon.lines) - lines, MAX_LINES + LINES_PER_SECOND * (monotonic() - began))

    def assert_files_can_be_opened(self) -> None:
        """A reload reads the configuration and the certificates."""
        lines = len(self.daemon.lines)
        self.daemon.signal(signal.SIGHUP)
        self.daemon.wait_for("reloaded limits and certificates", since=lines)
