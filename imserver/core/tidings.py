"""What contacts are told of one another by the way, presence and profiles, so that crowds of them cost little.

Once a second the accounts that changed are looked at, each at most once in `presence_seconds`; what changed back
meanwhile is nothing.  What one session is to be told then goes in one event.  The work is cut into slices, one
in a turn of the reactor, and a client that has too much to read is told later, and of the last state only.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imserver.core.errors import ChatError
from imserver.core.events import PresenceChanged, ProfileChanged
from imserver.core.presence import OFFLINE
from imserver.core.values import Account, AccountPresence, Presence

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session

ACCOUNTS_PER_TURN = 4  # each with up to max_contacts contacts
SESSIONS_PER_TURN = 20  # each with up to as many changes


@dataclass(slots=True)
class _Parcel:
    """What one session is to be told, by account."""

    presences: dict[int, Presence] = field(default_factory=dict)
    profiles: dict[int, Account] = field(default_factory=dict)


class Tidings:
    """From a change of an account to the sessions of its contacts."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._changed: dict[int, bool] = {}  # account -> whether its profile did, too
        self._due: deque[tuple[int, bool]] = deque()  # those looked at this time
        self._told: dict[
            int, Presence
        ] = {}  # account -> its presence as contacts know it; offline if not here
        self._told_at: dict[int, float] = {}  # accounts told of lately, the longest ago first
        self._parcels: dict[Session, _Parcel] = {}
        self._ready: deque[Session] = deque()  # those that have a parcel to be delivered this time
        self._at_work = False
        self._relations = 0  # counts how often they changed

    # -- in

    def presence_changed(self, account: int) -> None:
        """Perhaps; it is looked at when its turn has come."""
        self._changed.setdefault(account, False)

    def profile_changed(self, account: int) -> None:
        """Its contacts and its own devices will see what it shows of itself now."""
        self._changed[account] = True

    def visibility_changed(self, one: int, other: int, visible: bool) -> None:
        """From now on two contacts are told of each other, or see each other offline."""
        self.relations_changed()
        for about, to in ((one, other), (other, one)):
            if about in self._told:  # who is offline anyway stays so, without a word
                self._tell(to, about, self._told[about] if visible else OFFLINE)

    def relations_changed(self) -> None:
        """Somebody has another contact, or one less: what has been looked up and not yet used is looked up again."""
        self._relations += 1

    def told(self, account: int) -> Presence:
        """Its presence as its contacts know it."""
        return self._told.get(account, OFFLINE)

    # -- once a second

    def flush(self) -> None:
        """Look at what has changed, and tell whom it concerns."""
        now, rest = self._core.now(), self._core.limits.presence_seconds
        while self._told_at and now - next(iter(self._told_at.values())) >= rest:
            del self._told_at[next(iter(self._told_at))]
        for account in [account for account in self._changed if account not in self._told_at]:
            self._due.append((account, self._changed.pop(account)))
        if not self._at_work:
            self._at_work = True
            self._go_on()

    def _go_on(self) -> None:
        """One slice: first all accounts are looked at, then all parcels are delivered."""
        if self._due:
            self._core.spawn(self._look())
            return
        self._ready = self._ready or deque(self._parcels)
        self._deliver()
        if self._ready:
            self._core.clock.callLater(0, self._go_on)
        else:
            self._at_work = False

    async def _look(self) -> None:
        try:
            for _ in range(min(ACCOUNTS_PER_TURN, len(self._due))):
                await self._look_at(*self._due.popleft())
        finally:
            self._core.clock.callLater(0, self._go_on)

    async def _look_at(self, account: int, profile_changed: bool) -> None:
        core = self._core
        if not profile_changed and core.presences.shown(account) == self.told(account):
            return
        try:
            record = await core.store.account_numbered(account) if profile_changed else None
            contacts = await self._contacts_of(account)
        except ChatError:  # the store cannot answer now; it is looked at again
            self._changed[account] = profile_changed or self._changed.get(account, False)
            return
        self._told_at[account] = core.now()
        self._tell_presence(account, contacts)
        if record is not None and not record.deleted:
            for number in (account, *(number for number, is_silent in contacts if not is_silent)):
                for parcel in self._parcels_of(number):
                    parcel.profiles[account] = record.account

    async def _contacts_of(self, account: int) -> list[tuple[int, bool]]:
        """As they are now, also where they changed while the store was looking."""
        while True:
            relations = self._relations
            found = await self._core.store.contact_numbers(account)
            if relations == self._relations:
                return found

    def _tell_presence(self, account: int, contacts: Sequence[tuple[int, bool]]) -> None:
        shown = self._core.presences.shown(account)
        if shown == self.told(account):
            return
        if shown == OFFLINE:
            del self._told[account]
        else:
            self._told[account] = shown
        for number, is_silent in contacts:
            if not is_silent:
                self._tell(number, account, shown)

    # -- out

    def _tell(self, to: int, about: int, presence: Presence) -> None:
        for parcel in self._parcels_of(to):
            parcel.presences[about] = presence

    def _parcels_of(self, account: int) -> Iterator[_Parcel]:
        for session in self._core.router.sessions_of(account):
            parcel = self._parcels.get(session)
            if parcel is None:
                parcel = self._parcels[session] = _Parcel()
            yield parcel

    def _deliver(self) -> None:
        for _ in range(min(SESSIONS_PER_TURN, len(self._ready))):
            session = self._ready.popleft()
            if session.closed:
                del self._parcels[session]
            elif not session.client.congested:
                self._hand_over(session, self._parcels.pop(session))

    def _hand_over(self, session: "Session", parcel: _Parcel) -> None:
        for account in parcel.profiles.values():
            session.deliver(ProfileChanged(account))
        changes = [AccountPresence(account, presence) for account, presence in parcel.presences.items()]
        page = self._core.limits.page_items
        for start in range(0, len(changes), page):
            session.deliver(PresenceChanged(changes[start : start + page]))
