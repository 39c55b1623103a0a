"""Groups: making, finding, joining and changing them; the rules are the store's (store/group_rules.py)."""

import hashlib
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from imserver.core import pages
from imserver.core.burst import Burst
from imserver.core.changes import Action, GroupChange, GroupLimits, GroupOutcome, Recorded
from imserver.core.errors import ChatError, Code
from imserver.core.events import (
    ConversationLeft,
    ConversationOpened,
    Done,
    Event,
    GroupChanged,
    GroupFound,
    GroupUpdated,
    JoinRequested,
    JoinRequestList,
)
from imserver.core.group_requests import (
    AddMembers,
    CreateGroup,
    FindGroup,
    GroupRequest,
    JoinGroup,
    ListJoinRequests,
    MemberRequest,
)
from imserver.core.orders import Order, order
from imserver.core.rates import BoundedTable, Bucket, limited
from imserver.core.roster import Roster
from imserver.core.run import Run
from imserver.core.values import LOBBY, Conversation, JoinPolicy, Member, Membership, Role

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session

MAX_NUMBERS = 20_000  # groups whose id is remembered
MAX_DIGITS = 18


class Groups:
    """Every change of a group is an entry of its log, so whoever was away learns of it in order."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._ids: BoundedTable[int, list[int]] = BoundedTable(list, lambda: MAX_NUMBERS)  # number -> id

    # -- requests

    async def create(self, session: "Session", request: CreateGroup) -> ConversationOpened:
        """A new group of the asker and the accounts named."""
        wanted = order(request, self._core.limits)
        self.take_conversation(session)
        outcome = await self._ask(session, request, wanted, 0)
        return await self._opened(session, outcome.conversation.id)

    async def find(self, session: "Session", request: FindGroup) -> GroupFound:
        """By number: one of the asker's, or one with a way in."""
        group, count = await self._numbered(request.number)
        roster = await self._core.rosters.load(group.id)
        if session.number in roster.members:
            return GroupFound(group, count)
        if group.id != LOBBY and (group.join_policy == JoinPolicy.BY_INVITATION or not count):
            raise _no_group()
        return GroupFound(replace(group, announcement=""), count)

    async def join(self, session: "Session", request: JoinGroup) -> ConversationOpened | Done:
        """By number; Done if an admin has to grant it."""
        wanted = order(request, self._core.limits)
        self._take_join(session)
        group, _ = await self._numbered(request.number)
        await self._ask(session, request, wanted, group.id)
        found = await self._core.store.membership(session.number, session.device_id, group.id)
        return Done() if found is None or found.left_seq else ConversationOpened(found)

    async def add_members(self, session: "Session", request: AddMembers) -> GroupChanged:
        """More members, who see what comes from now on."""
        self._take_join(session)
        return await self.change(session, request)

    async def change(self, session: "Session", request: MemberRequest) -> GroupChanged:
        """Whatever members may ask of their group."""
        wanted = order(request, self._core.limits)
        # Here and not in the rule, because who has left may ask again for the outcome.
        await self._core.rosters.membership(session, request.conversation)
        outcome = await self._ask(session, request, wanted, request.conversation)
        return GroupChanged(outcome.conversation.id, outcome.seq)

    async def list_requests(self, session: "Session", request: ListJoinRequests) -> JoinRequestList:
        """Who would like to come in; for admins."""
        roster = await self._core.rosters.of_member(session.number, request.conversation)
        if roster.roles.get(session.number, Role.MEMBER) < Role.ADMIN:
            raise ChatError(Code.FORBIDDEN, "only the admins of the group may see that")
        page = pages.size(request.limit, self._core.limits)
        found = await self._core.store.join_requests(request.conversation, request.after, page)
        return JoinRequestList(found, pages.next_after([one.account.number for one in found], page))

    async def enter_lobby(self, account: int) -> None:
        """Make the account a member of the lobby if it never was one; a full lobby stays as it is."""
        core = self._core
        roster = await core.rosters.load(LOBBY)
        if account not in roster.members and len(roster.members) < core.limits.max_lobby_members:
            with suppress(ChatError):  # removed by the operator, or just now full: a login all the same
                await self.carry_out(GroupChange(Action.JOINED, account, LOBBY, "", (), None))

    async def numbered(self, session: "Session", digits: str) -> Roster:
        """One that the asker is or was in, by its number; raises NOT_FOUND for all others alike."""
        number = int(digits) if digits.isdecimal() and len(digits) <= MAX_DIGITS else 0
        known = self._ids[number]
        if not known and (found := await self._core.store.group_numbered(number)) is not None:
            known.append(found[0].id)
        if known:
            roster = await self._core.rosters.load(known[0])
            if session.number in roster.members or await self._has_left(session, known[0]):
                return roster
        raise ChatError(Code.NOT_FOUND, "you are in no group of that number")

    async def _has_left(self, session: "Session", conversation: int) -> bool:
        """Who has may ask again for the answer to an earlier send; the store knows whether it is one."""
        found = await self._core.store.membership(session.number, session.device_id, conversation)
        return found is not None

    async def _numbered(self, number: int) -> tuple[Conversation, int]:
        found = await self._core.store.group_numbered(number)
        if found is None:
            raise _no_group()
        return found

    async def _opened(self, session: "Session", conversation: int) -> ConversationOpened:
        return ConversationOpened(await self._core.rosters.membership(session, conversation))

    # -- changes

    async def _ask(
        self, session: "Session", request: GroupRequest, wanted: Order, conversation: int
    ) -> GroupOutcome:
        most = self._core.limits.max_members
        if len(wanted.members) > most:
            raise ChatError(Code.LIMIT_REACHED, f"a group may have at most {most} members")
        return await self.carry_out(
            GroupChange(
                wanted.action,
                session.number,
                conversation,
                wanted.text,
                wanted.members,
                _recorded(session, request),
                wanted.value,
            )
        )

    async def carry_out(self, change: GroupChange) -> GroupOutcome:
        """A change by anybody, also by the operator: on disk first, then visible.  Raises ChatError."""
        core, limits = self._core, self._core.limits
        if core.state != "ready":
            raise core.not_ready()
        most = GroupLimits(
            limits.max_members, limits.max_lobby_members, limits.max_conversations, limits.max_join_requests
        )
        outcome = await core.store.change_group(change, core.wall_ms(), most)
        await self.show(outcome)
        return outcome

    async def show(self, outcome: GroupOutcome) -> None:
        """What is on disk now becomes visible: in the roster, to those who come or go, and in the log."""
        if outcome.standings is None:
            return  # a recorded outcome, which was shown when it happened
        roster = await self._core.rosters.load(outcome.conversation.id)
        roster.conversation = outcome.conversation
        roster.last_seq = max(roster.last_seq, outcome.seq)
        roster.roles, roster.muted = outcome.standings.roles, outcome.standings.muted
        for member in outcome.came:
            roster.members[member.account.number] = member.joined_seq
            self._welcome(roster, member)
        if outcome.notice is not None:
            self._core.router.fan_out(roster, Burst(outcome.conversation, Run.of(outcome.notice)))
        gone = [member.account.number for member in outcome.went]
        for number in gone:
            roster.members.pop(number, None)
            self._core.burning.has_read(roster.conversation.id)
        self._tell(gone, ConversationLeft(roster.conversation.id))
        if outcome.is_updated:
            self._tell(list(roster.members), GroupUpdated(roster.conversation))
        if outcome.request is not None:
            self._core.router.tell(roster.roles, JoinRequested(outcome.request))

    def _welcome(self, roster: Roster, member: Member) -> None:
        joined_seq = member.joined_seq
        for session in self._core.router.sessions_of(member.account.number):
            session.window.position(roster.conversation.id, joined_seq).pushed = joined_seq
            session.deliver(
                ConversationOpened(
                    Membership(
                        roster.conversation,
                        roster.last_seq,
                        joined_seq,
                        0,
                        joined_seq,
                        joined_seq,
                        member.role,
                    )
                )
            )

    def _tell(self, numbers: list[int], event: Event) -> None:
        """In slices, like messages: a group can be large."""
        most = self._core.limits.fanout_per_turn
        self._core.router.tell(numbers[:most], event)
        if len(numbers) > most:
            self._core.clock.callLater(0, self._tell, numbers[most:], event)

    # -- rates

    def take_conversation(self, session: "Session") -> None:
        """One more new conversation of the account; raises RATE_LIMITED."""
        most = self._core.limits.new_conversations_per_hour
        self._take(session.rates.conversations, most / 3600, most)

    def _take_join(self, session: "Session") -> None:
        most = self._core.limits.joins_per_minute
        self._take(session.rates.joins, most / 60, most)

    def _take(self, bucket: Bucket, per_second: float, burst: float) -> None:
        wait = bucket.take(self._core.now(), 1, per_second, burst) if self._core.limits.enabled else 0.0
        if wait:
            raise limited(wait, "new conversations and members")


def _recorded(session: "Session", request: GroupRequest) -> Recorded | None:
    """Under which id the outcome is kept, if the client gave one."""
    if request.once is None:
        return None
    if request.once.n < 1:
        raise ChatError(Code.BAD_REQUEST, "once.n counts from 1")
    return Recorded(session.device_id, request.once, hashlib.sha256(repr(request).encode()).digest())


def _no_group() -> ChatError:
    """The one answer for groups that do not exist and for those that strangers cannot join."""
    return ChatError(Code.NOT_FOUND, "there is no group of that number that you could join")
