"""When messages have arrived at a client that cannot say so.

Once everything written has left this machine's queues (the other machine's kernel has confirmed it) there is
room for more; once a further frame has come from the client after that, it counts as delivered.  A message
may come twice this way, but none is lost.
"""

from typing import TYPE_CHECKING

from imserver.core.core import Core
from imserver.core.requests import MarkDelivered
from imserver.core.session import Session

if TYPE_CHECKING:
    from imserver.net.connection import Connection


class Arrival:
    """Judges for one connection."""

    __slots__ = ("_core", "_left", "_session")

    def __init__(self, core: Core, session: Session) -> None:
        self._core = core
        self._session = session
        self._left: dict[int, int] = {}  # conversation -> seq up to which everything has left

    def look(self, connection: "Connection") -> None:
        """Make room for what has left."""
        if self._session.window.messages and connection.everything_left:
            self._left.update(self._session.window.all_left())
            self._session.tell_behind()

    def heard(self, connection: "Connection") -> None:
        """A frame has come: what had left before it was sent has arrived."""
        left, self._left = self._left, {}
        for conversation, seq in left.items():
            self._core.receipts.mark_delivered(self._session, 0, MarkDelivered(conversation, seq))
        self.look(connection)
