"""What SQLite's errors mean for those who wait, after delivery.md section 3."""

from enum import Enum

import apsw

from imserver.core.errors import ChatError, Code


class Trouble(Enum):
    """A fault of the disk or the file, not of our code."""

    UNWRITABLE = "nothing can be written"  # nothing was stored
    BROKEN = "reading or writing failed"  # nobody knows what was stored
    UNSYNCED = "a sync failed"  # nobody knows what earlier commits are on disk
    CORRUPT = "the database is damaged"


FATAL = frozenset((Trouble.UNSYNCED, Trouble.CORRUPT))
_UNSYNCED = frozenset((apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC))
_CORRUPT_IO = apsw.SQLITE_IOERR_CORRUPTFS


def trouble_of(error: BaseException) -> Trouble | None:
    """None: not a fault of the storage."""
    match error:
        case apsw.CorruptError() | apsw.NotADBError() | UnicodeDecodeError():  # SQLite holds UTF-8 only
            return Trouble.CORRUPT
        case apsw.IOError() if _extended(error) in _UNSYNCED:
            return Trouble.UNSYNCED
        case apsw.IOError() if _extended(error) == _CORRUPT_IO:
            return Trouble.CORRUPT
        case apsw.IOError():
            return Trouble.BROKEN
        case apsw.FullError() | apsw.ReadOnlyError() | apsw.CantOpenError() | apsw.NoMemError():
            return Trouble.UNWRITABLE
    return None


def _extended(error: apsw.Error) -> int:
    return getattr(error, "extendedresult", apsw.SQLITE_IOERR)  # a VFS in Python raises errors without it


def unavailable() -> ChatError:
    """Nothing was stored."""
    return ChatError(Code.UNAVAILABLE_STORAGE, "the server cannot store anything now; try again later", 5000)


def unknown() -> ChatError:
    """It may have been stored."""
    return ChatError(
        Code.UNKNOWN_RETRY, "nobody knows whether it was stored; repeat it under the same id", 1000
    )


def locked() -> ChatError:
    """Nothing was stored, because another process held the database for too long."""
    return ChatError(Code.RETRY_AFTER, "the database is busy; try again", 1000)
