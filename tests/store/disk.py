"""SQLite VFSs over the real one: one that records what reaches the disk and when, one that fails at the n-th call."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw


@dataclass(slots=True, frozen=True)
class Write:
    """Bytes for a file, in the page cache but not yet on disk."""

    file: str
    offset: int
    data: bytes


@dataclass(slots=True, frozen=True)
class Truncate:
    file: str
    size: int


@dataclass(slots=True, frozen=True)
class Sync:
    """What was written to the file before is on disk."""

    file: str


class Disk(apsw.VFS):
    """Tells `call(kind, file name, what)` about each call that touches a file other than -shm, before it is done."""

    def __init__(self, name: str, call: Callable[[str, str, Any], None]) -> None:
        super().__init__(name, base="")
        self.name = name
        self._call = call

    def xOpen(self, name: Any, flags: list[int]) -> "File":
        file_name = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        self._call("open", Path(file_name).name, None)
        return File(name, flags, Path(file_name).name, self._call)


class File(apsw.VFSFile):
    def __init__(
        self, name: Any, flags: list[int], short_name: str, call: Callable[[str, str, Any], None]
    ) -> None:
        super().__init__("", name, flags)
        self._name = short_name
        self._call = call

    def xRead(self, amount: int, offset: int) -> bytes:
        self._call("read", self._name, None)
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._call("write", self._name, Write(self._name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        self._call("truncate", self._name, Truncate(self._name, size))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        self._call("sync", self._name, Sync(self._name))
        super().xSync(flags)


class Fault:
    """Raises `error` at the n-th call of one kind; n = 0 never."""

    def __init__(self, kind: str, error: type[apsw.Error], result: int) -> None:
        self.kind = kind
        self.n = 0
        self._error = error
        self._result = result

    def __call__(self, kind: str, file: str, what: Any) -> None:
        if kind != self.kind or not self.n:
            return
        self.n -= 1
        if not self.n:
            error = self._error("injected")
            error.result, error.extendedresult = self._result & 0xFF, self._result  # type: ignore[attr-defined]
            raise error
