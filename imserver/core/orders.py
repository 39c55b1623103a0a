"""What a request asks of a group, checked as far as one need not look at the group."""

from dataclasses import dataclass

from imserver.core import group_requests as r
from imserver.core import names
from imserver.core.changes import Action
from imserver.core.errors import ChatError, Code
from imserver.core.limits import Limits
from imserver.core.values import JoinPolicy, Role


@dataclass(slots=True, frozen=True)
class Order:
    """The part of a GroupChange that is in the request."""

    action: Action
    members: tuple[int, ...] = ()
    text: str = ""
    value: int = 0


def order(request: r.GroupRequest, limits: Limits) -> Order:
    """Raises BAD_REQUEST for what no group could do."""
    match request:
        case r.CreateGroup(title=title, members=members):
            return Order(Action.CREATED, tuple(members), names.title(title, limits))
        case r.JoinGroup(text=text):
            return Order(Action.JOINED, (), names.shown(text, "text", limits.max_join_text_chars))
        case r.AddMembers(members=members):
            return Order(Action.ADDED, tuple(members))
        case r.LeaveGroup():
            return Order(Action.LEFT)
        case r.RenameGroup(title=title):
            return Order(Action.RENAMED, (), names.title(title, limits))
        case r.SetAnnouncement(text=text):
            text = names.shown(text, "announcement", limits.max_announcement_chars)
            return Order(Action.ANNOUNCED, (), text)
        case r.SetJoinPolicy(policy=policy):
            return Order(Action.POLICY_CHANGED, value=_policy(policy))
        case r.DissolveGroup():
            return Order(Action.DISSOLVED)
        case _:
            return _about_member(request, limits)


def _about_member(
    request: r.AnswerJoin | r.RemoveMember | r.SetRole | r.HandOver | r.Mute, limits: Limits
) -> Order:
    member = (request.account,)
    match request:
        case r.AnswerJoin(accept=accept):
            return Order(Action.ADMITTED if accept else Action.REJECTED, member)
        case r.RemoveMember():
            return Order(Action.REMOVED, member)
        case r.SetRole(role=role):
            return Order(_role_action(role), member)
        case r.HandOver():
            return Order(Action.HANDED_OVER, member)
        case r.Mute(account=account, seconds=seconds):
            if not 0 <= seconds <= limits.max_mute_seconds:
                raise ChatError(Code.BAD_REQUEST, f"mute for at most {limits.max_mute_seconds} seconds")
            return Order(
                Action.MUTED if seconds else Action.UNMUTED, member if account else (), value=seconds
            )


def _policy(policy: int) -> int:
    if policy not in list(JoinPolicy):
        raise ChatError(Code.BAD_REQUEST, "a join policy is 1 (open), 2 (by request) or 3 (by invitation)")
    return policy


def _role_action(role: int) -> Action:
    if role == Role.OWNER:
        raise ChatError(Code.FORBIDDEN, "there is one owner; hand the group over")
    if role not in list(Role):
        raise ChatError(Code.BAD_REQUEST, "a role is 1 (member) or 2 (admin)")
    return Action.PROMOTED if role == Role.ADMIN else Action.DEMOTED
