"""Presence: how available an account is, derived from its live sessions and from what their people chose.

A device that chose nothing counts only where no other one did: then the account is online.  Of several choices
the most available one holds.  A choice outlives its connection for as long as a resume token would, so that
a lost connection does not show somebody who is invisible; it is not stored.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from imserver.core import names
from imserver.core.errors import ChatError, Code
from imserver.core.events import Done, PresenceChanged
from imserver.core.requests import SetPresence
from imserver.core.values import AccountPresence, Presence, State

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session

OFFLINE = Presence(State.OFFLINE, "")
ONLINE = Presence(State.ONLINE, "")
CHOICES = frozenset(State) - {State.OFFLINE}


class Presences:
    """What the devices chose.  Contacts learn of changes through core/tidings.py."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._chosen: dict[int, Presence] = {}  # by device, of live sessions
        self._kept: dict[int, tuple[float, Presence]] = {}  # by device, until when; the soonest first

    async def set(self, session: "Session", request: SetPresence) -> Done:
        """Somebody chooses; his other devices learn of it at once."""
        if request.state not in CHOICES:
            raise ChatError(
                Code.BAD_REQUEST, "choose one of online, away, busy, do not disturb and invisible"
            )
        text = names.shown(request.text, "presence text", self._core.limits.max_presence_text_chars)
        self._chosen[session.device_id] = Presence(request.state, text)
        self._core.tidings.presence_changed(session.number)
        self._tell_others(session)
        return Done()

    def _tell_others(self, session: "Session") -> None:
        own = AccountPresence(session.number, self.own(session.number))
        self._core.router.tell_others(session, PresenceChanged([own]))

    def own(self, account: int) -> Presence:
        """As the account itself may know it."""
        sessions = self._core.router.sessions_of(account)
        if not sessions:
            return OFFLINE
        chosen = [presence for one in sessions if (presence := self._chosen.get(one.device_id))]
        return _most_available(chosen) if chosen else ONLINE

    def shown(self, account: int) -> Presence:
        """As others may know it."""
        own = self.own(account)
        return OFFLINE if own.state == State.INVISIBLE else own

    # -- sessions come and go

    def entered(self, session: "Session") -> None:
        """The session has logged in."""
        until, presence = self._kept.pop(session.device_id, (0.0, ONLINE))
        if until > self._core.now():
            self._chosen[session.device_id] = presence
            self._tell_others(session)
        self._core.tidings.presence_changed(session.number)

    def left(self, session: "Session") -> None:
        """The session of a device is over."""
        chosen = self._chosen.pop(session.device_id, None)
        if chosen is not None:
            self._forget_kept()
            self._kept[session.device_id] = self._core.now() + self._core.limits.resume_seconds, chosen
            self._tell_others(session)
        self._core.tidings.presence_changed(session.number)

    def _forget_kept(self) -> None:
        """What has run out, and the soonest beyond the limit."""
        now, most = self._core.now(), self._core.limits.max_limiter_entries
        while self._kept:
            device = next(iter(self._kept))
            if self._kept[device][0] > now and len(self._kept) < most:
                return
            del self._kept[device]


def _most_available(chosen: Iterable[Presence]) -> Presence:
    """States are in the order of availability."""
    return min(chosen, key=lambda presence: presence.state)
