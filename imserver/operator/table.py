"""The one table of the operator's commands, and what runs them: for imadmin's socket, and for wires with administrators.

Every command that runs is one line of audit in the log: who, what, on whom, with which result.
"""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from twisted.logger import Logger

from imserver.core.errors import ChatError, Code
from imserver.logs import AUDIT
from imserver.operator import accounts, announcement, groups, invitations, sessions, statistics
from imserver.operator.command import Answer, Arguments, Command

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session

COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        *accounts.COMMANDS,
        *invitations.COMMANDS,
        *sessions.COMMANDS,
        *groups.COMMANDS,
        *announcement.COMMANDS,
        *statistics.COMMANDS,
    )
}
_MOST_NAME_WORDS = max(len(name.split()) for name in COMMANDS)

_log = Logger()


async def run(core: "Core", actor: str, line: str, password: str = "") -> Answer:
    """Run the command on the line for `actor`, whose right to it has been checked.

    `password` goes to commands that take one and stands in no line.  Raises ChatError: BAD_REQUEST for a line
    that is no command, and whatever the command refuses.
    """
    command, words = parse(line)
    try:
        answer = await command.action(core, Arguments(words, password if command.takes_password else ""))
    except ChatError as error:
        _audit(actor, command, words, error.code)
        raise
    except Exception:
        _audit(actor, command, words, "failed")
        raise
    _audit(actor, command, words, "done")
    return answer


async def run_as_administrator(core: "Core", session: "Session", line: str) -> Answer:
    """As run, for whoever is logged in on the session; raises FORBIDDEN for those who are no administrators.

    The account is asked each time, because the role may have been taken away since.  Whether the way to the
    client is safe enough for such commands, its wire has to judge.
    """
    record = await core.store.account_numbered(session.number)
    if record is None or not record.administrator:
        raise ChatError(Code.FORBIDDEN, "these commands are for administrators")
    where = f"{session.capabilities.wire}, {session.address or 'local'}"
    return await run(core, f"{record.account.name} ({where})", line)


def parse(line: str) -> tuple[Command, Sequence[str]]:
    """-> the command and its words, which are split as in a shell, but for a text; raises BAD_REQUEST."""
    for count in range(_MOST_NAME_WORDS, 0, -1):
        parts = line.split(None, count)
        command = COMMANDS.get(" ".join(parts[:count]).lower())
        if command is not None:
            words = _words(command, "".join(parts[count:]).rstrip())
            command.check(words)
            return command, words
    raise _no_command(line)


def _words(command: Command, rest: str) -> list[str]:
    if command.takes_text:
        return [rest] if rest else []
    try:
        return shlex.split(rest)
    except ValueError as error:
        raise ChatError(Code.BAD_REQUEST, f"that line cannot be read: {error}") from None


def _no_command(line: str) -> ChatError:
    """Says what there is instead."""
    first = "".join(line.split(None, 1)[:1]).lower()
    names = [name for name in COMMANDS if name.split()[0] == first]
    known = names or dict.fromkeys(name.split()[0] for name in COMMANDS)
    return ChatError(
        Code.BAD_REQUEST, f"there is no such command of the operator's; there are: {', '.join(known)}"
    )


def help_lines(topic: str = "") -> list[str]:
    """Each command with what it does, or those whose name begins with these words; raises BAD_REQUEST if none does."""
    words = topic.lower().split()
    found = [each for each in COMMANDS.values() if each.name.split()[: len(words)] == words]
    if not found:
        raise _no_command(topic)
    width = max(len(f"{each.name} {each.usage}") for each in found)
    return [f"{f'{each.name} {each.usage}':<{width}}  {each.help}" for each in found]


def _audit(actor: str, command: Command, words: Sequence[str], result: str) -> None:
    _log.info(
        "operator {actor}: {what}: {result}",
        actor=actor,
        what=command.written(words),
        action=command.name,
        whom=command.whom(words),
        result=result,
        log_kind=AUDIT,
    )
