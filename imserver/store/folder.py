"""The data folder: private, on a local disk, used by one daemon at a time, and aware of an unclean stop.

The file `running` exists from the first synced commit until the last checkpoint.  Found at the start, it
says that the last daemon did not stop cleanly, and that the write-ahead log must therefore be there.
"""

import fcntl
import os
from pathlib import Path

from imserver.store.errors import StoreError

DATABASE = "imserver.db"
NETWORK_FILESYSTEMS = frozenset(("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs"))
_WAL_MAGIC = (bytes.fromhex("377f0682"), bytes.fromhex("377f0683"))


class DataFolder:
    """One data folder, from claim() to release()."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / DATABASE
        self.wal = path / (DATABASE + "-wal")
        self._running = path / "running"
        self._lock: int | None = None

    def claim(self) -> None:
        """Make the folder at need and lock it for this process; raises StoreError."""
        try:
            self._make_private()
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise StoreError(
                f"{self.path} is in use by another imserver: stop that one, or choose another folder with --data"
            ) from None
        except OSError as error:
            self.release()
            raise StoreError(
                f"the data folder {self.path} cannot be used ({error.strerror}): "
                "make it writable for this user, or choose another with --data"
            ) from None

    def _make_private(self) -> None:
        if not self.path.exists():
            self.path.mkdir(mode=0o700, parents=True)
        filesystem = filesystem_of(self.path, Path("/proc/self/mountinfo"))
        if filesystem in NETWORK_FILESYSTEMS:
            raise StoreError(f"{self.path} lies on {filesystem}: choose a folder on a local disk with --data")
        if self.path.stat().st_mode & 0o077:
            self._tighten()

    def _tighten(self) -> None:
        """Only a folder that is empty or ours is closed to others: --data /tmp must not close /tmp."""
        if not self.database.exists() and any(self.path.iterdir()):
            raise StoreError(
                f"others can read {self.path} and it holds other files: choose an empty folder, or chmod 700 it"
            )
        self.path.chmod(0o700)

    def release(self) -> None:
        """Let another daemon in."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def is_claimed(self) -> bool:
        """Whether a daemon uses the folder now."""
        try:
            descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def is_new(self) -> bool:
        """Whether there is no database yet; raises StoreError if there must have been one."""
        if self.database.exists():
            if self.database.stat().st_size == 0:
                raise StoreError(f"{self.database} is empty, which it never was: {advice(self.path)}")
            return False
        if self._running.exists() or self.has_log():
            raise StoreError(f"{self.database} is missing, but its log is here: {advice(self.path)}")
        return True

    def has_log(self) -> bool:
        """Whether there may be something that is not yet in the database file."""
        return self.wal.exists() and self.wal.stat().st_size > 0

    def stopped_uncleanly(self) -> bool:
        """Whether the last daemon did not stop cleanly; raises StoreError if the log it left is missing."""
        if not self._running.exists():
            return False
        if not self._has_wal_header():
            raise StoreError(
                f"{self.wal} is damaged or missing and may have held acknowledged messages: {advice(self.path)}; "
                f"or remove {self._running} to go on with what is left"
            )
        return True

    def _has_wal_header(self) -> bool:
        try:
            with self.wal.open("rb") as file:
                return file.read(4) in _WAL_MAGIC
        except FileNotFoundError:
            return False

    def mark_running(self) -> None:
        """From now on a stop is unclean until mark_clean()."""
        os.close(os.open(self._running, os.O_WRONLY | os.O_CREAT, 0o600))
        self.sync()

    def mark_clean(self) -> None:
        """Everything is in the database file."""
        self._running.unlink(missing_ok=True)
        self.sync()

    def sync(self) -> None:
        """Make names of files durable."""
        sync_folder(self.path)


def sync_folder(path: Path) -> None:
    """Make the names of a folder's files durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def filesystem_of(path: Path, mountinfo: Path) -> str:
    """The type of the filesystem that holds `path`, as `mountinfo` (proc(5)) names it; empty if unknown."""
    try:
        lines = mountinfo.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ""
    found, kind = Path(), ""
    for line in lines:
        mount, _, source = line.partition(" - ")
        point = Path(mount.split()[4].replace("\\040", " "))
        if path.resolve().is_relative_to(point) and len(point.parts) >= len(found.parts):
            found, kind = point, source.split()[0]
    return kind


def advice(path: Path) -> str:
    """What to do about a damaged database."""
    return f"keep a copy of {path} and restore a backup as docs/operations.md describes"
