"""What a device keeps between runs: its token, how far it has got, and when it last started.

One JSON file per device.  Next to it lies a lock, because two programs on one device would take the connection
from each other.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote

from imserver.client import private_file
from imserver.client.cursors import MAX_CONVERSATIONS
from imserver.client.errors import StateError

MAX_FILE_BYTES = 1024 * 1024
_VERSION = 1


@dataclass(slots=True)
class DeviceState:
    """`name` and `device` as the server knows them; `epoch` grows with every start (core/values.py, Once).

    `cursors` maps a conversation to the seq up to which the application was given everything; they and
    `log_epoch` belong together.
    """

    name: str = ""
    device: str = ""
    token: bytes = field(default=b"", repr=False)
    log_epoch: int = 0
    epoch: int = 0
    cursors: dict[int, int] = field(default_factory=dict)


def state_folder(environment: Mapping[str, str]) -> Path:
    """Where states are kept: $XDG_STATE_HOME/imserver or ~/.local/state/imserver."""
    base = environment.get("XDG_STATE_HOME", "")
    if not base.startswith("/"):  # the XDG specification: "paths must be absolute", others are ignored
        base = os.path.join(os.path.expanduser("~"), ".local", "state")
    return Path(base) / "imserver"


def account_folder(folder: Path, server: str, name: str) -> Path:
    """Where an account's states of one server are kept; neither part can lead out of the folder."""
    return folder / f"{quote(name, safe='')}@{quote(server, safe=':[]')}"


def known_accounts(folder: Path, server: str) -> list[str]:
    """The names of accounts of that server which have logged in from here, sorted."""
    suffix = account_folder(folder, server, "").name
    homes = {file.parent.name for file in folder.glob("*/*.json")}
    return sorted(unquote(home.removesuffix(suffix)) for home in homes if home.endswith(suffix))


class StateFile:
    """The state of one device on disk.  A context manager that holds the device's lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    def load(self) -> DeviceState:
        """The state; an empty one if there is no file.  Raises StateError if the file is damaged."""
        data = private_file.read(self.path, MAX_FILE_BYTES)
        if data is None:
            return DeviceState()
        try:
            return _decode(data)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise StateError(f"{self.path} is damaged; remove it and log in again") from None

    def save(self, state: DeviceState) -> None:
        """Replace the file as a whole, on disk when this returns.  Raises StateError."""
        private_file.replace(self.path, _encode(state))

    def remove(self) -> None:
        """Forget the device."""
        private_file.remove(self.path)

    # -- the lock

    def lock(self, wait: bool) -> None:
        """Take the device for this program.  Raises StateError if another has it and `wait` is false."""
        try:
            private_file.make_folder(self.path.parent)
            self._lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.unlock()
            raise StateError("another imchat of this account is running here; end it first") from None
        except OSError as error:
            self.unlock()
            raise StateError(f"{self.path.parent} cannot be used: {error.strerror}") from None

    def unlock(self) -> None:
        """Let others have the device."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unlock()


def _encode(state: DeviceState) -> bytes:
    return json.dumps({**asdict(state), "version": _VERSION, "token": state.token.hex()}, indent=1).encode()


def _decode(data: bytes) -> DeviceState:
    if len(data) > MAX_FILE_BYTES:
        raise ValueError("too long")
    value: dict[str, Any] = json.loads(data)
    if value["version"] != _VERSION:
        raise ValueError("of another version")
    cursors = {_number(int(key)): _number(seq) for key, seq in value["cursors"].items()}
    if len(cursors) > MAX_CONVERSATIONS:
        raise ValueError("too many cursors")
    return DeviceState(
        _text(value["name"]),
        _text(value["device"]),
        bytes.fromhex(value["token"]),
        _number(value["log_epoch"]),
        _number(value["epoch"]),
        cursors,
    )


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError("not a number of the server's")
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("not a string")
    return value
