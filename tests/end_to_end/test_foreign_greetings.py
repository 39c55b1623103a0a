"""T7: whoever speaks another protocol to a port is told so or closed, whatever the port speaks."""

import contextlib
import socket
from collections.abc import Callable
from functools import partial

from imserver.core.errors import Code
from imserver.core.events import Closing, Event, Refused
from tests.end_to_end.greetings import greetings
from tests.end_to_end.peer import Address, Peer
from tests.end_to_end.siege import Siege, proxy_line, rest

AT_LEAST = 200
# A header for somebody else each time, or the gate would close most of them.
MANY = [f"192.0.{n // 250}.{n % 250 + 1}" for n in range(1000)]
TLS_ALERT = 0x15
CLOSINGS = (Code.PROTOCOL_ERROR, Code.FRAME_TOO_LARGE)


class GreetingTests(Siege):
    """Each sends a greeting and ends its side, so that a part of a frame does not wait for the rest."""

    def setUp(self) -> None:
        self.greetings = greetings()
        self.assertGreaterEqual(len(set(self.greetings)), AT_LEAST)
        self.begin()

    def test_plain(self) -> None:
        """The frame is refused, or the connection closed."""
        self.greet_all(partial(self.hear_events, self.plain))

    def test_tls(self) -> None:
        """What is not TLS gets an alert or nothing, and never a word of the wire."""
        self.greet_all(partial(self.hear_alert, self.tls))

    def test_within_tls(self) -> None:
        """After a handshake as on a plain port."""
        self.greet_all(partial(self.hear_events, self.tls, tls=True))

    def test_proxied(self) -> None:
        """Without a header not a word; a greeting that is one is followed by silence, too."""
        self.greet_all(self.hear_nothing)

    def test_after_the_header(self) -> None:
        """As on a plain port."""
        sources = iter(MANY)
        self.greet_all(lambda greeting: self.hear_events(self.proxied, proxy_line(next(sources)) + greeting))

    def test_proxied_tls(self) -> None:
        """A header, then something else than TLS."""
        sources = iter(MANY)
        self.greet_all(
            lambda greeting: self.hear_alert(self.proxied_tls, proxy_line(next(sources)) + greeting)
        )

    def greet_all(self, greet: Callable[[bytes], None]) -> None:
        """With each greeting; the last words are the bystanders'."""
        with self.unnoticed():
            for greeting in self.greetings:
                greet(greeting)

    def hear_events(self, address: Address, greeting: bytes, tls: bool = False) -> None:
        """Only events that say no, then the end."""
        peer = self.peer(address, tls=tls)
        self.finish(peer, greeting)
        for event in rest(peer):
            self.assert_says_no(event)
        peer.close()

    def assert_says_no(self, event: Event) -> None:
        """It refuses what could be read, or closes with a fitting code."""
        if isinstance(event, Closing):
            self.assertIn(event.code, CLOSINGS)
        else:
            self.assertIsInstance(event, Refused)

    def hear_alert(self, address: Address, greeting: bytes) -> None:
        """One record of TLS, or none."""
        answer = self.answer(address, greeting)
        self.assertTrue(not answer or answer[0] == TLS_ALERT, answer)

    def hear_nothing(self, greeting: bytes) -> None:
        """The end without a word."""
        self.assertEqual(self.answer(self.proxied, greeting), b"")

    def answer(self, address: Address, greeting: bytes) -> bytes:
        """All that comes back."""
        peer, said = Peer(address), b""
        with contextlib.closing(peer), contextlib.suppress(ConnectionResetError):
            self.finish(peer, greeting)
            while data := peer.socket.recv(4096):
                said += data
        return said

    def finish(self, peer: Peer, greeting: bytes) -> None:
        """Say it and no more."""
        with contextlib.suppress(OSError):  # it has closed already
            peer.socket.sendall(greeting)
            socket.socket.shutdown(peer.socket, socket.SHUT_WR)
