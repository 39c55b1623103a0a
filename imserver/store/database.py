"""Opens the database file as the promises need it: WAL, synced, current SQLite, never made anew over an old one."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

import apsw

from imserver.store import copying, schema
from imserver.store.errors import StoreError
from imserver.store.folder import DataFolder, advice, sync_folder
from imserver.store.numbers import FIRST_NUMBER

APPLICATION_ID = 0x494D5352  # "IMSR", see file(1)
PAGE_BYTES = 4096
_OLDEST_SQLITE = (3, 51, 3)  # before it, two connections that write and checkpoint could lose a commit
_WANTED = {"journal_mode": "wal", "synchronous": 1, "wal_autocheckpoint": 0, "foreign_keys": 1}
_NEW_META = "INSERT INTO meta (name, value) VALUES ('log_epoch', ?), ('next_number', ?), ('starts', 0)"


def check_sqlite() -> None:
    """Raises StoreError for a SQLite with the WAL-reset bug."""
    if tuple(map(int, apsw.sqlite_lib_version().split("."))) < _OLDEST_SQLITE:
        raise StoreError(
            f"SQLite {apsw.sqlite_lib_version()} is too old: install a current apsw (pip install -U apsw), "
            f"which brings {'.'.join(map(str, _OLDEST_SQLITE))} or newer"
        )


def create(
    folder: DataFolder, randbits: Callable[[int], int], migrations: Sequence[schema.Migration]
) -> None:
    """Make a new database beside its place and move it there when it is complete."""
    unfinished = folder.path / "new.db"
    for leftover in (unfinished, folder.path / "new.db-journal"):
        leftover.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    connection = apsw.Connection(str(unfinished))
    try:
        connection.pragma("page_size", PAGE_BYTES)
        connection.pragma("synchronous", "extra")
        for migration in migrations:
            schema.apply(connection, migration)
        connection.execute(_NEW_META, (randbits(63), FIRST_NUMBER))
        connection.pragma("application_id", APPLICATION_ID)
    finally:
        connection.close()
    os.rename(unfinished, folder.database)
    sync_folder(folder.path)


def migrate(connection: apsw.Connection, folder: DataFolder, migrations: Sequence[schema.Migration]) -> None:
    """Bring an existing database up to date, with a backup of each version it had; raises StoreError."""
    for migration in schema.pending(connection, migrations):
        older = folder.path / f"before-schema-{migration.version}.db"
        copying.write(connection, unfinished := older.with_name(older.name + ".unfinished"))
        copying.put_in_place(unfinished, older)
        connection.pragma("synchronous", "full")
        schema.apply(connection, migration)
        connection.pragma("synchronous", "normal")


def connect_to_read(path: Path) -> apsw.Connection:
    """A connection that only reads, beside a daemon or without one; raises apsw.Error or StoreError."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    # Whoever closes last would move the log into the database, which is the daemon's to do.
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    return _recognised(connection, path)


def connect_to_copy(path: Path) -> apsw.Connection:
    """A connection to a file that nobody writes to, beside which it makes no other; raises as connect_to_read."""
    uri = f"file:{quote(str(path.resolve()))}?immutable=1"
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    return _recognised(apsw.Connection(uri, flags=flags), path)


def _recognised(connection: apsw.Connection, path: Path) -> apsw.Connection:
    try:
        if connection.pragma("application_id") == APPLICATION_ID:
            return connection
    except BaseException:
        connection.close()
        raise
    connection.close()
    raise StoreError(f"{path} is not a database of imserver, or is damaged")


def connect(path: Path, vfs: str | None) -> apsw.Connection:
    """A connection to an existing database with everything the promises need, read back; raises StoreError."""
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise StoreError(f"{path} is damaged ({error}): {advice(path.parent)}") from None
    except apsw.Error as error:
        raise StoreError(
            f"{path} cannot be opened ({error}): check the disk and who may write there"
        ) from None
    return connection


def _prepare(connection: apsw.Connection, path: Path) -> None:
    # Closing must not checkpoint by itself: after a failed sync nothing may be written any more.
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.set_busy_timeout(0)
    if connection.pragma("application_id") != APPLICATION_ID:
        raise StoreError(f"{path} is not a database of imserver, or is damaged: {advice(path.parent)}")
    connection.pragma("cell_size_check", True)
    connection.pragma("secure_delete", True)
    connection.pragma("cache_size", -16 * 1024)
    for name, value in _WANTED.items():
        connection.pragma(name, value)
        if (actual := connection.pragma(name)) != value:
            raise StoreError(
                f"SQLite will not set {name} to {value} (it is {actual}): check the disk under {path}"
            )


def check_length(connection: apsw.Connection, path: Path) -> None:
    """Without a log the file has all its pages; raises StoreError if not, because SQLite would not tell."""
    if path.stat().st_size < connection.pragma("page_count") * PAGE_BYTES:
        raise StoreError(f"{path} has been cut short: {advice(path.parent)}")


def probe(connection: apsw.Connection) -> None:
    """Write something; raises apsw.Error."""
    try:
        connection.execute("BEGIN IMMEDIATE; UPDATE meta SET value = value + 1 WHERE name = 'starts'; COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
