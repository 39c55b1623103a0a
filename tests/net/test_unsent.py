"""imserver.net.unsent: what the kernel still holds for the other end."""

import socket
from types import SimpleNamespace

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from imserver.net.unsent import unsent_bytes


class UnsentTests(SynchronousTestCase):
    def setUp(self) -> None:
        # Between two processes of this machine nothing has left until the other one reads, and then at once.
        self.here, self.there = socket.socketpair()
        self.addCleanup(self.here.close)
        self.addCleanup(self.there.close)
        self.transport = SimpleNamespace(socket=self.here)

    def test_until_it_is_taken(self) -> None:
        """It counts until the other end has it."""
        self.assertEqual(unsent_bytes(self.transport), 0)
        self.here.sendall(b"x" * 1000)
        self.assertGreaterEqual(unsent_bytes(self.transport), 1000)
        self.there.recv(1000)
        self.assertEqual(unsent_bytes(self.transport), 0)

    def test_wrapped(self) -> None:
        """TLS and PROXY wrap a transport in others, which have no socket of their own."""
        self.here.sendall(b"x")
        wrapped = SimpleNamespace(transport=SimpleNamespace(socket=None, transport=self.transport))
        self.assertGreater(unsent_bytes(wrapped), 0)

    def test_gone(self) -> None:
        """A connection that is gone, or that never had a socket, holds nothing."""
        self.here.sendall(b"x")
        self.here.close()
        self.assertEqual(unsent_bytes(self.transport), 0)
        self.assertEqual(unsent_bytes(StringTransport()), 0)
