"""Own texts that wait for a connection, in a file beside the device's token: those that wait when imchat ends are not lost.

They keep their client ids, under which the server knows again what it has already taken.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from imserver.client import private_file
from imserver.client.errors import StateError
from imserver.client.screen.chat import Waiting
from imserver.core.values import Extra

MAX_TEXTS = 1_024
MAX_BYTES = 1024 * 1024
MAX_FILE_BYTES = 16 * MAX_BYTES  # a letter may take six bytes in JSON
_VERSION = 1

Entry = tuple[int, Waiting]  # the conversation's id, and what is to be said there


class Unsent:
    """The texts of one account, in the order in which they were said; without a path nothing is kept."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._entries: dict[bytes, Entry] = {}
        self._saved: list[bytes] = []

    def load(self) -> list[Entry]:
        """Those of the file, from now on in here too.  Raises StateError; the file stays as it is."""
        data = private_file.read(self._path, MAX_FILE_BYTES) if self._path is not None else None
        if data is None:
            return []
        try:
            entries = _decode(data)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise StateError(f"{self._path} is damaged; remove it") from None
        self._entries = {waiting.client_id: (conversation, waiting) for conversation, waiting in entries}
        self._saved = list(self._entries)
        return entries

    def add(self, conversation: int, waiting: Waiting) -> bool:
        """One more; -> False if there are too many already."""
        size = sum(len(each.text.encode()) for _, each in self._entries.values()) + len(waiting.text.encode())
        if len(self._entries) >= MAX_TEXTS or size > MAX_BYTES:
            return False
        self._entries[waiting.client_id] = conversation, waiting
        return True

    def remove(self, client_id: bytes) -> None:
        """The server has it, or will never take it."""
        self._entries.pop(client_id, None)

    def clear(self) -> None:
        """None of them is wanted any more."""
        self._entries.clear()

    def save(self) -> None:
        """The file has what is in here; there is none where nothing is.  Raises StateError."""
        ids = list(self._entries)
        if self._path is None or ids == self._saved:
            return
        if ids:
            private_file.replace(self._path, _encode(list(self._entries.values())))
        else:
            private_file.remove(self._path)
        self._saved = ids


def _encode(entries: list[Entry]) -> bytes:
    texts = [
        {
            "conversation": conversation,
            "client_id": each.client_id.hex(),
            "text": each.text,
            "time_ms": each.time_ms,
            "extra": asdict(each.extra) if each.extra is not None else None,
        }
        for conversation, each in entries
    ]
    return json.dumps({"version": _VERSION, "texts": texts}, indent=1).encode()


def _decode(data: bytes) -> list[Entry]:
    value: dict[str, Any] = json.loads(data)
    if len(data) > MAX_FILE_BYTES or value["version"] != _VERSION:
        raise ValueError("too long, or of another version")
    return [(int(each["conversation"]), _waiting(each)) for each in value["texts"]]


def _waiting(value: dict[str, Any]) -> Waiting:
    client_id, text = bytes.fromhex(value["client_id"]), str(value["text"])
    extra = Extra(**value["extra"]) if value["extra"] is not None else None
    return Waiting(client_id, text, int(value["time_ms"]), extra=extra)
