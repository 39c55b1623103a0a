"""As much XMPP (RFC 6120, 6121) as a load generator needs: accounts, logging in, and messages from one to another.

The bytes are cut by hand, because a parser in Python would be the slowest part of the run.  What comes is
trusted to be XML, but not to be the right messages: each body must be the next one's.
"""

import os
import socket
from base64 import b64encode
from functools import lru_cache
from time import monotonic

from bench.frames import BODY_BYTES, Compose, body
from bench.idle import Footprint, footprint
from bench.load import BrokenPromise, Line, Load, Stream
from tests.end_to_end.peer import Address

HOST, RESOURCE, PASSWORD = "localhost", "bench", "correct horse"
PATIENCE_SECONDS = 20.0
_OPEN = (
    f"<?xml version='1.0'?><stream:stream to='{HOST}' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>"
)
_REGISTER = (
    "<iq type='set' id='reg'><query xmlns='jabber:iq:register'>"
    "<username>{name}</username><password>{password}</password></query></iq>"
)
_AUTH = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{token}</auth>"
_BIND = (
    "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
    "<resource>{resource}</resource></bind></iq>"
)
_PING = "<iq type='get' id='ping{n}' to='{host}'><ping xmlns='urn:xmpp:ping'/></iq>"
_END = b"</message>"


class XmppPeer:
    """A new account, logged in, on one blocking socket."""

    def __init__(self, address: Address, name: str) -> None:
        self.address = f"{name}@{HOST}/{RESOURCE}"
        self.socket = socket.create_connection(address, timeout=PATIENCE_SECONDS)
        self._pings = 0
        self._ask(_OPEN, b"</stream:features>")
        self._ask(_REGISTER.format(name=name, password=PASSWORD), b"type='result'")
        token = b64encode(f"\0{name}\0{PASSWORD}".encode()).decode()
        self._ask(_AUTH.format(token=token), b"<success")
        self._ask(_OPEN, b"</stream:features>")
        self._ask(_BIND.format(resource=RESOURCE), b"</iq>")
        self.socket.sendall(b"<presence/>")
        self.check()

    def check(self) -> None:
        """The server answers, and nothing that came before the answer is left to be read."""
        self._pings += 1
        self._ask(_PING.format(n=self._pings, host=HOST), b"'ping%d'" % self._pings)

    def close(self) -> None:
        """Close without a word."""
        self.socket.close()

    def _ask(self, text: str, expected: bytes) -> None:
        """Say it and read until that comes, within a whole element."""
        self.socket.sendall(text.encode())
        heard = b""
        # The two servers differ in their quotes.
        while expected not in heard.replace(b'"', b"'") or not heard.endswith(b">"):
            data = self.socket.recv(65_536)
            heard += data
            if not data or b"<stream:error" in heard or b"<failure" in heard:
                raise BrokenPromise(f"asked {text}, heard {heard.decode(errors='replace')}")


class XmppReceiver:
    """Sees the messages, every one once and in order; XMPP has no answer to give."""

    def __init__(self, line: Line, stream: Stream) -> None:
        self._stream = stream
        self._next = 1
        self._rest = b""
        line.received = self._received

    def _received(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + data).split(_END)
        for offset, stanza in enumerate(whole):
            expected = body(self._next + offset)
            start = stanza.find(b"<body>") + len(b"<body>")
            if stanza[start : start + BODY_BYTES] != expected or b"error" in stanza[:start]:
                raise BrokenPromise(f"instead of message {self._next + offset}: {stanza!r}")
        if whole:
            self._stream.received(self._next, len(whole), monotonic())
            self._next += len(whole)


class Xmpp:
    """How the generator talks to an XMPP server."""

    def pairs(self, load: Load, address: Address, count: int) -> list[Stream]:
        """Streams between new accounts."""
        people = [XmppPeer(address, _name()) for _ in range(2 * count)]
        return [_stream(load, *pair) for pair in zip(people[:count], people[count:], strict=True)]

    def idle(self, address: Address, pid: int, count: int) -> Footprint:
        """What new accounts cost that are there and silent."""
        return footprint(pid, count, lambda _: XmppPeer(address, _name()), _leave)


def _stream(load: Load, sender: XmppPeer, receiver: XmppPeer) -> Stream:
    line = load.line(sender.socket)
    line.received = _refused
    stream = Stream(line, composer(receiver.address), receivers=1, acks=False)
    XmppReceiver(load.line(receiver.socket), stream)
    return stream


def composer(to: str) -> Compose:
    """-> a function of (first, count) that gives the stanzas of messages first ... first + count - 1."""
    template = b"<message to='%s' type='chat' id='%%d'><body>%%0%dd</body></message>" % (
        to.encode(),
        BODY_BYTES,
    )

    @lru_cache(maxsize=8)
    def compose(first: int, count: int) -> bytes:
        return b"".join([template % (n, n) for n in range(first, first + count)])

    return compose


def _refused(data: bytes) -> None:
    if b"<message" in data or b"<stream:error" in data:
        raise BrokenPromise(f"the sender hears {data!r}")


def _leave(peer: XmppPeer) -> None:
    peer.check()
    peer.close()


def _name() -> str:
    return os.urandom(8).hex()
