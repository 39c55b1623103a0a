"""What imchat does, one coroutine a command; each raises ClientError when it could not be done."""

import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint

from imserver.client import terminal
from imserver.client.arguments import Options
from imserver.client.client import Client, register
from imserver.client.errors import RequestRefused
from imserver.client.profile import Profile
from imserver.client.stream import EventStream
from imserver.core.errors import Code
from imserver.core.events import Event, MessageArrived
from imserver.core.values import Conversation, ConversationKind


@dataclass(slots=True, frozen=True)
class Context:
    """Everything a command needs.

    `password` is empty if the account is logged in here; with `registers` it is one for a new account.  `text` is
    the message to send.
    """

    clock: IReactorTime
    endpoint: IStreamClientEndpoint
    options: Options
    profile: Profile
    password: str
    registers: bool
    text: str


Listener = Callable[[Event], object]
Command = Callable[[Context], Coroutine[Any, Any, None]]


@asynccontextmanager
async def logged_in(context: Context, listener: Listener | None = None) -> AsyncIterator[Client]:
    """A client that is logged in, closed at the end; with a listener the one that receives."""
    if context.registers:
        await register(
            context.clock,
            context.endpoint,
            context.profile.name,
            context.password,
            invitation=context.options.invitation,
        )
    if context.password:
        await context.profile.log_in(context.clock, context.endpoint, context.password)
    client = context.profile.client(context.clock, context.endpoint, listener)
    try:
        await client.log_in_again()
        yield client
    finally:
        await client.close()


def say(line: str) -> None:
    """One line of output, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def register_account(context: Context) -> None:
    """imchat register"""
    async with logged_in(context) as client:
        say(f"Registered {client.account.name}, number {client.account.number}.")


async def send(context: Context) -> None:
    """imchat send"""
    async with logged_in(context) as client:
        if context.options.group:
            await client.send((await find_group(client, context.options.whom)).id, context.text)
        else:
            await client.send_to(context.options.whom, context.text)


async def listen(context: Context) -> None:
    """imchat listen: what others say, so that a script that answers does not answer itself."""
    stream = EventStream()
    left = context.options.count
    async with logged_in(context, stream) as client:
        client.ended.addCallback(stream.end)
        async for event in stream:
            if isinstance(event, MessageArrived) and event.message.sender != client.account.number:
                say(_line(event, context, client.account.number))
                left -= 1
                if left == 0:
                    return


def _line(event: MessageArrived, context: Context, own_number: int) -> str:
    if context.options.tabs:
        return terminal.tab_line(event, context.profile.name)
    return terminal.clear_line(event, context.profile.name, own_number)


async def history(context: Context) -> None:
    """imchat history"""
    async with logged_in(context) as client:
        whom = context.options.whom
        if context.options.group:
            conversation = await find_group(client, whom)
        else:
            conversation = (await client.open_direct(whom)).conversation
        for message in await client.newest(conversation.id, context.options.limit):
            say(terminal.said(message))


async def create_group(context: Context) -> None:
    """imchat group create"""
    title, names = context.options.whom, context.options.words
    async with logged_in(context) as client:
        opened = await client.create_group(title, names)
        say(f"Created group {opened.conversation.id}.")


async def add_to_group(context: Context) -> None:
    """imchat group add"""
    title, names = context.options.whom, context.options.words
    async with logged_in(context) as client:
        await client.add_members((await find_group(client, title)).id, names)


async def leave_group(context: Context) -> None:
    """imchat group leave"""
    async with logged_in(context) as client:
        await client.leave_group((await find_group(client, context.options.whom)).id)


async def list_groups(context: Context) -> None:
    """imchat group list"""
    async with logged_in(context) as client:
        for group in await present_groups(client):
            say(f"{group.id}\t{terminal.visible(group.title)}")


async def log_out(context: Context) -> None:
    """imchat logout"""
    for client in context.profile.clients(context.clock, context.endpoint):
        try:
            await client.log_in_again()
            await client.log_out()
        except RequestRefused as error:
            if error.code != Code.WRONG_CREDENTIALS:  # that login has ended already
                raise
        finally:
            await client.close()
    context.profile.forget()


async def present_groups(client: Client) -> list[Conversation]:
    """The groups this account is in."""
    return [
        membership.conversation
        for membership in await client.conversations()
        if membership.conversation.kind is ConversationKind.GROUP and not membership.left_seq
    ]


async def find_group(client: Client, wanted: str) -> Conversation:
    """The group of that title or id; refused with NOT_FOUND, also when several have the title."""
    found = [group for group in await present_groups(client) if wanted in (group.title, str(group.id))]
    if not found:
        raise RequestRefused(Code.NOT_FOUND, f"you are in no group {wanted}")
    if len(found) > 1:
        ids = ", ".join(str(group.id) for group in found)
        raise RequestRefused(Code.NOT_FOUND, f"several groups are called {wanted}; use an id: {ids}")
    return found[0]


COMMANDS: dict[str, Command] = {
    "register": register_account,
    "send": send,
    "listen": listen,
    "history": history,
    "group create": create_group,
    "group add": add_to_group,
    "group leave": leave_group,
    "group list": list_groups,
    "logout": log_out,
}
