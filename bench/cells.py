"""One measured stretch of load, and the figures that come of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic, process_time

from bench.load import Load, Stream
from bench.measure import Latencies, cpu_seconds, family

WARM_UP_SECONDS = 0.7
DELIVERY_SECONDS = 60.0  # patience with slow servers, not a promise


@dataclass(slots=True, frozen=True)
class Cell:
    """What went through in `seconds`; `deliveries` counts a message once for each of its receivers."""

    deliveries: int
    seconds: float
    server_cpu_seconds: float
    generator_cpu_seconds: float
    to_ack: tuple[float, float]  # p50, p99 in seconds
    to_arrival: tuple[float, float]

    @property
    def per_second(self) -> float:
        """Deliveries per second."""
        return self.deliveries / self.seconds

    @property
    def per_cpu_second(self) -> float:
        """Deliveries per second of the server's CPU time."""
        return self.deliveries / self.server_cpu_seconds

    @property
    def server_load(self) -> float:
        """How busy the server was: 1.0 is one core."""
        return self.server_cpu_seconds / self.seconds

    @property
    def generator_load(self) -> float:
        """How busy the generator was: near 1.0 it may have been what limited the rate."""
        return self.generator_cpu_seconds / self.seconds


def measure(
    load: Load, streams: Sequence[Stream], window: int, pid: int, seconds: float, receivers: int = 1
) -> Cell:
    """Keep the windows full for `seconds`, then let everything arrive.  Raises BrokenPromise.

    The server is the process `pid` with its children.
    """
    load.run(streams, window, WARM_UP_SECONDS)
    for stream in streams:
        stream.to_ack.clear()
        stream.to_arrival.clear()
    before = _reading(streams, pid)
    load.run(streams, window, seconds)
    after = _reading(streams, pid)
    to_ack, to_arrival = _latencies(streams)
    load.finish(streams, DELIVERY_SECONDS)
    completed, lasted, server, generator = (end - start for start, end in zip(before, after, strict=True))
    return Cell(round(completed * receivers), lasted, server, generator, to_ack, to_arrival)


def _reading(streams: Sequence[Stream], pid: int) -> tuple[float, float, float, float]:
    completed = sum(stream.completed for stream in streams)
    return completed, monotonic(), sum(map(cpu_seconds, family(pid))), process_time()


def _latencies(streams: Sequence[Stream]) -> list[tuple[float, float]]:
    pairs = []
    for each in ([stream.to_ack for stream in streams], [stream.to_arrival for stream in streams]):
        together = Latencies()
        for latencies in each:
            together.extend(latencies)
        pairs.append((together.percentile(0.5), together.percentile(0.99)))
    return pairs
