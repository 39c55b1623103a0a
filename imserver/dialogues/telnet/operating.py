"""What operators do, from the one table of their commands (imserver/operator/), for administrators."""

from typing import TYPE_CHECKING

from imserver.core.errors import ChatError, UnreadableRequest
from imserver.dialogues.telnet.visible import visible
from imserver.operator import table

if TYPE_CHECKING:
    from imserver.dialogues.telnet.dialogue import TelnetDialogue


async def operate(dialogue: "TelnetDialogue", line: str) -> None:
    """Only where nobody in between can listen: it is this client's way that counts, not the listener's (T15).

    What it says is indented, because `password: ...` could as well come from somebody called so.
    """
    session = dialogue.session
    if session.account is None:
        raise UnreadableRequest(0, "log in first")
    if not session.private:
        raise UnreadableRequest(0, "these commands need a connection from this machine, or TLS")
    first, _, topic = line.partition(" ")
    if first.lower() == "help":
        dialogue.say(*map(_indented, table.help_lines(topic)))
        return
    try:
        answer = await table.run_as_administrator(session.core, session, line)
    except ChatError as error:
        session.refuse(0, error)
    else:
        dialogue.say(*map(_indented, answer.lines))
        if answer.rest:
            dialogue.say(f"More: operator {answer.rest}")


def _indented(line: str) -> str:
    return f"  {visible(line)}"
