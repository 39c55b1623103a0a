"""How the cost of some work grows with its size, which is the same on every machine.

Linear work on eight times as much costs about eight times as much, quadratic work 64 times as much; seconds would
say how fast the machine is.
"""

from collections.abc import Callable
from time import process_time

TIMES = 8
RUNS = 5  # of which the cheapest counts, because nothing makes work cheaper than it is
# What eight times as much may cost: far from linear work, and from quadratic.
LINEAR = 3.0 * TIMES


def growth(work: Callable[[int], object], size: int) -> float:
    """How many times as much work(size) costs as work(size / 8)."""
    small, large = least_seconds(work, size // TIMES), least_seconds(work, size)
    return large / max(small, 1e-9)


def least_seconds(work: Callable[[int], object], size: int) -> float:
    """CPU seconds of the cheapest of a few runs."""
    return min(_seconds(work, size) for _ in range(RUNS))


def _seconds(work: Callable[[int], object], size: int) -> float:
    began = process_time()
    work(size)
    return process_time() - began
