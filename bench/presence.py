"""`python -m bench.presence`: does a crowd that comes online disturb those who chat?  Exit status 1 if it does.

Five thousand people with a hundred contacts each log in within thirty seconds, as in the morning, while a hundred
others chat.  In the end everybody must know of every contact.  Delays count from the moment at which a message was
due, so that a generator that was held up hides nothing.
"""

import argparse
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic

from bench.load import BrokenPromise, Load, Stream
from bench.measure import Latencies, cpu_seconds, rss_bytes
from bench.report import MILLI, Requirement
from bench.server import NotADisk, daemon, data_folder
from bench.targets import PAIRS, native_pairs
from bench.visitors import Visitor
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.peer import Address

PEOPLE, CONTACTS, SECONDS = 5000, 100, 30.0
QUICK_PEOPLE, QUICK_SECONDS = 1000, 6.0
MESSAGES_PER_SECOND = 200.0
TOLD_SECONDS = 20.0  # after the last one has come
P99_MS = 250.0
MEBI = 1024**2
_WAIT_SECONDS = 0.001


class Chat:
    """Streams that together carry MESSAGES_PER_SECOND, from now on."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self.streams = streams
        self._began = monotonic()
        self._written = 0

    def write(self, now: float) -> None:
        """What has become due."""
        while (due := self._began + self._written / MESSAGES_PER_SECOND) < now:
            stream = self.streams[self._written % len(self.streams)]
            stream.fill(stream.in_flight + 1, due)
            self._written += 1

    def delays(self) -> Latencies:
        """From due to arrived."""
        together = Latencies()
        for stream in self.streams:
            together.extend(stream.to_arrival)
        return together


def main(arguments: list[str]) -> int:
    """Measure, print, judge; -> the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.presence", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of them, for a first impression")
    parser.add_argument("--folder", type=Path, default=Path(), help="on the disk to use (default: here)")
    options = parser.parse_args(arguments)
    people, seconds = (QUICK_PEOPLE, QUICK_SECONDS) if options.quick else (PEOPLE, SECONDS)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        requirements = list(_measured(options.folder, people, seconds))
    except NotADisk as error:
        print(error, file=sys.stderr)
        return 1
    print(*requirements, sep="\n")
    return 0 if all(requirement.holds for requirement in requirements) else 1


def _measured(where: Path, people: int, seconds: float) -> Iterator[Requirement]:
    with data_folder(where) as folder:
        arguments = (str(folder / "data"), str(2 * PAIRS + people), str(CONTACTS))
        subprocess.run([sys.executable, "-m", "bench.acquainted", *arguments], check=True)
        with daemon(folder) as server:
            delays = _morning(server, people, seconds)
    p50, p99, longest = (delays.percentile(share) * MILLI for share in (0.5, 0.99, 1.0))
    print(f"the chat meanwhile: p50 {p50:.1f} ms, longest {longest:.1f} ms")
    yield Requirement("ms p99 of the chat meanwhile", p99, P99_MS, True)


def _morning(server: Daemon, people: int, seconds: float) -> Latencies:
    load = Load()
    streams = native_pairs(load, server.address(), PAIRS)
    before = cpu_seconds(server.pid)
    chat = Chat(streams)
    visitors = come(load, server.address(), people, seconds, chat)
    load.finish(streams, TOLD_SECONDS)
    spent = cpu_seconds(server.pid) - before
    events = sum(visitor.events for visitor in visitors)
    memory = rss_bytes(server.pid) / MEBI
    load.close()
    print(
        f"{people} people in {seconds:.0f} s: {events} events, {spent:.1f} s of the server's CPU, {memory:.0f} MiB"
    )
    return chat.delays()


def come(load: Load, address: Address, people: int, seconds: float, chat: Chat) -> list[Visitor]:
    """Those whose accounts come after the chat's, evenly; until everybody knows of every contact.  Raises BrokenPromise."""
    began = monotonic()
    visitors: list[Visitor] = []
    while len(visitors) < people or not all(visitor.sees(CONTACTS) for visitor in visitors):
        now = monotonic()
        if now > began + seconds + TOLD_SECONDS:
            raise BrokenPromise(f"after {TOLD_SECONDS:.0f} s not everybody knows of every contact")
        chat.write(now)
        if len(visitors) < min(1.0, (now - began) / seconds) * people:
            line = load.line(socket.create_connection(address))
            visitors.append(Visitor(line, 2 * PAIRS + len(visitors)))
        load.turn(now, _WAIT_SECONDS)
    return visitors


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
