"""A backup becomes the database of an empty data folder, with a new log epoch.

The restored server will give out numbers again that clients have seen; the epoch tells them to forget what
they know and to fetch anew.
"""

import os
from collections.abc import Callable
from pathlib import Path

import apsw

from imserver.store import copying, database, soundness
from imserver.store.errors import StoreError
from imserver.store.folder import DataFolder

UNFINISHED = "restored.unfinished"
_SET_EPOCH = "UPDATE meta SET value = ? WHERE name = 'log_epoch'"


def restore(file: Path, folder: Path, randbits: Callable[[int], int]) -> None:
    """Verify `file` and put a copy of it into `folder`, which is made at need.

    Raises StoreError: a damaged file, a folder that holds anything already or is in use; and PermissionError.
    """
    soundness.check_readable(file)
    soundness.check(file)
    data = DataFolder(folder)
    data.claim()
    try:
        _check_empty(data)
        _restore(file, data, randbits)
    except (apsw.Error, OSError) as error:
        raise StoreError(f"{file} cannot be restored to {folder}: {error}") from None
    finally:
        data.release()


def _check_empty(data: DataFolder) -> None:
    found = sorted(path.name for path in data.path.iterdir() if path.name not in ("lock", UNFINISHED))
    if found:
        raise StoreError(
            f"{data.path} is not empty (there is {found[0]}): move it away, or choose another folder with --data"
        )


def _restore(file: Path, data: DataFolder, randbits: Callable[[int], int]) -> None:
    unfinished = data.path / UNFINISHED
    source = database.connect_to_copy(file)
    try:
        copying.write(source, unfinished)
    finally:
        source.close()
    connection = apsw.Connection(str(unfinished), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.pragma("journal_mode", "delete")
        connection.pragma("synchronous", "extra")
        connection.execute(_SET_EPOCH, (randbits(63),))
    finally:
        connection.close()
    _give_to_owner(data.path)
    copying.put_in_place(unfinished, data.database)


def _give_to_owner(folder: Path) -> None:
    """What root restores into the folder of the daemon's user is for the daemon."""
    if os.geteuid() == 0:
        owner = folder.stat()
        for path in folder.iterdir():
            os.chown(path, owner.st_uid, owner.st_gid)
