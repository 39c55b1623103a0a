"""How people go from a group: by themselves, removed, all at once, or because their account ends.

Who goes still sees the notice of that: left_seq is its seq.  When the owner goes, whoever has served longest
follows: an admin, else a member; so a group has an owner for as long as it has members.
"""

from imserver.core.changes import Action, GroupChange, GroupOutcome
from imserver.core.values import LOBBY, Conversation, Member, Role
from imserver.store.group_log import GroupLog
from imserver.store.group_tables import Tables
from imserver.store.permissions import Actor, check_over


class Departures:
    """From groups of which the actor may say that."""

    def __init__(self, tables: Tables, log: GroupLog) -> None:
        self._tables = tables
        self._log = log

    def leave(self, group: Conversation, actor: Actor, change: GroupChange) -> GroupOutcome:
        """The actor."""
        return self._go(group, Action.LEFT, actor, self._log.member(group, actor.account.number))

    def remove(self, group: Conversation, actor: Actor, change: GroupChange) -> GroupOutcome:
        """Somebody else, who has to ask before he comes back."""
        member = self._log.member(group, change.members[0])
        check_over(actor, member)
        return self._go(group, Action.REMOVED, actor, member)

    def dissolve(self, group: Conversation, actor: Actor, change: GroupChange) -> GroupOutcome:
        """Everybody, together."""
        members = self._tables.members(group.id)
        notice = self._log.notice(group, Action.DISSOLVED, actor, [])
        for member in members:
            self._tables.leave(group.id, member.account.number, notice.seq)
        self._tables.forget_request(group.id, 0)
        return self._log.outcome(group, notice, went=members)

    def end(self, group: Conversation, member: Member) -> GroupOutcome:
        """The member's account ends."""
        if group.id == LOBBY:
            self._tables.leave(group.id, member.account.number, self._tables.last_seq(group.id))
            return self._log.outcome(group, went=[member])
        actor = Actor(member.account, member.account.name, member.role, member)
        return self._go(group, Action.LEFT, actor, member)

    def _go(self, group: Conversation, action: Action, actor: Actor, member: Member) -> GroupOutcome:
        heir = self._heir(group, member)
        follows = {"owner": heir.account.name} if heir else {}
        notice = self._log.notice(group, action, actor, [member.account], **follows)
        self._tables.leave(group.id, member.account.number, notice.seq, action is Action.REMOVED)
        if heir:
            self._tables.set_role(group.id, heir.account.number, Role.OWNER)
        return self._log.outcome(group, notice, went=[member])

    def _heir(self, group: Conversation, leaver: Member) -> Member | None:
        if leaver.role != Role.OWNER:
            return None
        others = [each for each in self._tables.members(group.id) if each.account != leaver.account]
        return min(others, key=lambda each: (-each.role, each.joined_seq, each.account.number), default=None)
