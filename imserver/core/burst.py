"""Messages on their way to those who are there."""

from typing import Any

from imserver.core.run import Run
from imserver.core.values import Conversation


class Burst:
    """A run of messages, all new, and who sent it: `origin`, a session, None if nobody here.

    One burst is given to every receiver.  `encodings` keeps what each wire has made of it (net/dialect.py), so
    that it is encoded once however many receive it.
    """

    __slots__ = (
        "_for_others",
        "conversation",
        "count",
        "encodings",
        "first",
        "last",
        "origin",
        "run",
        "size",
    )

    def __init__(self, conversation: Conversation, run: Run, origin: object = None) -> None:
        self.conversation = conversation
        self.run = run
        self.origin = origin
        self.count = len(run.bodies)
        self.first = run.first_seq
        self.last = self.first + self.count - 1
        self.size = len(run.bodies[0]) if self.count == 1 else run.size
        self.encodings: dict[Any, bytes] = {}
        self._for_others: Burst | None = None

    def part(self, start: int, end: int) -> "Burst":
        """Its messages start ... end - 1, counted from 0; there must be one."""
        return Burst(self.conversation, self.run.part(start, end), self.origin)

    def seen_by(self, account: int) -> "Burst":
        """As the account sees it (Run.seen_by)."""
        if not self.run.withheld or account == self.run.sender:
            return self
        if self._for_others is None:
            self._for_others = Burst(self.conversation, self.run.seen_by(account), self.origin)
        return self._for_others
