"""Groups, which are written *N: coming and going, and what their admins do.

What changes a group becomes an entry of its log, so everybody in it, also who asked for it, reads of it there.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from imserver.core.errors import ChatError, Code, UnreadableRequest
from imserver.core.events import (
    ConversationList,
    ConversationOpened,
    Done,
    GroupChanged,
    GroupFound,
    JoinRequestList,
    MemberList,
)
from imserver.core.requests import (
    AddMembers,
    AnswerJoin,
    CreateGroup,
    DissolveGroup,
    FindGroup,
    HandOver,
    JoinGroup,
    LeaveGroup,
    ListConversations,
    ListJoinRequests,
    ListMembers,
    Mute,
    RemoveMember,
    RenameGroup,
    SetAnnouncement,
    SetJoinPolicy,
    SetRole,
)
from imserver.core.values import (
    Conversation,
    ConversationKind,
    JoinPolicy,
    JoinRequest,
    Member,
    Membership,
    Role,
)
from imserver.dialogues.telnet.visible import visible
from imserver.net.projection import group_name

if TYPE_CHECKING:
    from imserver.dialogues.telnet.dialogue import TelnetDialogue

_POLICIES = {
    "open": JoinPolicy.OPEN,
    "request": JoinPolicy.BY_REQUEST,
    "invitation": JoinPolicy.BY_INVITATION,
}
EVERYONE = "everyone"  # which nobody can be called
_ROLES = {Role.OWNER: ", the owner", Role.ADMIN: ", an admin"}


async def memberships(dialogue: "TelnetDialogue") -> AsyncIterator[Membership]:
    """All conversations of the one who is logged in, also those left."""
    after = 0
    while True:
        page = await dialogue.ask(ListConversations(after, 0), ConversationList)
        for membership in page.memberships:
            yield membership
        if not page.next:
            return
        after = page.next


def number_of(group: str) -> int:
    """*3 -> 3; raises UnreadableRequest."""
    digits = group.removeprefix("*")
    if digits == group or not digits.isdecimal() or len(digits) > 9:
        raise UnreadableRequest(0, "a group is written *N, as in *3")
    return int(digits)


async def _find(dialogue: "TelnetDialogue", group: str) -> Conversation:
    """The group; raises ChatError."""
    try:
        return (await dialogue.ask(FindGroup(number_of(group)), GroupFound)).conversation
    except ChatError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        raise ChatError(error.code, f"you are in no group {group}, and it is not open to you") from error


# -- everybody


async def mine(dialogue: "TelnetDialogue") -> None:
    """The groups one is in."""
    lines = [
        f'{group_name(each.conversation)} "{visible(each.conversation.title)}"'
        async for each in memberships(dialogue)
        if each.conversation.kind is ConversationKind.GROUP and not each.left_seq
    ]
    dialogue.say(*lines or ["You are in no group.  Say: group create TITLE, or: join *N"])


async def create(dialogue: "TelnetDialogue", title: str) -> None:
    """A new one, of which one is the owner; that it is there is told as an event."""
    await dialogue.ask(CreateGroup(title, []), ConversationOpened)


async def join(dialogue: "TelnetDialogue", group: str, text: str = "") -> None:
    """Become a member, at once or once an admin has agreed."""
    answer = await dialogue.ask_any(JoinGroup(number_of(group), text))
    if isinstance(answer, Done):
        dialogue.say(f"The admins of {group} have your request.")


async def leave(dialogue: "TelnetDialogue", group: str) -> None:
    """What was said until now stays readable."""
    found = await _find(dialogue, group)
    await dialogue.ask(LeaveGroup(found.id), GroupChanged)
    dialogue.say(f"You have left {group}.")


async def members(dialogue: "TelnetDialogue", group: str) -> None:
    """Who is in it."""
    found = await _find(dialogue, group)
    after = 0
    while True:
        page = await dialogue.ask(ListMembers(found.id, after, 0), MemberList)
        dialogue.say(*map(_member, page.members))
        if not page.next:
            return
        after = page.next


def _member(member: Member) -> str:
    account = member.account
    shown = f" ({visible(account.display_name)})" if account.display_name != account.name else ""
    return f"{account.name}{shown}{_ROLES.get(Role(member.role), '')}"


async def add(dialogue: "TelnetDialogue", group: str, names: str) -> None:
    """Those named become members."""
    accounts = [await dialogue.find(name) for name in names.split()]
    found = await _find(dialogue, group)
    await dialogue.ask(AddMembers(found.id, [account.number for account in accounts]), GroupChanged)
    dialogue.say(f"In {group} now: {', '.join(account.name for account in accounts)}.")


# -- admins


async def rename(dialogue: "TelnetDialogue", group: str, title: str) -> None:
    """Another title."""
    found = await _find(dialogue, group)
    await dialogue.ask(RenameGroup(found.id, title), GroupChanged)


async def announce(dialogue: "TelnetDialogue", group: str, text: str = "") -> None:
    """What everybody should know; nothing takes it back."""
    found = await _find(dialogue, group)
    await dialogue.ask(SetAnnouncement(found.id, text), GroupChanged)


async def policy(dialogue: "TelnetDialogue", group: str, word: str) -> None:
    """How strangers come in."""
    if word.lower() not in _POLICIES:
        raise UnreadableRequest(0, f"how people join is one of {', '.join(_POLICIES)}")
    found = await _find(dialogue, group)
    await dialogue.ask(SetJoinPolicy(found.id, _POLICIES[word.lower()]), GroupChanged)


async def requests(dialogue: "TelnetDialogue", group: str) -> None:
    """Who would like to come in."""
    found = await _find(dialogue, group)
    waiting = (await dialogue.ask(ListJoinRequests(found.id, 0, 0), JoinRequestList)).requests
    lines = [_wish(each, group) for each in waiting]
    dialogue.say(*lines or [f"Nobody is waiting to join {group}."])


async def accept(dialogue: "TelnetDialogue", group: str, name: str) -> None:
    """Let somebody in who has asked."""
    await _answer(dialogue, group, name, True)


async def refuse(dialogue: "TelnetDialogue", group: str, name: str) -> None:
    """The other one is not told."""
    await _answer(dialogue, group, name, False)
    dialogue.say(f"{name} stays outside.")


async def _answer(dialogue: "TelnetDialogue", group: str, name: str, accept: bool) -> None:
    account = await dialogue.find(name)
    found = await _find(dialogue, group)
    await dialogue.ask(AnswerJoin(found.id, account.number, accept), GroupChanged)


async def remove(dialogue: "TelnetDialogue", group: str, name: str) -> None:
    """Somebody is no longer a member."""
    account = await dialogue.find(name)
    found = await _find(dialogue, group)
    await dialogue.ask(RemoveMember(found.id, account.number), GroupChanged)


async def mute(dialogue: "TelnetDialogue", group: str, name: str, minutes: str) -> None:
    """Somebody, or everybody but admins, may not write for a while; 0 minutes end it."""
    if not minutes.isdecimal() or len(minutes) > 6:
        raise UnreadableRequest(0, "MINUTES is a number; 0 ends it")
    number = 0 if name.lower() == EVERYONE else (await dialogue.find(name)).number
    found = await _find(dialogue, group)
    await dialogue.ask(Mute(found.id, number, 60 * int(minutes)), GroupChanged)


async def tell_request(dialogue: "TelnetDialogue", request: JoinRequest) -> None:
    """Somebody has asked just now."""
    page = await dialogue.ask(ListConversations(request.conversation - 1, 1), ConversationList)
    dialogue.say(_wish(request, group_name(page.memberships[0].conversation)))


def _wish(request: JoinRequest, group: str) -> str:
    name, text = request.account.name, f' "{visible(request.text)}"' if request.text else ""
    return f"{name} would like to join {group}.{text}  Say: group accept {group} {name}, or: group refuse {group} {name}"


# -- the owner


async def promote(dialogue: "TelnetDialogue", group: str, name: str) -> None:
    """Make somebody an admin."""
    await _set_role(dialogue, group, name, Role.ADMIN)


async def demote(dialogue: "TelnetDialogue", group: str, name: str) -> None:
    """Make somebody a member again."""
    await _set_role(dialogue, group, name, Role.MEMBER)


async def _set_role(dialogue: "TelnetDialogue", group: str, name: str, role: Role) -> None:
    account = await dialogue.find(name)
    found = await _find(dialogue, group)
    await dialogue.ask(SetRole(found.id, account.number, role), GroupChanged)


async def hand_over(dialogue: "TelnetDialogue", group: str, name: str) -> None:
    """Make somebody the owner."""
    account = await dialogue.find(name)
    found = await _find(dialogue, group)
    await dialogue.ask(HandOver(found.id, account.number), GroupChanged)


async def dissolve(dialogue: "TelnetDialogue", group: str) -> None:
    """Everybody leaves."""
    found = await _find(dialogue, group)
    await dialogue.ask(DissolveGroup(found.id), GroupChanged)
    dialogue.say(f"There is no {group} any more.")
