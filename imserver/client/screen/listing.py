"""What stands in the list: requests to answer, conversations, the newest first, and contacts without one."""

from dataclasses import dataclass

from imserver.client.screen.chat import Chat
from imserver.client.screen.chats import Chats
from imserver.client.screen.people import People
from imserver.core.values import Account, Contact, ContactRequest

GROUP_MARK = "#"
REQUEST_MARK = "?"


@dataclass(slots=True, frozen=True)
class Entry:
    """A conversation, a contact with whom there is none yet, or somebody's request to become one."""

    title: str
    mark: str
    unread: int = 0
    chat: Chat | None = None
    account: Account | None = None
    request: ContactRequest | None = None


def entries(chats: Chats, people: People) -> list[Entry]:
    """From top to bottom."""
    listed = chats.newest_first()
    with_chat = {chat.peer.number for chat in listed if chat.peer is not None}
    return [
        *(
            Entry(f"{request.account.name} asks", REQUEST_MARK, request=request)
            for request in people.requests()
        ),
        *(_of_chat(chat, people) for chat in listed),
        *(
            Entry(_title(contact), people.mark(contact.account.number), account=contact.account)
            for contact in people.contacts()
            if contact.account.number not in with_chat
        ),
    ]


def _of_chat(chat: Chat, people: People) -> Entry:
    if chat.peer is None:
        return Entry(chat.title, GROUP_MARK, chat.unread, chat)
    contact = people.contact(chat.peer.number)
    title = chat.title if contact is None else _title(contact)
    return Entry(title, people.mark(chat.peer.number), chat.unread, chat)


def _title(contact: Contact) -> str:
    name = contact.account.name
    return f"{name} ({contact.remark})" if contact.remark else name
