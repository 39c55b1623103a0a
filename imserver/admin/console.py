"""Asking the daemon through its socket (imserver/operator/admin_socket.py)."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imserver.admin.errors import AdminError, NoDaemon
from imserver.operator.admin_socket import NAME, peer_of, reachable

CONNECT_SECONDS = 5.0


class Console:
    """A connection to the daemon of a data folder.  Raises NoDaemon, AdminError."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._connect(folder / NAME)
        except BaseException:
            self._socket.close()
            raise
        self._lines = self._socket.makefile("rb")

    def _connect(self, path: Path) -> None:
        self._socket.settimeout(CONNECT_SECONDS)
        try:
            with reachable(path) as name:
                self._socket.connect(name)
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            raise NoDaemon(
                f"no daemon runs on {path.parent}: start it, or name its folder with --data"
            ) from None
        except OSError as error:
            raise AdminError(
                f"{path} cannot be opened ({error.strerror or error}): run imadmin as root, or as the daemon's user"
            ) from None
        self._socket.settimeout(None)  # a command takes as long as it takes

    def __enter__(self) -> "Console":
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    @property
    def daemon_pid(self) -> int:
        """The process that answers."""
        return peer_of(self._socket)[0]

    def ask(self, line: str, password: str = "") -> Iterator[str]:
        """All lines of the answer, page after page; raises AdminError if it is refused."""
        while line:
            answer = self._ask({"line": line, "password": password})
            if "refused" in answer:
                raise AdminError(answer["text"])
            yield from answer["lines"]
            line = answer["rest"]

    def _ask(self, question: dict[str, str]) -> dict[str, Any]:
        try:
            self._socket.sendall(json.dumps(question).encode() + b"\n")
            answer = self._lines.readline()
        except OSError:
            answer = b""
        if not answer:
            raise AdminError("the daemon has ended the connection; whether it was done is in its log")
        found: dict[str, Any] = json.loads(answer)
        return found
