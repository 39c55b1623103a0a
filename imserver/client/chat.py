"""imchat alone: a prompt.  What arrives is printed as lines; `bob: hello` and `#team: hello` are sent."""

import sys
from dataclasses import dataclass
from typing import Any

from imserver.client import terminal
from imserver.client.client import Client
from imserver.client.commands import Context, find_group, logged_in, say
from imserver.client.errors import ClientError, RequestRefused
from imserver.client.keyboard import Keyboard
from imserver.core.events import Event, MessageArrived

GREETING = (
    "You are {name}.  'bob: hello' writes to bob, '#team: hello' to the group team, a text alone to the last "
    "one.  Ctrl-D ends."
)


@dataclass(slots=True, frozen=True)
class Addressed:
    """A line that was typed: to whom (empty: to the last one), whether that is a group, and what."""

    whom: str
    group: bool
    text: str


def parse_line(line: str) -> Addressed:
    """`bob: hello`, `#the team: hello`, or a text alone.

    A name has no spaces and a colon after it a space or nothing, so `see this: x` and `http://x` are texts.
    """
    whom, colon, text = line.strip().partition(":")
    if colon and (not text or text[0].isspace()):
        if whom.startswith("#"):
            group = whom[1:].strip()
            return Addressed(group, True, text.strip()) if group else Addressed("", False, line.strip())
        if whom and not any(letter.isspace() for letter in whom):
            return Addressed(whom.lower(), False, text.strip())
    return Addressed("", False, line.strip())


async def chat(context: Context, reactor: Any) -> None:
    """Send what is typed and print what arrives, until the input ends."""
    own_number: list[int] = []  # once it is known
    async with logged_in(context, lambda event: show(event, context.profile.name, *own_number)) as client:
        own_number.append(client.account.number)
        say(GREETING.format(name=terminal.visible(client.account.name)))
        keyboard = Keyboard(reactor, sys.stdin.fileno())
        ends: list[ClientError] = []

        def hang_up(reason: ClientError) -> ClientError:
            ends.append(reason)
            keyboard.close()
            return reason

        client.ended.addCallback(hang_up)
        last = Addressed("", False, "")
        while (line := await keyboard.next_line()) is not None:
            typed = parse_line(line)
            to = last = typed if typed.whom else last
            if typed.text:
                await _send(client, to, typed.text)
        if ends:
            raise ends[0]


def show(event: Event, own_name: str, own_number: int = 0) -> None:
    """Print a message; nothing else is shown."""
    if isinstance(event, MessageArrived):
        say(terminal.clear_line(event, own_name, own_number))


async def _send(client: Client, to: Addressed, text: str) -> None:
    """Send one line; what is refused is said, and the chat goes on."""
    if not client.connected:
        terminal.complain("there is no connection; this is sent when it is back")
    try:
        if to.group:
            await client.send((await find_group(client, to.whom)).id, text)
        elif to.whom:
            await client.send_to(to.whom, text)
        else:
            terminal.complain("say to whom first: bob: hello")
    except RequestRefused as error:
        terminal.complain(error.text)
