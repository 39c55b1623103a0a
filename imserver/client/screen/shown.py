"""What there is to read of a conversation: each message with its newest text, and what belongs to it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rich.cells import cell_len

from imserver.client.screen.amendments import about
from imserver.client.screen.chat import Chat
from imserver.client.screen.wording import fitted, message_lines
from imserver.core.values import Extra, Kind, Message

QUOTE_CELLS = 40


@dataclass(slots=True, frozen=True)
class Shown:
    """`message` has the newest text, and `source` is the seq under which the log has it: another than its own if it was edited.

    `origin` is who has said first what was forwarded, `quote` what it replies to; empty: none.  `addresses_reader`:
    it mentions the account that sits here, or replies to it.
    """

    message: Message
    source: int
    origin: str = ""
    quote: str = ""
    addresses_reader: bool = False

    @property
    def is_edited(self) -> bool:
        """Whether it said something else at first."""
        return self.source != self.message.seq

    @property
    def look(self) -> tuple[int, int, int, str, str]:
        """Two of one message that have the same look the same."""
        return self.message.seq, self.message.kind, self.source, self.origin, self.quote


def shown(chat: Chat, newest_first: bool = False) -> Iterator[Shown]:
    """All that is held and is to be seen."""
    for message in reversed(chat.messages) if newest_first else chat.messages:
        if not chat.amendments.is_silent(message):
            yield _shown(chat, message)


def _shown(chat: Chat, message: Message) -> Shown:
    edit, extra = chat.amendments.edit_of(message), message.extra
    plain = Shown(_newest(chat, message), message.seq if edit is None else edit.seq)
    return plain if extra is None else _with_extra(chat, plain, extra)


def _newest(chat: Chat, message: Message) -> Message:
    edit = chat.amendments.edit_of(message)
    return message if edit is None else replace(message, kind=Kind.TEXT, body=edit.body)


def _with_extra(chat: Chat, plain: Shown, extra: Extra) -> Shown:
    answered = chat.find(about(plain.message))
    is_answer = answered is not None and answered.sender == chat.own.number
    return replace(
        plain,
        origin=chat.origin_name(extra.origin),
        quote=_quote(chat, answered) if extra.about else "",
        addresses_reader=is_answer or chat.own.number in extra.mentions,
    )


def _quote(chat: Chat, answered: Message | None) -> str:
    if answered is None:
        return "> an earlier message"
    said = f"> {answered.sender_name}: {message_lines(_newest(chat, answered))[0]}"
    return fitted(said, QUOTE_CELLS) if cell_len(said) > QUOTE_CELLS else said
