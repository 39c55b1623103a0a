"""Fetches the pages of history on either side of what a conversation holds."""

from imserver.client.client import Client
from imserver.client.screen.chat import Chat
from imserver.core.events import History
from imserver.core.requests import FetchHistory

PAGE = 50  # messages fetched at a time


async def fetch_older(client: Client, chat: Chat, count: int) -> None:
    """So many messages before it; the newest ones if it holds none.  Raises ClientError."""
    before = chat.messages[0].seq if chat.messages else 0
    page = await client.newest(chat.id, count, before)
    chat.older = len(page) == count
    chat.put_page(page, before=True)


async def fetch_newer(client: Client, chat: Chat) -> None:
    """A page of those after it.  Raises ClientError.

    Bounded on both sides: a fetch without an upper end would count as this device's own catching up.
    """
    after = chat.messages[-1].seq
    page: History = await client.ask(FetchHistory(chat.id, after, after + PAGE + 1, PAGE))
    chat.newer = after + PAGE < chat.last_seq
    chat.put_page(page.messages, before=False)
