"""Other people's text made fit for a grid of cells: it keeps its letters and can do nothing.

Terminals disagree about how wide a joined emoji is, and one cell too many shifts a whole row.  So signs that
only change the look of the one before them are left out, flags become their two letters, and controls and
everything that would turn the direction of a line are written as escapes (terminal.visible).
"""

import re
import time
import unicodedata

from rich.cells import cell_len, set_cell_size

from imserver.client.terminal import content, visible
from imserver.core.values import Kind, Message

TAB = "    "
ELLIPSIS = "…"
MAX_MARKS = 4  # accents upon one letter; more would climb over the rows above
_FIRST_FLAG_LETTER, _LAST_FLAG_LETTER = 0x1F1E6, 0x1F1FF
_LOOK = re.compile("[\ufe00-\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_JOINER = "\u200d"


def settled(line: str) -> str:
    """A line whose width is the same on every terminal, and that commands none."""
    kept: list[str] = []
    marks = 0
    for letter in _LOOK.sub("", line.replace("\t", TAB)):
        marks = marks + 1 if unicodedata.category(letter) == "Mn" else 0
        joins_emoji = letter == _JOINER and kept and unicodedata.category(kept[-1]) == "So"
        if marks <= MAX_MARKS and not joins_emoji:
            kept.append(_without_flag(letter))
    return visible("".join(kept))


def _without_flag(letter: str) -> str:
    number = ord(letter)
    if _FIRST_FLAG_LETTER <= number <= _LAST_FLAG_LETTER:
        return chr(ord("A") + number - _FIRST_FLAG_LETTER)
    return letter


def lines_of(text: str) -> list[str]:
    """A text of several lines, each settled."""
    return [settled(line) for line in text.replace("\r\n", "\n").split("\n")]


def message_lines(message: Message) -> list[str]:
    """What a message says; at least one line."""
    if message.kind == Kind.TEXT:
        return lines_of(message.body.decode("utf-8", "replace"))
    return [settled(content(message))]


def fitted(text: str, cells: int) -> str:
    """The text in just so many cells: cut with an ellipsis, or filled with spaces."""
    if cell_len(text) > cells:
        text = set_cell_size(text, max(0, cells - 1)) + ELLIPSIS if cells else ""
    return set_cell_size(text, cells)


def clock_time(time_ms: int) -> str:
    """14:05, here."""
    return time.strftime("%H:%M", time.localtime(time_ms / 1000))


def day(time_ms: int) -> str:
    """Saturday, 21 November 2026, here."""
    moment = time.localtime(time_ms / 1000)
    return time.strftime(f"%A, {moment.tm_mday} %B %Y", moment)
