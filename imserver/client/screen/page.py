"""The rows that show a conversation: day lines, who says what and when, how far own messages are."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from rich.console import Console
from rich.text import Text

from imserver.client.screen.chat import Chat, Waiting
from imserver.client.screen.shown import Shown, shown
from imserver.client.screen.wording import clock_time, day, fitted, lines_of, message_lines, settled
from imserver.client.terminal import said
from imserver.core.asides import burning
from imserver.core.values import Kind

_Key = tuple[tuple[int, int, int, str, str], str]  # how a message looks, and how far it is
MAX_ROWS = 200  # of one message; the rest is cut
_NAME_STYLES = ("bold cyan", "bold green", "bold magenta", "bold blue", "bold red")
_TIME_WIDTH = 6
_MIN_WIDTH_WITH_TIME = 30


@dataclass(slots=True, frozen=True)
class Row:
    """One row of cells; `seq` is that of its message, 0 for what stands between messages."""

    text: Text
    seq: int = 0


class Page:
    """Makes the rows; what was made is kept until the width or the conversation is another one."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._kept: dict[_Key, list[Row]] = {}
        self._key = (0, 0)

    def rows(self, chat: Chat, width: int) -> list[Row]:
        """Everything that is held of the conversation, in rows of at most `width` cells."""
        if self._key != (chat.id, width):
            self._kept, self._key = {}, (chat.id, width)
        kept, self._kept = self._kept, {}
        rows = list(self._rows(chat, width, kept))
        return rows or [Row(Text(fitted("Nothing has been said here yet.", width), "dim"))]

    def _rows(self, chat: Chat, width: int, kept: dict[_Key, list[Row]]) -> Iterator[Row]:
        said_on = ""
        begun = not 0 < chat.read_before < chat.last_seq
        marked = _marked(chat)
        if chat.older and chat.messages:
            yield Row(Text(fitted("... more above", width), "dim"))
        for each in shown(chat):
            message = each.message
            if (today := day(message.time_ms)) != said_on:
                said_on = today
                yield Row(_rule(today, width))
            if not begun and message.seq > chat.read_before:
                begun = True
                yield Row(_rule("new", width, "bold"))
            key = each.look, marked.get(message.seq, "")
            self._kept[key] = kept.get(key) or self._message(chat, each, key[1], width)
            yield from self._kept[key]
        if chat.newer:
            yield Row(Text(fitted("... more below", width), "dim"))
        for waiting in chat.waiting:
            yield from self._waiting(chat, waiting, width)

    def _message(self, chat: Chat, each: Shown, mark: str, width: int) -> list[Row]:
        message = each.message
        if message.kind in (Kind.NOTICE, Kind.ATTENTION):
            texts = [Text(settled(said(message)), "italic")]
        else:
            texts = self._words(chat, each)
        for word in ("edited" if each.is_edited else "", mark):
            if word:
                texts[-1].append(f"  {word}", "dim")
        return [Row(text, message.seq) for text in self._set(texts, message.time_ms, width)]

    def _words(self, chat: Chat, each: Shown) -> list[Text]:
        message = each.message
        own = message.sender == chat.own.number
        style = "bold" if own else _NAME_STYLES[message.sender % len(_NAME_STYLES)]
        quote = [settled(each.quote)] if each.quote else []
        first, *others = message_lines(message)
        texts = _said(settled(message.sender_name), style, [*quote, f"{_notes(each)}{first}", *others])
        if each.addresses_reader and not own:
            texts[0] = Text.assemble(("(!)", "reverse"), " ", texts[0])
        _highlight(texts, chat.own.name)
        return texts

    def _waiting(self, chat: Chat, waiting: Waiting, width: int) -> Iterator[Row]:
        texts = _said(settled(chat.own.name), "bold", lines_of(waiting.text))
        state = f"not sent: {settled(waiting.refusal)}" if waiting.refusal else "sending"
        texts[-1].append(f"  {state}", "bold" if waiting.refusal else "dim")
        return (Row(text) for text in self._set(texts, waiting.time_ms, width))

    def _set(self, texts: list[Text], time_ms: int, width: int) -> Iterator[Text]:
        """Wrap, with the time in a column of its own where there is room for it."""
        column = _TIME_WIDTH if width >= _MIN_WIDTH_WITH_TIME else 0
        lead, indent = Text(f"{clock_time(time_ms)} "[:column], "dim"), Text(" " * column)
        wrapped = (
            line for text in texts for line in text.wrap(self._console, max(1, width - column)) or [Text()]
        )
        for line in islice(wrapped, MAX_ROWS):
            line.rstrip()
            yield lead + line
            lead = indent
        if next(wrapped, None) is not None:
            yield indent + Text(fitted("... cut here", max(1, width - column)), "dim")


def _said(name: str, style: str, lines: list[str]) -> list[Text]:
    return [Text.assemble((f"{name}: ", style), lines[0]), *(Text(line) for line in lines[1:])]


def _notes(each: Shown) -> str:
    forwarded = f"(forwarded from {settled(each.origin)}) " if each.origin else ""
    return forwarded + (burning(each.message.extra) if each.message.extra is not None else "")


def _highlight(texts: list[Text], name: str) -> None:
    for text in texts:
        text.highlight_words([f"@{name}"], "reverse", case_sensitive=False)


def _rule(title: str, width: int, style: str = "dim") -> Text:
    return Text(fitted(f"── {title} {'─' * width}", width).replace("…", "─"), style)


def _marked(chat: Chat) -> dict[int, str]:
    """Seq -> how far it is.  In a direct conversation for the last message of each state, which tells of those before."""
    if chat.is_group:
        own = chat.last_own()
        return {own.seq: chat.mark(own)} if own is not None else {}
    found = {chat.mark(message): message.seq for message in chat.messages}
    return {seq: mark for mark, seq in found.items() if mark}
