"""A run of messages on its way to the log."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imserver.core import client_ids
from imserver.core.errors import ChatError
from imserver.core.run import Run
from imserver.core.values import Extra

if TYPE_CHECKING:
    from imserver.core.requests import Send
    from imserver.core.roster import Roster
    from imserver.core.session import Session

MAX_BYTES = 128 * 1024  # of several bodies together, because each receiver gets a run in one frame


@dataclass(slots=True)
class Outcome:
    """What became of a posting's messages start ... end - 1, counted from 0.

    They are refused; or they are in the log from first_seq on, `fresh` if they were not there before.
    """

    start: int
    end: int
    first_seq: int
    time_ms: int
    fresh: bool
    refusal: ChatError | None = None


@dataclass(slots=True, frozen=True)
class Terms:
    """What its sender may do with the message that a posting is about.

    His own he may edit or recall if it is not older than `since_ms`; who `moderates` may recall everybody's at any
    time.  What is to be burnt is so at `burn_by_ms`, even unread.
    """

    since_ms: int
    moderates: bool
    burn_by_ms: int


class Posting(Run):
    """What one session sends to one conversation in a row, and whom the core answers: the message at a place has the tag there.

    After IMessages.append either all of it is new in the log from first_seq on at time_ms, and `outcomes` is
    empty; or `outcomes` covers its messages in order.  One with an `extra` has `terms`.
    """

    __slots__ = (
        "_id_bytes",
        "_next_id",
        "barred",
        "is_open",
        "outcomes",
        "roster",
        "session",
        "tags",
        "terms",
        "waiting_bytes",
    )

    bodies: list[bytes]

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
        barred: ChatError | None = None,
        extra: Extra | None = None,
        terms: Terms | None = None,
    ) -> None:
        stem, number = client_ids.split(client_id)
        # Not through Run's own, because a message alone costs little enough for a call to show.
        self.conversation = conversation
        self.first_seq = 0
        self.sender = sender
        self.sender_name = sender_name
        self.stem = stem
        self.number = number
        self.kind = kind
        self.content_type = content_type
        self.bodies = [body]
        self.time_ms = 0
        self.withheld = False  # until the store knows better
        self.barred = barred  # why nothing new of it may be stored, though what was is answered
        self.extra, self.terms = extra, terms
        self._next_id = 0  # not known yet
        self._id_bytes = len(client_id)
        self.tags = [tag]
        self.waiting_bytes = len(body)
        self.session = session
        self.roster = roster
        self.is_open = True  # no batch has taken it
        self.outcomes: list[Outcome] = []

    def continues_with(self, request: "Send") -> bool:
        """Whether the request may join it."""
        return (
            int.from_bytes(request.client_id) == (self._next_id or self._second_id())
            and len(request.client_id) == self._id_bytes
            and request.conversation == self.conversation
            and request.kind == self.kind
            and request.content_type == self.content_type
            and self.waiting_bytes + len(request.body) <= MAX_BYTES
            and request.extra is None
            and self.is_open
        )

    def _second_id(self) -> int:
        """As one number, which is the cheapest way to see that an id continues the count; -1 if none does."""
        can_grow = self.extra is None and client_ids.can_count(self.number)
        self._next_id = int.from_bytes(self.client_id(0)) + 1 if can_grow else -1
        return self._next_id

    def add(self, tag: int, body: bytes) -> None:
        """Take on the message that continues it."""
        self.tags.append(tag)
        self.bodies.append(body)
        self.waiting_bytes += len(body)
        self._next_id += 1

    def refuse(self, error: ChatError) -> None:
        """Nothing of it was stored, or that is unknown."""
        self.outcomes = [Outcome(0, len(self.bodies), 0, 0, False, error)]
