"""The end of each conversation's log, as append needs it: the last seq, and who may write there."""

from dataclasses import dataclass, field

import apsw

from imserver.store.log import last_seq

MAX_TAILS = 20_000

_IS_PRESENT = "SELECT 1 FROM members WHERE conversation = ? AND account = ? AND left_seq = 0"


@dataclass(slots=True)
class Tail:
    """`senders` are those of the present members who have written lately."""

    last_seq: int
    senders: set[int] = field(default_factory=set)


class Tails:
    """A bounded cache of what the database says.

    Whoever changes a conversation's members or log forgets its tail; a transaction that came to nothing
    clears all of them.  So there is nothing here to undo.
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

    def may_write(self, conversation: int, tail: Tail, account: int) -> bool:
        """Whether the account is a present member, which is remembered."""
        if self._connection.execute(_IS_PRESENT, (conversation, account)).get is None:
            return False
        tail.senders.add(account)
        return True

    def forget(self, conversation: int) -> None:
        """Its members or its log have changed."""
        self._tails.pop(conversation, None)

    def clear(self) -> None:
        """Nobody knows what became of the last transaction."""
        self._tails.clear()
