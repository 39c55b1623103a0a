"""Orders about groups: make one, join one, and what its members and admins may do in the one that is open."""

import shlex
from collections.abc import Callable, Coroutine
from typing import Any

from imserver.client.screen.chat import Chat
from imserver.client.screen.order import Desk, Misuse, Order, account_name, name_and_rest, needed
from imserver.core import requests
from imserver.core.group_requests import MemberRequest
from imserver.core.values import JoinPolicy, Role

POLICIES = {
    "open": JoinPolicy.OPEN,
    "request": JoinPolicy.BY_REQUEST,
    "invitation": JoinPolicy.BY_INVITATION,
}
EVERYBODY = "all"
Made = Callable[[int, int], MemberRequest]


def open_group(desk: Desk) -> Chat:
    """The group that is open.  Raises Misuse."""
    chat = desk.exchange.chats.open
    if chat is None or not chat.is_group:
        raise Misuse("open a group first")
    return chat


async def _create(desk: Desk, rest: str) -> None:
    words = _words(rest)
    if not words:
        raise Misuse
    names = [account_name(word) for word in words[1:]]
    opened = await desk.exchange.client.create_group(words[0], names)
    desk.open_chat(desk.exchange.chats.update(opened))


async def _join(desk: Desk, rest: str) -> None:
    number, text = name_and_rest(rest)
    number = number.removeprefix("*")
    if not (number.isascii() and number.isdigit()):
        raise Misuse
    opened = await desk.exchange.client.join_group(int(number), text)
    if opened is None:
        desk.notice("Its admins are asked.")
    else:
        desk.open_chat(desk.exchange.chats.update(opened))


async def _add(desk: Desk, rest: str) -> None:
    names = [account_name(word) for word in _words(needed(rest))]
    await desk.exchange.client.add_members(open_group(desk).id, names)


async def _rename(desk: Desk, rest: str) -> None:
    await desk.exchange.client.rename_group(open_group(desk).id, needed(rest))


async def _leave(desk: Desk, rest: str) -> None:
    await desk.exchange.client.leave_group(open_group(desk).id)


async def _announce(desk: Desk, rest: str) -> None:
    await desk.exchange.client.change_group(requests.SetAnnouncement(open_group(desk).id, rest))


async def _set_policy(desk: Desk, rest: str) -> None:
    if rest not in POLICIES:
        raise Misuse
    await desk.exchange.client.change_group(requests.SetJoinPolicy(open_group(desk).id, POLICIES[rest]))


async def _mute(desk: Desk, rest: str) -> None:
    name, seconds = name_and_rest(rest)
    if not (seconds.isascii() and seconds.isdigit()):
        raise Misuse
    group, client = open_group(desk).id, desk.exchange.client
    number = 0 if name == EVERYBODY else (await client.look_up(name)).number
    await client.change_group(requests.Mute(group, number, int(seconds)))


async def _requests(desk: Desk, rest: str) -> None:
    chat = open_group(desk)
    found = await desk.exchange.client.join_requests(chat.id)
    lines = [f"{each.account.name}  {each.text}".rstrip() for each in found]
    hint = ["", "/group accept NAME, /group refuse NAME"]
    desk.sheet(f"Who would like to join # {chat.title}", [*lines, *hint] if lines else ["nobody"])


async def _dissolve(desk: Desk, rest: str) -> None:
    chat = open_group(desk)
    if rest != chat.title:
        raise Misuse(f"to end this group for everybody write /group dissolve {chat.title}")
    await desk.exchange.client.change_group(requests.DissolveGroup(chat.id))


def _about(make: Made) -> Callable[[Desk, str], Coroutine[Any, Any, None]]:
    """An order that changes what one account is in the open group."""

    async def order(desk: Desk, rest: str) -> None:
        name, _ = name_and_rest(rest)
        group, client = open_group(desk).id, desk.exchange.client
        account = await client.look_up(name)
        await client.change_group(make(group, account.number))

    return order


def _words(rest: str) -> list[str]:
    try:
        return shlex.split(rest)
    except ValueError:
        raise Misuse("a quotation mark is not closed") from None


GROUP_ORDERS: tuple[Order, ...] = (
    Order("/group create", "'TITLE' NAME ...", "make a group with these people", _create, "names"),
    Order("/group join", "NUMBER [TEXT]", "join a group, or ask its admins", _join),
    Order("/group leave", "", "leave this group", _leave),
    Order("/group add", "NAME ...", "add people to this group", _add, "names"),
    Order("/group requests", "", "who would like to join", _requests),
    Order(
        "/group accept",
        "NAME",
        "let in who asks",
        _about(lambda group, account: requests.AnswerJoin(group, account, True)),
        "names",
    ),
    Order(
        "/group refuse",
        "NAME",
        "do not",
        _about(lambda group, account: requests.AnswerJoin(group, account, False)),
        "names",
    ),
    Order("/group remove", "NAME", "remove a member", _about(requests.RemoveMember), "names"),
    Order("/group mute", "NAME SECONDS", "let somebody, or all, be silent; 0 ends it", _mute, "names"),
    Order(
        "/group admin",
        "NAME",
        "make a member an admin",
        _about(lambda group, account: requests.SetRole(group, account, Role.ADMIN)),
        "names",
    ),
    Order(
        "/group member",
        "NAME",
        "make an admin a member",
        _about(lambda group, account: requests.SetRole(group, account, Role.MEMBER)),
        "names",
    ),
    Order("/group owner", "NAME", "hand the group over", _about(requests.HandOver), "names"),
    Order("/group rename", "TITLE", "give this group another title", _rename),
    Order("/group announce", "[TEXT]", "what stands above this group", _announce),
    Order("/group policy", "HOW", "open, request or invitation: who comes in", _set_policy),
    Order("/group dissolve", "TITLE", "end this group for everybody", _dissolve),
)
