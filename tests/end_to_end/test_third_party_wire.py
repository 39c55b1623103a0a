"""A wire in one file of a foreign folder: found, served, and its users talk with those of our own wires."""

import os
import shutil
import socket
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import TestCase

from imserver.core.events import MessageArrived, Sent
from imserver.core.requests import MarkDelivered, SendTo
from imserver.core.values import Kind
from tests.end_to_end.daemon import ROOT, Daemon
from tests.end_to_end.peer import PASSWORD, Peer

EXAMPLES = ROOT / "examples"


class SlateUser:
    """Somebody with nc."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, 10.0)
        self._lines = self._socket.makefile("rb")

    def say(self, line: str) -> None:
        self._socket.sendall(line.encode() + b"\n")

    def hear(self) -> str:
        return self._lines.readline().decode().rstrip("\r\n")

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


class ThirdPartyWireTest(TestCase):
    """The example of examples/, copied away from here."""

    def setUp(self) -> None:
        foreign = TemporaryDirectory(prefix="foreign-", dir="/var/tmp")
        self.addCleanup(foreign.cleanup)
        shutil.copytree(EXAMPLES / "imserver", Path(foreign.name) / "imserver")
        path = os.pathsep.join((foreign.name, str(ROOT)))
        listen = ("native=tcp:127.0.0.1:0", "slate=tcp:127.0.0.1:0")
        self.daemon = Daemon(self, listen=listen, environment={"PYTHONPATH": path}).start()
        self.alice = Peer(self.daemon.address())
        self.addCleanup(self.alice.close)
        for name in ("alice", "bob"):
            self.alice.register(name)
        self.alice.log_in("alice")

    def slate(self) -> SlateUser:
        user = SlateUser(self.daemon.address("slate"))
        self.addCleanup(user.close)
        user.say(f"login bob {PASSWORD}")
        self.assertEqual(user.hear(), "ok")
        return user

    def send(self, text: str) -> None:
        self.alice.expect(SendTo("bob", text.encode(), Kind.TEXT, "", text.encode()), Sent)

    def arrived(self) -> MessageArrived:
        while not isinstance(event := self.alice.hear()[1], MessageArrived):
            pass
        self.alice.tell(MarkDelivered(event.message.conversation, event.message.seq))
        return event

    def test_both_ways(self) -> None:
        """A native user and a user of the foreign wire chat; who was away gets what was said meanwhile."""
        self.send("are you there?")
        bob = self.slate()
        self.assertEqual(bob.hear(), "from alice are you there?")
        bob.say("to alice yes, über nc")
        self.assertEqual(bob.hear(), "ok")
        message = self.arrived().message
        self.assertEqual((message.sender_name, message.body.decode()), ("bob", "yes, über nc"))
        self.send("good")
        self.assertEqual(bob.hear(), "from alice good")
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.assert_clean()

    def test_unknown_wire(self) -> None:
        """Without the folder on the path the wire is unknown, which the start says, with the names of those there are."""
        alone = Daemon(self, listen=("slate=tcp:127.0.0.1:0",))
        alone.launch()
        self.assertEqual(alone.wait(), 1)
        self.assertRegex(alone.text, r'there is no wire "slate"; there are: .*\bnative, status\b')
