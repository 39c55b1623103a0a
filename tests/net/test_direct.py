"""imserver.net.direct: what the socket takes goes at once, all else through the transport, in order."""

import socket

from twisted.internet.interfaces import IPushProducer
from twisted.internet.tcp import Connection
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from imserver.net import direct


class Socket:
    """Takes so many bytes, then refuses."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.sent: list[bytes] = []
        self.error: type[OSError] = BlockingIOError
        self.flags: set[int] = set()

    def send(self, data: bytes, flags: int) -> int:
        if not self.room or self.error is not BlockingIOError:
            raise self.error
        self.flags.add(flags)
        taken = data[: self.room]
        self.room -= len(taken)
        self.sent.append(taken)
        return len(taken)


class Transport(Connection):
    """Of a connected socket; keeps what it is to write."""

    TLS = False

    def __init__(self, room: int, waiting: bytes = b"") -> None:
        self.socket = Socket(room)
        self.connected, self.disconnecting = True, False
        self.dataBuffer, self._tempDataBuffer = waiting, []
        self.written: list[bytes] = []
        self.waits = False  # until the socket has room

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def writeSomeData(self, data: bytes) -> int:
        return len(data)

    def startWriting(self) -> None:
        self.waits = True

    def stopWriting(self) -> None:
        self.waits = False


@implementer(IPushProducer)
class Producer:
    """Counts how often it was told to go on."""

    def __init__(self) -> None:
        self.resumed = 0

    def resumeProducing(self) -> None:
        self.resumed += 1

    def pauseProducing(self) -> None:
        raise AssertionError

    def stopProducing(self) -> None:
        raise AssertionError


class Wrapper:
    """A transport that is no socket's, such as that of TLS."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)


class DirectTests(SynchronousTestCase):
    """write and write_apart"""

    def test_write(self) -> None:
        """The socket takes all, a part, or nothing; the rest is the transport's."""
        for room, sent, written in ((9, [b"abcdef"], []), (4, [b"abcd"], [b"ef"]), (0, [], [b"abcdef"])):
            transport = Transport(room)
            direct.write(transport, b"abcdef")
            self.assertEqual((transport.socket.sent, transport.written), (sent, written))

    def test_write_apart(self) -> None:
        """The socket takes it as a segment of its own; the rest of what it takes in part is the transport's."""
        for room, sent, written in ((9, [b"abcdef"], []), (4, [b"abcd"], [b"ef"])):
            transport = Transport(room)
            self.assertTrue(direct.write_apart(transport, b"abcdef"))
            self.assertEqual((transport.socket.sent, transport.written), (sent, written))
            self.assertEqual(transport.socket.flags, {socket.MSG_DONTWAIT | socket.MSG_EOR})

    def test_gone(self) -> None:
        """Errors are the transport's, which meets them again."""
        transport = Transport(9)
        transport.socket.error = BrokenPipeError
        self.assertTrue(direct.write_apart(transport, b"abcdef"))
        self.assertEqual(transport.written, [b"abcdef"])

    def test_no_room(self) -> None:
        """What a full socket does not take is not taken; the transport tells its producer when there is room again."""
        transport, producer = Transport(0), Producer()
        transport.registerProducer(producer, True)
        self.assertFalse(direct.write_apart(transport, b"abcdef"))
        self.assertEqual((transport.written, transport.waits, producer.resumed), ([], True, 0))
        transport.doWrite()  # as the reactor calls it then
        self.assertEqual((transport.waits, producer.resumed), (False, 1))

    def test_what_waits_goes_first(self) -> None:
        """Nothing overtakes what the transport has."""
        transport = Transport(9, waiting=b"x")
        direct.write(transport, b"a")
        self.assertFalse(direct.write_apart(transport, b"b"))
        self.assertEqual((transport.socket.sent, transport.written), ([], [b"a"]))

    def test_wrapped(self) -> None:
        """Where a transport wraps another one, everything is its."""
        transport = Wrapper()
        direct.write(transport, b"a")
        self.assertTrue(direct.write_apart(transport, b"b"))
        self.assertEqual(transport.written, [b"a", b"b"])
