"""What a gogotalk client is told, in packets of its packing, for the windows it has."""

from collections.abc import Hashable, Sequence
from typing import Any

from imserver.codecs import rtf
from imserver.codecs.gogotalk import Command, chat_bodies
from imserver.core.session import Session
from imserver.core.values import Conversation, ConversationKind
from imserver.dialogues.gogotalk.routes import group_id
from imserver.net.zinx import ZinxFraming
from imserver.proto import gogotalk_pb2 as pb

SERVER_ID = "imserver"  # whom the server's own words come from
_CHAT_ARRIVED = int(Command.CHAT_ARRIVED)


class Speech:
    """To one client.  With `stock_windows` each chat goes to the window of its partner, whoever has written it."""

    def __init__(self, session: Session, framing: ZinxFraming, stock_windows: bool) -> None:
        self._session = session
        self._framing = framing
        self._stock_windows = stock_windows

    def packet(self, command: int, message: Any) -> bytes:
        """A packet; none before the client has said anything, because nobody knows yet how to speak to it."""
        packing = self._framing.packing
        return packing.pack(command, message.SerializeToString()) if packing is not None else b""

    def chats(self, sender: str, to: str, contents: Sequence[bytes]) -> bytes:
        """Chats of one sender in one window."""
        packing = self._framing.packing
        assert packing is not None  # who has logged in has said something
        pack = packing.pack
        return b"".join([pack(_CHAT_ARRIVED, body) for body in chat_bodies(sender, to, contents)])

    def words(self, text: str, window: str = SERVER_ID) -> bytes:
        """The server's own words."""
        account = self._session.account
        own_id = account.name if account is not None else ""
        to = window if self._stock_windows else own_id
        chat = pb.FriendChatNotice(FromUserID=SERVER_ID, ToUserID=to, Content=rtf.from_text(text))
        return self.packet(_CHAT_ARRIVED, chat)

    def window(self, sender: int, conversation: Conversation) -> str:
        """The ToUserID: the group, or whom it was sent to, or, for stock windows, the other of the two."""
        if conversation.kind is ConversationKind.GROUP:
            return group_id(conversation)
        one, other = conversation.peers
        not_to = self._session.number if self._stock_windows else sender
        return other.name if one.number == not_to else one.name

    def view(self, conversation: Conversation) -> Hashable:
        """Clients with one view are told the same: those of one packing, but where each is told its own partner."""
        if self._stock_windows and conversation.kind is ConversationKind.DIRECT:
            return self._framing.packing, self._session.number
        return self._framing.packing
