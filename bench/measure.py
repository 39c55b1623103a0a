"""What the kernel says about a process and a folder, and percentiles."""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of the process so far, in steps of a clock tick (10 ms)."""
    # The second field is the program's name in brackets, which may hold anything.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def family(pid: int) -> list[int]:
    """The process and all its descendants."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for member in found:
        found += [child for child, parent in parents.items() if parent == member]
    return found


def rss_bytes(pid: int) -> int:
    """Resident memory of the process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(f"process {pid} has no memory any more")


def filesystem(folder: Path) -> str:
    """The type of the file system the folder lies on: ext4, tmpfs ..."""
    mounts = {}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        mounts[Path(where)] = kind
    resolved = folder.resolve()
    return next(mounts[place] for place in (resolved, *resolved.parents) if place in mounts)


@dataclass(slots=True)
class Latencies:
    """How long things took, in seconds; many may have taken equally long."""

    _counts: list[tuple[float, int]] = field(default_factory=list)

    def add(self, seconds: float, count: int) -> None:
        """`count` things took `seconds` each."""
        self._counts.append((seconds, count))

    def extend(self, other: "Latencies") -> None:
        """Take in another's."""
        self._counts.extend(other._counts)

    def clear(self) -> None:
        """Forget all."""
        self._counts.clear()

    def percentile(self, share: float) -> float:
        """The time within which that share (0 ... 1) was done; 0 without any."""
        left = share * sum(count for _, count in self._counts)
        for seconds, count in sorted(self._counts):
            left -= count
            if left <= 0:
                return seconds
        return 0.0
