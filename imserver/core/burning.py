"""Messages that are to be burnt after reading: once a second, what is over is destroyed and everybody told."""

from typing import TYPE_CHECKING

from imserver.core.errors import ChatError
from imserver.core.events import MessageBurnt

if TYPE_CHECKING:
    from imserver.core.core import Core

MOST_A_SECOND = 200


class Burning:
    """Which message burns when is in the store; here is only where somebody has read."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._read: set[int] = set()
        self._has_begun = False

    def has_read(self, conversation: int) -> None:
        """A member has read, or has left: perhaps the last one who had not read something."""
        self._read.add(conversation)

    async def flush(self) -> None:
        """After the read cursors are written.  Raises what the store raises, and loses nothing by it."""
        now_ms = self._core.wall_ms()
        await self._start(now_ms)
        for conversation, seq in await self._core.store.burn(now_ms, MOST_A_SECOND):
            roster = await self._core.rosters.load(conversation)
            saw = [number for number, joined_seq in roster.members.items() if joined_seq < seq]
            self._core.router.tell(saw, MessageBurnt(conversation, seq))

    async def _start(self, now_ms: int) -> None:
        """The time of what everybody has read runs now; of what was read before an end of the daemon, too."""
        if not self._has_begun:
            self._read.update(await self._core.store.waiting_to_burn())
            self._has_begun = True
        read, self._read = self._read, set()
        try:
            if read:
                await self._core.store.start_burning(read, now_ms)
        except ChatError:
            self._read |= read
            raise
