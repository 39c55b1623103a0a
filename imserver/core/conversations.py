"""Direct conversations and groups: opening, changing and listing them."""

import hashlib
from typing import TYPE_CHECKING

from imserver.core import names, pages
from imserver.core.burst import Burst
from imserver.core.changes import Action, GroupChange, GroupOutcome, Recorded
from imserver.core.errors import ChatError, Code
from imserver.core.events import (
    ConversationLeft,
    ConversationList,
    ConversationOpened,
    GroupChanged,
    MemberList,
)
from imserver.core.history import last_id
from imserver.core.rates import BoundedTable, Bucket, limited
from imserver.core.requests import (
    AddMembers,
    CreateGroup,
    GroupRequest,
    LeaveGroup,
    ListConversations,
    ListMembers,
    OpenDirect,
    RenameGroup,
)
from imserver.core.roster import Roster
from imserver.core.run import Run
from imserver.core.values import Membership

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session

MAX_DIRECT_NAMES = 20_000  # (account, name) pairs whose direct conversation is remembered


class Conversations:
    """Every change of a group is an entry of its log, so whoever was away learns of it in order."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._direct: BoundedTable[tuple[int, str], list[int]] = BoundedTable(list, lambda: MAX_DIRECT_NAMES)

    # -- direct

    async def open_direct(self, session: "Session", request: OpenDirect) -> ConversationOpened:
        """The one conversation with that account."""
        other = await self._core.accounts.find("", request.account)
        conversation = await self._direct_with(session, other.account.number)
        return await self._opened(session, conversation)

    async def direct_with_name(self, session: "Session", name: str) -> Roster:
        """The direct conversation with the account of that name; raises NOT_FOUND."""
        known = self._direct[session.number, name]
        if not known:
            other = await self._core.accounts.find(name, 0)
            known.append(await self._direct_with(session, other.account.number))
        return await self._core.rosters.load(known[0])

    async def _direct_with(self, session: "Session", other: int) -> int:
        if other == session.number:
            raise ChatError(Code.FORBIDDEN, "you cannot open a conversation with yourself")
        store = self._core.store
        found = await store.direct(session.number, other)
        if found is None:
            await self._check_room(session)
            self._take_conversation(session)
            found = await store.open_direct(session.number, other, self._core.wall_ms())
        return found.id

    async def _check_room(self, session: "Session") -> None:
        most = self._core.limits.max_conversations
        all_ever = await self._core.store.memberships(session.number, session.device_id, 0, 2 * most, False)
        if sum(not membership.left_seq for membership in all_ever) >= most:
            raise ChatError(Code.LIMIT_REACHED, f"you may be in at most {most} conversations")

    # -- groups

    async def create_group(self, session: "Session", request: CreateGroup) -> ConversationOpened:
        """A new group of the asker and the accounts named."""
        title = names.title(request.title, self._core.limits)
        self._take_conversation(session)
        outcome = await self._change(session, request, Action.CREATED, 0, title, request.members)
        return await self._opened(session, outcome.conversation.id)

    async def add_members(self, session: "Session", request: AddMembers) -> GroupChanged:
        """More members, who see what comes from now on."""
        limits, rates = self._core.limits, session.rates
        self._take(rates.joins, limits.joins_per_minute / 60, limits.joins_per_minute)
        return await self._changed(session, request, Action.ADDED, "", request.members)

    async def leave_group(self, session: "Session", request: LeaveGroup) -> GroupChanged:
        """The asker is no longer a member; what was said until then stays readable."""
        # Here and not in the rule, because who has left may ask again for the outcome.
        await self._core.rosters.membership(session, request.conversation)
        return await self._changed(session, request, Action.LEFT, "", [])

    async def rename_group(self, session: "Session", request: RenameGroup) -> GroupChanged:
        """Another title."""
        title = names.title(request.title, self._core.limits)
        return await self._changed(session, request, Action.RENAMED, title, [])

    async def _changed(
        self,
        session: "Session",
        request: AddMembers | LeaveGroup | RenameGroup,
        action: Action,
        title: str,
        members: list[int],
    ) -> GroupChanged:
        outcome = await self._change(session, request, action, request.conversation, title, members)
        return GroupChanged(outcome.conversation.id, outcome.seq)

    async def _change(
        self,
        session: "Session",
        request: GroupRequest,
        action: Action,
        conversation: int,
        title: str,
        members: list[int],
    ) -> GroupOutcome:
        core, limits = self._core, self._core.limits
        if core.state != "ready":
            raise core.not_ready()
        if len(members) > limits.max_members:
            raise ChatError(Code.LIMIT_REACHED, f"a group may have at most {limits.max_members} members")
        change = GroupChange(
            action, session.number, conversation, title, tuple(members), _recorded(session, request)
        )
        outcome = await core.store.change_group(
            change, core.wall_ms(), limits.max_members, limits.max_conversations
        )
        if outcome.notice is not None:
            self._apply(await core.rosters.load(outcome.conversation.id), action, outcome)
        return outcome

    def _apply(self, roster: Roster, action: Action, outcome: GroupOutcome) -> None:
        """What is on disk now becomes visible: in the roster, to those who come or go, and in the log."""
        assert outcome.notice is not None
        roster.conversation = outcome.conversation
        roster.last_seq = max(roster.last_seq, outcome.seq)
        if action is Action.LEFT:
            for member in outcome.members:
                roster.members.pop(member.account.number, None)
                left = ConversationLeft(outcome.conversation.id)
                self._core.router.tell((member.account.number,), left)
        elif outcome.members:
            for member in outcome.members:
                roster.members[member.account.number] = member.joined_seq
                self._welcome(roster, member.account.number, member.joined_seq)
        self._core.router.fan_out(roster, Burst(outcome.conversation, Run.of(outcome.notice)))

    def _welcome(self, roster: Roster, number: int, joined_seq: int) -> None:
        for session in self._core.router.sessions_of(number):
            session.window.position(roster.conversation.id, joined_seq).pushed = joined_seq
            session.deliver(
                ConversationOpened(
                    Membership(roster.conversation, roster.last_seq, joined_seq, 0, joined_seq, joined_seq)
                )
            )

    def _take_conversation(self, session: "Session") -> None:
        most = self._core.limits.new_conversations_per_hour
        self._take(session.rates.conversations, most / 3600, most)

    def _take(self, bucket: Bucket, per_second: float, burst: float) -> None:
        wait = bucket.take(self._core.now(), 1, per_second, burst) if self._core.limits.enabled else 0.0
        if wait:
            raise limited(wait, "new conversations and members")

    # -- lists

    async def _opened(self, session: "Session", conversation: int) -> ConversationOpened:
        return ConversationOpened(await self._core.rosters.membership(session, conversation))

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


def _recorded(session: "Session", request: GroupRequest) -> Recorded | None:
    """Under which id the outcome is kept, if the client gave one."""
    if request.once is None:
        return None
    if request.once.n < 1:
        raise ChatError(Code.BAD_REQUEST, "once.n counts from 1")
    return Recorded(session.device_id, request.once, hashlib.sha256(repr(request).encode()).digest())
