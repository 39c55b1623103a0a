"""What the doctor looks at in a data folder."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw

from imserver.admin.finding import Finding, fine, warning, wrong
from imserver.store import soundness
from imserver.store.errors import StoreError
from imserver.store.folder import NETWORK_FILESYSTEMS, DataFolder, filesystem_of

MIN_FREE_BYTES = 1024**3
MIN_FREE_SHARE = 0.05
_MEBI = 1024**2


def examine(folder: Path) -> Iterator[Finding]:
    """Where it is, who can read it, whether it is whole."""
    if not folder.exists():
        yield warning(f"there is no folder {folder}; the first start makes it")
        return
    yield _filesystem(folder)
    try:
        paths = [folder, *sorted(folder.iterdir())]
    except OSError as error:
        yield wrong(
            f"{folder} cannot be read ({error.strerror}): run imadmin as root, or as the daemon's user"
        )
        return
    yield _permissions(paths)
    yield _ownership(paths)
    yield _free(folder)
    yield from _database(DataFolder(folder))


def _filesystem(folder: Path) -> Finding:
    kind = filesystem_of(folder, Path("/proc/self/mountinfo"))
    if kind in NETWORK_FILESYSTEMS:
        return wrong(
            f"{folder} lies on {kind}, which does not keep what a database relies on: move it to a local disk"
        )
    return fine(f"{folder} lies on a local file system ({kind or 'unknown'})")


def _permissions(paths: list[Path]) -> Finding:
    readable = [str(path) for path in paths if path.lstat().st_mode & 0o077]
    if readable:
        return wrong(f"others can open {_some(readable)}: chmod -R go= {paths[0]}")
    return fine("nobody else can read the folder or a file in it")


def _ownership(paths: list[Path]) -> Finding:
    owner = paths[0].stat().st_uid
    foreign = [str(path) for path in paths if path.lstat().st_uid != owner]
    if foreign:
        return wrong(
            f"{_some(foreign)} belongs to another user than the folder: chown -R --reference={paths[0]} {paths[0]}"
        )
    return fine(f"everything belongs to the user {owner}")


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _free(folder: Path) -> Finding:
    """Enough to go on, and to make the copy that an upgrade begins with."""
    disk = shutil.disk_usage(folder)
    database = DataFolder(folder).database
    wanted = max(MIN_FREE_BYTES, disk.total * MIN_FREE_SHARE)
    if database.exists():
        wanted = max(wanted, 2 * database.stat().st_size)
    free, enough = f"{disk.free / _MEBI:.0f} MiB are free", f"{wanted / _MEBI:.0f} MiB"
    if disk.free < wanted:
        return warning(f"{free} on the disk of {folder}, less than {enough}: make room before it is full")
    return fine(f"{free} on the disk")


def _database(folder: DataFolder) -> Iterator[Finding]:
    try:
        if folder.is_new():
            yield warning(f"there is no database in {folder.path}; the first start makes it")
            return
        yield _last_stop(folder)
        faults = soundness.quick_faults(folder.database)
    except (StoreError, apsw.Error, OSError) as error:
        yield wrong(str(error))
        return
    if faults:
        yield wrong(
            f"{folder.database} is damaged ({faults[0]}): keep a copy of {folder.path} and restore a backup"
        )
    else:
        yield fine("the database is sound, and this imserver knows its schema")


def _last_stop(folder: DataFolder) -> Finding:
    if folder.is_claimed():
        return fine(f"a daemon uses {folder.path}")
    if folder.stopped_uncleanly():
        return warning("the last stop was not clean; the next start checks the database by itself")
    return fine(f"no daemon uses {folder.path}, and the last stop was clean")
