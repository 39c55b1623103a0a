"""How people come into a group: with its creator, added, by themselves, or after asking.

Who comes sees the notice of that and what follows: joined_seq is the seq before it.  Into the lobby people come
without a notice, because a crowd does.

Whom somebody adds that he has blocked does not come, unless he has asked to; and since nobody is told that he is
blocked, all the rest is as if he had: checks, limits, the notice.
"""

from collections.abc import Iterable, Sequence

from imserver.core.changes import Action, GroupChange, GroupLimits, GroupOutcome
from imserver.core.errors import ChatError, Code
from imserver.core.values import LOBBY, Account, Conversation, JoinPolicy, JoinRequest, Member, Role
from imserver.store.group_log import GroupLog
from imserver.store.group_tables import Tables
from imserver.store.permissions import Actor


class Arrivals:
    """Every check comes before the first change, because a store may not be able to undo one."""

    def __init__(self, tables: Tables, log: GroupLog, limits: GroupLimits) -> None:
        self._tables = tables
        self._log = log
        self._limits = limits

    def create(self, actor: Actor, change: GroupChange) -> GroupOutcome:
        """A new group, owned by the actor."""
        accounts = self._accounts([actor.account.number, *change.members])
        self._check_members(len(accounts), self._limits.max_members)
        self._check_conversations(accounts)
        group = self._tables.create_group(change.text, self._log.now_ms)
        owner, *others = accounts
        members = [self._join(group, owner, 0, Role.OWNER)]
        members += [self._join(group, account, 0) for account in others if self._comes(group, actor, account)]
        return self._log.outcome(group, self._log.notice(group, Action.CREATED, actor, others), members)

    def add(self, group: Conversation, actor: Actor, change: GroupChange) -> GroupOutcome:
        """Those who are not in yet."""
        accounts = [
            account
            for account in self._accounts(change.members)
            if self._tables.member(group.id, account.number) is None
        ]
        if not accounts:
            return self._log.outcome(group)
        coming = [account for account in accounts if self._comes(group, actor, account)]
        return self._come(group, Action.ADDED, actor, accounts, coming)

    def _comes(self, group: Conversation, actor: Actor, account: Account) -> bool:
        has_blocked = self._tables.has_blocked(account.number, actor.account.number)
        return not has_blocked or self._tables.has_asked(group.id, account.number)

    def join(self, group: Conversation, actor: Actor, change: GroupChange) -> GroupOutcome:
        """By oneself, where that is the policy; who was removed has to ask, as everybody where admins decide."""
        if actor.member is not None:
            return self._log.outcome(group)
        if not self._is_open_to_strangers(group):
            raise no_group()
        was_removed = self._tables.was_removed(group.id, actor.account.number)
        if was_removed and group.id == LOBBY:
            raise ChatError(Code.FORBIDDEN, "the operator has removed you from the lobby")
        if was_removed or group.join_policy == JoinPolicy.BY_REQUEST:
            return self._ask(group, actor.account, change.text)
        return self._come(group, Action.JOINED, actor, [], [actor.account])

    def admit(self, group: Conversation, actor: Actor, change: GroupChange) -> GroupOutcome:
        """Who has asked."""
        account = self._who_asked(group, change)
        return self._come(group, Action.ADMITTED, actor, [account], [account])

    def reject(self, group: Conversation, actor: Actor, change: GroupChange) -> GroupOutcome:
        """Who has asked; nobody is told."""
        self._tables.forget_request(group.id, self._who_asked(group, change).number)
        return self._log.outcome(group)

    def _is_open_to_strangers(self, group: Conversation) -> bool:
        if group.id == LOBBY:
            return True
        has_a_door = group.join_policy in (JoinPolicy.OPEN, JoinPolicy.BY_REQUEST)
        return has_a_door and self._tables.member_count(group.id) > 0

    def _ask(self, group: Conversation, account: Account, text: str) -> GroupOutcome:
        most = self._limits.max_join_requests
        has_asked = self._tables.has_asked(group.id, account.number)
        if not has_asked and self._tables.request_count(group.id) >= most:
            raise ChatError(Code.LIMIT_REACHED, f"{most} people wait for the group's admins already")
        request = JoinRequest(group.id, account, text, self._log.now_ms)
        self._tables.ask(request)
        return self._log.outcome(group, request=request)

    def _who_asked(self, group: Conversation, change: GroupChange) -> Account:
        (number,) = change.members
        if not self._tables.has_asked(group.id, number):
            raise ChatError(Code.NOT_FOUND, "there is no such request; perhaps it was answered already")
        return self._log.account(number)

    def _come(
        self,
        group: Conversation,
        action: Action,
        actor: Actor,
        named: Sequence[Account],
        coming: Sequence[Account],
    ) -> GroupOutcome:
        accounts = named or coming
        is_lobby = group.id == LOBBY
        most = self._limits.max_lobby_members if is_lobby else self._limits.max_members
        self._check_members(self._tables.member_count(group.id) + len(accounts), most)
        if not is_lobby:
            self._check_conversations(accounts)
        last_seq = self._tables.last_seq(group.id)
        members = [self._join(group, account, last_seq) for account in coming]
        if is_lobby:
            return self._log.outcome(group, None, members)
        return self._log.outcome(group, self._log.notice(group, action, actor, named), members)

    def _join(
        self, group: Conversation, account: Account, joined_seq: int, role: int = Role.MEMBER
    ) -> Member:
        self._tables.forget_request(group.id, account.number)
        self._tables.join(group.id, account.number, joined_seq, role)
        return self._log.member(group, account.number)

    def _accounts(self, numbers: Iterable[int]) -> list[Account]:
        """Each once, in the order given."""
        return [self._log.account(number) for number in dict.fromkeys(numbers)]

    def _check_members(self, count: int, most: int) -> None:
        if count > most:
            raise ChatError(Code.LIMIT_REACHED, f"a group may have at most {most} members")

    def _check_conversations(self, accounts: Iterable[Account]) -> None:
        most = self._limits.max_conversations
        for account in accounts:
            if self._tables.conversation_count(account.number) >= most:
                raise ChatError(
                    Code.LIMIT_REACHED, f"{account.name} is in {most} conversations, which is the limit"
                )


def no_group() -> ChatError:
    """The one answer for groups that do not exist and for those that strangers cannot join."""
    return ChatError(Code.NOT_FOUND, "there is no group of that number that you could join")
