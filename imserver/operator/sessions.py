"""The operator's commands about sessions."""

from typing import TYPE_CHECKING

from imserver.operator.command import PAGE, Answer, Arguments, Command

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session


async def _list(core: "Core", arguments: Arguments) -> Answer:
    """Those of one account stay together on a page; an account has only so many devices."""
    after, lines, number = arguments.number(0, 0, "AFTER"), list[str](), 0
    for session in sorted(core.router.all_sessions(), key=lambda one: (one.number, one.device_id)):
        if session.number <= after:
            continue
        if len(lines) >= PAGE and session.number != number:
            return Answer(lines, f"sessions list {number}")
        number = session.number
        lines.append(_line(session))
    return Answer(lines)


def _line(session: "Session") -> str:
    assert session.account is not None and session.device is not None
    name, wire = session.account.name, session.capabilities.wire
    return f"{session.number:<10} {name:<32} {wire:<10} {session.address or 'local':<40} {session.device.device.name}"


async def _kick(core: "Core", arguments: Arguments) -> Answer:
    ended = await core.administration.log_out(*arguments.words)
    return Answer([f"logged out; sessions that ended: {ended}"])


COMMANDS = (
    Command("sessions list", "[AFTER]", "who is here: number, name, wire, address, device", _list),
    Command(
        "sessions kick",
        "NAME [DEVICE]",
        "log its devices out, or that one: it needs the password again",
        _kick,
    ),
)
