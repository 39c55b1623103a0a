"""The operator's commands about invitations: codes to register with while registration is closed."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imserver.core.errors import ChatError, Code
from imserver.core.values import Invitation
from imserver.operator.command import PAGE, Answer, Arguments, Command, page

if TYPE_CHECKING:
    from imserver.core.core import Core

DAYS, USES = 7, 1
MAX_DAYS, MAX_USES = 366, 10_000


async def _create(core: "Core", arguments: Arguments) -> Answer:
    days, uses = arguments.number(0, DAYS, "DAYS"), arguments.number(1, USES, "USES")
    if not (0 < days <= MAX_DAYS and 0 < uses <= MAX_USES):
        raise ChatError(Code.BAD_REQUEST, f"DAYS is 1 to {MAX_DAYS}, USES is 1 to {MAX_USES}")
    invitation, code = await core.administration.invite(days, uses)
    return Answer([_line(invitation), f"code: {code}"])


async def _list(core: "Core", arguments: Arguments) -> Answer:
    found = await core.store.invitations(arguments.number(0, 0, "AFTER"), PAGE, core.wall_ms())
    return page([_line(each) for each in found], "invitations list", found[-1].id if found else 0)


def _line(invitation: Invitation) -> str:
    end = datetime.fromtimestamp(invitation.expires_ms / 1000, UTC).isoformat(" ", "minutes")
    return f"{invitation.id:<10} uses left: {invitation.uses_left}, until {end}"


async def _withdraw(core: "Core", arguments: Arguments) -> Answer:
    await core.administration.withdraw_invitation(arguments.number(0, 0, "ID"))
    return Answer(["nobody can register with that code any more"])


COMMANDS = (
    Command(
        "invitations create",
        "[DAYS] [USES]",
        f"a code that lets USES people (default {USES}) register within DAYS (default {DAYS})",
        _create,
    ),
    Command("invitations list", "[AFTER]", "those that are valid", _list),
    Command("invitations withdraw", "ID", "end one", _withdraw),
)
