"""Coming in and going out."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from imserver.core.errors import ChatError, Code
from imserver.core.events import ContactRequestList, LoggedIn, Registered
from imserver.core.requests import ListContactRequests, LogIn, Register
from imserver.dialogues.telnet.news import contact_request

if TYPE_CHECKING:
    from imserver.dialogues.telnet.dialogue import TelnetDialogue


def log_in(dialogue: "TelnetDialogue", name: str, password: str = "") -> Coroutine[Any, Any, None] | None:
    """With the password in the same line, or in a line of its own."""
    if password:
        return _log_in(dialogue, name, password)
    dialogue.ask_secret("Password:", lambda secret: dialogue.run(_log_in(dialogue, name, secret)))
    return None


def register(dialogue: "TelnetDialogue", name: str, password: str = "") -> Coroutine[Any, Any, None] | None:
    """Likewise; a password that nobody sees is typed twice."""
    if password:
        return _register(dialogue, name, password)
    dialogue.ask_secret("Password:", lambda secret: _ask_again(dialogue, name, secret))
    return None


def _ask_again(dialogue: "TelnetDialogue", name: str, password: str) -> None:
    def take(again: str) -> None:
        if again == password:
            dialogue.run(_register(dialogue, name, password))
        else:
            dialogue.say("These were two passwords.  Nothing was done.")

    dialogue.ask_secret("Once more:", take)


async def _register(dialogue: "TelnetDialogue", name: str, password: str, invitation: str = "") -> None:
    try:
        account = (await dialogue.ask(Register(name, password, "", invitation), Registered)).account
    except ChatError as error:
        if error.code is not Code.REGISTRATION_CLOSED or invitation:
            raise
        dialogue.ask_secret(
            "Only with an invitation:", lambda code: dialogue.run(_register(dialogue, name, password, code))
        )
        return
    dialogue.say(f"You are registered as {account.name}, with the number {account.number}.")
    await _log_in(dialogue, name, password)


async def _log_in(dialogue: "TelnetDialogue", name: str, password: str) -> None:
    account = (await dialogue.ask(LogIn(name, password, ""), LoggedIn)).account
    dialogue.say(f"You are logged in as {account.name}.")
    waiting = await dialogue.ask(ListContactRequests(0, 0), ContactRequestList)
    dialogue.say(*map(contact_request, waiting.requests))


def leave(dialogue: "TelnetDialogue") -> None:
    """The device keeps its place: what is said meanwhile comes at the next login."""
    dialogue.leave()
