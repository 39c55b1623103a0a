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
        connection = database.connect_to_read(source)
        try:
            copying.write(connection, unfinished)
        finally:
            connection.close()
        soundness.check(unfinished)
        copying.put_in_place(unfinished, target)
    except (apsw.Error, OSError) as error:
        raise StoreError(f"{source} cannot be copied to {target}: {error}") from None
    finally:
        unfinished.unlink(missing_ok=True)
