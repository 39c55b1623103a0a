"""What a change of a group requires and does, the same in every store: the store brings the tables.

A change is checked, carried out, logged and recorded in one transaction.  Here is who acts and which deed it is;
store/permissions.py says whether he may, store/arrivals.py, departures.py and moderation.py have the deeds.
"""

from collections.abc import Callable

from imserver.core.changes import OPERATOR, Action, GroupChange, GroupLimits, GroupOutcome
from imserver.core.errors import ChatError, Code
from imserver.core.values import Account, Conversation
from imserver.store import permissions, retries
from imserver.store.arrivals import Arrivals
from imserver.store.departures import Departures
from imserver.store.group_log import GroupLog
from imserver.store.group_tables import Tables
from imserver.store.moderation import Moderation
from imserver.store.permissions import ABOVE_ALL, Actor

Deed = Callable[[Conversation, Actor, GroupChange], GroupOutcome]

_OPERATOR = Actor(Account(OPERATOR, "", "", ""), "operator", ABOVE_ALL, None)


class GroupRules:
    """Applies changes to `tables`; `token_bytes(n)` gives random bytes."""

    def __init__(self, tables: Tables, token_bytes: Callable[[int], bytes]) -> None:
        self._tables = tables
        self._token_bytes = token_bytes

    def change(self, change: GroupChange, now_ms: int, limits: GroupLimits) -> GroupOutcome:
        """Check, apply, log and record a change; raises ChatError as IConversations.change_group says."""
        known = retries.known(self._tables, change.recorded) if change.recorded else None
        if known is not None:
            return GroupOutcome(self._group(known.conversation), known.seq)
        outcome = self._apply(change, GroupLog(self._tables, self._token_bytes, now_ms), limits)
        if change.recorded:
            retries.keep(self._tables, change.recorded, outcome)
        return outcome

    def _apply(self, change: GroupChange, log: GroupLog, limits: GroupLimits) -> GroupOutcome:
        actor, arrivals = self._actor(change, log), Arrivals(self._tables, log, limits)
        if change.action is Action.CREATED:
            return arrivals.create(actor, change)
        group = self._group(change.conversation)
        if change.action is Action.JOINED:
            return arrivals.join(group, actor, change)
        if not actor.role:
            raise ChatError(Code.NOT_MEMBER, "you are not a member of it")
        permissions.check(group, actor, change.action)
        deeds = self._deeds(arrivals, Departures(self._tables, log), Moderation(self._tables, log))
        return deeds[change.action](group, actor, change)

    @staticmethod
    def _deeds(arrivals: Arrivals, departures: Departures, moderation: Moderation) -> dict[Action, Deed]:
        return {
            Action.ADDED: arrivals.add,
            Action.ADMITTED: arrivals.admit,
            Action.REJECTED: arrivals.reject,
            Action.LEFT: departures.leave,
            Action.REMOVED: departures.remove,
            Action.DISSOLVED: departures.dissolve,
            Action.RENAMED: moderation.rename,
            Action.ANNOUNCED: moderation.announce,
            Action.POLICY_CHANGED: moderation.set_policy,
            Action.PROMOTED: moderation.promote,
            Action.DEMOTED: moderation.demote,
            Action.HANDED_OVER: moderation.hand_over,
            Action.MUTED: moderation.mute,
            Action.UNMUTED: moderation.unmute,
        }

    def end_account(self, number: int, now_ms: int) -> list[GroupOutcome]:
        """It leaves all its groups."""
        log = GroupLog(self._tables, self._token_bytes, now_ms)
        departures, groups = Departures(self._tables, log), map(self._group, self._tables.groups_of(number))
        return [departures.end(group, log.member(group, number)) for group in groups]

    def _actor(self, change: GroupChange, log: GroupLog) -> Actor:
        if change.actor == OPERATOR and change.action not in (Action.CREATED, Action.JOINED):
            return _OPERATOR
        account = log.account(change.actor)
        member = self._tables.member(change.conversation, account.number)
        return Actor(account, account.name, member.role if member else 0, member)

    def _group(self, conversation: int) -> Conversation:
        group = self._tables.conversation(conversation)
        if group is None:
            raise ChatError(Code.NOT_FOUND, "there is no such conversation")
        return group
