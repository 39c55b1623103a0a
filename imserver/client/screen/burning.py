"""Messages that burn: their seconds run here, too, whether there is a connection or not.

The server destroys them so long after all others have read them, and says so to those who are connected.  In a direct
conversation this side knows when that is: its own reading and the other one's marks are all there are.  What was
burnt here stays so, also if the server learns only later that it was read and still has it.  In groups only the server
knows who has read what; there it is believed when it is reached again.
"""

from collections.abc import Iterable

from imserver.core.values import Message

MAX_BURNING = 1_000


class Burning:
    """Until when those of one conversation may be shown; beyond the bound those that were met first are forgotten."""

    def __init__(self) -> None:
        self._due_ms: dict[int, int] = {}

    def over(self, read: Iterable[Message], now_ms: int) -> list[int]:
        """The seqs of those whose time is over; for what is met first, and was `read`, it begins now."""
        return [message.seq for message in read if now_ms >= self._due(message, now_ms)]

    def clear(self) -> None:
        """Their seqs mean other messages from now on."""
        self._due_ms.clear()

    def _due(self, message: Message, now_ms: int) -> int:
        seconds = message.extra.burn_seconds if message.extra is not None else 0
        due_ms = self._due_ms.setdefault(message.seq, now_ms + 1000 * seconds)
        if len(self._due_ms) > MAX_BURNING:
            del self._due_ms[next(iter(self._due_ms))]
        return due_ms
