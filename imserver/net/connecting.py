"""What the connections of one listener share, and how they are made."""

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.protocol import Factory

from imserver.core.core import Core
from imserver.core.limits import Limits
from imserver.net.connection import Connection
from imserver.net.connections import Connections
from imserver.net.dialect import Dialect
from imserver.net.dialogue import Dialogues
from imserver.net.gate import Gate
from imserver.net.piecemeal import PiecemealConnection
from imserver.net.projection import Projection


class ConnectionFactory(Factory):
    """Connections of one listener; they share its dialect, or hold dialogues of one class."""

    noisy = False

    def __init__(
        self,
        core: Core,
        dialect: Dialect | Dialogues,
        gate: Gate,
        connections: Connections,
        limits: Callable[[], Limits],
        clock: Any,
    ) -> None:
        self.core = core
        self.dialect: Dialect | Dialogues = dialect
        self.decode: Any = None  # where dialogues take the frames
        self._connection: Callable[[ConnectionFactory], Connection] = Connection
        if isinstance(dialect, Dialogues) and dialect.apart is not None:
            self._connection = partial(PiecemealConnection, apart=dialect.apart)
        if isinstance(dialect, Dialect):
            self.decode = dialect.codec.decode  # looked up once
            self.dialect = dialect.through(Projection(dialect.capabilities, core.projections))
        self.gate = gate
        self.connections = connections
        self.limits = limits
        self.clock = clock

    def buildProtocol(self, addr: Any) -> Connection:
        """A connection that does not know its client yet."""
        return self._connection(self)
