"""A drill: a real daemon, a crowd that talks to it, something terrible, and the oracle's verdict."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterable
from pathlib import Path
from random import SystemRandom

from twisted.trial.unittest import SynchronousTestCase

from tests.end_to_end.crowd import Crowd, read_log
from tests.end_to_end.daemon import TWISTD, Daemon
from tests.end_to_end.peer import Address
from tests.history import Entry, Finding, Record

DEEP = os.environ.get("IMSERVER_DEEP") == "1"
# Fifty people who talk without pause would run into the rates at once.
CONFIG = "[limits]\nenabled = false\n"
GONE_SECONDS = 60.0


class Drill(SynchronousTestCase):
    """The steps that drills are made of."""

    def setUp(self) -> None:
        self.seed = int(os.environ.get("IMSERVER_SEED") or SystemRandom().randrange(2**32))
        print(f" IMSERVER_SEED={self.seed}", end=" ", flush=True)

    # -- the daemon

    def prepare(self, data: Path | None = None, command: Iterable[str] = TWISTD, limits: str = "") -> None:
        """A daemon without data, not started; `limits` are further lines of that table."""
        self.daemon = Daemon(self, config=CONFIG + limits, command=command)
        self.daemon.data = data or self.daemon.data

    @property
    def address(self) -> Address:
        """Where the daemon listens."""
        return self.daemon.address()

    def start(
        self,
        people: int,
        groups: int,
        size: int = 0,
        think_seconds: float = 0.15,
        data: Path | None = None,
        command: Iterable[str] = TWISTD,
    ) -> float:
        """A new daemon and a new crowd that is connected to it; -> the CPU seconds until it was ready."""
        self.prepare(data, command)
        spent = self.daemon.start().cpu_seconds()
        self.crowd = Crowd(self.seed, think_seconds, size)
        self.crowd.found(self.address, people, groups)
        self.crowd.connect(self.address)
        return spent

    def restart(self, crash_at: str = "") -> float:
        """Start it again, and let the crowd in; -> the CPU seconds until it was ready."""
        self.daemon.environment["IMSERVER_CRASH_AT"] = crash_at
        spent = self.daemon.start().cpu_seconds()
        self.crowd.started()
        self.crowd.connect(self.address)
        return spent

    def kill(self) -> None:
        """kill -9; what had reached the crowd before is read."""
        self.daemon.kill()
        self.has_stopped()

    def has_stopped(self) -> None:
        """The daemon is gone, and so are all connections."""
        self.crowd.stopped()
        self.crowd.listen_until(lambda: not self.crowd.connected, GONE_SECONDS)

    # -- the verdict

    def log(self) -> list[Entry]:
        """Every message in the data folder of a stopped daemon, which must be sound.

        Of a copy, because to read is to recover, and that is the daemon's task.
        """
        with tempfile.TemporaryDirectory() as folder:
            for file in self.daemon.data.glob("imserver.db*"):
                shutil.copy(file, folder)
            return read_log(Path(folder) / "imserver.db")

    def nothing_is_amiss(self) -> None:
        """Let everybody catch up, stop the daemon, and the oracle has nothing to say."""
        self.assertEqual(self.findings(), [])

    def findings(self) -> list[Finding]:
        """Let everybody catch up, stop the daemon and ask the oracle."""
        self.crowd.settle()
        self.daemon.signal(signal.SIGTERM)
        self.has_stopped()
        self.assertEqual(self.daemon.wait(), 0)
        self.daemon.assert_clean()
        return self.crowd.findings(self.log())

    def count(self, kind: type[Record]) -> int:
        """How many records of that kind the crowd wrote down."""
        return sum(isinstance(record, kind) for record in self.crowd.history)
