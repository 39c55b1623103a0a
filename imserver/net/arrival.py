"""When messages have arrived at a client that cannot say so.

Once the kernel has taken them there is room for more, as long as it does not have too much.  Once it has nothing
(the other machine's kernel has confirmed all of it) they have left; and once a further frame has come from the
client after that, they count as delivered.  Behind a proxy the other machine is only the proxy: there a second
frame must come, at least two seconds after the first.  A message may come twice this way, but none is lost.
"""

from typing import TYPE_CHECKING

from imserver.core.core import Core
from imserver.core.requests import MarkDelivered
from imserver.core.session import Session
from imserver.net.kernel import unsent_bytes

if TYPE_CHECKING:
    from imserver.net.connection import Connection

PROXY_SECONDS = 2.0  # for what a proxy holds to get through; monotonic

Cursors = dict[int, int]  # conversation -> seq


class Arrival:
    """Judges for one connection; `proxied`: its other end is a proxy's.

    The cursors say up to where messages were written (the kernel has taken them), have left, and have left and
    were followed by a first frame.
    """

    __slots__ = ("_core", "_heard_at", "_left", "_left_and_heard", "_proxied", "_session", "_written")

    def __init__(self, core: Core, session: Session, proxied: bool) -> None:
        self._core = core
        self._session = session
        self._proxied = proxied
        self._written: Cursors = {}
        self._left: Cursors = {}
        self._left_and_heard: Cursors = {}  # through a proxy only
        self._heard_at = 0.0  # when that first frame came

    def wrote(self, connection: "Connection") -> None:
        """More was written.  Looking costs a system call, so it is done when much is on its way."""
        if not self._session.window.half_empty:
            self.look(connection)

    def look(self, connection: "Connection") -> None:
        """Make room for what was written, and see what has left."""
        window = self._session.window
        if not (window.messages or self._written) or not connection.all_written:
            return
        unsent = unsent_bytes(connection.transport)  # 0 only if the transport has nothing either
        if unsent * 2 <= self._core.limits.window_bytes:
            self._written.update(window.all_left())
        if not unsent:
            self._left.update(self._written)
            self._written = {}
        self._session.tell_behind()

    def heard(self) -> None:
        """A frame has come: what had left before it was sent has arrived."""
        if self._left or self._left_and_heard:
            if self._proxied:
                self._heard_through_proxy()
            else:
                self._left = self._arrived(self._left)

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
