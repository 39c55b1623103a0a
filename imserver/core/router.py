"""Who is here, and how what happened reaches them."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
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

    A fan-out to many members is cut into slices of at most `fanout_per_turn` members a reactor turn; fan-outs
    never overtake one another, so everybody sees one order.
    """

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._online: dict[int, list[Session]] = {}
        self._under_way: deque[tuple[Roster, Iterator[int], Burst]] = deque()
        self._scheduled = False

    # -- who is here

    def add(self, session: "Session") -> None:
        """The session has logged in."""
        self._online.setdefault(session.number, []).append(session)

    def remove(self, session: "Session") -> None:
        """The session is over; it may never have logged in."""
        sessions = self._online.get(session.number, [])
        if session in sessions:
            sessions.remove(session)
            if not sessions:
                del self._online[session.number]

    def sessions_of(self, account: int) -> Sequence["Session"]:
        """A copy: closing one of them is safe."""
        return tuple(self._online.get(account, ()))

    def all_sessions(self) -> list["Session"]:
        """Everybody who is logged in."""
        return [session for sessions in self._online.values() for session in sessions]

    # -- messages

    def fan_out(self, roster: Roster, burst: Burst) -> None:
        """Push durable messages to every session of every member."""
        if burst.first == 1 and roster.conversation.kind is ConversationKind.DIRECT:
            self.tell_members(roster, ConversationOpened(Membership(roster.conversation, 1, 0, 0, 0, 0)))
        self._under_way.append((roster, iter(tuple(roster.members)), burst))
        if not self._scheduled:
            self._continue()

    def _continue(self) -> None:
        self._scheduled = False
        budget = self._core.limits.fanout_per_turn
        online = self._online
        while self._under_way:
            _, numbers, burst = self._under_way[0]
            for number in numbers:
                for session in tuple(online.get(number, ())):  # a push may end it
                    session.push(burst)
                budget -= 1
                if budget <= 0:
                    self._scheduled = True
                    self._core.clock.callLater(0, self._continue)
                    return
            self._under_way.popleft()

    # -- everything else

    def tell(self, accounts: Iterable[int], event: Event) -> None:
        """Deliver what may be lost to every session of these accounts."""
        for account in accounts:
            for session in self.sessions_of(account):
                session.deliver(event)

    def tell_members(self, roster: Roster, event: Event) -> None:
        """Deliver what may be lost to whoever is in the conversation and here."""
        self.tell(roster.members, event)
