"""Which client ids are taken, and by which messages: intervals, because ids count up (core/client_ids.py).

The highest entry of each stem in use is remembered, so that the ids of a sender who counts up are new without
asking the database, and what continues an entry extends it: such a sender has one entry for a conversation,
however much is said.
"""

from dataclasses import dataclass

import apsw

MAX_STEMS = 50_000

_INSERT = """
    INSERT INTO client_ids (sender, stem, first, last, conversation, first_seq) VALUES (?, ?, ?, ?, ?, ?)"""
_EXTEND = "UPDATE client_ids SET last = ? WHERE sender = ? AND stem = ? AND first = ?"
_UP_TO = """
    SELECT first, last, conversation, first_seq - first FROM client_ids
    WHERE sender = ? AND stem = ? AND first <= ? ORDER BY first DESC LIMIT 1"""
_NEXT = """
    SELECT first FROM client_ids WHERE sender = ? AND stem = ? AND first > ? ORDER BY first LIMIT 1"""
_LAST_NUMBER = 2**63 - 1


@dataclass(slots=True)
class Entry:
    """The ids with the numbers first ... last are the messages offset + number of the conversation."""

    first: int
    last: int
    conversation: int
    offset: int

    def is_continued_by(self, number: int, conversation: int, first_seq: int) -> bool:
        """Whether the id and its message are the next ones."""
        return (
            number == self.last + 1
            and number > 0  # 0 does not follow NO_NUMBER
            and conversation == self.conversation
            and first_seq - number == self.offset
        )


class ClientIds:
    """The index in the database, with what of it is remembered and what is not yet written.

    A transaction that came to nothing clears both.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._highest: dict[tuple[int, bytes], Entry] = {}
        self._inserted: list[tuple[int, bytes, int, int, int, int]] = []
        self._extended: list[tuple[int, int, bytes, int]] = []

    def take(
        self, sender: int, stem: bytes, number: int, count: int, conversation: int, first_seq: int
    ) -> bool:
        """Give `count` ids from `number` on to the messages from first_seq on; False: some are taken.  write() follows."""
        key, last = (sender, stem), number + count - 1
        entry = self._highest.get(key) or self._find(sender, stem, _LAST_NUMBER)
        is_highest = entry is None or number > entry.last
        if not is_highest:
            self.write()
            entry = self._find(sender, stem, last)
            if entry is not None and number <= entry.last:
                return False
        if entry is not None and entry.is_continued_by(number, conversation, first_seq):
            self._extended.append((last, sender, stem, entry.first))
            entry.last = last
        else:
            self._inserted.append((sender, stem, number, last, conversation, first_seq))
            entry = Entry(number, last, conversation, first_seq - number)
        if is_highest:
            self._highest[key] = entry
        return True

    def write(self) -> None:
        """What was taken goes to the database, and may then be forgotten."""
        if self._inserted:
            self._connection.executemany(_INSERT, self._inserted)
            self._inserted.clear()
        if self._extended:
            self._connection.executemany(_EXTEND, self._extended)
            self._extended.clear()
        while len(self._highest) > MAX_STEMS:
            del self._highest[next(iter(self._highest))]

    def holding(self, sender: int, stem: bytes, number: int) -> Entry | None:
        """The entry that holds the id, if it is taken; of what is written."""
        entry = self._find(sender, stem, number)
        return entry if entry is not None and number <= entry.last else None

    def next_taken(self, sender: int, stem: bytes, number: int) -> int:
        """The lowest number above that is taken; the highest number and one if none is."""
        found: int | None = self._connection.execute(_NEXT, (sender, stem, number)).get
        return _LAST_NUMBER + 1 if found is None else found

    def _find(self, sender: int, stem: bytes, number: int) -> Entry | None:
        """The entry with the highest first up to the number."""
        row = self._connection.execute(_UP_TO, (sender, stem, number)).get
        if row is None:
            return None
        if not all(isinstance(value, int) for value in row):
            raise apsw.CorruptError("an entry of client_ids holds what was never written")
        return Entry(*row)

    def forget(self, sender: int, stem: bytes) -> None:
        """What was written of that stem may yet be undone."""
        self._highest.pop((sender, stem), None)

    def clear(self) -> None:
        """Nobody knows what became of the last transaction."""
        self._highest.clear()
        self._inserted.clear()
        self._extended.clear()
