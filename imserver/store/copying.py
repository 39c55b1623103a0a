"""A copy of a whole database: of one moment, synced, private, and under its name only when it is complete.

SQLite's backup in one step reads one moment while a writer goes on.  Page by page it would never end, because
every commit makes it begin anew.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import apsw

from imserver.store.folder import sync_folder

SYNC_SECONDS = 0.05


def write(source: apsw.Connection, target: Path) -> None:
    """Make `target` a synced copy that only this user can read; raises apsw.Error or OSError."""
    target.unlink(missing_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with _synced_meanwhile(descriptor):
            _copy(source, target)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy(source: apsw.Connection, target: Path) -> None:
    copy = apsw.Connection(str(target), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        copy.pragma("journal_mode", "off")  # a copy that is not finished is thrown away
        copy.pragma("synchronous", "off")
        with copy.backup("main", source, "main") as backup:
            backup.step()
    finally:
        copy.close()


@contextmanager
def _synced_meanwhile(descriptor: int) -> Iterator[None]:
    """Sync the growing file all the time: one flush of all of it would hold up the syncs of whoever commits."""
    ended = Event()

    def sync() -> None:
        while not ended.wait(SYNC_SECONDS):
            os.fdatasync(descriptor)

    thread = Thread(target=sync, name="sync", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def put_in_place(unfinished: Path, target: Path) -> None:
    """Let a synced file appear under its name, durably."""
    os.replace(unfinished, target)
    sync_folder(target.parent)
