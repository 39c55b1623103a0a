"""Blocking somebody, who must not notice: every answer stays as it was, and nothing comes through.

A request for contact is stored as refused (store/contact_rules.py), messages of a direct conversation are withheld
(store/writing.py), receipts and typing stop in it (`Roster.blocked`), two contacts see each other offline, and who is added to a group does
not come into it (store/arrivals.py).
"""

from typing import TYPE_CHECKING

from imserver.core import pages
from imserver.core.administration import SERVER_ACCOUNT
from imserver.core.errors import ChatError, Code
from imserver.core.events import AccountList, BlockChanged, Done
from imserver.core.requests import Block, ListBlocked, Unblock

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session


class Blocks:
    """Who wants nothing of whom."""

    def __init__(self, core: "Core") -> None:
        self._core = core

    async def block(self, session: "Session", request: Block) -> Done:
        """From now on nothing comes from that account."""
        core = self._core
        other = await core.accounts.find("", request.account)
        if other.account.name == SERVER_ACCOUNT:
            raise ChatError(Code.FORBIDDEN, "that account is the server's own, which speaks to everybody")
        are_contacts = await core.store.block(
            session.number, request.account, core.wall_ms(), core.limits.max_blocked
        )
        await self._changed(session, request.account, are_contacts, True)
        return Done()

    async def unblock(self, session: "Session", request: Unblock) -> Done:
        """What was withheld stays so; what comes from now on comes."""
        are_contacts = await self._core.store.unblock(session.number, request.account)
        await self._changed(session, request.account, are_contacts, False)
        return Done()

    async def _changed(self, session: "Session", other: int, are_contacts: bool, is_blocked: bool) -> None:
        """Take effect at once, in their conversation and in what they are told of each other."""
        core, one = self._core, session.number
        direct = await core.store.direct(one, other)
        # Loaded, not only looked up: somebody else may be about to load it, and has looked before the change.
        roster = await core.rosters.load(direct.id) if direct is not None else None
        blocked = await core.store.blocked_between(one, other)
        if roster is not None:
            roster.blocked = blocked
        if are_contacts:
            core.tidings.visibility_changed(one, other, not blocked)
        core.router.tell_others(session, BlockChanged(other, is_blocked))

    async def list_page(self, session: "Session", request: ListBlocked) -> AccountList:
        """Whom it has blocked."""
        page = pages.size(request.limit, self._core.limits)
        found = await self._core.store.blocked(session.number, request.after, page)
        return AccountList(found, pages.next_after([account.number for account in found], page))
