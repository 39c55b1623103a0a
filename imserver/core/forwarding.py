"""Forwarding: what a message says, said again by somebody else, somewhere else."""

from typing import TYPE_CHECKING

from imserver.core.errors import ChatError, Code
from imserver.core.requests import Forward, Send
from imserver.core.values import Extra, Kind, Message

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session

# Kind -> that of what is forwarded: what an edit says stands for itself elsewhere.
_FORWARDED = {Kind.TEXT: Kind.TEXT, Kind.RICH: Kind.RICH, Kind.OPAQUE: Kind.OPAQUE, Kind.EDIT: Kind.TEXT}


class Forwarding:
    """Turns a Forward into the Send that it stands for."""

    def __init__(self, core: "Core") -> None:
        self._core = core

    async def send_for(self, session: "Session", request: Forward) -> Send:
        """Raises NOT_FOUND, FORBIDDEN, CLIENT_ID_REUSED.

        A retry stands for what was sent then, whatever has become of the original.
        """
        earlier = await self._core.store.sent(session.number, request.client_id)
        if earlier is not None:
            return _again(request, earlier)
        message = await self._core.history.message(session, request.conversation, request.seq)
        extra = message.extra or Extra()
        if message.kind == Kind.TOMBSTONE:
            raise ChatError(Code.NOT_FOUND, "there is nothing of that message for you")
        if message.kind not in _FORWARDED or extra.burn_seconds:
            raise ChatError(
                Code.FORBIDDEN, "only what somebody has said is forwarded, and not what is to be burnt"
            )
        kind = _FORWARDED[Kind(message.kind)]
        origin = Extra(origin=extra.origin or message.sender)
        return Send(request.to, request.client_id, kind, message.content_type, message.body, origin)


def _again(request: Forward, earlier: Message) -> Send:
    is_forwarded = earlier.extra is not None and earlier.extra.origin
    if earlier.kind != Kind.TOMBSTONE and not is_forwarded:
        raise ChatError(Code.CLIENT_ID_REUSED, "that client id belongs to another message; take a new one")
    return Send(
        request.to, request.client_id, earlier.kind, earlier.content_type, earlier.body, earlier.extra
    )
