"""Tells systemd how the daemon is (sd_notify(3)): a datagram to the socket named in $NOTIFY_SOCKET."""

import socket
from collections.abc import Callable, Mapping

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

# A supervisor that does not read must not stop the daemon with it.
_PATIENCE_SECONDS = 0.1


class Notify:
    """Does nothing unless systemd asked for it."""

    _log = Logger()

    def __init__(self, environment: Mapping[str, str], clock: IReactorTime, process: int) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        # "@" stands for the zero byte of an abstract address.
        self._address = f"\0{path[1:]}" if path.startswith("@") else path
        self._clock = clock
        if environment.get("WATCHDOG_PID", str(process)) == str(process):
            self._watchdog_seconds = int(environment.get("WATCHDOG_USEC", "0")) / 1_000_000
        else:
            self._watchdog_seconds = 0.0

    def ready(self, status: str) -> None:
        """All listeners are up, or a reload has ended."""
        self._send("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """A reload begins; `ready` ends it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={int(self._clock.seconds() * 1_000_000)}")

    def stopping(self, seconds: float) -> None:
        """The daemon drains and may take that long."""
        self._send("STOPPING=1", f"EXTEND_TIMEOUT_USEC={int(seconds * 1_000_000)}")

    def start_watchdog(self, status: Callable[[], str], is_alive: Callable[[], bool]) -> None:
        """Send signs of life, with a fresh status, three times as often as systemd expects them.

        The reactor lives if this is called, everything else if `is_alive` says so; without signs of life
        systemd ends the daemon with SIGABRT, at which it writes all its stacks, and starts it anew.
        """

        def beat() -> None:
            if is_alive():
                self._send("WATCHDOG=1", f"STATUS={status()}")
            else:
                self._log.error("something hangs: no sign of life for systemd")

        if self._watchdog_seconds:
            beats = LoopingCall(beat)
            beats.clock = self._clock
            beats.start(self._watchdog_seconds / 3)

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(_PATIENCE_SECONDS)
                sender.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            # The daemon serves people; that nobody supervises it is no reason to stop.
            self._log.failure("cannot tell systemd {lines}", lines=lines)
