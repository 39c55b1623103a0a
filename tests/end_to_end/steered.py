"""twistd with a wall clock and a disk that are not what they should be, as a file says: `python -m ... FILE`.

The file holds a JSON object with the fields of `Faults`; it is read anew each time.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(slots=True, frozen=True)
class Faults:
    """`shift_seconds`: of the wall clock; `sync_seconds`: how much longer each sync takes.

    `wall_clock_timers`, looked at when the daemon starts: timers follow the wall clock, too.  That is a
    mutant, which the drills must catch.
    """

    shift_seconds: float = 0.0
    sync_seconds: float = 0.0
    wall_clock_timers: bool = False

    def write(self, file: Path) -> None:
        """From now on these; all at once."""
        new = file.with_suffix(".new")
        new.write_text(json.dumps(asdict(self)))
        new.replace(file)


def read(file: Path) -> Faults:
    """What holds now."""
    return Faults(**json.loads(file.read_text()))


def command(file: Path) -> tuple[str, ...]:
    """In place of twistd's, for Daemon."""
    return sys.executable, "-m", __name__, str(file)


def _shifted(file: Path, seconds: Callable[[], float]) -> Callable[[], float]:
    return lambda: seconds() + read(file).shift_seconds


def _delayed(file: Path, sync: Callable[[int], None]) -> Callable[[int], None]:
    def delayed(descriptor: int) -> None:
        time.sleep(read(file).sync_seconds)
        sync(descriptor)

    return delayed


def main() -> None:
    """Before anything of Twisted or the daemon is imported, which would keep the true functions."""
    file = Path(sys.argv.pop(1))
    time.time = _shifted(file, time.time)
    if read(file).wall_clock_timers:
        time.monotonic = time.time
    os.fdatasync = _delayed(file, os.fdatasync)  # type: ignore[assignment]
    from twisted.scripts.twistd import run

    run()


if __name__ == "__main__":
    main()
