"""The two ends of a stream on the gogotalk wire, and people who are there and silent.

Chats have no answers, so a message has left the window when its receiver has it.  Receivers send their heartbeat
every two seconds, as the stock client does, and more often under load, as the native client acknowledges.
"""

import socket
from collections.abc import Callable
from functools import lru_cache
from time import monotonic
from typing import Any

from bench.frames import BODY_BYTES, Compose
from bench.idle import Footprint, footprint
from bench.load import BrokenPromise, Line, Load, Stream
from imserver.codecs.gogotalk import SUCCESS, Command
from imserver.net.zinx import HEADER_BYTES, LTV, LtvFraming
from imserver.proto import gogotalk_pb2 as pb
from tests.end_to_end.peer import PASSWORD, Address

HEARTBEAT_SECONDS = 2.0
HEARTBEAT_MESSAGES = 16
PATIENCE_SECONDS = 20.0
FIRST_LOGINS = 8
_MAX_BYTES = 1024 * 1024
_DOCUMENT, _DOCUMENT_END = b"{\\rtf1 ", b"}"
_DIGITS = BODY_BYTES - len(_DOCUMENT) - len(_DOCUMENT_END)


def content(number: int) -> bytes:
    """A document of 100 bytes, and no two alike."""
    return b"%s%0*d%s" % (_DOCUMENT, _DIGITS, number, _DOCUMENT_END)


def composer(sender: str, receiver: str) -> Compose:
    """-> a function of (first, count) that gives the packets of messages first ... first + count - 1."""
    digits = b"%0*d" % (_DIGITS, 0)
    chat = pb.FriendChatRequest(FromUserID=sender, ToUserID=receiver, Content=content(0))
    template = _packed(Command.CHAT, chat).replace(b"%", b"%%").replace(digits, b"%%0%dd" % _DIGITS)

    @lru_cache(maxsize=8)
    def compose(first: int, count: int) -> bytes:
        return b"".join([template % n for n in range(first, first + count)])

    return compose


class GoGoTalkPeer:
    """The n-th prepared account, logged in, on one blocking socket."""

    def __init__(self, address: Address, n: int) -> None:
        self.name = f"load{n}"
        self.heartbeat = _packed(Command.HEARTBEAT, pb.HeartbeatRequest(UserID=self.name))
        self.socket = socket.create_connection(address, timeout=PATIENCE_SECONDS)
        self._framing = LtvFraming(_MAX_BYTES)
        request = pb.LoginRequest(UserID=self.name, Password=PASSWORD, Status=2)
        self.socket.sendall(_packed(Command.LOG_IN, request))
        answer = pb.LoginResponse.FromString(self._wait_for(Command.LOGGED_IN))
        if answer.Result.Code != SUCCESS:
            raise BrokenPromise(f"{self.name} cannot log in: {answer}")

    def check(self) -> None:
        """The server answers."""
        self.socket.sendall(self.heartbeat)
        self._wait_for(Command.HEARTBEAT_HEARD)

    def close(self) -> None:
        """Close without a word."""
        self.socket.close()

    def _wait_for(self, command: Command) -> bytes:
        while True:
            for packet in self._framing.frames():
                if LTV.command(packet) == command:
                    return packet[HEADER_BYTES:]
            data = self.socket.recv(65_536)
            if not data:
                raise BrokenPromise(f"{self.name} was sent away")
            self._framing.receive(data)


class GoGoTalkSender:
    """Hears of no chat: its own do not come back, and the server speaks when it refuses."""

    def __init__(self, line: Line) -> None:
        self._framing = LtvFraming(_MAX_BYTES)
        line.received = self._received

    def _received(self, data: bytes) -> None:
        self._framing.receive(data)
        for packet in self._framing.frames():
            if LTV.command(packet) == Command.CHAT_ARRIVED:
                chat = pb.FriendChatNotice.FromString(packet[HEADER_BYTES:])
                raise BrokenPromise(f"the sender hears {chat}")


class GoGoTalkReceiver:
    """Sees the messages, every one once and in order."""

    def __init__(self, line: Line, stream: Stream, load: Load, heartbeat: bytes) -> None:
        self._framing = LtvFraming(_MAX_BYTES)
        self._line = line
        self._stream = stream
        self._load = load
        self._heartbeat = heartbeat
        self._next = 1
        self._heard = 1  # up to which a heartbeat has been sent
        self._beat()
        line.received = self._received

    def _received(self, data: bytes) -> None:
        self._framing.receive(data)
        first = self._next
        for packet in self._framing.frames():
            if LTV.command(packet) == Command.CHAT_ARRIVED:
                self._arrived(pb.FriendChatNotice.FromString(packet[HEADER_BYTES:]))
        if self._next > first:
            self._stream.received(first, self._next - first, monotonic())
        if self._next - self._heard >= HEARTBEAT_MESSAGES:
            self._line.write(self._heartbeat)
            self._heard = self._next

    def _arrived(self, chat: Any) -> None:
        if chat.Content != content(self._next):
            raise BrokenPromise(f"instead of message {self._next}: {chat}")
        self._next += 1

    def _beat(self) -> None:
        self._line.write(self._heartbeat)
        self._load.later.append((monotonic() + HEARTBEAT_SECONDS, self._beat))


class GoGoTalk:
    """How the generator talks to imserver by the gogotalk wire; the accounts have been prepared."""

    def pairs(self, load: Load, address: Address, count: int) -> list[Stream]:
        """See Wire."""
        people = [GoGoTalkPeer(address, n) for n in range(2 * count)]
        return [_stream(load, *pair) for pair in zip(people[:count], people[count:], strict=True)]

    def idle(self, address: Address, pid: int, count: int) -> Footprint:
        """See Wire.  The first logins pay for what hashing passwords needs."""
        for n in range(FIRST_LOGINS):
            _leave(GoGoTalkPeer(address, n))
        return footprint(pid, count, _arrivals(address), _leave)


def _stream(load: Load, sender: GoGoTalkPeer, receiver: GoGoTalkPeer) -> Stream:
    line = load.line(sender.socket)
    GoGoTalkSender(line)
    stream = Stream(line, composer(sender.name, receiver.name), receivers=1, acks=False)
    GoGoTalkReceiver(load.line(receiver.socket), stream, load, receiver.heartbeat)
    return stream


def _arrivals(address: Address) -> Callable[[int], GoGoTalkPeer]:
    """Whoever is there gives signs of life while the others come."""
    here: list[GoGoTalkPeer] = []

    def come(n: int) -> GoGoTalkPeer:
        here.append(GoGoTalkPeer(address, n))
        if len(here) % 50 == 0:
            for each in here:
                each.check()
        return here[-1]

    return come


def _leave(peer: GoGoTalkPeer) -> None:
    peer.check()
    peer.close()


def _packed(command: Command, message: Any) -> bytes:
    return LTV.pack(command, message.SerializeToString())
