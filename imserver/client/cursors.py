"""How far a device has got in each conversation, and what an arriving seq means there."""

from collections.abc import Mapping
from enum import Enum, auto

MAX_CONVERSATIONS = 10_000


class Step(Enum):
    """What a seq is to a cursor."""

    NEXT = auto()  # the one after the cursor, which has moved to it
    SEEN = auto()  # at or below the cursor: a duplicate
    GAP = auto()  # something is missing in between
    UNKNOWN = auto()  # there is no cursor for this conversation yet


class Cursors:
    """One cursor per conversation: every visible message up to it has been seen.  A cursor never moves back.

    Beyond MAX_CONVERSATIONS the cursor that has not moved for longest is forgotten; its conversation is then
    as good as unknown, and the server's own cursor for the device stands in.
    """

    def __init__(self, positions: Mapping[int, int] | None = None) -> None:
        self._positions: dict[int, int] = {}
        for conversation, seq in (positions or {}).items():
            self.raise_to(conversation, seq)

    def get(self, conversation: int) -> int | None:
        """The conversation's cursor; None if there is none."""
        return self._positions.get(conversation)

    def step(self, conversation: int, seq: int) -> Step:
        """What the seq is; the cursor moves when it is NEXT."""
        cursor = self._positions.get(conversation)
        if cursor is None:
            return Step.UNKNOWN
        if seq <= cursor:
            return Step.SEEN
        if seq > cursor + 1:
            return Step.GAP
        self.raise_to(conversation, seq)
        return Step.NEXT

    def raise_to(self, conversation: int, seq: int) -> None:
        """Start the conversation at seq, or move its cursor up to it."""
        seq = max(seq, self._positions.pop(conversation, 0))
        if len(self._positions) >= MAX_CONVERSATIONS:
            del self._positions[next(iter(self._positions))]
        self._positions[conversation] = seq

    def clear(self) -> None:
        """Forget all: the server's log is another one now."""
        self._positions.clear()

    def as_dict(self) -> dict[int, int]:
        """A copy, conversation to seq."""
        return dict(self._positions)
