"""imserver.net.activation, and listening on what it finds; with real sockets, because systemd's are."""

import os
import socket
from typing import Any

from twisted.internet import endpoints
from twisted.internet.testing import MemoryReactor
from twisted.python.systemd import ListenFDs
from twisted.trial.unittest import SynchronousTestCase

from imserver.net.activation import adopted, passed, passed_names


class ActivationTests(SynchronousTestCase):
    """A process that was given two sockets."""

    def setUp(self) -> None:
        self.stream = socket.create_server(("127.0.0.1", 0))
        self.datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.addCleanup(self.stream.close)
        self.addCleanup(self.datagrams.close)
        given = ListenFDs([self.stream.fileno(), self.datagrams.fileno()], ("native", "status"))
        # Twisted looked for them when it was imported.
        self.patch(endpoints._SystemdParser, "_sddaemon", given)

    def test_names(self) -> None:
        """Those that systemd gave to this process, as endpoints."""
        self.assertEqual(passed_names({"LISTEN_FDNAMES": "native:status"}), ["native", "status"])
        self.assertEqual(passed("native"), "systemd:domain=INET:name=native")
        self.assertEqual(passed("status"), "systemd:domain=INET6:name=status")
        self.assertEqual(passed("telnet"), "")

    def test_of_another_process(self) -> None:
        """What the environment still says to a child is not for the child."""
        self.patch(endpoints._SystemdParser, "_sddaemon", ListenFDs([], ()))
        self.assertEqual(passed_names({"LISTEN_FDNAMES": "native:status"}), [])
        self.assertEqual(passed_names({}), [])

    def test_adopted(self) -> None:
        """A description leads to the descriptor."""
        endpoint: Any = adopted(MemoryReactor(), "systemd:domain=INET:name=native")
        self.assertEqual(endpoint.fileno, self.stream.fileno())
        os.fstat(self.stream.fileno())  # and looking at it has not closed it

    def test_refused(self) -> None:
        """With what would be right."""
        for description, words in (
            ("systemd:domain=INET:name=telnet", "FileDescriptorName="),
            ("systemd:domain=INET6:name=native", "systemd:domain=INET:"),
            ("systemd:domain=INTERNET:name=native", "systemd:domain=INET:"),
            ("systemd:name=native", "systemd:domain=INET:"),
        ):
            error = self.assertRaises(ValueError, adopted, MemoryReactor(), description)
            self.assertIn(words, str(error))
