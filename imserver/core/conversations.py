"""Conversations: opening direct ones, and listing them and their members."""

from typing import TYPE_CHECKING

from imserver.core import pages
from imserver.core.errors import ChatError, Code
from imserver.core.events import ConversationList, ConversationOpened, MemberList
from imserver.core.history import last_id
from imserver.core.names import fold
from imserver.core.rates import BoundedTable
from imserver.core.requests import ListConversations, ListMembers, OpenDirect
from imserver.core.roster import Roster

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session

MAX_DIRECT_NAMES = 20_000  # (account, name) pairs whose direct conversation is remembered


class Conversations:
    """What groups and direct conversations have in common, and what only the latter have."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._direct: BoundedTable[tuple[int, str], list[int]] = BoundedTable(list, lambda: MAX_DIRECT_NAMES)

    # -- direct

    async def open_direct(self, session: "Session", request: OpenDirect) -> ConversationOpened:
        """The one conversation with that account."""
        other = await self._core.accounts.find("", request.account)
        conversation = await self._direct_with(session, other.account.number)
        return ConversationOpened(await self._core.rosters.membership(session, conversation))

    async def _direct_with_name(self, session: "Session", name: str) -> Roster:
        known = self._direct[session.number, name]
        if not known:
            other = await self._core.accounts.find(name, 0)
            known.append(await self._direct_with(session, other.account.number))
        return await self._core.rosters.load(known[0])

    async def named(self, session: "Session", name: str) -> Roster:
        """The direct conversation with the account of that name, or the group that is called *N; raises NOT_FOUND."""
        if name.startswith("*"):
            return await self._core.groups.numbered(session, name[1:])
        return await self._direct_with_name(session, fold(name))

    async def _direct_with(self, session: "Session", other: int) -> int:
        if other == session.number:
            raise ChatError(Code.FORBIDDEN, "you cannot open a conversation with yourself")
        store = self._core.store
        found = await store.direct(session.number, other)
        if found is None:
            self._core.groups.take_conversation(session)
            most = self._core.limits.max_conversations
            found = await store.open_direct(session.number, other, self._core.wall_ms(), most)
        return found.id

    # -- lists

    async def list_page(self, session: "Session", request: ListConversations) -> ConversationList:
        """The own conversations, also those left."""
        page = pages.size(request.limit, self._core.limits)
        found = await self._core.store.memberships(
            session.number, session.device_id, request.after, page, False
        )
        return ConversationList(found, last_id(found, page))

    async def list_members(self, session: "Session", request: ListMembers) -> MemberList:
        """Who is in it now."""
        page = pages.size(request.limit, self._core.limits)
        found = await self._core.store.members(request.conversation, request.after, page)
        return MemberList(found, pages.next_after([member.account.number for member in found], page))
