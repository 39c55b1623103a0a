"""imserver.net.direct: what the socket takes goes at once, all else through the transport, in order."""

import socket

from twisted.internet.tcp import Connection
from twisted.trial.unittest import SynchronousTestCase

from imserver.net import direct


class Socket:
    """Takes so many bytes, then refuses."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.sent: list[bytes] = []
        self.flags: set[int] = set()

    def send(self, data: bytes, flags: int) -> int:
        if not self.room:
            raise BlockingIOError
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

    def write(self, data: bytes) -> None:
        self.written.append(data)


class Wrapper:
    """A transport that is no socket's, such as that of TLS."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)


class DirectTests(SynchronousTestCase):
    """write and write_each"""

    def test_write(self) -> None:
        """The socket takes all, a part, or nothing; the rest is the transport's."""
        for room, sent, written in ((9, [b"abcdef"], []), (4, [b"abcd"], [b"ef"]), (0, [], [b"abcdef"])):
            transport = Transport(room)
            direct.write(transport, b"abcdef")
            self.assertEqual((transport.socket.sent, transport.written), (sent, written))

    def test_write_each(self) -> None:
        """Each has a write of its own, which ends a segment; from the first that does not fit, all are the transport's."""
        frames = [b"abc", b"de", b"fghi"]
        for room, sent, written in (
            (9, [b"abc", b"de", b"fghi"], []),
            (5, [b"abc", b"de"], [b"fghi"]),
            (4, [b"abc", b"d"], [b"e", b"fghi"]),
            (0, [], frames),
        ):
            transport = Transport(room)
            direct.write_each(transport, frames)
            self.assertEqual((transport.socket.sent, transport.written), (sent, written))
            self.assertLessEqual(transport.socket.flags, {socket.MSG_DONTWAIT | socket.MSG_EOR})

    def test_what_waits_goes_first(self) -> None:
        """Nothing overtakes what the transport has."""
        transport = Transport(9, waiting=b"x")
        direct.write(transport, b"a")
        direct.write_each(transport, [b"b", b"c"])
        self.assertEqual((transport.socket.sent, transport.written), ([], [b"a", b"b", b"c"]))

    def test_wrapped(self) -> None:
        """Where a transport wraps another one, everything is its."""
        transport = Wrapper()
        direct.write(transport, b"a")
        direct.write_each(transport, [b"b", b"c"])
        self.assertEqual(transport.written, [b"a", b"b", b"c"])
