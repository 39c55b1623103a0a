"""Files that only their owner reads, replaced as a whole, so that there is always a whole one."""

import os
from contextlib import suppress
from pathlib import Path

from imserver.client.errors import StateError


def read(path: Path, max_bytes: int) -> bytes | None:
    """What is in it, at most one byte more than `max_bytes`; None if there is no file.  Raises StateError."""
    try:
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}") from None


def replace(path: Path, data: bytes) -> None:
    """Write it to a temporary file of mode 0600 and rename that; on disk when this returns.  Raises StateError."""
    temporary = path.with_suffix(".new")
    try:
        make_folder(path.parent)
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}") from None


def remove(path: Path) -> None:
    """There is none from now on."""
    with suppress(FileNotFoundError):
        path.unlink()


def make_folder(folder: Path) -> None:
    """Of mode 0700, with all above it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
