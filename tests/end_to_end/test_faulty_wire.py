"""T42: whatever a wire of somebody else raises, and wherever, ends that one connection and nothing else."""

import os
import socket
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.events import Pong
from imserver.core.requests import Ping
from tests.end_to_end.daemon import ROOT, Daemon
from tests.end_to_end.peer import Peer

# One framed wire and one with a protocol of its own; a line says where they fail.
WIRE = """
from dataclasses import dataclass

from twisted.internet.protocol import Factory, Protocol
from twisted.plugin import IPlugin
from zope.interface import implementer

from imserver.core.events import Closing
from imserver.core.requests import Ping
from imserver.core.capabilities import Capabilities
from imserver.interfaces import IWire
from imserver.net.dialect import Dialect
from imserver.net.framed import FramedWire
from imserver.net.framing import LineFraming
from imserver.net.listeners import ListeningService


class Faulty(Exception):
    pass


class FaultyFraming(LineFraming):
    def frames(self):
        for frame in super().frames():
            if frame == b"framing":
                raise Faulty
            yield frame


class FaultyCodec:
    def decode(self, frame):
        if frame == b"decode":
            raise Faulty
        return 1, Ping() if frame != b"request" else object()

    def encode(self, event, tag):
        if not isinstance(event, Closing):
            raise Faulty
        return b"closing"


framed = FramedWire("faulty", "", Dialect(FaultyFraming, FaultyCodec(), Capabilities("faulty")))


class FaultyProtocol(Protocol):
    def connectionMade(self):
        if self.factory.where == "connectionMade":
            raise Faulty

    def dataReceived(self, data):
        if self.factory.where == "dataReceived":
            raise Faulty
        if self.factory.where == "connectionLost":
            self.transport.loseConnection()

    def connectionLost(self, reason=None):
        if self.factory.where == "connectionLost":
            raise Faulty


class FaultyFactory(Factory):
    protocol = FaultyProtocol
    noisy = False

    def __init__(self, where):
        self.where = where

    def buildProtocol(self, addr):
        if self.where == "buildProtocol":
            raise Faulty
        return super().buildProtocol(addr)


@implementer(IPlugin, IWire)
@dataclass(frozen=True)
class OwnWire:
    name: str
    default_endpoint = ""
    hint = ""
    options = None

    def make_service(self, core, endpoint, options):
        return ListeningService(FaultyFactory(self.name), endpoint, options)


made, received, lost, built = map(OwnWire, ("connectionMade", "dataReceived", "connectionLost", "buildProtocol"))
"""
FRAMES = ("framing", "decode", "request", "encode")
CALLBACKS = ("connectionMade", "dataReceived", "connectionLost", "buildProtocol")


class FaultyWireTest(SynchronousTestCase):
    def setUp(self) -> None:
        foreign = TemporaryDirectory(prefix="foreign-", dir="/var/tmp")
        self.addCleanup(foreign.cleanup)
        wires = Path(foreign.name) / "imserver" / "wires"
        wires.mkdir(parents=True)
        (wires / "faulty.py").write_text(WIRE)
        listen = [f"{wire}=tcp:127.0.0.1:0" for wire in ("native", "faulty", *CALLBACKS)]
        path = os.pathsep.join((foreign.name, str(ROOT)))
        self.daemon = Daemon(self, listen=listen, environment={"PYTHONPATH": path}).start()

    def test_frames(self) -> None:
        """In a framing, in a codec either way, or with a request that the core does not know."""
        self.fail_and_live("faulty", *FRAMES)

    def test_protocols(self) -> None:
        """In any method of a protocol, or of its factory."""
        for wire in CALLBACKS:
            self.fail_and_live(wire, "hello")

    def fail_and_live(self, wire: str, *lines: str) -> None:
        """Each line ends its connection and is logged; one that is open beside it, and the native wire, go on."""
        with Peer(self.daemon.address()) as healthy:
            for line in lines:
                logged = len(self.daemon.lines)
                self.assert_ends(self.daemon.address(wire), line)
                self.daemon.wait_for("Faulty" if line != "request" else "KeyError", since=logged)
                healthy.expect(Ping(), Pong)

    def assert_ends(self, address: tuple[str, int], line: str) -> None:
        """The connection ends once the line is said."""
        with socket.create_connection(address, 60.0) as sock:
            try:
                sock.sendall(line.encode() + b"\n")
                while sock.recv(1000):
                    pass
            except ConnectionError:
                pass  # an end as well
