"""Conversations as the core holds them in memory: who is in, and how far the log goes."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from imserver.core.errors import ChatError, Code, muted, nobody_left
from imserver.core.rates import Bucket
from imserver.core.values import Conversation, ConversationKind, Membership, Standings

if TYPE_CHECKING:
    from imserver.core.session import Session
    from imserver.interfaces import IConversations

MAX_ROSTERS = 10_000
MAX_ID = 2**53 - 1


class Roster:
    """One conversation: `members` maps number to joined_seq; `last_seq` is that of the newest durable message.

    `roles`, `muted`, `ended` and `blocked` are as in Standings.
    """

    __slots__ = (
        "__weakref__",
        "blocked",
        "bucket",
        "conversation",
        "ended",
        "last_seq",
        "latest_by",
        "members",
        "muted",
        "roles",
        "told",
    )

    def __init__(
        self,
        conversation: Conversation,
        members: dict[int, int],
        last_seq: int,
        standings: Standings,
    ) -> None:
        self.conversation = conversation
        self.members = members
        self.last_seq = last_seq
        self.latest_by: dict[int, int] = {}  # sender -> seq of its newest message, for receipt counts
        self.told: dict[tuple[type, int], int] = {}  # (event, account) -> the cursor last told to others
        self.bucket = Bucket()
        self.roles = standings.roles
        self.muted = standings.muted
        self.ended = standings.ended
        self.blocked = standings.blocked

    def check_may_write(self, number: int, wall_ms: Callable[[], int]) -> None:
        """Raises NOT_FOUND where there is nobody left to read it, FORBIDDEN while the member is muted."""
        if self.muted or self.ended:
            self._check_may_write(number, wall_ms())

    def _check_may_write(self, number: int, now_ms: int) -> None:
        if self.ended:
            raise nobody_left()
        for who in (number,) if number in self.roles else (number, 0):
            until_ms = self.muted.get(who, 0)
            if until_ms > now_ms:
                raise muted(until_ms)
            self.muted.pop(who, None)


class Rosters:
    """The conversations in use.

    One that is referred to from anywhere is never held twice: the weak dictionary finds it again after it
    was dropped from the bounded one, so everybody sees the same last_seq.
    """

    def __init__(self, store: "IConversations") -> None:
        self._store = store
        self._recent: dict[int, Roster] = {}
        self._alive: WeakValueDictionary[int, Roster] = WeakValueDictionary()

    def get(self, conversation: int) -> Roster | None:
        """The roster, if it is in memory."""
        roster = self._recent.get(conversation)
        if roster is None and (roster := self._alive.get(conversation)) is not None:
            self._keep(roster)
        return roster

    async def load(self, conversation: int) -> Roster:
        """The roster, from the store at need; raises NOT_FOUND."""
        roster = self.get(conversation)
        if roster is not None:
            return roster
        found = await self._store.conversation(conversation) if 0 < conversation <= MAX_ID else None
        if found is None:
            raise _no_conversation()
        return self.get(conversation) or self._keep(Roster(*found))

    async def of_member(self, account: int, conversation: int) -> Roster:
        """The roster of a conversation the account is a member of; raises NOT_FOUND for strangers and unknown ones alike."""
        roster = await self.load(conversation)
        if account not in roster.members:
            raise _no_conversation()
        return roster

    async def membership(self, session: "Session", conversation: int) -> Membership:
        """Of whoever is or was a member; raises NOT_FOUND for strangers and unknown ones alike."""
        found = await self._store.membership(session.number, session.device_id, conversation)
        if found is None:
            raise _no_conversation()
        return found

    def account_ended(self, account: int) -> None:
        """Its direct conversations take no more messages."""
        for roster in list(self._alive.values()):
            if roster.conversation.kind is ConversationKind.DIRECT and account in roster.members:
                roster.ended = True

    def _keep(self, roster: Roster) -> Roster:
        if len(self._recent) >= MAX_ROSTERS:
            for conversation in list(self._recent)[: MAX_ROSTERS // 2]:
                del self._recent[conversation]
        self._recent[roster.conversation.id] = self._alive[roster.conversation.id] = roster
        return roster


def _no_conversation() -> ChatError:
    """The one answer for conversations that do not exist and for those of others."""
    return ChatError(Code.NOT_FOUND, "you are in no conversation with that id")
