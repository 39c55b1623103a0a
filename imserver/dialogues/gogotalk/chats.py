"""The chats that a gogotalk client sends: from packets to sends.

Who writes to one partner sends packets that begin alike.  That beginning is parsed once; a packet that begins so
again is its content and nothing else, which makes it as cheap as a message of the native wire.
"""

from collections.abc import Callable

from imserver.codecs.gogotalk import Command, chat_head, content_at
from imserver.core.errors import UnreadableRequest
from imserver.core.requests import Send, SendTo
from imserver.core.session import Session
from imserver.core.values import Kind
from imserver.dialogues.gogotalk.routes import Route, Routes
from imserver.net.zinx import HEADER_BYTES, Packing
from imserver.proto import gogotalk_pb2 as pb

_DOCUMENT = b"{\\rtf"
_CHAT = int(Command.CHAT)  # members of enumerations take longer to find
_RICH, _TEXT = int(Kind.RICH), int(Kind.TEXT)
_STEM_BYTES = 8  # of client ids; a counter of 8 bytes follows (core/client_ids.py)


class Chats:
    """Those of one client; `token_bytes` gives random ones."""

    def __init__(self, session: Session, token_bytes: Callable[[int], bytes]) -> None:
        self.routes = Routes()
        self._session = session
        self._client_ids = token_bytes(_STEM_BYTES)
        self._sent = 0
        self._route = Route("", 0)  # of the last chat
        self._head = b""  # with which it began; none before the login, when nobody can say who speaks

    def take_alike(self, packet: bytes, packing: Packing) -> bool:
        """Send it if it is a chat that begins as the last one did; -> whether it was.  Raises as `take` does."""
        head = self._head
        if not head or not packet.startswith(head, HEADER_BYTES) or packing.command(packet) != _CHAT:
            return False
        content = content_at(packet, HEADER_BYTES + len(head))
        if content is None:
            return False
        self._send(self._route, content)
        return True

    def take(self, chat: pb.FriendChatRequest) -> None:
        """Send it; who says it has been looked at.  Raises UnreadableRequest if it says nothing."""
        route = self.routes.to(chat.ToUserID)
        if route is not self._route and self._session.account is not None:
            self._route, self._head = route, chat_head(chat.FromUserID, chat.ToUserID)
        self._send(route, chat.Content)

    def _send(self, route: Route, content: bytes) -> None:
        if not content:
            raise UnreadableRequest(route.tag, "it says nothing")
        self._sent += 1
        client_id = self._client_ids + self._sent.to_bytes(8, "big")
        kind = _RICH if content.startswith(_DOCUMENT) else _TEXT
        if route.conversation:
            self._session.ask(route.tag, Send(route.conversation, client_id, kind, "", content))
        else:
            self._session.ask(route.tag, SendTo(route.address, client_id, kind, "", content))
