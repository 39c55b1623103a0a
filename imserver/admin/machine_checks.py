"""What the doctor looks at besides the daemon's own files: the clock, and what the system lets the daemon have."""

import re
import resource
import time
from collections.abc import Iterator
from pathlib import Path

from imserver.admin.finding import Finding, fine, warning, wrong
from imserver.core.limits import Limits

SPARE_DESCRIPTORS = 512
_BUILT = 1_767_225_600  # 2026-01-01: no clock that is right shows an earlier time
_TOLERANCE_SECONDS = 60.0


def examine(folder: Path, limits: Limits, daemon: int) -> Iterator[Finding]:
    """`daemon` is its process, 0 if none runs; then the limits of this process stand for those it would have."""
    yield _clock(folder, time.time())
    yield _descriptors(_open_files(daemon), limits, daemon)


def _clock(folder: Path, now: float) -> Finding:
    if now < _BUILT:
        return wrong("the clock is years behind: set it, and have it kept by NTP")
    newest = max((path.lstat().st_mtime for path in folder.glob("*")), default=0.0)
    if newest > now + _TOLERANCE_SECONDS:
        return warning(
            f"files in {folder} are from the future: the clock was, or is, wrong; have it kept by NTP"
        )
    return fine("the clock is not behind what was written last")


def _open_files(daemon: int) -> int:
    if not daemon:
        return resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limits = Path(f"/proc/{daemon}/limits").read_text()
    found = re.search(r"^Max open files +\S+ +(\S+)", limits, re.MULTILINE)
    return int(found[1]) if found and found[1].isdigit() else resource.RLIM_INFINITY


def _descriptors(most: int, limits: Limits, daemon: int) -> Finding:
    whose = "the daemon" if daemon else "a daemon started from here"
    wanted = limits.max_connections + SPARE_DESCRIPTORS
    if most != resource.RLIM_INFINITY and most < wanted:
        return warning(
            f"{whose} may open {most} files, too few for max_connections = {limits.max_connections}: "
            f"set LimitNOFILE={wanted}"
        )
    return fine(f"{whose} may open as many files as max_connections needs")
