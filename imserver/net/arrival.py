"""When messages have arrived at a client that cannot say so.

Once everything written has left this machine's queues (the other machine's kernel has confirmed it) there is
room for more; once a further frame has come from the client after that, it counts as delivered.  Behind a proxy
the other machine is only the proxy: there a second frame must come, at least two seconds after the first.  A
message may come twice this way, but none is lost.
"""

from typing import TYPE_CHECKING

from imserver.core.core import Core
from imserver.core.requests import MarkDelivered
from imserver.core.session import Session

if TYPE_CHECKING:
    from imserver.net.connection import Connection

PROXY_SECONDS = 2.0  # for what a proxy holds to get through; monotonic

Cursors = dict[int, int]  # conversation -> seq


class Arrival:
    """Judges for one connection; `proxied`: its other end is a proxy's."""

    __slots__ = ("_core", "_heard_at", "_left", "_left_and_heard", "_proxied", "_session")

    def __init__(self, core: Core, session: Session, proxied: bool) -> None:
        self._core = core
        self._session = session
        self._proxied = proxied
        self._left: Cursors = {}  # up to which everything has left
        self._left_and_heard: Cursors = {}  # likewise, and then a frame came: the first, through a proxy
        self._heard_at = 0.0  # when it came

    def look(self, connection: "Connection") -> None:
        """Make room for what has left."""
        if self._session.window.messages and connection.everything_left:
            self._left.update(self._session.window.all_left())
            self._session.tell_behind()

    def heard(self, connection: "Connection") -> None:
        """A frame has come: what had left before it was sent has arrived."""
        if self._left or self._left_and_heard:
            if self._proxied:
                self._heard_through_proxy()
            else:
                self._left = self._arrived(self._left)
        self.look(connection)

    def _heard_through_proxy(self) -> None:
        now = self._core.now()
        if self._left_and_heard and now - self._heard_at >= PROXY_SECONDS:
            self._left_and_heard = self._arrived(self._left_and_heard)
        if not self._left_and_heard:
            self._left_and_heard, self._left = self._left, {}
            self._heard_at = now

    def _arrived(self, cursors: Cursors) -> Cursors:
        """It has, up to there; -> what is to be judged from now on."""
        for conversation, seq in cursors.items():
            self._core.receipts.mark_delivered(self._session, 0, MarkDelivered(conversation, seq))
        return {}
