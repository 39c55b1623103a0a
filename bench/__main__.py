"""`python -m bench`: what the server costs, beside the bare relay, in one run; exit status 1 if it is too much.

Ratios hold, absolute numbers do not.  The relay and the server take turns three times; the worst turn counts.
"""

import argparse
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.cells import measure
from bench.idle import Footprint, logged_in, strangers
from bench.report import MILLI, Comparison, Requirement, table
from bench.server import NotADisk, daemon, data_folder, prepare
from bench.syncs import Syncs
from bench.targets import GROUP_RECEIVERS, PEOPLE, Relay, Target, server

TURNS = 3
CELL_SECONDS, QUICK_CELL_SECONDS = 8.0, 1.5
IDLE, QUICK_IDLE = 5000, 1000
SHARES = {1: 0.35, 10: 0.25, 100: 0.20}  # in flight per pair: of the relay's messages per CPU second
FAN_OUT_SHARES = {
    1: 0.5,
    10: None,
}  # as above; with ten in flight most of the relay's writes are joined by the kernel
IDLE_KIBIBYTES, EMPTY_MEBIBYTES = 12.0, 70.0
DELAY_MS = 5.0  # beyond two syncs, with one in flight
KIBI = 1024


def main(arguments: list[str]) -> int:
    """Measure, print, judge; -> the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter, for a first impression")
    parser.add_argument("--folder", type=Path, default=Path(), help="on the disk to use (default: here)")
    options = parser.parse_args(arguments)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        requirements = list(_run(options.folder, options.quick))
    except NotADisk as error:
        print(error, file=sys.stderr)
        return 1
    print(*requirements, sep="\n")
    return 0 if all(requirement.holds for requirement in requirements) else 1


def _run(where: Path, quick: bool) -> Iterator[Requirement]:
    with data_folder(where) as folder:
        idle = QUICK_IDLE if quick else IDLE
        prepare(folder, max(idle, PEOPLE))
        yield from _memory(folder, idle)
        yield from _load(folder, QUICK_CELL_SECONDS if quick else CELL_SECONDS)


# -- memory --------------------------------------------------------------------------------------------


def _memory(folder: Path, count: int) -> Iterator[Requirement]:
    with daemon(folder) as server:
        known = logged_in(server.address(), server.pid, count)
    with daemon(folder) as server:
        unknown = strangers(server.address(), server.pid)
    yield Requirement(
        "MiB of memory without a connection", known.empty_bytes / KIBI**2, EMPTY_MEBIBYTES, True
    )
    for what, footprint in (("logged in", known), ("not logged in", unknown)):
        yield _each(what, footprint)


def _each(what: str, footprint: Footprint) -> Requirement:
    title = f"KiB for each of {footprint.connections} idle connections, {what}"
    return Requirement(title, footprint.bytes_each / KIBI, IDLE_KIBIBYTES, True)


# -- load ----------------------------------------------------------------------------------------------


def _load(folder: Path, seconds: float) -> Iterator[Requirement]:
    pairs = {window: Comparison(f"{window} in flight", share) for window, share in SHARES.items()}
    fan_outs = {
        window: Comparison(f"one to {GROUP_RECEIVERS}, {window} in flight", share)
        for window, share in FAN_OUT_SHARES.items()
    }
    comparisons = [*pairs.values(), *fan_outs.values()]
    with Relay() as relay, daemon(folder) as process:
        target = server(process.address(), process.pid)
        for _ in range(TURNS):
            for window, comparison in pairs.items():
                for each in (relay, target):
                    _measure(comparison, each, window, seconds)
            for window, comparison in fan_outs.items():
                for each in (relay, target):
                    _measure_fan_out(comparison, each, window, seconds)
        memory = process.resident_bytes()
        target.load.close()
    syncs = Syncs.of(process)
    print(*table(comparisons), sep="\n")
    print(f"server memory after the load: {memory / KIBI**2:.0f} MiB; {syncs}")
    for comparison in comparisons:
        yield from comparison.requirements
    p50 = max(cell.to_arrival[0] for cell in pairs[1].server) * MILLI
    yield Requirement("ms p50, 1 in flight", p50, 2 * syncs.mean_ms + DELAY_MS, True)


def _measure(comparison: Comparison, target: Target, window: int, seconds: float) -> None:
    cell = measure(target.load, target.pairs, window, target.pid, seconds)
    comparison.of(target.name).append(cell)


def _measure_fan_out(comparison: Comparison, target: Target, window: int, seconds: float) -> None:
    cell = measure(target.load, [target.fan_out], window, target.pid, seconds, GROUP_RECEIVERS)
    comparison.of(target.name).append(cell)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
