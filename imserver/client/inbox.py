"""Events on their way to the application, given to it one at a time.

The listener may answer with a Deferred or be a coroutine function; the next event waits until it has
finished.  So a slow application is never overrun: its messages stay unacknowledged, and the server stops at
its window.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from imserver.core.events import Event

MAX_EVENTS = 1_024


@dataclass(slots=True, eq=False)
class _Entry:
    """`event` None: a message that is the application's own; it counts in the order and is not shown."""

    event: Event | None
    conversation: int = 0
    seq: int = 0


class Inbox:
    """At most MAX_EVENTS events.  `given(conversation, seq)` is called when the listener has had a message."""

    _log = Logger()

    def __init__(self, listener: Callable[[Event], Any], given: Callable[[int, int], None]) -> None:
        self._listener = listener
        self._given = given
        self._entries: deque[_Entry] = deque()
        self._current: _Entry | None = None
        self._giving = False

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def full(self) -> bool:
        """Nothing more is taken."""
        return len(self._entries) >= MAX_EVENTS

    def put_message(self, event: Event | None, conversation: int, seq: int) -> None:
        """A message in its turn; the caller has looked at `full`."""
        self._entries.append(_Entry(event, conversation, seq))
        self._give()

    def put(self, event: Event) -> None:
        """Something that is not a message.  A full inbox drops it: it is a hint, the server knows the truth."""
        if not self.full:
            self._entries.append(_Entry(event))
            self._give()

    def clear(self) -> None:
        """Forget what waits, and that the current one was given."""
        self._entries.clear()
        if self._current is not None:
            self._current.seq = 0

    def _give(self) -> None:
        """Give what waits, in a loop because a listener that finishes at once would recurse otherwise."""
        if self._giving:
            return
        self._giving = True
        while self._entries and self._current is None:
            self._current = entry = self._entries.popleft()
            if entry.event is None:
                self._finished(None)
            else:
                finished: Deferred[Any] = maybeDeferred(self._listener, entry.event)
                finished.addErrback(self._broken)
                finished.addCallback(self._finished)
        self._giving = False

    def _finished(self, _: object) -> None:
        entry, self._current = self._current, None
        if entry is not None and entry.seq:
            self._given(entry.conversation, entry.seq)
        self._give()

    def _broken(self, failure: Failure) -> None:
        self._log.failure("the listener failed; its event counts as given", failure)
