"""A real daemon for tests: `twistd -n imserver` in a process of its own, on free loopback ports.

Everything here blocks, but not for ever: a daemon that neither starts nor ends is killed and the test fails with
its log.  How long that takes says nothing about the daemon, because the machine may be slow or busy with something
else; what the daemon itself costs is told by its own clock, `cpu_seconds`.  Ports are chosen by the system at the first start and kept over restarts.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from time import clock_gettime
from typing import Any
from unittest import TestCase

TWISTD = (sys.executable, "-c", "from twisted.scripts.twistd import run; run()")
ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 120.0
STOP_SECONDS = 120.0
# Of a process of that number, by the kernel's scheduler.
_ALL_THREADS = 2
READY = '"message": "ready"'
ANY_PORTS = ("native=tcp:127.0.0.1:0", "status=udp:127.0.0.1:0")


class Daemon:
    """`data` and `config` (text of a file) are kept in a temporary `folder`; `listen` becomes --listen options.

    `descriptors` stay open in the process.
    """

    def __init__(
        self,
        case: TestCase,
        *,
        config: str = "",
        listen: Iterable[str] = ANY_PORTS,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        command: Iterable[str] = TWISTD,
        descriptors: Iterable[int] = (),
    ) -> None:
        self._case = case
        if folder is None:
            temporary = TemporaryDirectory(prefix="imserver-", dir="/var/tmp")
            case.addCleanup(temporary.cleanup)
            folder = Path(temporary.name)
        self.folder = folder
        self.data = folder / "data"
        self.config = folder / "imserver.toml"
        self.config.write_text(config)
        self.listen = list(listen)
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
        self.command = tuple(command)
        self.descriptors = tuple(descriptors)
        self.lines: list[str] = []
        self.addresses: dict[str, str] = {}
        self._process: subprocess.Popen[str] | None = None
        self._news = threading.Condition()
        case.addCleanup(self._clean_up)

    # -- starting and stopping

    @property
    def arguments(self) -> list[str]:
        """The whole command line."""
        listen = [f"--listen={each}" for each in self.listen]
        return [
            *self.command,
            *("-n", "--pidfile=", "imserver", f"--config={self.config}", f"--data={self.data}", *listen),
        ]

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def launch(self) -> None:
        """Start the process and wait for nothing."""
        self._process = subprocess.Popen(
            self.arguments,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=self.descriptors,
            text=True,
            errors="replace",
        )
        self._ended = False
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()

    def start(self) -> "Daemon":
        """Start, and wait until every listener is up."""
        before = len(self.lines)
        self.launch()
        # Signals are handled from the moment the reactor runs, which it says last.
        self.wait_for(READY, since=before)
        for event in self.events(before):
            if "where" in event and "wire" in event:
                self.addresses[event["wire"]] = event["where"]
        self.listen = [self._with_port(each) for each in self.listen]
        return self

    def stop(self) -> int:
        """SIGTERM -> exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """SIGKILL."""
        self.signal(signal.SIGKILL)
        self.wait()

    def signal(self, number: int) -> None:
        """Send a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Wait for the end -> exit status, negative for a signal."""
        assert self._process is not None
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._case.fail(f"the daemon did not end within {seconds} s:\n{self.text}")
        with self._news:
            self._news.wait_for(lambda: self._ended, STOP_SECONDS)
        return status

    # -- what it says

    @property
    def text(self) -> str:
        """All it has written, over all starts."""
        return "\n".join(self.lines)

    def events(self, since: int = 0) -> list[dict[str, Any]]:
        """The log lines from number `since` on, decoded."""
        return [json.loads(line) for line in self.lines[since:] if line.startswith("{")]

    def wait_for(self, message: str, since: int = 0, seconds: float = START_SECONDS) -> str:
        """Wait for a line from number `since` on that contains `message` -> the line."""

        def found() -> list[str]:
            return [line for line in self.lines[since:] if message in line]

        with self._news:
            self._news.wait_for(lambda: found() or self._ended, seconds)
        if not found():
            self._case.fail(f'the daemon did not say "{message}":\n{self.text}')
        return found()[0]

    def address(self, wire: str = "native") -> tuple[str, int]:
        """Where a wire listens: (host, port)."""
        return _address(self.addresses[wire])

    def listeners(self, wire: str = "native") -> list[tuple[str, int]]:
        """Where each listener of a wire with several listens, in the order of the configuration."""
        return [_address(event["where"]) for event in self.events() if event.get("wire") == wire]

    def assert_clean(self) -> None:
        """Nothing went wrong that nobody caught."""
        for sign in ("Traceback", "Unhandled", '"level": "critical"'):
            self._case.assertNotIn(sign, self.text)

    # -- what it costs

    def resident_bytes(self) -> int:
        """Its memory (RSS)."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far, to the microsecond: clock_getcpuclockid(3)."""
        return clock_gettime((~self.pid << 3) | _ALL_THREADS)

    def _with_port(self, listen: str) -> str:
        wire, _, endpoint = listen.partition("=")
        if endpoint.endswith(":0"):
            return f"{wire}={endpoint.partition(':')[0]}:{self.addresses[wire]}"
        return listen

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()
        process.stdout.close()

    def _clean_up(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def _address(where: str) -> tuple[str, int]:
    host, _, port = where.rpartition(":")
    return host.strip("[]"), int(port)
