"""The tables of action_rules.py in memory, and messages that burn."""

from collections.abc import Collection

from imserver.core.values import Gone, Message
from imserver.store.action_rules import Burning
from imserver.store.memory_tables import MemoryTables
from imserver.store.page import between


class MemoryActionTables:
    """action_rules.Tables over MemoryTables."""

    def __init__(self, tables: MemoryTables) -> None:
        self.burning: dict[tuple[int, int], Burning] = {}
        self._edits: dict[tuple[int, int], list[int]] = {}
        self._tables = tables

    def joined_seq(self, conversation: int, account: int) -> int | None:
        place = self._tables.place(conversation, account)
        return place.joined_seq if place else None

    def message(self, conversation: int, seq: int) -> Message | None:
        parts = (between(run, seq - 1, seq + 1) for run in self._tables.logs[conversation].runs)
        return next((part.messages()[0] for part in parts if part), None)

    def destroy(self, conversation: int, seq: int, why: Gone) -> None:
        runs = self._tables.logs[conversation].runs
        place = next(place for place, run in enumerate(runs) if run.last_seq >= seq)
        parts = runs[place].without(seq, why)
        runs[place : place + 1] = parts
        (gone,) = (part for part in parts if part.first_seq == seq)
        self._tables.by_client_id[gone.sender, gone.client_id(0)] = gone
        self.burning.pop((conversation, seq), None)

    def edits_of(self, conversation: int, seq: int) -> list[int]:
        return self._edits.get((conversation, seq), [])

    def remember_edit(self, conversation: int, about: int, seq: int) -> None:
        self._edits.setdefault((conversation, about), []).append(seq)

    def burn_later(self, burning: Burning) -> None:
        self.burning[burning.conversation, burning.seq] = burning


class MemoryBurning:
    """IActions over MemoryActionTables, but for sent."""

    _tables: MemoryTables
    _actions: MemoryActionTables

    async def waiting_to_burn(self) -> list[int]:
        return sorted({one.conversation for one in self._actions.burning.values() if one.seconds})

    async def start_burning(self, conversations: Collection[int], now_ms: int) -> None:
        for burning in self._actions.burning.values():
            if burning.conversation in conversations and burning.seconds and self._is_read(burning):
                burning.due_ms = min(burning.due_ms, now_ms + 1000 * burning.seconds)
                burning.seconds = 0

    def _is_read(self, burning: Burning) -> bool:
        return not any(
            place.joined_seq < burning.seq > place.read_seq
            for number, place in self._tables.logs[burning.conversation].places.items()
            if number != burning.sender and not place.left_seq
        )

    async def burn(self, now_ms: int, limit: int) -> list[tuple[int, int]]:
        burning = sorted((one.due_ms, *place) for place, one in self._actions.burning.items())
        due = [(conversation, seq) for due_ms, conversation, seq in burning if due_ms <= now_ms][:limit]
        for conversation, seq in due:
            self._actions.destroy(conversation, seq, Gone.BURNT)
        return due
