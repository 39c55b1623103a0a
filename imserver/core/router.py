"""Who is here, and how what happened reaches them."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from imserver.core.burst import Burst
from imserver.core.events import ConversationOpened, Event
from imserver.core.roster import Roster
from imserver.core.values import ConversationKind, Membership

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session


class Router:
    """The logged-in sessions by account, and the fan-outs under way.

    The lists of sessions are replaced, never changed, so that a push may end a session.

    A fan-out to many members is cut into slices of at most `fanout_per_turn` members a reactor turn; fan-outs
    never overtake one another, so everybody sees one order.
    """

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._online: dict[int, list[Session]] = {}
        self._under_way: deque[tuple[Iterator[int], Burst]] = deque()

    # -- who is here

    def add(self, session: "Session") -> None:
        """The session has logged in."""
        self._online[session.number] = [*self._online.get(session.number, ()), session]

    def remove(self, session: "Session") -> None:
        """The session is over; it may never have logged in."""
        number = session.number
        self._online[number] = [other for other in self._online.get(number, ()) if other is not session]
        if not self._online[number]:
            del self._online[number]

    def sessions_of(self, account: int) -> Sequence["Session"]:
        """Those of one account; the list stays as it is when one of them ends."""
        return self._online.get(account, ())

    def all_sessions(self) -> list["Session"]:
        """Everybody who is logged in."""
        return [session for sessions in self._online.values() for session in sessions]

    # -- messages

    def fan_out(self, roster: Roster, burst: Burst) -> None:
        """Push durable messages to every session of every member."""
        if burst.first == 1 and roster.conversation.kind is ConversationKind.DIRECT:
            told = (burst.run.sender,) if burst.run.withheld else roster.members
            self.tell(told, ConversationOpened(Membership(roster.conversation, 1, 0, 0, 0, 0)))
        if self._under_way or len(roster.members) > self._core.limits.fanout_per_turn:
            self._under_way.append((iter(tuple(roster.members)), burst))
            if len(self._under_way) == 1:
                self._continue()
        else:
            self._push(roster.members, burst)

    def _push(self, numbers: Iterable[int], burst: Burst) -> None:
        online = self._online
        for number in numbers:
            for session in online.get(number, ()):
                session.push(burst)

    def _continue(self) -> None:
        """One slice; the first fan-out under way stays first until it is through."""
        numbers, burst = self._under_way[0]
        part = tuple(islice(numbers, self._core.limits.fanout_per_turn))
        self._push(part, burst)
        if not part:
            self._under_way.popleft()
        if self._under_way:
            self._core.clock.callLater(0, self._continue)

    # -- everything else

    def tell(self, accounts: Iterable[int], event: Event) -> None:
        """Deliver what may be lost to every session of these accounts."""
        for account in accounts:
            for session in self.sessions_of(account):
                session.deliver(event)

    def tell_others(self, session: "Session", event: Event) -> None:
        """The same to the other sessions of its account."""
        for other in self.sessions_of(session.number):
            if other is not session:
                other.deliver(event)

    def tell_members(self, roster: Roster, event: Event) -> None:
        """Deliver what may be lost to whoever is in the conversation and here."""
        self.tell(roster.members, event)
