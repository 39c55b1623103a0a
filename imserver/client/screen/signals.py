"""What is told about a conversation besides its messages: receipts, typing, what has burnt, that it was left."""

from imserver.client.screen.chat import Chat
from imserver.core import events
from imserver.core.values import Gone


def signalled(chat: Chat, event: events.Event, now: float) -> None:
    """The conversation after that event; what is no signal changes nothing."""
    match event:
        case events.ConversationLeft():
            chat.left = True
        case events.DeliveredUpTo() if event.account != chat.own.number:
            chat.delivered_to = max(chat.delivered_to, event.seq)
        case events.ReadUpTo() if event.account == chat.own.number:
            chat.marked_seq = max(chat.marked_seq, event.seq)
            chat.read_seq = max(chat.read_seq, event.seq)
        case events.ReadUpTo():
            chat.read_by = max(chat.read_by, event.seq)
            chat.delivered_to = max(chat.delivered_to, event.seq)
        case events.ReceiptCounts():
            counted(chat, event)
        case events.MessageBurnt():
            chat.lose(event.seq, Gone.BURNT)
        case events.TypingChanged():
            chat.typing_changed(event.account, event.typing, now)


def counted(chat: Chat, counts: events.ReceiptCounts) -> None:
    """How many have an own message: by numbers in a group, as a mark for the one other elsewhere."""
    if chat.is_group:
        chat.counted = counts.seq, counts.delivered, counts.read
    elif counts.delivered:
        chat.delivered_to = max(chat.delivered_to, counts.seq)
        chat.read_by = max(chat.read_by, counts.seq if counts.read else 0)
