"""Messages on their way to those who are there."""

from collections.abc import Sequence
from typing import Any

from imserver.core.values import Conversation, Message


class Burst:
    """Consecutive messages of one conversation, all new, all sent by one session: `origin`, None if by nobody here.

    One burst is given to every receiver.  `encodings` keeps what each wire has made of it (net/dialect.py), so
    that it is encoded once however many receive it.
    """

    __slots__ = ("bytes", "conversation", "encodings", "first", "last", "messages", "origin")

    def __init__(
        self, conversation: Conversation, messages: Sequence[Message], origin: object = None
    ) -> None:
        self.conversation = conversation
        self.messages = messages
        self.origin = origin
        self.first = messages[0].seq
        self.last = messages[-1].seq
        self.bytes = sum([len(message.body) for message in messages])
        self.encodings: dict[Any, bytes] = {}

    def part(self, start: int, end: int) -> "Burst":
        """Its messages start ... end - 1, counted from 0; there must be one."""
        return Burst(self.conversation, self.messages[start:end], self.origin)
