"""`python -m bench.backup`: what a backup costs those who chat meanwhile, and how long it takes to have a server again.

Exit status 1 if either is too much.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic

from bench.load import BrokenPromise
from bench.report import MILLI, Requirement
from bench.server import NotADisk, daemon, data_folder, prepare
from bench.trickle import Trickle
from tests.end_to_end.operator import IMADMIN

PAIRS = 20
MESSAGES = 1_000_000
BEFORE_SECONDS = 5.0
P99_MS = 100.0
RESTORE_SECONDS = 60.0  # for verify and restore together


def main(arguments: list[str]) -> int:
    """Measure, print, judge; -> the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.backup", description=__doc__)
    parser.add_argument(
        "--messages", type=int, default=MESSAGES, help=f"in the database (default: {MESSAGES})"
    )
    parser.add_argument("--folder", type=Path, default=Path(), help="on the disk to use (default: here)")
    options = parser.parse_args(arguments)
    try:
        with data_folder(options.folder) as folder:
            requirements = list(_run(folder, options.messages))
    except (NotADisk, BrokenPromise) as error:
        print(error, file=sys.stderr)
        return 1
    print(*requirements, sep="\n")
    return 0 if all(requirement.holds for requirement in requirements) else 1


def _run(folder: Path, messages: int) -> Iterator[Requirement]:
    prepare(folder, 2 * PAIRS)
    fill = [sys.executable, "-m", "bench.fill", str(folder / "data"), str(PAIRS), str(messages)]
    subprocess.run(fill, check=True)
    file = folder / "backup.db"
    with daemon(folder) as server:
        trickle = Trickle(server.address(), PAIRS)
        end = monotonic() + BEFORE_SECONDS
        trickle.run(lambda: monotonic() < end)
        _report("without a backup", trickle)
        trickle.clear()
        seconds = _timed(folder, "backup", file, trickle.run)
        _report(f"while a backup runs ({seconds:.1f} s)", trickle)
        p99 = max(each.percentile(0.99) for each in (trickle.to_ack, trickle.to_arrival)) * MILLI
        trickle.close()
    yield Requirement(f"ms p99 while {messages} messages are backed up", p99, P99_MS, True)
    verify = _timed(folder, "verify", file)
    restore = _timed(folder / "restored", "restore", file)
    size = file.stat().st_size / 2**20
    print(f"{size:.0f} MiB: verified in {verify:.1f} s, verified and restored in {restore:.1f} s")
    yield Requirement("s to verify and to restore", verify + restore, RESTORE_SECONDS, True)


def _timed(
    folder: Path, command: str, file: Path, meanwhile: Callable[[Callable[[], bool]], None] | None = None
) -> float:
    """How long imadmin takes, and what is done meanwhile, as long as it runs."""
    words: Sequence[str] = (*IMADMIN, "--data", str(folder / "data"), command, str(file))
    began = monotonic()
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        if meanwhile is not None:
            meanwhile(lambda: process.poll() is None)
        status = process.wait()
    if status:
        raise BrokenPromise(f"imadmin {command} ended with {status}")
    return monotonic() - began


def _report(what: str, trickle: Trickle) -> None:
    for name, each in (("acknowledged", trickle.to_ack), ("arrived", trickle.to_arrival)):
        p50, p99, most = (each.percentile(share) * MILLI for share in (0.5, 0.99, 1.0))
        print(f"{what:36} {name:14} p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   longest {most:7.2f} ms")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
