"""The server under measurement: a real daemon with rates lifted and nothing else, its data on a real disk."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import TestCase

from bench.measure import filesystem
from tests.end_to_end.daemon import Daemon

CONFIG = "[limits]\nenabled = false\n"
_IN_MEMORY = ("tmpfs", "ramfs")


class NotADisk(Exception):
    """Syncs there would cost nothing, and the figures would mean nothing."""


@contextmanager
def data_folder(where: Path) -> Iterator[Path]:
    """A temporary folder there.  Raises NotADisk if that is memory."""
    kind = filesystem(where)
    if kind in _IN_MEMORY:
        raise NotADisk(f"{where} lies on {kind}: choose a folder on a disk with --folder")
    with tempfile.TemporaryDirectory(prefix="imserver-bench-", dir=where.resolve()) as folder:
        yield Path(folder)


@contextmanager
def daemon(folder: Path, wire: str = "native") -> Iterator[Daemon]:
    """The daemon over that folder with one wire, stopped at the end.  Raises AssertionError with its log if it fails."""
    case = TestCase()
    server = Daemon(case, folder=folder, config=CONFIG, listen=[f"{wire}=tcp:127.0.0.1:0"])
    try:
        yield server.start()
        if server.stop() != 0:
            case.fail(f"the daemon failed:\n{server.text}")
        server.assert_clean()
    finally:
        case.doCleanups()


def prepare(folder: Path, people: int) -> None:
    """Fill the daemon's data folder with accounts while no daemon runs."""
    command = [sys.executable, "-m", "bench.prepare", str(folder / "data"), str(people)]
    subprocess.run(command, check=True)
