"""A message on its way to the log."""

from typing import TYPE_CHECKING

from imserver.core.errors import ChatError
from imserver.core.values import Message

if TYPE_CHECKING:
    from imserver.core.roster import Roster
    from imserver.core.session import Session


class Posting(Message):
    """One send: a message without seq and time, whom the core answers, and, once the batch is durable, the outcome.

    After IMessages.append exactly one of these holds: `refusal` is set; or seq and time_ms are the message's,
    with `fresh` false when this client id had been stored before (then nothing was written).
    """

    __slots__ = ("fresh", "refusal", "roster", "session", "tag")

    def __init__(
        self,
        conversation: int,
        sender: int,
        sender_name: str,
        client_id: bytes,
        kind: int,
        content_type: str,
        body: bytes,
        session: "Session | None" = None,
        tag: int = 0,
        roster: "Roster | None" = None,
    ) -> None:
        self.conversation = conversation
        self.seq = 0
        self.sender = sender
        self.sender_name = sender_name
        self.client_id = client_id
        self.kind = kind
        self.content_type = content_type
        self.body = body
        self.time_ms = 0
        self.session = session
        self.tag = tag
        self.roster = roster
        self.fresh = True
        self.refusal: ChatError | None = None
