"""Asks the server for the names that a conversation needs: of its members, and of whose words were forwarded to it."""

from imserver.client.client import Client
from imserver.client.errors import RequestRefused
from imserver.client.screen.chat import NOBODY, Chat
from imserver.core.events import AccountFound
from imserver.core.requests import LookUp


async def learn_members(client: Client, chat: Chat) -> None:
    """Who is in a group; of direct conversations it is known.  Raises ClientError."""
    if chat.is_group and not chat.left:
        accounts = [member.account for member in await client.members(chat.id)]
        chat.members = {account.name: account.number for account in accounts}
        chat.names.update((account.number, account.name) for account in accounts)


async def learn_origins(client: Client, chat: Chat) -> bool:
    """Look up, once each, who has first said what was forwarded; -> whether there was any.  Raises ClientError."""
    nameless = [number for number, name in chat.origins.items() if not name]
    chat.origins.update(dict.fromkeys(nameless, NOBODY))
    for number in nameless:
        try:
            found: AccountFound = await client.ask(LookUp("", number))
        except RequestRefused:
            continue  # there is no such account any more: it stays somebody
        chat.origins[number] = found.account.name
    return bool(nameless)
