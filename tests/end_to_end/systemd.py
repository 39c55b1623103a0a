"""As much of systemd as a daemon notices: sockets that outlive it, and somebody who listens to its sd_notify.

As a program, in place of twistd: DESCRIPTOR=NAME ... -- COMMAND ..., which becomes COMMAND with those
descriptors as sd_listen_fds(3) has them, from 3 on.
"""

import fcntl
import os
import socket
import sys
from collections.abc import Iterable
from unittest import TestCase

from tests.end_to_end.daemon import TWISTD, Daemon
from tests.end_to_end.peer import Address

FIRST = 3
WAIT_SECONDS = 60.0
BACKLOG = 4096
STREAMS = ("native", "gogotalk", "telnet")


class Systemd:
    """Holds a socket for each wire that listens by default, and makes daemons that are given them: no port is fixed."""

    def __init__(self, case: TestCase) -> None:
        self._case = case
        self.sockets = {
            **{wire: socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) for wire in STREAMS},
            "status": socket.socket(type=socket.SOCK_DGRAM),
        }
        self.sockets["status"].bind(("127.0.0.1", 0))
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        for each in (*self.sockets.values(), self._notify):
            case.addCleanup(each.close)

    def address(self, name: str = "native") -> Address:
        """Where a socket listens."""
        host, port = self.sockets[name].getsockname()
        return host, port

    def daemon(self, config: str = "", watchdog_seconds: float = 0.0) -> Daemon:
        """One that is activated by the sockets and tells how it is; not started."""
        given = {name: each.fileno() for name, each in self.sockets.items()}
        command = (
            sys.executable,
            "-m",
            __name__,
            *(f"{n}={name}" for name, n in given.items()),
            "--",
            *TWISTD,
        )
        daemon = Daemon(self._case, config=config, listen=(), command=command, descriptors=given.values())
        path = daemon.folder / "notify"
        self._notify.bind(str(path))
        self._notify.settimeout(WAIT_SECONDS)
        daemon.environment["NOTIFY_SOCKET"] = str(path)
        if watchdog_seconds:
            daemon.environment["WATCHDOG_USEC"] = str(int(watchdog_seconds * 1_000_000))
        return daemon

    def heard(self) -> dict[str, str]:
        """What the daemon says next.  Raises TimeoutError."""
        lines = self._notify.recv(4096).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)


def become(given: Iterable[str], command: list[str]) -> None:
    """Replace this process."""
    # First out of the way, so that none takes another's place.
    pairs = [
        (fcntl.fcntl(int(n), fcntl.F_DUPFD, 100), name)
        for n, _, name in (each.partition("=") for each in given)
    ]
    for place, (descriptor, _) in enumerate(pairs, FIRST):
        os.dup2(descriptor, place)
        os.close(descriptor)
    names = ":".join(name for _, name in pairs)
    os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(pairs)), "LISTEN_FDNAMES": names}
    os.execvp(command[0], command)


if __name__ == "__main__":
    split = sys.argv.index("--")
    become(sys.argv[1:split], sys.argv[split + 1 :])
