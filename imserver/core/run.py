"""Messages in a row: the unit in which they are gathered, stored and shown.

What one sender says to one conversation without a pause is alike but for the text.  Handling it as one thing
makes a message several times cheaper than it would be alone (ARCHITECTURE.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from imserver.core import client_ids
from imserver.core.values import Gone, Kind, Message


@dataclass(slots=True)
class Run:
    """Consecutive messages of one conversation, of one sender, kind and time, under client ids that count up.

    Their seqs are first_seq ... last_seq, their client ids client_id(0), client_id(1) ... (core/client_ids.py).
    `withheld`: only their sender may see what they say.
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
        run = self._like(self.first_seq, self.number, [b""] * len(self.bodies))
        run.kind, run.content_type = Kind.TOMBSTONE, Gone.WITHHELD
        return run

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
        )
