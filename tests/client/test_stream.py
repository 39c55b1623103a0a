"""Events as an asynchronous iterator."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.errors import NotConnected
from imserver.client.stream import EventStream
from imserver.core.events import Event, GoAway


class StreamTests(SynchronousTestCase):
    """The client offers one event at a time and waits until it is taken."""

    def setUp(self) -> None:
        self.stream = EventStream()

    def next(self) -> "Deferred[Event]":
        """Ask for an event."""
        return Deferred.fromCoroutine(self.stream.__anext__())

    def test_offered_then_asked_for(self) -> None:
        """It counts as taken only when somebody asked."""
        taken = self.stream(GoAway(1))
        self.assertNoResult(taken)
        self.assertEqual(self.successResultOf(self.next()), GoAway(1))
        self.successResultOf(taken)

    def test_asked_for_then_offered(self) -> None:
        """Whoever waits gets it at once."""
        wanted = self.next()
        self.assertNoResult(wanted)
        self.successResultOf(self.stream(GoAway(1)))
        self.assertEqual(self.successResultOf(wanted), GoAway(1))

    def test_cancelling_loses_nothing(self) -> None:
        """Who gives up waiting leaves the event to the next one."""
        wanted = self.next()
        wanted.cancel()
        self.failureResultOf(wanted)
        self.stream(GoAway(1))
        self.assertEqual(self.successResultOf(self.next()), GoAway(1))

    def test_closed(self) -> None:
        """The iteration ends, after what was offered before."""

        async def all_events() -> list[Event]:
            return [event async for event in self.stream]

        self.stream(GoAway(1))
        self.stream.end(NotConnected(NotConnected.CLOSED, ""))
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(all_events())), [GoAway(1)])

    def test_ended_by_the_server(self) -> None:
        """Whoever iterates learns why."""
        wanted = self.next()
        self.stream.end(NotConnected("REPLACED", ""))
        self.assertEqual(self.failureResultOf(wanted, NotConnected).value.code, "REPLACED")
