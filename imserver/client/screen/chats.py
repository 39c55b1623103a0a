"""All conversations of an account: the newest first, at most one of them open, and bounded in what they hold."""

from imserver.client.screen.burning import Burning
from imserver.client.screen.chat import KEPT_BYTES, KEPT_MESSAGES, MAX_BYTES, MAX_MESSAGES, Chat
from imserver.core.values import Account, Conversation, Membership, Message

MAX_HOLDING = 30  # conversations that hold messages; others hold none until they are opened


class Chats:
    """`own` is the account that sits here."""

    def __init__(self, own: Account) -> None:
        self.own = own
        self.open: Chat | None = None
        self._chats: dict[int, Chat] = {}
        self._holding: dict[int, None] = {}  # the one that was touched last is last

    def __len__(self) -> int:
        return len(self._chats)

    def get(self, conversation: int) -> Chat | None:
        """The conversation of that id."""
        return self._chats.get(conversation)

    def of(self, conversation: Conversation) -> Chat:
        """The conversation, new if it was unknown."""
        chat = self._chats.get(conversation.id)
        if chat is None:
            chat = self._chats[conversation.id] = Chat(conversation, self.own)
        return chat

    def update(self, membership: Membership) -> Chat:
        """What the server says of a conversation."""
        chat = self.of(membership.conversation)
        chat.update(membership)
        return chat

    def arrived(self, message: Message, conversation: Conversation) -> Chat:
        """A message of others, or of an own other device."""
        chat = self._chats.get(conversation.id)
        if chat is None:  # it comes before the server has said what has been read
            chat = self.of(conversation)
            chat.read_seq = message.seq - 1
        chat.put(message)
        self.touch(chat)
        return chat

    def touch(self, chat: Chat) -> None:
        """It holds messages; who was touched longest ago has to let go of its own."""
        is_open = chat is self.open
        messages, size = (MAX_MESSAGES, MAX_BYTES) if is_open else (KEPT_MESSAGES, KEPT_BYTES)
        chat.trim(messages, size, newest_first=False)
        self._holding.pop(chat.id, None)
        self._holding[chat.id] = None
        if len(self._holding) > MAX_HOLDING:
            oldest = self._chats[next(each for each in self._holding if self._chats[each] is not self.open)]
            del self._holding[oldest.id]
            oldest.clear()

    def enter(self, chat: Chat | None) -> None:
        """Open a conversation, or none."""
        if self.open is not None and self.open is not chat:
            self.open.close()
        if chat is not None and chat is not self.open:
            chat.read_before = chat.read_seq if chat.unread else 0
        self.open = chat

    def forget(self) -> None:
        """The server's log is another one."""
        for chat in self._chats.values():
            chat.forget()

    def let_go_of_burning(self) -> None:
        """Some of what is to be burnt may be gone: what was held with it has to be fetched again."""
        for chat in self._chats.values():
            if chat.burns:
                chat.clear()

    def burn(self, burning: Burning, now_ms: int) -> bool:
        """Lose what was to be burnt by now; -> whether there was any."""
        return sum(self._chats[each].burn(burning, now_ms) for each in self._holding) > 0

    # -- finding

    def newest_first(self) -> list[Chat]:
        """Those where something was said last come first; then those where nothing was said, by title."""
        return sorted(self._chats.values(), key=lambda chat: (-chat.active_ms, not chat.last_seq, chat.title))

    def with_person(self, name: str) -> Chat | None:
        """The direct conversation with the account of that name."""
        found = (chat for chat in self._chats.values() if chat.peer is not None and chat.peer.name == name)
        return next(found, None)

    def numbered(self, number: int) -> Chat | None:
        """The group of that number."""
        found = (
            chat for chat in self._chats.values() if chat.conversation.number == number and not chat.left
        )
        return next(found, None) if number else None

    def groups(self, title: str) -> list[Chat]:
        """The groups of that title, or the one of that number: *5."""
        return [
            chat
            for chat in self._chats.values()
            if chat.is_group and not chat.left and title in (chat.title, f"*{chat.conversation.number}")
        ]

    @property
    def unread(self) -> int:
        """Messages in all conversations together."""
        return sum(chat.unread for chat in self._chats.values())

    @property
    def waiting(self) -> int:
        """Own messages that are on their way."""
        return sum(not each.refusal for chat in self._chats.values() for each in chat.waiting)

    def names(self) -> set[str]:
        """Of everybody who is known from a conversation."""
        return {name for chat in self._chats.values() for name in chat.names.values()} - {self.own.name}
