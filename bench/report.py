"""What came of a run: the table, and which of the required figures hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.cells import Cell

MILLI = 1000.0


@dataclass(slots=True, frozen=True)
class Requirement:
    """A figure and its bound: at least `bound`, or at most if `at_most`."""

    what: str
    value: float
    bound: float
    at_most: bool = False

    @property
    def holds(self) -> bool:
        """Whether the figure is good enough."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    def __str__(self) -> str:
        sign = "<=" if self.at_most else ">="
        return f"{'ok  ' if self.holds else 'FAIL'}  {self.what}: {self.value:.2f} (required {sign} {self.bound:g})"


@dataclass(slots=True)
class Comparison:
    """The same load through the server and through the relay, in turns."""

    what: str
    required_share: float | None
    server: list[Cell] = field(default_factory=list)
    relay: list[Cell] = field(default_factory=list)

    @property
    def shares(self) -> list[float]:
        """The server's deliveries per CPU second in those of the relay, for each turn."""
        return [
            one.per_cpu_second / other.per_cpu_second
            for one, other in zip(self.server, self.relay, strict=True)
        ]

    @property
    def requirements(self) -> list[Requirement]:
        """The share that is required, if any; only what holds every time holds."""
        if self.required_share is None:
            return []
        return [Requirement(f"share of the relay, {self.what}", min(self.shares), self.required_share)]

    def of(self, name: str) -> list[Cell]:
        """Where the cells of "server" or "relay" go."""
        return self.server if name == "server" else self.relay


_HEAD = (
    f"{'':28}{'':8}{'msg/s':>9} {'msg/CPU-s':>10} {'ack p50':>9} {'p99 ms':>8} {'recv p50':>9} {'p99 ms':>8}"
    f" {'server':>7} {'generator':>9}"
)


def table(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """One line for each cell; the last two columns are CPU seconds per second."""
    yield _HEAD
    for comparison in comparisons:
        for relay, server, share in zip(comparison.relay, comparison.server, comparison.shares, strict=True):
            yield _line(comparison.what, "relay", relay)
            yield f"{_line('', 'server', server)}   share {share:.2f}"


def _line(what: str, name: str, cell: Cell) -> str:
    ack50, ack99 = (seconds * MILLI for seconds in cell.to_ack)
    p50, p99 = (seconds * MILLI for seconds in cell.to_arrival)
    return (
        f"{what:28}{name:8}{cell.per_second:9.0f} {cell.per_cpu_second:10.0f}"
        f" {ack50:9.2f} {ack99:8.2f} {p50:9.2f} {p99:8.2f} {cell.server_load:7.2f} {cell.generator_load:9.2f}"
    )
