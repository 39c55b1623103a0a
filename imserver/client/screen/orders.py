"""What is typed with a slash in front: the table of orders, and how a line is taken apart.

A line that begins with two slashes is a text that begins with one.
"""

from imserver.client.errors import RequestRefused
from imserver.client.screen.account_orders import ACCOUNT_ORDERS
from imserver.client.screen.action_orders import ACTION_ORDERS
from imserver.client.screen.group_orders import GROUP_ORDERS
from imserver.client.screen.order import (
    Desk,
    Misuse,
    Order,
    chat_with,
    name_and_rest,
    needed,
    open_chat,
    say_if_it_waits,
)
from imserver.client.screen.people_orders import PEOPLE_ORDERS
from imserver.core.errors import Code
from imserver.core.values import Role

ROLES = {Role.MEMBER: "", Role.ADMIN: " (admin)", Role.OWNER: " (owner)"}


def is_order(text: str) -> bool:
    """Whether a line is for the program rather than for people."""
    return text.startswith("/") and not text.startswith("//")


def find(text: str) -> tuple[Order, str]:
    """The order that a line begins with, and the rest of the line.  Raises Misuse."""
    for order in sorted(ORDERS, key=lambda order: -len(order.words)):
        rest = text.removeprefix(order.words)
        if rest != text and (not rest or rest[0].isspace()):
            return order, rest.strip()
    raise Misuse(f"there is no {text.split()[0]}; /help lists what there is")


async def obey(desk: Desk, text: str) -> None:
    """Do what a line says.  Raises ClientError."""
    try:
        order, rest = find(text)
        if order.asks:
            say_if_it_waits(desk)
        try:
            await order.run(desk, rest)
        except Misuse as misuse:
            raise Misuse(str(misuse) or f"write {order.words} {order.usage}") from None
    except Misuse as misuse:
        desk.notice(str(misuse))


# -- conversations -----------------------------------------------------------------------------------


async def _message(desk: Desk, rest: str) -> None:
    name, text = name_and_rest(rest)
    chat = await chat_with(desk, name)
    desk.open_chat(chat)
    if text:
        desk.exchange.saying.say(chat, text)


async def _open(desk: Desk, rest: str) -> None:
    found = desk.exchange.chats.groups(needed(rest))
    if len(found) != 1:
        several = f"several groups are called {rest}; choose on the left, or by number: /open *N"
        raise RequestRefused(Code.NOT_FOUND, several if found else f"you are in no group {rest}")
    desk.open_chat(found[0])


async def _members(desk: Desk, rest: str) -> None:
    members = await desk.exchange.client.members(open_chat(desk).id)
    lines = [f"{member.account.name}{ROLES[Role(member.role)]}" for member in members]
    desk.sheet(f"{len(lines)} members", sorted(lines))


# -- this program ------------------------------------------------------------------------------------


async def _help(desk: Desk, rest: str) -> None:
    desk.sheet("Help", help_lines())


async def _log_out(desk: Desk, rest: str) -> None:
    await desk.exchange.client.log_out()
    desk.exchange.saying.forget()
    desk.exchange.chosen.forget()


async def _quit(desk: Desk, rest: str) -> None:
    desk.leave()


ORDERS: tuple[Order, ...] = (
    Order("/msg", "NAME [TEXT]", "write to somebody", _message, "names", asks=False),
    Order("/open", "GROUP", "go to a group, by title or *number", _open, "groups", asks=False),
    Order("/members", "", "who is in this conversation", _members),
    *ACTION_ORDERS,
    *PEOPLE_ORDERS,
    *GROUP_ORDERS,
    *ACCOUNT_ORDERS,
    Order("/logout", "", "end this device's login here", _log_out),
    Order("/help", "", "this list", _help, asks=False),
    Order("/quit", "", "end; so does Ctrl-Q", _quit, asks=False),
)
KEYS = (
    ("Enter", "send"),
    ("Alt-Enter, Ctrl-J", "begin a new line"),
    ("Tab", "complete /orders and @names"),
    ("Page Up, Page Down", "scroll"),
    ("Ctrl-End", "go back to the newest message"),
    ("Alt-Up, Alt-Down", "the conversation above, below"),
    ("F3", "the next one with something unread"),
    ("F2", "the list: show, or hide"),
    ("F1, Esc", "open this page, close it"),
    ("Ctrl-Q", "quit"),
)


def help_lines() -> list[str]:
    """Keys and orders, one a line."""
    orders = [f"{order.words} {order.usage}".strip() for order in ORDERS]
    width = max(len(text) for text in [*orders, *(key for key, _ in KEYS)]) + 2
    keys = [f"{key:{width}}{meaning}" for key, meaning in KEYS]
    return [
        *keys,
        "",
        *(f"{text:{width}}{order.meaning}" for text, order in zip(orders, ORDERS, strict=True)),
    ]
