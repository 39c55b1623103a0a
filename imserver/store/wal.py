"""The write-ahead log on disk: its sync, and the checkpoints that keep it short; both in the worker thread.

PASSIVE checkpoints run beside commits, so under load they never reach the end and the log grows; above
32 MiB a RESTART runs while nothing commits, and the next commit begins the log anew.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import apsw

from imserver import crash
from imserver.store.database import PAGE_BYTES

PASSIVE_BYTES = 16 * 1024 * 1024
RESTART_BYTES = 32 * 1024 * 1024
_FRAME_BYTES = PAGE_BYTES + 24  # https://www.sqlite.org/fileformat2.html#walformat


@dataclass(slots=True)
class Checkpointing:
    """How much log there is and when to shorten it; used by the reactor only."""

    wal_bytes: int = 0
    _tried_at_bytes: int = 0

    def committed(self, frames: int) -> None:
        """A commit left this many frames in the log."""
        self.wal_bytes = frames * _FRAME_BYTES
        self._tried_at_bytes = min(self._tried_at_bytes, self.wal_bytes)

    def due(self) -> bool:
        """Whether the log has grown by 16 MiB since a checkpoint was last tried."""
        return self.wal_bytes - self._tried_at_bytes > PASSIVE_BYTES

    def must_hold_commits(self) -> bool:
        """Whether only a checkpoint without commits will do."""
        return self.wal_bytes > RESTART_BYTES

    def tried(self) -> None:
        """A checkpoint is under way."""
        self._tried_at_bytes = self.wal_bytes


class WriteAheadLog:
    """The log's file and the connection that checkpoints it; every method blocks and belongs to the worker."""

    def __init__(self, path: Path, connection: apsw.Connection, sync: Callable[[int], None]) -> None:
        self._connection = connection
        self._sync = sync
        # SQLite puts no POSIX lock on this file, so that closing a descriptor of our own drops none.
        self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self.on_disk = False  # a sync or a checkpoint is under way; for the reactor to look at

    def sync(self) -> None:
        """Make every commit so far durable; an OSError means that nobody knows what is."""
        with self._waiting_for_disk():
            self._sync(self._descriptor)

    def passive(self) -> None:
        """Move what can be moved into the database file while commits go on."""
        self._checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE)
        crash.here("during-checkpoint")

    def restart(self) -> None:
        """Move everything, so that the next commit begins the log anew; raises apsw.BusyError if somebody reads."""
        self._checkpoint(apsw.SQLITE_CHECKPOINT_RESTART)
        crash.here("during-checkpoint")

    def empty(self, mark_clean: Callable[[], None]) -> None:
        """Move everything, mark that, and cut the log to nothing; raises apsw.BusyError if somebody reads.

        In this order, because while the folder is marked as running its log must have a header.
        """
        self.restart()
        mark_clean()
        self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def _checkpoint(self, mode: int) -> None:
        with self._waiting_for_disk():
            self._connection.wal_checkpoint(mode=mode)

    @contextmanager
    def _waiting_for_disk(self) -> Iterator[None]:
        self.on_disk = True
        try:
            yield
        finally:
            self.on_disk = False

    def close(self) -> None:
        """Without a further checkpoint."""
        self._connection.close()
        os.close(self._descriptor)
