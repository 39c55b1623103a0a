"""The operator's commands about groups, of which he need not be a member; the lobby has no other moderator."""

from typing import TYPE_CHECKING

from imserver.core.changes import OPERATOR, Action, GroupChange
from imserver.core.errors import ChatError, Code
from imserver.operator.command import PAGE, Answer, Arguments, Command, page

if TYPE_CHECKING:
    from imserver.core.core import Core


async def _list(core: "Core", arguments: Arguments) -> Answer:
    found = await core.store.groups(arguments.number(0, 0, "AFTER"), PAGE)
    lines = [
        f"*{group.number:<6} members: {group.members}, messages: {group.last_seq}, title: {group.title}"
        for group in found
    ]
    return page(lines, "groups list", found[-1].number if found else 0)


async def _dissolve(core: "Core", arguments: Arguments) -> Answer:
    await _change(core, Action.DISSOLVED, arguments)
    return Answer(["dissolved; its former members can still read what they could"])


async def _remove(core: "Core", arguments: Arguments) -> Answer:
    await _change(core, Action.REMOVED, arguments, members=await _member(core, arguments))
    return Answer([f"{arguments.words[1]} is removed, and has to ask before coming back"])


async def _mute(core: "Core", arguments: Arguments) -> Answer:
    seconds, most = arguments.number(2, 0, "SECONDS"), core.limits.max_mute_seconds
    if not 0 <= seconds <= most:
        raise ChatError(Code.BAD_REQUEST, f"mute for at most {most} seconds; 0 ends it")
    action = Action.MUTED if seconds else Action.UNMUTED
    await _change(core, action, arguments, await _member(core, arguments), seconds)
    return Answer([f"{arguments.words[1]} is muted for {seconds} s" if seconds else "no longer muted"])


async def _member(core: "Core", arguments: Arguments) -> tuple[int, ...]:
    return ((await core.administration.find(arguments.words[1])).account.number,)


async def _change(
    core: "Core", action: Action, arguments: Arguments, members: tuple[int, ...] = (), value: int = 0
) -> None:
    number = Arguments([arguments.words[0].removeprefix("*")]).number(0, 0, "ID")  # *2, as it is listed, or 2
    found = await core.store.group_numbered(number)
    if found is None:
        raise ChatError(Code.NOT_FOUND, "there is no group of that number")
    await core.groups.carry_out(GroupChange(action, OPERATOR, found[0].id, "", members, None, value))


COMMANDS = (
    Command("groups list", "[AFTER]", "all groups, by number", _list),
    Command("groups dissolve", "ID", "remove all its members, for ever", _dissolve),
    Command("groups remove", "ID NAME", "remove a member", _remove),
    Command("groups mute", "ID NAME SECONDS", "let a member read and not write; 0 ends it", _mute),
)
