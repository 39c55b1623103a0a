"""T3: connections that come and go in every state leave nothing behind."""

import socket
from collections.abc import Callable, Sequence

from imserver.core.events import Refused
from imserver.core.requests import LogIn, LogInWithToken, Ping
from tests.end_to_end.drill import DEEP
from tests.end_to_end.greetings import CLIENT_HELLO
from tests.end_to_end.peer import Peer
from tests.end_to_end.siege import Siege, proxy_line, reset, rest

CONNECTIONS = 100_000 if DEEP else 5_000
# Until the collector of cycles, which comes rarely, has come.
WARM_UP = 2_000
# So few at once that a connection counted for ever would soon keep everybody out.
LIMITS = "max_unauthenticated = 20"


class ChurnTests(Siege):
    def setUp(self) -> None:
        self.begin(LIMITS)
        self.guess = LogInWithToken(bytes(32))

    def test_churn(self) -> None:
        """Thousands in all states: memory and descriptors are as before, and nobody is still counted."""
        states = (
            self.nothing,
            self.nothing_and_reset,
            self.half_a_frame,
            self.half_a_header,
            self.half_a_handshake,
            self.handshake,
            self.bad_token,
            self.bad_password,
            self.finish_before_the_answer,
            self.reset_before_the_answer,
            self.nonsense,
        )
        self.churn(states, WARM_UP)
        with self.unnoticed():
            self.churn(states, CONNECTIONS)

    def churn(self, states: Sequence[Callable[[], None]], connections: int) -> None:
        """So many connections, of each state in turn."""
        for n in range(connections):
            states[n % len(states)]()

    # -- states

    def nothing(self) -> None:
        """Connect and close."""
        Peer(self.plain).close()

    def nothing_and_reset(self) -> None:
        """Connect and reset."""
        reset(Peer(self.plain))

    def half_a_frame(self) -> None:
        """The rest never comes."""
        self.say(self.plain, b"\0\0\0\xff" + bytes(20))

    def half_a_header(self) -> None:
        """Of PROXY."""
        self.say(self.proxied, proxy_line("192.0.2.1")[:10])

    def half_a_handshake(self) -> None:
        """Of TLS."""
        self.say(self.tls, CLIENT_HELLO)

    def handshake(self) -> None:
        """All of it, and then no word."""
        with self.peer(self.tls, tls=True):
            pass

    def bad_token(self) -> None:
        """Three of them."""
        with Peer(self.plain) as peer:
            for _ in range(3):
                peer.expect(self.guess, Refused)

    def bad_password(self) -> None:
        """Somebody else's."""
        with Peer(self.plain) as peer:
            peer.expect(LogIn("alice", "not the password", "x"), Refused)

    def finish_before_the_answer(self) -> None:
        """A FIN right after the question."""
        with Peer(self.plain) as peer:
            peer.tell(self.guess, Ping())
            peer.socket.shutdown(socket.SHUT_WR)
            rest(peer)

    def reset_before_the_answer(self) -> None:
        """A RST right after the question."""
        peer = Peer(self.plain)
        peer.tell(self.guess)
        reset(peer)

    def nonsense(self) -> None:
        """What the server closes."""
        with Peer(self.plain) as peer:
            peer.socket.sendall(b"\0\0\0\1\xff")
            rest(peer)

    def say(self, address: tuple[str, int], data: bytes) -> None:
        """Some bytes and the end."""
        with socket.create_connection(address, 10.0) as sock:
            sock.sendall(data)
