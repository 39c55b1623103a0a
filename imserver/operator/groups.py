"""The operator's commands about groups."""

from typing import TYPE_CHECKING

from imserver.operator.command import PAGE, Answer, Arguments, Command, page

if TYPE_CHECKING:
    from imserver.core.core import Core


async def _list(core: "Core", arguments: Arguments) -> Answer:
    found = await core.store.groups(arguments.number(0, 0, "AFTER"), PAGE)
    lines = [
        f"{group.id:<16} members: {group.members}, messages: {group.last_seq}, title: {group.title}"
        for group in found
    ]
    return page(lines, "groups list", found[-1].id if found else 0)


COMMANDS = (Command("groups list", "[AFTER]", "all groups, by id", _list),)
