"""What is said above and below the conversation: whose it is, and what is going on."""

from imserver.client.screen.chat import Chat
from imserver.client.screen.people import People

NOTICE_SECONDS = 8.0
MAX_TYPING_SHOWN = 3


class Status:
    """One line, of what matters most now: a notice for a while, then a lost connection, then what there is to know."""

    def __init__(self) -> None:
        self.loss = ""
        self._notice = ""
        self._until = 0.0

    def note(self, text: str, now: float) -> None:
        """Something to read once."""
        self._notice, self._until = text, now + NOTICE_SECONDS

    def line(self, waiting: int, now: float) -> str:
        """The line; empty when all is well.  `waiting` messages are on their way."""
        if now < self._until:
            return self._notice
        if self.loss:
            held = f"; {waiting} waiting to be sent" if waiting else ""
            return f"No connection: {self.loss}. Trying again{held}"
        return ""


def not_sent(waiting: int) -> str:
    """What is asked before imchat ends while so many texts wait."""
    if waiting == 1:
        return "1 text is not sent yet. It is kept for next time; Ctrl-Q again quits."
    return f"{waiting} texts are not sent yet. They are kept for next time; Ctrl-Q again quits."


def heading(chat: Chat | None, people: People, now: float) -> str:
    """Whose conversation it is, and who types in it, or how available the other one is."""
    if chat is None:
        return "Choose a conversation, or write /msg NAME"
    title = f"# {chat.title}" if chat.is_group else chat.title
    if chat.left:
        return f"{title} - you are no longer in this group"
    typing = chat.who_types(now)
    if typing and not chat.is_group:
        return f"{title} - typing ..."
    if typing:
        names = ", ".join(typing[:MAX_TYPING_SHOWN])
        more = len(typing) - MAX_TYPING_SHOWN
        return f"{title} - {names}{f' and {more} more' if more > 0 else ''} typing ..."
    peer = chat.peer
    if peer is None:
        group = chat.conversation
        number = f"*{group.number}" if group.number else ""
        return " - ".join(part for part in (title, number, group.announcement) if part)
    return " - ".join(part for part in (title, people.presence(peer.number), peer.signature) if part)
