"""What a gogotalk client says and is told (docs/wires/gogotalk.md).

Who somebody is comes from the session: a UserID in a body may only repeat it.  Chats are plain sends; all other
commands are coroutines, each answered by one packet where the protocol has one, and by a chat from `imserver`
where it has none.
"""

import logging
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any

from imserver.codecs.gogotalk import ANSWERS, Command, decode, failure, state_of, success
from imserver.core.burst import Burst
from imserver.core.errors import ChatError, Code, UnreadableRequest
from imserver.core.events import (
    Closing,
    ContactAdded,
    ContactRemoved,
    ContactRequested,
    Done,
    Event,
    LoggedIn,
    Pong,
    PresenceChanged,
    Refused,
    Registered,
)
from imserver.core.names import fold
from imserver.core.requests import (
    LogIn,
    LogOut,
    Ping,
    Register,
    SetPresence,
    UpdateProfile,
)
from imserver.core.run import Run
from imserver.core.session import Session
from imserver.core.values import ContactRequest, Kind, State
from imserver.dialogues.gogotalk.chats import Chats
from imserver.dialogues.gogotalk.people import People, user
from imserver.dialogues.gogotalk.routes import Route
from imserver.dialogues.gogotalk.speech import SERVER_ID, Speech
from imserver.net.dialogue import Dialogue
from imserver.net.zinx import HEADER_BYTES, MAX_UPLOAD_BYTES, ZINX_HEARTBEAT, ZinxFraming
from imserver.proto import gogotalk_pb2 as pb

_CHAT = int(Command.CHAT)  # members of enumerations take longer to find

_log = logging.getLogger(__name__)


