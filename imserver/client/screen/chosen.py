"""What somebody has chosen to be, kept beside the device's token: who was invisible is so the next time, too.

The server forgets a choice some minutes after its connection is lost, and until then others see it.
"""

import json
from pathlib import Path
from typing import Any

from imserver.client import private_file
from imserver.core.values import Presence, State

MAX_FILE_BYTES = 64 * 1024
_PLAIN = Presence(State.ONLINE, "")


class ChosenPresence:
    """That of one account; without a path it lasts as long as this object."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.presence = _PLAIN if path is None else _load(path)

    @property
    def is_plain(self) -> bool:
        """Nothing was chosen, or to be just online, which is what a device is by itself."""
        return self.presence == _PLAIN

    def choose(self, presence: Presence) -> None:
        """Be this from now on.  Raises StateError."""
        self.presence = presence
        if self._path is None:
            return
        if self.is_plain:
            private_file.remove(self._path)
        else:
            value = {"state": int(presence.state), "text": presence.text}
            private_file.replace(self._path, json.dumps(value).encode())

    def forget(self) -> None:
        """The account was left here."""
        self.choose(_PLAIN)


def _load(path: Path) -> Presence:
    """What is in the file.  One that is damaged says nothing, and is replaced by the next choice."""
    data = private_file.read(path, MAX_FILE_BYTES)
    if data is None:
        return _PLAIN
    try:
        value: dict[str, Any] = json.loads(data)
        return Presence(State(value["state"]), str(value["text"]))
    except (ValueError, TypeError, KeyError):
        return _PLAIN
