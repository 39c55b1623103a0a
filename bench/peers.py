"""`python -m bench.peers`: imserver beside other chat servers, the same work in one run; `make bench-peers`.

Fifty pairs, bodies of 100 bytes, every message checked.  imserver has each message on disk before it delivers it; of
the others only "with archive" stores any.  Ratios hold, absolute numbers do not.
"""

import argparse
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.cells import Cell, measure
from bench.contenders import CONTENDERS, IDLE, OURS, Contender
from bench.idle import Footprint
from bench.load import BrokenPromise, Load
from bench.measure import family, rss_bytes
from bench.packages import CannotInstall, install
from bench.report import MILLI, Requirement
from bench.rivals import EJABBERD
from bench.server import NotADisk, data_folder
from bench.targets import PAIRS

WINDOWS = (1, 10, 100)
AHEAD_AT = (10, 100)  # in flight: there imserver must be ahead of ejabberd without an archive
TURNS = 2
CELL_SECONDS, QUICK_CELL_SECONDS = 2.5, 0.5
QUICK_IDLE = 100
MEBI, KIBI = 1024**2, 1024


@dataclass(slots=True)
class Measured:
    """What came of one contender."""

    idle: Footprint
    loaded_bytes: int = 0
    cells: dict[int, list[Cell]] = field(default_factory=dict)  # window -> one a turn

    def per_cpu_second(self, window: int) -> list[float]:
        """Messages delivered per second of the server's CPU time, one for each turn."""
        return [cell.per_cpu_second for cell in self.cells[window]]


def main(arguments: list[str]) -> int:
    """Install what is missing, measure, print, judge; -> the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter, for a first impression")
    parser.add_argument("--folder", type=Path, default=Path(), help="on the disk to use (default: here)")
    parser.add_argument(
        "--only", action="append", choices=[each.name for each in CONTENDERS], help="repeatable"
    )
    options = parser.parse_args(arguments)
    chosen = [each for each in CONTENDERS if not options.only or each.name in options.only]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        install([package for each in chosen for package in each.packages])
        measured = _measure_all(chosen, options.folder, options.quick)
    except (CannotInstall, NotADisk) as error:
        print(error, file=sys.stderr)
        return 1
    requirements = list(_requirements(measured))
    print(*requirements, sep="\n")
    return 0 if all(requirement.holds for requirement in requirements) else 1


def _measure_all(chosen: list[Contender], where: Path, quick: bool) -> dict[str, Measured]:
    measured = {}
    print(_HEAD)
    for each in chosen:
        try:
            with data_folder(where) as folder:
                measured[each.name] = _measure(each, folder, quick)
        except BrokenPromise as broken:
            if each in OURS:
                raise
            print(f"{each.name:24}{broken}", flush=True)
        else:
            print(*_lines(each.name, measured[each.name]), sep="\n", flush=True)
    return measured


def _measure(contender: Contender, folder: Path, quick: bool) -> Measured:
    with contender.serve(folder) as server:
        idle = contender.wire.idle(server.address, server.pid, QUICK_IDLE if quick else IDLE)
    measured = Measured(idle)
    with contender.serve(folder) as server:
        load = Load()
        pairs = contender.wire.pairs(load, server.address, PAIRS)
        for _ in range(1 if quick else TURNS):
            for window in WINDOWS:
                cell = measure(load, pairs, window, server.pid, QUICK_CELL_SECONDS if quick else CELL_SECONDS)
                measured.cells.setdefault(window, []).append(cell)
        measured.loaded_bytes = sum(map(rss_bytes, family(server.pid)))
        load.close()
    return measured


_HEAD = (
    f"{'':24}{'in flight':>10} {'msg/s':>9} {'msg/CPU-s':>10} {'recv p50':>9} {'p99 ms':>8}"
    f" {'server':>7} {'generator':>9}"
)


def _lines(name: str, measured: Measured) -> Iterator[str]:
    for window, cells in measured.cells.items():
        for cell in cells:
            p50, p99 = (seconds * MILLI for seconds in cell.to_arrival)
            yield (
                f"{name:24}{window:10} {cell.per_second:9.0f} {cell.per_cpu_second:10.0f} {p50:9.2f} {p99:8.2f}"
                f" {cell.server_load:7.2f} {cell.generator_load:9.2f}"
            )
    yield (
        f"{name:24}memory: {measured.idle.empty_bytes / MEBI:.0f} MiB alone, {measured.loaded_bytes / MEBI:.0f} MiB"
        f" after the load, {measured.idle.bytes_each / KIBI:.1f} KiB for each of {measured.idle.connections} idle"
    )


def _requirements(measured: dict[str, Measured]) -> Iterator[Requirement]:
    ours = [each.name for each in OURS if each.name in measured]
    for name in ours if EJABBERD.name in measured else ():
        for window in AHEAD_AT:
            what = f"messages per CPU second, {name} / {EJABBERD.name}, {window} in flight"
            yield Requirement(what, _share(measured[name], measured[EJABBERD.name], window), 1.0)


def _share(one: Measured, other: Measured, window: int) -> float:
    """The worst turn of the one in the best of the other."""
    return min(one.per_cpu_second(window)) / max(other.per_cpu_second(window))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