class GoGoTalk(Dialogue):
    """One client's dialogue; `token_bytes` gives random ones."""

    framing: ZinxFraming

    def __init__(
        self,
        session: Session,
        write: Callable[[bytes], None],
        framing: Any,
        token_bytes: Callable[[int], bytes],
        stock_windows: bool = False,
    ) -> None:
        super().__init__(session, write, framing)
        self._stock_windows = stock_windows
        self._speech = Speech(session, framing, stock_windows)
        self._chats = Chats(session, token_bytes)
        self._people = People(session, self.ask)

    # -- in

    def received(self, frame: bytes) -> None:
        """A packet has come."""
        packing = self.framing.packing
        assert packing is not None
        if self._chats.take_alike(frame, packing):
            return
        command = packing.command(frame)
        if command == ZINX_HEARTBEAT:
            self.session.ask(0, Ping())
            return
        request = decode(command, frame[HEADER_BYTES:])
        if command not in (Command.LOG_IN, Command.REGISTER):
            self._check_identity(command, _stated(command, request))
        if command == _CHAT:
            self._chats.take(request)
        elif command == Command.HEARTBEAT:
            self.session.ask(command, Ping())
        else:
            self.run(self._obey(command, request))

    def _check_identity(self, command: int, stated: str) -> None:
        """Nobody speaks for somebody else."""
        account = self.session.account
        if account is not None and stated and stated != account.name and fold(stated) != account.name:
            _log.warning("%s called himself %r", account.name, stated[:64])
            raise UnreadableRequest(command, "that is not the UserID you have logged in with")

    async def _obey(self, command: int, request: Any) -> None:
        """Do it and answer."""
        try:
            answer = await _HANDLERS[command](self, request)
        except UnreadableRequest:
            raise  # to be counted
        except ChatError as error:  # the core has counted it
            self.write(self._refused(Refused(error.code, error.text), command))
            return
        if answer is not None:
            self.write(self._speech.packet(ANSWERS[command][0], answer))

    def acknowledgements(self, run: Run, tags: Sequence[int]) -> bytes:
        """Nothing tells these clients that a chat is safe; stock windows show what comes back."""
        route = self._chats.routes.tagged(tags[0])
        if route is None:
            return b""
        route.conversation = run.conversation
        if not self._stock_windows:
            return b""
        return self._speech.chats(run.sender_name, route.to, self.projection.bodies(run))

    # -- the other commands

    async def _register(self, request: Any) -> Any:
        await self.ask(
            Register(request.UserID, request.Password, request.NickName, signature=request.Signature),
            Registered,
        )
        return pb.RegisterResponse(Result=success())

    async def _log_in(self, request: Any) -> Any:
        logged_in = await self.ask(LogIn(request.UserID, request.Password, ""), LoggedIn)
        self.framing.max_upload_bytes = MAX_UPLOAD_BYTES
        state = state_of(request.Status) or State.ONLINE
        self.run(self._settle_in(state))
        return pb.LoginResponse(Result=success(), User=user(logged_in.account, state))

    async def _settle_in(self, state: State) -> None:
        if state is not State.ONLINE:
            await self.ask(SetPresence(state, ""), Done)
        await self._people.load()
        for waiting in await self._people.requests():
            self.write(self._asked_for(waiting))

    async def _log_out(self, request: Any) -> None:
        await self.ask(LogOut(), Done)

    async def _set_status(self, request: Any) -> None:
        state = state_of(request.Status)
        if state is None:
            raise UnreadableRequest(Command.SET_STATUS, "a status is a number from 1 to 6")
        await self.ask(SetPresence(state, ""), Done)

    async def _update_profile(self, request: Any) -> Any:
        await self.ask(UpdateProfile(request.User.NickName, request.User.Signature), Done)
        return pb.UpdateUserInfoResponse(Result=success())

    async def _friends(self, request: Any) -> Any:
        friends = await self._people.friends()
        return pb.GetFriendsResponse(Result=success(), Friends=friends)

    async def _users(self, request: Any) -> Any:
        return pb.GetUserListResponse(Result=success(), UserList=await self._people.strangers())

    async def _add_friends(self, request: Any) -> Any:
        await self._people.add(list(request.UserIDList))
        return pb.AddFriendsResponse(Result=success())

    async def _no_files(self, request: Any) -> Any:
        raise UnreadableRequest(_UPLOADS[type(request)], "this server keeps no files")

    # -- out

    def happened(self, event: Event, tag: int) -> bytes:
        """An event as packets; messages come as frames()."""
        match event:
            case Pong() if tag == Command.HEARTBEAT:
                return self._speech.packet(Command.HEARTBEAT_HEARD, pb.HeartbeatResponse(Result=success()))
            case Refused():
                return self._refused(event, tag)
            case Closing(code=Code.LOGGED_OUT):  # who says goodbye hears nothing more
                return b""
            case Closing(text=text):
                return self._speech.words(text)
            case PresenceChanged() | ContactAdded() | ContactRemoved():
                return b"".join([self._speech.packet(*packet) for packet in self._people.changed(event)])
            case ContactRequested(request=request):
                return self._asked_for(request)
        return b""

    def _asked_for(self, request: ContactRequest) -> bytes:
        name, text = request.account.name, f', "{request.text}"' if request.text else ""
        return self._speech.words(f"{name} would like to be your friend{text}: add {name}")

    def view(self, burst: Burst) -> Hashable:
        """See Speech."""
        return self._speech.view(burst.conversation)

    def frames(self, burst: Burst) -> bytes:
        """A run as a whole, made once for each view."""
        view = self.view(burst)
        frames = burst.encodings.get(view)
        if frames is None:
            run, bodies = burst.run, self.projection.bodies(burst.run)
            sender = (run.kind != Kind.NOTICE and run.sender_name) or SERVER_ID  # damaged, it may have none
            to = self._speech.window(run.sender, burst.conversation)
            frames = burst.encodings[view] = self._speech.chats(sender, to, bodies)
        return frames

    def _refused(self, event: Refused, tag: int) -> bytes:
        route = self._chats.routes.tagged(tag)
        if route is not None:
            return self._undelivered(route, event.text)
        if tag not in ANSWERS:
            return self._speech.words(event.text)
        command, kind = ANSWERS[tag]
        return self._speech.packet(command, kind(Result=failure(event.code, event.text)))

    def _undelivered(self, route: Route, why: str) -> bytes:
        route.conversation = 0
        return self._speech.words(f"not delivered to {route.to[:64]}: {why}", route.to)


def _stated(command: int, request: Any) -> str:
    """The UserID in the body of a request."""
    if command == Command.UPDATE_PROFILE:
        return str(request.User.UserID)
    return str(request.FromUserID if command in _FROM else request.UserID)


_FROM = (Command.CHAT, Command.UPLOAD_FILE)
_UPLOADS = {pb.UploadFileRequest: Command.UPLOAD_FILE, pb.GetFileListRequest: Command.GET_FILES}
_HANDLERS: dict[int, Callable[[GoGoTalk, Any], Awaitable[Any]]] = {
    Command.LOG_IN: GoGoTalk._log_in,
    Command.REGISTER: GoGoTalk._register,
    Command.GET_FRIENDS: GoGoTalk._friends,
    Command.LOG_OUT: GoGoTalk._log_out,
    Command.SET_STATUS: GoGoTalk._set_status,
    Command.UPDATE_PROFILE: GoGoTalk._update_profile,
    Command.GET_USERS: GoGoTalk._users,
    Command.ADD_FRIENDS: GoGoTalk._add_friends,
    Command.UPLOAD_FILE: GoGoTalk._no_files,
    Command.GET_FILES: GoGoTalk._no_files,
}
