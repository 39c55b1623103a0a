"""One order: what is typed with a slash in front, and what may be done about it."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from imserver.client.screen.chat import Chat
from imserver.client.screen.exchange import Exchange


class Desk(Protocol):
    """What an order may do besides asking the server."""

    exchange: Exchange

    def open_chat(self, chat: Chat) -> None:
        """Show this conversation."""

    def sheet(self, title: str, lines: Sequence[str]) -> None:
        """Lines to read; they are made fit for the screen."""

    def notice(self, text: str) -> None:
        """Something to read once."""

    def change_password(self) -> None:
        """Ask for the old one and the new one where they are not shown, and change it."""

    def leave(self) -> None:
        """End the program, or ask first if messages wait."""


class Misuse(Exception):
    """The order does not say enough; the text says what it should be."""


Run = Callable[[Desk, str], Coroutine[Any, Any, None]]


@dataclass(slots=True, frozen=True)
class Order:
    """`words` begin the line, `usage` follows; `takes` says what Tab completes after them: names, groups or nothing.

    `asks`: it cannot be done without the server.
    """

    words: str
    usage: str
    meaning: str
    run: Run
    takes: str = ""
    asks: bool = True


def needed(rest: str) -> str:
    """What follows the words, which has to be there.  Raises Misuse."""
    if not rest:
        raise Misuse
    return rest


def name_and_rest(rest: str) -> tuple[str, str]:
    """`@bob hello there` -> bob, hello there.  Raises Misuse."""
    parts = needed(rest).split(None, 1)
    return account_name(parts[0]), parts[1] if len(parts) > 1 else ""


def account_name(word: str) -> str:
    """As accounts are called."""
    return word.removeprefix("@").lower()


def open_chat(desk: Desk) -> Chat:
    """The conversation that is open.  Raises Misuse."""
    if desk.exchange.chats.open is None:
        raise Misuse("open a conversation first")
    return desk.exchange.chats.open


def say_if_it_waits(desk: Desk) -> None:
    """What is ordered without a connection is done with the next one."""
    if not desk.exchange.client.connected:
        desk.notice("there is no connection; this is done when it is back")


async def chat_with(desk: Desk, name: str) -> Chat:
    """The direct conversation with somebody, opened at need.  Raises ClientError."""
    exchange = desk.exchange
    chat = exchange.chats.with_person(name)
    if chat is None:
        say_if_it_waits(desk)
        chat = exchange.chats.update(await exchange.client.open_direct(name))
    return chat
