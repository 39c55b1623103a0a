"""Whether a database is what it should be: SQLite's own checks, the schema, and every message's checksum."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import apsw

from imserver.store import database, log, runs, schema, upgrade
from imserver.store.errors import StoreError

MAX_FAULTS = 20
_CONVERSATIONS = "SELECT id FROM conversations"
# Before schema 2, of which there are backups, a message was a row.
_MESSAGES = """
    SELECT conversation, seq, sender, client_id, kind, CAST(content_type AS BLOB), body, time_ms, checksum
    FROM messages"""

# Before schema 6 a message had no extra; a view of that name comes before the table.
_RUNS_AS_NOW = "CREATE TEMP VIEW runs AS SELECT *, NULL AS extra FROM main.runs"


def check_readable(path: Path) -> None:
    """A file that this user may read: one that he may not is not damaged.  Raises StoreError, PermissionError."""
    if not path.is_file():
        raise StoreError(f"{path} is not there, or no file")
    path.open("rb").close()


def check(path: Path, otherwise: str = "") -> None:
    """A database that nobody writes to, such as a backup; raises StoreError: `otherwise` (the path) and the first fault."""
    for fault in faults(path):
        raise StoreError(f"{otherwise or path}: {fault}")


def faults(path: Path) -> list[str]:
    """The first few of a database that nobody writes to."""
    try:
        connection = database.connect_to_copy(path)
        try:
            return list(islice(_faults(connection), MAX_FAULTS))
        finally:
            connection.close()
    except (apsw.Error, StoreError) as error:
        return [str(error)]


def quick_faults(path: Path) -> list[str]:
    """The first few that SQLite's quick_check finds, also while a daemon writes; raises apsw.Error, StoreError."""
    connection = database.connect_to_read(path)
    try:
        schema.pending(connection, schema.migrations())
        return [row[0] for row in connection.execute("PRAGMA quick_check(20)") if row[0] != "ok"]
    finally:
        connection.close()


def _faults(connection: apsw.Connection) -> Iterator[str]:
    schema.pending(connection, schema.migrations())
    for (verdict,) in connection.execute("PRAGMA integrity_check(20)"):
        if verdict != "ok":
            yield str(verdict)
    for table, row, *_ in connection.execute("PRAGMA foreign_key_check"):
        yield f"row {row} of {table} refers to nothing"
    version = schema.version_of(connection)
    if 2 <= version < 6:
        connection.execute(_RUNS_AS_NOW)
    yield from _message_faults(connection) if version < 2 else _log_faults(connection)


def _log_faults(connection: apsw.Connection) -> Iterator[str]:
    """Messages that are not what was written, or not there."""
    conversations: list[tuple[Any, ...]] = connection.execute(_CONVERSATIONS).fetchall()
    for (conversation,) in conversations:
        last_seq = log.last_seq(connection, conversation)
        for run in log.between_seqs(connection, conversation, 0, last_seq + 1, False, last_seq):
            if runs.is_damaged(run):
                yield f"of conversation {conversation}, messages {run.first_seq} to {run.last_seq} are damaged or missing"


def _message_faults(connection: apsw.Connection) -> Iterator[str]:
    for row in connection.execute(_MESSAGES):
        if not upgrade.message_is_sound(*row):
            yield f"message {row[1]} of conversation {row[0]} is damaged"
