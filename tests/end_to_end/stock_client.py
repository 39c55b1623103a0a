"""The original GoGoTalk client as far as its habits go: it takes what one receive returns for a whole body."""

import socket
from struct import Struct
from typing import Any

from imserver.codecs import rtf
from imserver.codecs.gogotalk import Command
from imserver.proto import gogotalk_pb2 as pb
from tests.contracts.gogotalk_client import EVENTS
from tests.end_to_end.peer import PASSWORD

PICTURE = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 256  # 64 KiB, as a small JPEG
_HEADER = Struct("<II")
Heard = tuple[int, Any]


class StockClient:
    """One blocking connection in LTV.

    `receive_buffer_bytes` bounds what the kernel takes in unread, `segment_bytes` what it takes as one (0: its default).
    """

    def __init__(
        self,
        address: tuple[str, int],
        name: str,
        preface: bytes = b"",
        receive_buffer_bytes: int = 0,
        segment_bytes: int = 0,
    ) -> None:
        self.name = name
        self.socket = socket.socket()
        if receive_buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        if segment_bytes:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment_bytes)
        self.socket.settimeout(60.0)
        self.socket.connect(address)
        self.socket.sendall(preface)

    def say(self, command: int, message: Any) -> None:
        """Send a packet."""
        body = message.SerializeToString()
        self.socket.sendall(_HEADER.pack(len(body), command) + body)

    def hear(self) -> Heard:
        """The next packet: one receive for the header, one for the body.  AssertionError if either was torn."""
        header = self.socket.recv(_HEADER.size)
        assert len(header) == _HEADER.size, f"a header of {len(header)} bytes"
        length, command = _HEADER.unpack(header)
        body = self.socket.recv(length) if length else b""
        assert len(body) == length, f"{len(body)} of {length} bytes"
        return command, EVENTS[command].FromString(body)

    def hear_until(self, command: int) -> Any:
        """The next packet under that command; others are let go."""
        while True:
            heard, message = self.hear()
            if heard == command:
                return message

    def ask(self, command: int, message: Any) -> Any:
        """Send it; -> the answer."""
        self.say(command, message)
        return self.hear_until(command + 1)

    def register(self) -> Any:
        """With a picture."""
        request = pb.RegisterRequest(
            UserID=self.name, Password=PASSWORD, NickName=self.name, HeadImageData=PICTURE
        )
        return self.ask(Command.REGISTER, request)

    def log_in(self) -> Any:
        """Online."""
        return self.ask(Command.LOG_IN, pb.LoginRequest(UserID=self.name, Password=PASSWORD, Status=2))

    def enter(self) -> "StockClient":
        """Register and log in."""
        assert self.register().Result.Code == 1
        assert self.log_in().Result.Code == 1
        return self

    def chat(self, to: str, text: str) -> None:
        """What a window sends."""
        content = rtf.from_text(text)
        self.say(Command.CHAT, pb.FriendChatRequest(FromUserID=self.name, ToUserID=to, Content=content))

    def beat(self) -> None:
        """A heartbeat, answered."""
        self.ask(Command.HEARTBEAT, pb.HeartbeatRequest(UserID=self.name))

    def texts(self, count: int) -> list[str]:
        """Of the next so many chats."""
        return [rtf.to_text(self.hear_until(Command.CHAT_ARRIVED).Content) for _ in range(count)]

    def close(self) -> None:
        """Die, with whatever is unread."""
        self.socket.close()
