"""What is measured: the relay and the server, each with fifty pairs and one large group connected to it."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from bench.ends import NativeReceiver, NativeSender, RelayReceiver
from bench.frames import composer, pack
from bench.load import Line, Load, Stream
from bench.prepare import token
from imserver.core.events import ConversationOpened, Pong
from imserver.core.requests import CreateGroup, OpenDirect, Ping
from tests.end_to_end.peer import Address, Peer

PAIRS = 50
GROUP = 500
GROUP_RECEIVERS = GROUP - 1
PEOPLE = 2 * PAIRS + GROUP
ONE_CONVERSATION = 1 << 52  # for the relay's frames: as long as the server's


@dataclass(slots=True)
class Target:
    """A process under load and the streams that go through it."""

    name: str
    pid: int
    load: Load
    pairs: list[Stream]
    fan_out: Stream


class Relay:
    """The relay's process, for as long as the context lasts."""

    def __enter__(self) -> Target:
        command = [sys.executable, "-m", "bench.relay"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self._address = ("127.0.0.1", int(next(iter(self._process.stdout or ()))))
        load = Load()
        pairs = [self._stream(load, b"pair %d" % n, 1) for n in range(PAIRS)]
        return Target("relay", self._process.pid, load, pairs, self._stream(load, b"group", GROUP_RECEIVERS))

    def _stream(self, load: Load, room: bytes, receivers: int) -> Stream:
        compose = composer(ONE_CONVERSATION, os.urandom(8))
        stream = Stream(self._member(load, room), compose, receivers, acks=False)
        for _ in range(receivers):
            RelayReceiver(self._member(load, room), stream, compose)
        return stream

    def _member(self, load: Load, room: bytes) -> Line:
        member = socket.create_connection(self._address)
        member.sendall(pack(room))
        # The relay echoes the room's name once the member is in it.
        member.recv(len(pack(room)), socket.MSG_WAITALL)
        return load.line(member)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()


def server(address: Address, pid: int) -> Target:
    """Log prepared accounts in: a hundred for the pairs, then five hundred for the group."""
    load = Load()
    pairs = native_pairs(load, address, PAIRS)
    group = [_Person(address, n) for n in range(2 * PAIRS, PEOPLE)]
    others = [person.number for person in group[1:]]
    conversation = group[0].open(CreateGroup("the large group", others))
    return Target("server", pid, load, pairs, _stream(load, conversation, group[0], group[1:]))


def native_pairs(load: Load, address: Address, count: int) -> list[Stream]:
    """Streams between prepared accounts: from the first `count` of them to the next."""
    people = [_Person(address, n) for n in range(2 * count)]
    return [_pair(load, *pair) for pair in zip(people[:count], people[count:], strict=True)]


def _pair(load: Load, sender: "_Person", receiver: "_Person") -> Stream:
    return _stream(load, sender.open(OpenDirect(receiver.number)), sender, [receiver])


class _Person:
    """A prepared account, logged in."""

    def __init__(self, address: Address, n: int) -> None:
        self._peer = Peer(address)
        self.number = self._peer.log_in_with_token(token(n)).account.number

    def open(self, request: OpenDirect | CreateGroup) -> int:
        """-> the conversation's id."""
        return self._peer.expect(request, ConversationOpened).membership.conversation.id

    def line(self, load: Load) -> Line:
        """Hand the connection over, with nothing read that was not looked at."""
        self._peer.expect(Ping(), Pong)
        return load.line(self._peer.socket)


def _stream(load: Load, conversation: int, sender: _Person, receivers: Sequence[_Person]) -> Stream:
    source = os.urandom(8)
    line = sender.line(load)
    stream = Stream(line, composer(conversation, source), len(receivers), acks=True)
    NativeSender(line, stream)
    for receiver in receivers:
        NativeReceiver(receiver.line(load), stream, load, source)
    return stream
