"""imserver.wires.status"""

import re
from pathlib import Path
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.internet.testing import FakeDatagramTransport
from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

import imserver.wires
from imserver.core.limits import Limits
from imserver.interfaces import IWire
from imserver.wires import status
from imserver.wires.status import StatusProtocol

REQUEST = b"IMSQ\x01nonce123".ljust(64, b"\0")
PAGE = Path(__file__).parent.parent.parent / "docs" / "wires" / "status.md"


class FakeCore:
    """A core in a known state."""

    state = "ready"

    def uptime_seconds(self) -> int:
        return 60

    def session_count(self) -> int:
        return 7


class StatusTests(SynchronousTestCase):
    """StatusProtocol"""

    def setUp(self) -> None:
        self.clock = Clock()
        self.core = FakeCore()
        self.protocol = StatusProtocol(self.core, SimpleNamespace(reactor=self.clock, limits=Limits))
        self.protocol.transport = FakeDatagramTransport()

    def ask(self, datagram: bytes = REQUEST, host: str = "192.0.2.1") -> list[bytes]:
        self.protocol.transport.written.clear()
        self.protocol.datagramReceived(datagram, (host, 1))
        return [answer for answer, _ in self.protocol.transport.written]

    def test_page(self) -> None:
        """The bytes are those of the documentation's example."""
        request, answer = (
            bytes.fromhex(re.sub(r"00 \(51 times\)|  +.*", "", line[2:]))
            for line in re.findall(r"^[<>] .*", PAGE.read_text(), re.M)
        )
        self.assertEqual(self.ask(request.ljust(64, b"\0")), [answer])

    def test_states(self) -> None:
        """The state is the core's."""
        for number, state in enumerate(status.STATES):
            self.core.state = state
            self.assertEqual(self.ask()[0][13], number)

    def test_never_longer(self) -> None:
        """T14: an answer is never longer than its request."""
        for length in range(1, 200):
            for answer in self.ask(REQUEST.ljust(200, b"\0")[:length], f"10.0.0.{length}"):
                self.assertLessEqual(len(answer), length)
                self.assertGreaterEqual(length, 64)

    @given(st.binary(max_size=1500))
    def test_silence(self, datagram: bytes) -> None:
        """Whatever is no request is met with silence."""
        if datagram[:5] != b"IMSQ\x01":
            self.assertEqual(self.ask(datagram), [])

    def test_almost(self) -> None:
        """Too short, another version, another word."""
        for datagram in (REQUEST[:63], b"IMSQ\x02" + REQUEST[5:], b"IMSA" + REQUEST[4:], b""):
            self.assertEqual(self.ask(datagram), [])

    def test_rate_of_a_source(self) -> None:
        """T14: ten at once, then five a second, for each source by itself."""
        self.assertEqual(sum(len(self.ask()) for _ in range(50)), 10)
        self.assertEqual(len(self.ask(host="192.0.2.2")), 1)
        self.clock.advance(1.0)
        self.assertEqual(sum(len(self.ask()) for _ in range(50)), 5)

    def test_rate_in_all(self) -> None:
        """T14: a thousand a second, from however many sources."""
        hosts = [f"10.{n // 250}.{n % 250}.1" for n in range(3_000)]
        self.assertEqual(sum(len(self.ask(host=host)) for host in hosts), 1_000)

    def test_plug_in(self) -> None:
        """twisted.plugin finds the wire, and it is one."""
        found = [wire for wire in getPlugins(IWire, imserver.wires) if wire.name == "status"]
        self.assertEqual(found, [status.wire])
        self.assertTrue(verifyObject(IWire, status.wire))
