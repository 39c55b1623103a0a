"""The gogotalk wire's numbers: its commands and their bodies, its results, its statuses (docs/wires/gogotalk.md)."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from google.protobuf.message import DecodeError

from imserver.core.errors import Code, UnreadableRequest, WireError
from imserver.core.values import State
from imserver.proto import gogotalk_pb2 as pb

_CONTENT = b"\x1a"  # field 3, bytes
_ONE_BYTE, _TWO_BYTES = 2**7 - 1, 2**14 - 1  # the largest lengths that take no more


class Command(IntEnum):
    """Odd ones ask; the next one answers or is told to others."""

    LOG_IN = 1
    LOGGED_IN = 2
    REGISTER = 3
    REGISTERED = 4
    GET_FRIENDS = 5
    FRIENDS = 6
    LOG_OUT = 7
    WENT_OFFLINE = 8
    SET_STATUS = 9
    STATUS = 10
    UPDATE_PROFILE = 11
    PROFILE_UPDATED = 12
    CHAT = 13
    CHAT_ARRIVED = 14
    GET_USERS = 15
    USERS = 16
    ADD_FRIENDS = 17
    FRIENDS_ADDED = 18
    HEARTBEAT = 19
    HEARTBEAT_HEARD = 20
    UPLOAD_FILE = 21
    FILE_UPLOADED = 22
    GET_FILES = 23
    FILES = 24


_REQUESTS: dict[int, Any] = {
    Command.LOG_IN: pb.LoginRequest,
    Command.REGISTER: pb.RegisterRequest,
    Command.GET_FRIENDS: pb.GetFriendsRequest,
    Command.LOG_OUT: pb.LogoutRequest,
    Command.SET_STATUS: pb.ChangeStatusRequest,
    Command.UPDATE_PROFILE: pb.UpdateUserInfoRequest,
    Command.CHAT: pb.FriendChatRequest,
    Command.GET_USERS: pb.GetUserListRequest,
    Command.ADD_FRIENDS: pb.AddFriendsRequest,
    Command.HEARTBEAT: pb.HeartbeatRequest,
    Command.UPLOAD_FILE: pb.UploadFileRequest,
    Command.GET_FILES: pb.GetFileListRequest,
}

# A request -> what answers it: these bodies begin with a Result.
ANSWERS: dict[int, tuple[Command, Any]] = {
    Command.LOG_IN: (Command.LOGGED_IN, pb.LoginResponse),
    Command.REGISTER: (Command.REGISTERED, pb.RegisterResponse),
    Command.GET_FRIENDS: (Command.FRIENDS, pb.GetFriendsResponse),
    Command.UPDATE_PROFILE: (Command.PROFILE_UPDATED, pb.UpdateUserInfoResponse),
    Command.GET_USERS: (Command.USERS, pb.GetUserListResponse),
    Command.ADD_FRIENDS: (Command.FRIENDS_ADDED, pb.AddFriendsResponse),
    Command.HEARTBEAT: (Command.HEARTBEAT_HEARD, pb.HeartbeatResponse),
    Command.UPLOAD_FILE: (Command.FILE_UPLOADED, pb.UploadFileResponse),
    Command.GET_FILES: (Command.FILES, pb.GetFileListResponse),
}


def decode(command: int, body: bytes) -> Any:
    """The message in the body of a request.  Raises UnreadableRequest for an unknown command, WireError for a bad body."""
    kind = _REQUESTS.get(command)
    if kind is None:
        raise UnreadableRequest(0, "this server does not know that command")
    try:
        return kind.FromString(body)
    except DecodeError:
        raise WireError(f"not a {kind.DESCRIPTOR.name}") from None


def chat_head(sender: str, to: str) -> bytes:
    """What the bodies of all chats from one to the other begin with: everything before the length of the content."""
    both: bytes = pb.FriendChatNotice(FromUserID=sender, ToUserID=to).SerializeToString()
    return both + _CONTENT


def content_at(packet: bytes, start: int) -> bytes | None:
    """The content whose length stands there and which ends the packet; None if that is not so, or it is long."""
    size = len(packet) - start - 1
    if size <= _ONE_BYTE:
        return packet[start + 1 :] if size >= 0 and packet[start] == size else None
    size -= 1
    if size > _TWO_BYTES or packet[start] != size & 0x7F | 0x80 or packet[start + 1] != size >> 7:
        return None
    return packet[start + 2 :]


def chat_bodies(sender: str, to: str, contents: Sequence[bytes]) -> list[bytes]:
    """FriendChatNotices that differ in their contents only: what they share is encoded once."""
    head = chat_head(sender, to)
    return [head + _varint(len(content)) + content for content in contents]


def _varint(number: int) -> bytes:
    if number <= _ONE_BYTE:
        return bytes((number,))
    if number <= _TWO_BYTES:
        return bytes((number & 0x7F | 0x80, number >> 7))
    return bytes((number & 0x7F | 0x80,)) + _varint(number >> 7)


# -- results -----------------------------------------------------------------------------------------

FAILURE, SUCCESS, USER_EXISTS, REPEATED_LOGIN, NO_SUCH_USER, WRONG_PASSWORD = range(6)

# What the clients have no number for is a failure, and the message says why.
RESULTS = {
    Code.NAME_TAKEN: USER_EXISTS,
    Code.ALREADY_LOGGED_IN: REPEATED_LOGIN,
    Code.NOT_FOUND: NO_SUCH_USER,
    Code.WRONG_CREDENTIALS: WRONG_PASSWORD,
    Code.NOT_AUTHENTICATED: FAILURE,
    Code.REGISTRATION_CLOSED: FAILURE,
    Code.BAD_NAME: FAILURE,
    Code.BAD_PASSWORD: FAILURE,
    Code.BAD_REQUEST: FAILURE,
    Code.FORBIDDEN: FAILURE,
    Code.NOT_MEMBER: FAILURE,
    Code.LIMIT_REACHED: FAILURE,
    Code.BODY_TOO_LARGE: FAILURE,
    Code.RATE_LIMITED: FAILURE,
    Code.RETRY_AFTER: FAILURE,
    Code.TRY_LATER: FAILURE,
    Code.CLIENT_ID_REUSED: FAILURE,
    Code.REQUEST_ID_REUSED: FAILURE,
    Code.REQUEST_TOO_OLD: FAILURE,
    Code.FENCED: FAILURE,
    Code.UNAVAILABLE_STORAGE: FAILURE,
    Code.UNKNOWN_RETRY: FAILURE,
    Code.INTERNAL: FAILURE,
    Code.PROTOCOL_ERROR: FAILURE,
    Code.FRAME_TOO_LARGE: FAILURE,
    Code.TOO_SLOW: FAILURE,
    Code.LOGIN_TIMEOUT: FAILURE,
    Code.TOO_MANY_REFUSALS: FAILURE,
    Code.REPLACED: FAILURE,
    Code.REVOKED: FAILURE,
    Code.LOGGED_OUT: FAILURE,
    Code.STOPPING: FAILURE,
}


def success() -> Any:
    """The Result of what was done."""
    return pb.Result(Code=SUCCESS)


def failure(code: str, text: str) -> Any:
    """The Result of what was refused; the text only where the number does not say it all."""
    number = RESULTS[Code(code)]
    return pb.Result(Code=number, Msg="" if number else text)


# -- statuses ----------------------------------------------------------------------------------------

OFFLINE_STATUS = 6
_STATUSES = {
    State.OFFLINE: OFFLINE_STATUS,
    State.ONLINE: 2,
    State.AWAY: 3,
    State.BUSY: 4,
    State.DO_NOT_DISTURB: 5,
    State.INVISIBLE: OFFLINE_STATUS,
}
# 1 asks to be talked to; who chooses to look offline wants to be invisible.
_STATES = {
    1: State.ONLINE,
    2: State.ONLINE,
    3: State.AWAY,
    4: State.BUSY,
    5: State.DO_NOT_DISTURB,
    6: State.INVISIBLE,
}


def status_of(state: int) -> int:
    """A State -> the status that shows it."""
    return _STATUSES[State(state)]


def state_of(status: int) -> State | None:
    """The status that a client asks for -> a State; None if there is no such status."""
    return _STATES.get(status)
