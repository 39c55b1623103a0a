"""Messages that burn: their seconds run here, too, whether there is a connection or not, and whether imchat runs or not.

The server destroys them so long after all others have read them, and says so to those who are connected.  In a direct
conversation this side knows when that is: its own reading and the other one's marks are all there are.  What was
burnt here stays so, also if the server learns only later that it was read and still has it; so it is kept in a file
beside the device's token until when each may be shown (no more than that).  In groups only the server knows who has
read what; there it is believed when it is reached again.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from imserver.client import private_file
from imserver.client.errors import StateError
from imserver.core.values import Message

MAX_BURNING = 1_000
MAX_FILE_BYTES = 256 * 1024

Place = tuple[int, int]  # a conversation's id, and a seq


class Burning:
    """Until when those of one account may be shown; beyond the bound those that were met first are forgotten.

    Without a path it lasts as long as this object.
    """

    _log = Logger()

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._log_epoch, self._due_ms = _load(path) if path is not None else (0, {})

    def use_log(self, log_epoch: int) -> None:
        """The server's log is this one: in another one the same seqs are other messages."""
        if log_epoch != self._log_epoch:
            self._log_epoch = log_epoch
            self._due_ms.clear()

    def over(self, read: Iterable[Message], now_ms: int) -> list[int]:
        """The seqs of those whose time is over; for what is met first, and was `read`, it begins now."""
        read = list(read)
        begun = [each for each in read if (each.conversation, each.seq) not in self._due_ms]
        for message in begun:
            self._begin(message, now_ms)
        if begun:
            self._save()
        never = now_ms + 1  # of those that were forgotten at once
        return [each.seq for each in read if now_ms >= self._due_ms.get((each.conversation, each.seq), never)]

    def _begin(self, message: Message, now_ms: int) -> None:
        seconds = message.extra.burn_seconds if message.extra is not None else 0
        self._due_ms[message.conversation, message.seq] = now_ms + 1000 * seconds
        if len(self._due_ms) > MAX_BURNING:
            del self._due_ms[next(iter(self._due_ms))]

    def _save(self) -> None:
        if self._path is None:
            return
        due = [[*place, due_ms] for place, due_ms in self._due_ms.items()]
        try:
            private_file.replace(
                self._path, json.dumps({"log_epoch": self._log_epoch, "due_ms": due}).encode()
            )
        except StateError as error:
            self._log.error("until when messages may be shown is not kept: {text}", text=error.text)


def _load(path: Path) -> tuple[int, dict[Place, int]]:
    """What is in the file.  One that is damaged says nothing, and is replaced with the next message."""
    data = private_file.read(path, MAX_FILE_BYTES)
    if data is None:
        return 0, {}
    try:
        value: dict[str, Any] = json.loads(data)
        due = {(int(conversation), int(seq)): int(due_ms) for conversation, seq, due_ms in value["due_ms"]}
        return int(value["log_epoch"]), due
    except (ValueError, TypeError, KeyError):
        return 0, {}
