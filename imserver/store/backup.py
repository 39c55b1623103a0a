"""A backup: a copy of the database, taken while others write to it, that is verified before it appears."""

from pathlib import Path

import apsw

from imserver.store import copying, database, soundness
from imserver.store.errors import StoreError


def back_up(source: Path, target: Path) -> None:
    """A copy of the database `source`, in use or not, that has been verified; raises StoreError.

    Whoever is interrupted leaves an older `target` as it was.
    """
    unfinished = target.with_name(target.name + ".unfinished")
    try:
        _check_place(source, target)
        connection = database.connect_to_read(source)
        try:
            copying.write(connection, unfinished)
        finally:
            connection.close()
        soundness.check(unfinished, f"there is no backup, because the copy of {source} is not sound")
        copying.put_in_place(unfinished, target)
    except (apsw.Error, OSError) as error:
        raise StoreError(f"{source} cannot be copied to {target}: {error}") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _check_place(source: Path, target: Path) -> None:
    """One that takes the place of a live file takes what the daemon goes on writing into that one."""
    if target.parent.samefile(source.parent):
        raise StoreError(f"{target} is in the data folder: a backup belongs elsewhere, best on another disk")
    if target.is_dir():
        raise StoreError(f"{target} is a folder: name a file in it")
