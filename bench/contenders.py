"""Who takes part in the comparison: imserver over each of its wires, and the others."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.idle import Footprint, logged_in
from bench.load import Load, Stream
from bench.rivals import RIVALS, Running
from bench.server import daemon, prepare
from bench.targets import PAIRS, native_pairs
from bench.xmpp import Xmpp
from tests.end_to_end.peer import Address

IDLE = 1000


class Wire(Protocol):
    """How the generator talks to a server."""

    def pairs(self, load: Load, address: Address, count: int) -> list[Stream]:
        """`count` streams, each from one person to another."""

    def idle(self, address: Address, pid: int, count: int) -> Footprint:
        """What that many people cost who are there and silent."""


class Native:
    """imserver's own wire; the accounts have been prepared."""

    def pairs(self, load: Load, address: Address, count: int) -> list[Stream]:
        """See Wire."""
        return native_pairs(load, address, count)

    def idle(self, address: Address, pid: int, count: int) -> Footprint:
        """See Wire."""
        return logged_in(address, pid, count)


@dataclass(slots=True, frozen=True)
class Contender:
    """A server and how it is talked to; `serve` runs it over a folder."""

    name: str
    packages: tuple[str, ...]
    serve: Callable[[Path], AbstractContextManager[Running]]
    wire: Wire


@contextmanager
def _imserver(folder: Path) -> Iterator[Running]:
    own = folder / "imserver"
    if not own.exists():
        own.mkdir()
        prepare(own, max(IDLE, 2 * PAIRS))
    with daemon(own) as process:
        yield Running(process.pid, process.address())


NATIVE = Contender("imserver, native", (), _imserver, Native())
OTHERS = tuple(Contender(rival.name, rival.packages, rival.serve, Xmpp()) for rival in RIVALS)
OURS = (NATIVE,)
CONTENDERS = (*OURS, *OTHERS)
