"""What admins and the owner do with a group and its members, other than letting them in and out.

What changes nothing leaves no notice.
"""

from dataclasses import replace

from imserver.core.changes import Action, GroupChange, GroupOutcome
from imserver.core.errors import ChatError, Code
from imserver.core.notices import POLICIES
from imserver.core.values import Conversation, Role
from imserver.store.group_log import GroupLog
from imserver.store.group_tables import Tables
from imserver.store.permissions import Actor, check_over


class Moderation:
    """By an actor who may."""

    def __init__(self, tables: Tables, log: GroupLog) -> None:
        self._tables = tables
        self._log = log

    # -- the group

    def rename(self, group: Conversation, actor: Actor, change: GroupChange) -> GroupOutcome:
        """Another title."""
        return self._update(replace(group, title=change.text), group, Action.RENAMED, actor)

    def announce(self, group: Conversation, actor: Actor, change: GroupChange) -> GroupOutcome:
        """Another announcement, or none."""
        changed = replace(group, announcement=change.text)
        return self._update(changed, group, Action.ANNOUNCED, actor, text=change.text)

    def set_policy(self, group: Conversation, actor: Actor, change: GroupChange) -> GroupOutcome:
        """Another way in; who has asked already still waits for an answer."""
        changed = replace(group, join_policy=change.value)
        policy = POLICIES[change.value - 1]
        return self._update(changed, group, Action.POLICY_CHANGED, actor, policy=policy)

    def _update(
        self, changed: Conversation, group: Conversation, action: Action, actor: Actor, **details: str
    ) -> GroupOutcome:
        if changed == group:
            return self._log.outcome(group)
        self._tables.update(changed)
        notice = self._log.notice(changed, action, actor, [], **details)
        return self._log.outcome(changed, notice, is_updated=True)

    # -- its members

    def promote(self, group: Conversation, actor: Actor, change: GroupChange) -> GroupOutcome:
        """A member becomes an admin."""
        return self._set_role(group, actor, change, Role.ADMIN)

    def demote(self, group: Conversation, actor: Actor, change: GroupChange) -> GroupOutcome:
        """An admin becomes a member again."""
        return self._set_role(group, actor, change, Role.MEMBER)

    def _set_role(self, group: Conversation, actor: Actor, change: GroupChange, role: Role) -> GroupOutcome:
        member = self._log.member(group, change.members[0])
        if member.role == Role.OWNER:
            raise ChatError(Code.FORBIDDEN, "the owner has to hand the group over first")
        if member.role == role:
            return self._log.outcome(group)
        self._tables.set_role(group.id, member.account.number, role)
        return self._log.outcome(group, self._log.notice(group, change.action, actor, [member.account]))

    def hand_over(self, group: Conversation, actor: Actor, change: GroupChange) -> GroupOutcome:
        """Another owner; the one before becomes an admin."""
        member = self._log.member(group, change.members[0])
        if member.role == Role.OWNER:
            return self._log.outcome(group)
        for number, role in self._tables.standings(group.id).roles.items():
            if role == Role.OWNER:
                self._tables.set_role(group.id, number, Role.ADMIN)
        self._tables.set_role(group.id, member.account.number, Role.OWNER)
        notice = self._log.notice(group, Action.HANDED_OVER, actor, [member.account])
        return self._log.outcome(group, notice)

    def mute(self, group: Conversation, actor: Actor, change: GroupChange) -> GroupOutcome:
        """One member, or everybody but admins, for some seconds."""
        until_ms = self._log.now_ms + change.value * 1000
        return self._mute(group, actor, change, until_ms, until_ms=until_ms)

    def unmute(self, group: Conversation, actor: Actor, change: GroupChange) -> GroupOutcome:
        """The same, now."""
        muted = self._tables.standings(group.id).muted
        if not any(number in muted for number in change.members or (0,)):
            return self._log.outcome(group)
        return self._mute(group, actor, change, 0)

    def _mute(
        self, group: Conversation, actor: Actor, change: GroupChange, until: int, **details: int
    ) -> GroupOutcome:
        members = [self._log.member(group, number) for number in change.members]
        for member in members:
            check_over(actor, member)
        for number in change.members or (0,):
            self._tables.mute(group.id, number, until)
        accounts = [member.account for member in members]
        return self._log.outcome(group, self._log.notice(group, change.action, actor, accounts, **details))
