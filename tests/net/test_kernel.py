"""imserver.net.kernel, on sockets of this machine."""

import socket
from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imserver.net.kernel import segment_bytes, unsent_bytes

CARRIED = 1000
DEFAULT = 77


def transport(handle: Any) -> Any:
    """Of that socket, within two wrappers."""
    return SimpleNamespace(transport=SimpleNamespace(transport=SimpleNamespace(socket=handle)))


class KernelTests(SynchronousTestCase):
    def connected(self) -> tuple[socket.socket, socket.socket]:
        """Both ends; the first may send segments of at most CARRIED bytes."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            client = socket.socket()
            self.addCleanup(client.close)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, CARRIED)
            client.connect(listening.getsockname())
            server, _ = listening.accept()
            self.addCleanup(server.close)
            return server, client

    def test_segment(self) -> None:
        """What the other end takes as one, less what TCP itself needs."""
        server, _ = self.connected()
        carried = segment_bytes(transport(server), DEFAULT)
        self.assertTrue(CARRIED - 40 < carried <= CARRIED, carried)

    def test_no_segments(self) -> None:
        """UNIX sockets and transports without a socket have none; nor have connections that are gone."""
        one, other = socket.socketpair()
        with one, other:
            self.assertEqual(segment_bytes(transport(one), DEFAULT), DEFAULT)
        self.assertEqual(segment_bytes(transport(one), DEFAULT), DEFAULT)
        self.assertEqual(segment_bytes(object(), DEFAULT), DEFAULT)

    def test_unsent(self) -> None:
        """What the other end has no room for is unsent."""
        server, _ = self.connected()
        server.setblocking(False)
        self.assertEqual(unsent_bytes(transport(server)), 0)
        sent = server.send(b"x" * 20_000)
        unsent = unsent_bytes(transport(server))
        self.assertTrue(0 < unsent <= sent, (unsent, sent))

    def test_nothing_to_send_with(self) -> None:
        """Transports without a socket, and connections that are gone, have nothing unsent."""
        server, _ = self.connected()
        server.close()
        self.assertEqual(unsent_bytes(transport(server)), 0)
        self.assertEqual(unsent_bytes(object()), 0)
