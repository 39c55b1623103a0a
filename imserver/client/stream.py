"""Events as an asynchronous iterator: `async for event in stream`."""

from typing import Self

from twisted.internet.defer import Deferred

from imserver.client.errors import ClientError, NotConnected
from imserver.core.events import Event


class EventStream:
    """A listener for a client; events wait in the client until they are asked for.

    Give it to the client as `listener`, and the client's end to `end`.  The iteration ends when the client
    was closed by this program; any other end is raised, once all that came before has been taken.
    """

    def __init__(self) -> None:
        self._offered: tuple[Event, Deferred[None]] | None = None
        self._wanted: Deferred[None] | None = None
        self._end: ClientError | None = None

    def __call__(self, event: Event) -> "Deferred[None]":
        """Called by the client, which waits until the event was taken."""
        taken: Deferred[None] = Deferred()
        self._offered = event, taken
        self._wake()
        return taken

    def end(self, reason: ClientError) -> ClientError:
        """A callback for Client.ended."""
        self._end = reason
        self._wake()
        return reason

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while self._offered is None:
            if self._end is not None:
                if self._end.code == NotConnected.CLOSED:
                    raise StopAsyncIteration
                raise self._end
            self._wanted = Deferred()
            await self._wanted
        (event, taken), self._offered = self._offered, None
        taken.callback(None)
        return event

    def _wake(self) -> None:
        if self._wanted is not None and not self._wanted.called:
            self._wanted.callback(None)
