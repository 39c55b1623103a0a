"""Messages in a row: the unit in which they are gathered, stored and shown.

What one sender says to one conversation without a pause is alike but for the text.  Handling it as one thing
makes a message several times cheaper than it would be alone (ARCHITECTURE.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from imserver.core import client_ids
from imserver.core.values import Extra, Gone, Kind, Message


@dataclass(slots=True)
class Run:
    """Consecutive messages of one conversation, of one sender, kind and time, under client ids that count up.

    Their seqs are first_seq ... last_seq, their client ids client_id(0), client_id(1) ... (core/client_ids.py).
    `withheld`: only their sender may see what they say.  A message with an `extra` is a run by itself.
    """

    conversation: int
    first_seq: int
    sender: int
    sender_name: str
    stem: bytes
    number: int
    kind: int
    content_type: str
    bodies: Sequence[bytes]
    time_ms: int
    withheld: bool = False
    extra: Extra | None = None

    @classmethod
    def of(cls, message: Message) -> Self:
        """A run of one."""
        return cls(
            message.conversation,
            message.seq,
            message.sender,
            message.sender_name,
            *client_ids.split(message.client_id),
            message.kind,
            message.content_type,
            [message.body],
            message.time_ms,
            extra=message.extra,
        )

    @property
    def last_seq(self) -> int:
        """Of the last message."""
        return self.first_seq + len(self.bodies) - 1

    @property
    def size(self) -> int:
        """Bytes of all bodies."""
        return sum(map(len, self.bodies))

    def client_id(self, index: int) -> bytes:
        """Of the message at that place, from 0."""
        return client_ids.joined(self.stem, self.number + index)

    def messages(self) -> list[Message]:
        """Each by itself."""
        return [
            Message(
                self.conversation,
                self.first_seq + index,
                self.sender,
                self.sender_name,
                self.client_id(index),
                self.kind,
                self.content_type,
                body,
                self.time_ms,
                self.extra,
            )
            for index, body in enumerate(self.bodies)
        ]

    def part(self, start: int, end: int) -> "Run":
        """Its messages start ... end - 1, counted from 0; there must be one."""
        return self._like(self.first_seq + start, self.number + start, self.bodies[start:end])

    def seen_by(self, account: int) -> "Run":
        """As the account sees it: where what it says is withheld from it, tombstones."""
        if not self.withheld or account == self.sender:
            return self
        return self.gone(Gone.WITHHELD)

    def gone(self, why: Gone) -> "Run":
        """Tombstones for its messages."""
        run = self._like(self.first_seq, self.number, [b""] * len(self.bodies))
        run.kind, run.content_type, run.extra = Kind.TOMBSTONE, why, None
        return run

    def without(self, seq: int, why: Gone) -> "list[Run]":
        """Itself, in up to three parts, with a tombstone for the message, if it is one of its."""
        at, count = seq - self.first_seq, len(self.bodies)
        bounds = ((0, at), (at, at + 1), (at + 1, count)) if 0 <= at < count else ((0, count),)
        parts = [self.part(start, end) for start, end in bounds if start < end]
        return [part.gone(why) if part.first_seq == seq else part for part in parts]

    def _like(self, first_seq: int, number: int, bodies: Sequence[bytes]) -> "Run":
        return Run(
            self.conversation,
            first_seq,
            self.sender,
            self.sender_name,
            self.stem,
            number,
            self.kind,
            self.content_type,
            bodies,
            self.time_ms,
            self.withheld,
            self.extra,
        )
