"""The end of each conversation's log, as append needs it: the last seq, who may write there, and what is withheld."""

from dataclasses import dataclass, field

import apsw

from imserver.core.errors import ChatError
from imserver.store.log import last_seq
from imserver.store.writing import Standing, check_may_write

MAX_TAILS = 20_000

_STANDING = """
    SELECT max(m.muted_until_ms, iif(m.role > 1, 0, c.muted_until_ms)),
        EXISTS (SELECT 1 FROM accounts WHERE number IN (c.lower, c.higher) AND deleted_ms > 0),
        EXISTS (SELECT 1 FROM blocks WHERE owner = iif(m.account = c.lower, c.higher, c.lower) AND account = m.account)
    FROM members m JOIN conversations c ON c.id = m.conversation
    WHERE m.conversation = ? AND m.account = ? AND m.left_seq = 0"""


@dataclass(slots=True)
class Tail:
    """`senders` are those who may write and have written lately; what those in `withheld` say is."""

    last_seq: int
    senders: set[int] = field(default_factory=set)
    withheld: set[int] = field(default_factory=set)


class Tails:
    """A bounded cache of what the database says.

    Whoever changes a conversation's members, their rights or its log forgets its tail; a transaction that came to
    nothing clears all of them.  So there is nothing here to undo.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._tails: dict[int, Tail] = {}

    def of(self, conversation: int) -> Tail:
        """For one batch; called once for each of its conversations."""
        tail = self._tails.pop(conversation, None) or Tail(last_seq(self._connection, conversation))
        self._tails[conversation] = tail
        if len(self._tails) > MAX_TAILS:
            del self._tails[next(iter(self._tails))]
        return tail

    def may_write(self, conversation: int, tail: Tail, account: int, now_ms: int) -> bool:
        """Whether the account may write there now, which is remembered."""
        try:
            standing = self.check_may_write(conversation, account, now_ms)
        except ChatError:
            return False
        tail.senders.add(account)
        if standing.is_withheld:
            tail.withheld.add(account)
        return True

    def check_may_write(self, conversation: int, account: int, now_ms: int) -> Standing:
        """-> its standing; raises as writing.py tells."""
        row = self._connection.execute(_STANDING, (conversation, account)).get
        standing = row and Standing(row[0], bool(row[1]), bool(row[2]))
        check_may_write(standing, now_ms)
        return standing

    def forget(self, conversation: int) -> None:
        """Its members, their rights or its log have changed."""
        self._tails.pop(conversation, None)

    def clear(self) -> None:
        """Nobody knows what became of the last transaction."""
        self._tails.clear()
