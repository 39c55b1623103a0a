"""T15 and a conversation: the telnet wire of a real daemon, with sockets that behave as nc and telnet do."""

import socket
import ssl

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.events import MessageArrived, Sent
from imserver.core.requests import SendTo
from imserver.core.values import Kind
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.operator import Operator
from tests.end_to_end.peer import PASSWORD, Address, Peer
from tests.end_to_end.siege import CONFIG, Siege, proxy_line, trusting

TELNET = """
[[listeners]]
wire = "telnet"
endpoint = "tcp:127.0.0.1:0"
[[listeners]]
wire = "telnet"
endpoint = "tcp:127.0.0.1:0"
proxy_from = ["127.0.0.0/8"]
[[listeners]]
wire = "telnet"
endpoint = "tcp:127.0.0.1:0"
tls = "office"
proxy_from = ["127.0.0.0/8"]
[limits]
"""
MANY_BYTES = 50_000_000
KERNELS_BYTES = 8 * 1024 * 1024  # what they may hold of it, however little the daemon reads
IAC, SB, SE, NEW_ENVIRON = b"\xff", b"\xfa", b"\xf0", b"\x27"


class Somebody:
    """With nc or telnet; nothing waits longer than a minute."""

    def __init__(self, address: Address, source: str = "", context: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_connection(address, 60.0)
        if source:
            self.socket.sendall(proxy_line(source))
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self._file = self.socket.makefile("rb")
        self.hear()  # the greeting

    def hear(self) -> str:
        """The next line; empty at the end."""
        return self._file.readline().decode().rstrip("\r\n")

    def say(self, line: str) -> str:
        """-> the line that answers."""
        self.socket.sendall(line.encode() + b"\n")
        return self.hear()

    def rest(self) -> bytes:
        """All until the end."""
        try:
            return self._file.read()
        except ConnectionResetError:
            return b""

    def close(self) -> None:
        self._file.close()
        self.socket.close()


class ExposureTests(SynchronousTestCase):
    def test_other_machines(self) -> None:
        """Without TLS it listens for this machine only: anything else ends the start with one sentence."""
        daemon = Daemon(self, listen=("telnet=tcp:0.0.0.0:0",))
        daemon.launch()
        self.assertEqual(daemon.wait(), 1)
        said = [line for line in daemon.lines if line.startswith("imserver: telnet would listen on 0.0.0.0")]
        self.assertEqual((len(said), "Traceback" in daemon.text), (1, False), daemon.text)


class TelnetTests(Siege):
    def setUp(self) -> None:
        self.begin(config=CONFIG.replace("[limits]\n", TELNET))
        self.address, self.proxied_address, self.proxied_tls_address = self.daemon.listeners("telnet")

    def somebody(
        self, address: Address | None = None, source: str = "", context: ssl.SSLContext | None = None
    ) -> Somebody:
        person = Somebody(address or self.address, source, context)
        self.addCleanup(person.close)
        return person

    def test_conversation(self) -> None:
        """Somebody at a terminal and somebody with another client talk, also after an absence."""
        carol, dave = self.somebody(), Peer(self.plain)
        self.addCleanup(dave.close)
        self.assertIn("registered as carol", carol.say(f"register carol {PASSWORD}"))
        self.assertEqual(carol.hear(), "You are logged in as carol.")
        dave.register("dave")
        dave.log_in("dave")
        self.assertEqual(carol.say("msg dave grüße"), "Sent to dave.")
        while not isinstance(event := dave.hear()[1], MessageArrived):
            pass
        self.assertEqual(event.message.body.decode(), "grüße")
        carol.close()
        for n in range(3):
            dave.expect(SendTo("carol", b"%d" % n, Kind.TEXT, "", b"are you there? %d" % n), Sent)
        again = self.somebody()
        self.assertEqual(again.say(f"login carol {PASSWORD}"), "You are logged in as carol.")
        heard = [again.hear() for _ in range(4)]
        # The own words may come again, because nothing came from carol after them.
        self.assertEqual(heard, ["you to dave: grüße", *(f"dave: are you there? {n}" for n in range(3))])
        self.assertEqual(again.say("quit"), "Goodbye.")
        self.assertEqual(again.rest(), b"")
        self.daemon.assert_clean()

    def test_subnegotiation_without_end(self) -> None:
        """50 MB of it are not read on, and nobody notices."""
        with self.unnoticed():
            person = self.somebody()
            person.socket.sendall(IAC + SB + NEW_ENVIRON)
            sent = 0
            try:
                while sent < MANY_BYTES:
                    sent += person.socket.send(b"x" * 65536)
            except ConnectionError:
                pass
            person.close()
            self.assertLess(sent, KERNELS_BYTES)

    def test_environments(self) -> None:
        """What a telnet client tells of its user's environment logs nobody in."""
        with self.unnoticed():
            for variable in (b"USER", b"LOGNAME", b"TERM", b"LD_PRELOAD"):
                person = self.somebody()
                for value in (b"-f root", b"alice", b"\n\r\0login alice", b"A" * 4000):
                    subnegotiation = IAC + SB + NEW_ENVIRON + b"\0\0" + variable + b"\1" + value + IAC + SE
                    person.socket.sendall(subnegotiation)
                self.assertEqual(person.say("who"), "Log in first.")
                person.close()

    def test_administrators(self) -> None:
        """It is the way to the client that counts: this machine, or TLS up to here; not where the listener is bound."""
        Operator(self, self.daemon.data, self.daemon.environment).do("accounts", "promote", "alice")
        context = trusting(self.certificate)
        needs = "These commands need a connection from this machine, or TLS."
        for person, answer in (
            (self.somebody(), "  state: ready"),
            (self.somebody(self.proxied_address, "192.0.2.7"), needs),
            (self.somebody(self.proxied_address, "127.0.0.1"), needs),
            (self.somebody(self.proxied_tls_address, "192.0.2.7", context), "  state: ready"),
        ):
            self.assertEqual(person.say(f"login alice {PASSWORD}"), "You are logged in as alice.")
            while (said := person.say("operator statistics")).startswith(("bob: ", "you to bob: ")):
                pass
            self.assertTrue(said.startswith(answer), said)

    def test_every_command(self) -> None:
        """Whatever follows IAC, the connection answers, goes on, or ends without a word."""
        with self.unnoticed():
            for kind in range(256):
                person = self.somebody()
                person.socket.sendall(IAC + bytes([kind, 255 - kind]) + b"\r\nhelp\r\nquit\r\n")
                person.socket.shutdown(socket.SHUT_WR)
                said = person.rest()
                self.assertTrue(said == b"" or b"Goodbye." in said or kind == 250, (kind, said))
                person.close()
