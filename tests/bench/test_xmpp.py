"""The XMPP end of the comparison checks as strictly as the native one."""

import socket
from threading import Thread
from typing import cast

from twisted.trial.unittest import SynchronousTestCase

from bench.frames import body
from bench.load import BrokenPromise, Line, Stream
from bench.xmpp import XmppPeer, XmppReceiver, composer
from tests.bench.test_ends import FakeLine


class ReceiverTests(SynchronousTestCase):
    """XmppReceiver"""

    def setUp(self) -> None:
        self.line = FakeLine()
        compose = composer("bob@localhost/bench")
        self.stream = Stream(cast(Line, FakeLine()), compose, 1, acks=False)
        self.stream.fill(100, 0.0)
        XmppReceiver(cast(Line, self.line), self.stream)

    def arrive(self, *numbers: int) -> None:
        self.line.received(b"".join(map(delivered, numbers)))

    def test_whatever_the_segments(self) -> None:
        """All messages are counted, however they are cut and whatever comes in between."""
        data = b"<presence from='bob@localhost/bench'/>" + b"\n".join(map(delivered, range(1, 101)))
        for start in range(0, len(data), 37):
            self.line.received(data[start : start + 37])
        self.assertEqual(self.stream.completed, 100)

    def test_lost(self) -> None:
        """A message that is skipped is missed."""
        self.arrive(1)
        self.assertRaises(BrokenPromise, self.arrive, 3)

    def test_repeated(self) -> None:
        """A message that comes twice is noticed."""
        self.assertRaises(BrokenPromise, self.arrive, 1, 1)

    def test_changed(self) -> None:
        """One wrong byte is noticed."""
        self.assertRaises(BrokenPromise, self.line.received, delivered(1).replace(b"1</body>", b"x</body>"))

    def test_bounced(self) -> None:
        """An error that carries the message is not the message."""
        bounced = delivered(1).replace(b"type='chat'", b"type='error'")
        self.assertRaises(BrokenPromise, self.line.received, bounced)


class ComposerTests(SynchronousTestCase):
    def test_composed(self) -> None:
        """One stanza for each number, each with its own body."""
        composed = composer("bob@localhost/bench")(7, 2)
        stanza = b"<message to='bob@localhost/bench' type='chat' id='%d'><body>%s</body></message>"
        self.assertEqual(composed, stanza % (7, body(7)) + stanza % (8, body(8)))


class LoginTests(SynchronousTestCase):
    """XmppPeer against a server that is played from a script."""

    ANSWERS = (
        "<stream:stream><stream:features></stream:features>",
        "<iq id='reg' type=\"result\"/>",
        "<success/>",
        "<stream:stream><stream:features></stream:features>",
        "<iq id='bind' type='result'></iq>",
        '<presence/><iq type="error" id="ping1"/>',
    )

    def serve(self, *answers: str) -> tuple[str, int]:
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def answer() -> None:
            server, _ = listener.accept()
            with server:
                for each in answers:
                    server.recv(4096)
                    server.sendall(each.encode())

        thread = Thread(target=answer)
        thread.start()
        self.addCleanup(thread.join)
        address: tuple[str, int] = listener.getsockname()
        return address

    def test_log_in(self) -> None:
        """Registered, authenticated and bound, whichever quotes the server uses."""
        peer = XmppPeer(self.serve(*self.ANSWERS), "bob")
        self.assertEqual(peer.address, "bob@localhost/bench")
        peer.close()

    def test_refused(self) -> None:
        """A failure ends the run."""
        refused = (*self.ANSWERS[:2], "<failure><not-authorized/></failure>")
        self.assertRaises(BrokenPromise, XmppPeer, self.serve(*refused), "bob")


def delivered(number: int) -> bytes:
    """A message as a server passes it on."""
    head = b"<message xml:lang='en' to='bob@localhost/bench' from='alice@localhost/bench' type='chat'>"
    return b"%s<body>%s</body><stanza-id/></message>" % (head, body(number))
