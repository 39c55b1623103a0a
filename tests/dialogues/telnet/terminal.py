"""A terminal in memory: what somebody types, and the lines that are shown."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imserver.wires.telnet import telnet
from tests.core.client import account
from tests.fakes import LIMITS, Peer, World


class Terminal:
    """Connected at once; `typed` gives the lines that a line brings."""

    def __init__(self, world: World, name: str = "", host: str = "192.0.2.1") -> None:
        self.world = world
        self.peer = Peer(world, telnet.dialect, host=host)
        world.settle()
        self.greeting = self.lines()
        if name:
            self.typed(f"login {name} secret")

    def raw(self) -> bytes:
        """What was written since the last look."""
        data = bytes(self.peer.received)
        self.peer.received.clear()
        return data

    def lines(self) -> list[str]:
        """The same, as lines."""
        return self.raw().decode().splitlines()

    def typed(self, line: str) -> list[str]:
        """Type a line; -> what comes of it."""
        self.peer.send(line.encode() + b"\r\n")
        return self.lines()

    @property
    def session(self) -> Any:
        return self.peer.protocol.session


class TelnetCase(SynchronousTestCase):
    limits = LIMITS

    def setUp(self) -> None:
        self.world = World(self.limits)
        self.numbers = {name: account(self.world, name) for name in ("alice", "bob", "carol")}

    def terminal(self, name: str = "") -> Terminal:
        return Terminal(self.world, name)
