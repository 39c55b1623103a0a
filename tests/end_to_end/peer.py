"""A client of the native wire for tests: one blocking socket, no cleverness, nothing of imserver.client."""

import socket
from collections import deque
from typing import TypeVar

from imserver.codecs.protobuf import ProtobufCodec
from imserver.core.events import Event, LoggedIn, Registered
from imserver.core.requests import LogIn, LogInWithToken, Register, Request
from imserver.core.singly import singly
from imserver.net.framing import Int32Framing

Address = tuple[str, int]
PASSWORD = "correct horse"
PATIENCE_SECONDS = 60.0
_MAX_FRAME_BYTES = 1024 * 1024
_SEGMENT_BYTES = 64 * 1024
_T = TypeVar("_T")


class Gone(Exception):
    """The server has closed the connection."""


class Peer:
    """One connection.  Nothing waits longer than `seconds`, which by default only ends what hangs.

    `receive_buffer_bytes` bounds what the kernel takes in for a peer that does not read (0: its default);
    `source` is the address it comes from, such as any of 127.0.0.0/8 (empty: the kernel's choice).
    """

    def __init__(
        self,
        address: Address,
        seconds: float = PATIENCE_SECONDS,
        receive_buffer_bytes: int = 0,
        source: str = "",
    ) -> None:
        self.socket = socket.socket()
        if source:
            self.socket.bind((source, 0))
        if receive_buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.socket.settimeout(seconds)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._codec = ProtobufCodec()
        self._framing = Int32Framing(_MAX_FRAME_BYTES)
        self._heard: deque[tuple[int, Event]] = deque()
        self._tag = 0

    def fileno(self) -> int:
        """For selectors."""
        return self.socket.fileno()

    def frame(self, request: Request) -> bytes:
        """A request with the next tag, as bytes to be sent."""
        self._tag += 1
        return self._framing.pack(self._codec.encode_request(request, self._tag))

    def tell(self, *requests: Request) -> int:
        """Send requests in one segment; -> the tag of the last.  Raises Gone."""
        frames = b"".join(map(self.frame, requests))
        try:
            self.socket.sendall(frames)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Gone from error
        return self._tag

    def arrived(self) -> list[tuple[int, Event]]:
        """What one read brings, possibly nothing whole yet, as (tag, event).  Raises Gone, TimeoutError."""
        try:
            data = self.socket.recv(_SEGMENT_BYTES)
        except ConnectionResetError as error:
            raise Gone from error
        if not data:
            raise Gone
        self._framing.receive(data)
        pairs = map(self._codec.decode_event, self._framing.frames())
        return [
            (its_tag, one) for tag, event in pairs if event is not None for one, its_tag in singly(event, tag)
        ]

    def hear(self) -> tuple[int, Event]:
        """The next event, in order.  Raises Gone, TimeoutError."""
        while not self._heard:
            self._heard.extend(self.arrived())
        return self._heard.popleft()

    def ask(self, request: Request) -> Event:
        """A request's answer; whatever comes before it stays to be heard.  Raises Gone, TimeoutError."""
        return self.answer(self.tell(request))

    def answer(self, tag: int) -> Event:
        """The answer to the request with that tag, likewise."""
        others: list[tuple[int, Event]] = []
        while (pair := self.hear())[0] != tag:
            others.append(pair)
        self._heard.extendleft(reversed(others))
        return pair[1]

    def expect(self, request: Request, kind: type[_T]) -> _T:
        """A request's answer, which must be of that kind.  Raises AssertionError."""
        answer = self.ask(request)
        if not isinstance(answer, kind):
            raise AssertionError(f"not {kind.__name__} but {answer}")
        return answer

    def register(self, name: str) -> Registered:
        """Make an account."""
        return self.expect(Register(name, PASSWORD, name), Registered)

    def log_in(self, name: str, device: str = "phone") -> LoggedIn:
        """Log in by name."""
        return self.expect(LogIn(name, PASSWORD, device), LoggedIn)

    def log_in_with_token(self, token: bytes) -> LoggedIn:
        """Log in by a device's token."""
        return self.expect(LogInWithToken(token), LoggedIn)

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close without a word."""
        self.socket.close()
