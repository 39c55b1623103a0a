"""A gogotalk client without I/O, in either packing."""

from typing import Any

from imserver.codecs import rtf
from imserver.codecs.gogotalk import SUCCESS, Command
from imserver.net.zinx import HEADER_BYTES, LTV, Packing, ZinxFraming
from imserver.proto import gogotalk_pb2 as pb
from tests.contracts.wire import WireClient

EVENTS: dict[int, Any] = {
    Command.LOGGED_IN: pb.LoginResponse,
    Command.REGISTERED: pb.RegisterResponse,
    Command.FRIENDS: pb.GetFriendsResponse,
    Command.WENT_OFFLINE: pb.ChangeStatusNotice,
    Command.STATUS: pb.ChangeStatusNotice,
    Command.PROFILE_UPDATED: pb.UpdateUserInfoResponse,
    Command.CHAT_ARRIVED: pb.FriendChatNotice,
    Command.USERS: pb.GetUserListResponse,
    Command.FRIENDS_ADDED: pb.AddFriendsResponse,
    Command.HEARTBEAT_HEARD: pb.HeartbeatResponse,
    Command.FILE_UPLOADED: pb.UploadFileResponse,
    Command.FILES: pb.GetFileListResponse,
}


class GoGoTalkClient(WireClient):
    """Keeps all it was told; once logged in it sends a heartbeat every second."""

    def __init__(self, packing: Packing = LTV) -> None:
        super().__init__()
        self.packing = packing
        self.name = ""
        self.told: list[tuple[int, Any]] = []
        self._framing = ZinxFraming(1 << 20)

    def pack(self, command: int, message: Any) -> bytes:
        """A packet."""
        return self.packing.pack(command, message.SerializeToString())

    def register(self, name: str, password: str, **others: Any) -> bytes:
        return self.pack(
            Command.REGISTER, pb.RegisterRequest(UserID=name, Password=password, NickName=name, **others)
        )

    def log_in(self, name: str, password: str, status: int = 2) -> bytes:
        self.name = name
        return self.pack(Command.LOG_IN, pb.LoginRequest(UserID=name, Password=password, Status=status))

    def send_to(self, name: str, text: str) -> bytes:
        return self.chat(name, rtf.from_text(text))

    def chat(self, to: str, content: bytes) -> bytes:
        """A chat as it is, under the own name."""
        chat = pb.FriendChatRequest(FromUserID=self.name, ToUserID=to, Content=content)
        return self.pack(Command.CHAT, chat)

    def every_second(self) -> bytes:
        return self.pack(Command.HEARTBEAT, pb.HeartbeatRequest(UserID=self.name)) if self.logged_in else b""

    def of(self, command: int) -> list[Any]:
        """All that came under that command."""
        return [message for number, message in self.told if number == command]

    @property
    def chats(self) -> list[tuple[str, str, str]]:
        """(from, to, text)."""
        notices = self.of(Command.CHAT_ARRIVED)
        return [(one.FromUserID, one.ToUserID, rtf.to_text(one.Content)) for one in notices]

    def receive(self, data: bytes) -> bytes:
        self._framing.receive(data)
        for packet in self._framing.frames():
            assert self._framing.packing is not None
            command = self._framing.packing.command(packet)
            message = EVENTS[command].FromString(packet[HEADER_BYTES:])
            self.told.append((command, message))
            self._understand(command, message)
        return b""

    def _understand(self, command: int, message: Any) -> None:
        if command == Command.LOGGED_IN and message.Result.Code == SUCCESS:
            self.logged_in = True
        elif command == Command.CHAT_ARRIVED and message.FromUserID != "imserver":
            self.arrived.append((message.FromUserID, rtf.to_text(message.Content)))
        elif command == Command.CHAT_ARRIVED:
            self.refused.append(rtf.to_text(message.Content))
        elif hasattr(message, "Result") and message.Result.Code != SUCCESS:
            self.refused.append(f"{message.Result.Code} {message.Result.Msg}")
