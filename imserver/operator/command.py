"""A command of the operator's: what it is called with, and what it answers."""

import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imserver.core.errors import ChatError, Code

if TYPE_CHECKING:
    from imserver.core.core import Core

_WHOM = frozenset(["NAME", "ID", "DEVICE"])
PAGE = 200  # accounts, sessions or groups in one answer


@dataclass(slots=True, frozen=True)
class Arguments:
    """The words after the command's name, and a password that is not one of them (empty: none was given)."""

    words: Sequence[str]
    password: str = field(default="", repr=False)

    def number(self, place: int, default: int, what: str) -> int:
        """The whole number at that place, counted from 0, or the default if there are fewer; raises BAD_REQUEST."""
        if len(self.words) <= place:
            return default
        word = self.words[place]
        if not (word.isascii() and word.isdigit() and len(word) < 19):
            raise ChatError(Code.BAD_REQUEST, f"{what} is a whole number")
        return int(word)


@dataclass(slots=True, frozen=True)
class Answer:
    """Lines for people; `rest`, if not empty, is the line that asks for those that follow."""

    lines: Sequence[str]
    rest: str = ""


Action = Callable[["Core", Arguments], Awaitable[Answer]]


@dataclass(slots=True, frozen=True)
class Command:
    """`usage` names its words: [OPTIONAL] ones come last.  One with dots is a text: the rest of the line, as it stands.

    Words called NAME, ID or DEVICE say on whom it acts.
    """

    name: str
    usage: str
    help: str
    action: Action
    takes_password: bool = False

    @property
    def parameters(self) -> list[str]:
        """The names of its words."""
        return self.usage.split()

    @property
    def takes_text(self) -> bool:
        """It ends with the rest of its line."""
        return self.usage.endswith("...")

    def whom(self, words: Sequence[str]) -> str:
        """On whom it acts, for the log; empty if on nobody in particular."""
        named = zip(self.parameters, words, strict=False)
        return " ".join(word for parameter, word in named if parameter.strip("[]") in _WHOM)

    def written(self, words: Sequence[str]) -> str:
        """The line that it was, for the log: without a text."""
        return self.name if self.takes_text else f"{self.name} {shlex.join(words)}".rstrip()

    def check(self, words: Sequence[str]) -> None:
        """Raises BAD_REQUEST if there are too few words, or too many."""
        parameters = self.parameters
        fewest = sum(not each.startswith("[") for each in parameters)
        if not fewest <= len(words) <= len(parameters):
            raise ChatError(Code.BAD_REQUEST, f"usage: {self.name} {self.usage}".rstrip())


def page(lines: Sequence[str], command: str, last: int) -> Answer:
    """What was found on a page of PAGE whose last item has that number: when it is full, more may follow."""
    return Answer(lines, f"{command} {last}" if len(lines) == PAGE else "")
