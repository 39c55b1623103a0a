"""Who may change what of a group: one row per action.

Beyond its row, nobody acts on a member whose role is not below his own, and only the operator changes the
lobby, where he moderates and nothing else.
"""

from dataclasses import dataclass

from imserver.core.changes import Action
from imserver.core.errors import ChatError, Code
from imserver.core.values import LOBBY, Account, Conversation, ConversationKind, JoinPolicy, Member, Role

ABOVE_ALL = Role.OWNER + 1  # the operator's role

NEEDED: dict[Action, Role] = {
    Action.ADDED: Role.MEMBER,  # but where people join by request
    Action.LEFT: Role.MEMBER,
    Action.RENAMED: Role.ADMIN,
    Action.ADMITTED: Role.ADMIN,
    Action.REJECTED: Role.ADMIN,
    Action.REMOVED: Role.ADMIN,
    Action.PROMOTED: Role.OWNER,
    Action.DEMOTED: Role.OWNER,
    Action.HANDED_OVER: Role.OWNER,
    Action.MUTED: Role.ADMIN,
    Action.UNMUTED: Role.ADMIN,
    Action.POLICY_CHANGED: Role.ADMIN,
    Action.ANNOUNCED: Role.ADMIN,
    Action.DISSOLVED: Role.OWNER,
}
IN_LOBBY = {Action.REMOVED, Action.MUTED, Action.UNMUTED, Action.ANNOUNCED}
_WHO = {Role.ADMIN: "the admins", Role.OWNER: "the owner"}


@dataclass(slots=True, frozen=True)
class Actor:
    """Who asks: `member` is None for the operator and for strangers, whose role is 0."""

    account: Account
    name: str
    role: int
    member: Member | None


def check(group: Conversation, actor: Actor, action: Action) -> None:
    """Raises FORBIDDEN, unless the actor may do that in this group."""
    if group.kind is not ConversationKind.GROUP:
        raise ChatError(Code.FORBIDDEN, "a direct conversation cannot be changed; create a group")
    if group.id == LOBBY and not (actor.role == ABOVE_ALL and action in IN_LOBBY):
        raise ChatError(Code.FORBIDDEN, "the lobby is everybody's; create a group")
    needed = NEEDED[action]
    if action is Action.ADDED and group.join_policy == JoinPolicy.BY_REQUEST:
        needed = Role.ADMIN
    if actor.role < needed:
        raise ChatError(Code.FORBIDDEN, f"only {_WHO[needed]} of the group may do that")


def check_over(actor: Actor, member: Member) -> None:
    """Raises FORBIDDEN, unless the member's role is below the actor's."""
    if member.role >= actor.role:
        raise ChatError(Code.FORBIDDEN, f"that takes a higher role than {member.account.name}'s")
