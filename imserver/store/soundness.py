"""Whether a database is what it should be: SQLite's own checks, the schema, and every message's checksum."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import apsw

from imserver.store import database, rows, schema
from imserver.store.errors import StoreError

MAX_FAULTS = 20
_MESSAGES = """
    SELECT conversation, seq, sender, client_id, kind, CAST(content_type AS BLOB), body, checksum FROM messages"""
_GAPS = """
    SELECT conversation FROM messages GROUP BY conversation HAVING min(seq) <> 1 OR max(seq) <> count(*)"""


def check(path: Path) -> None:
    """A database that nobody writes to, such as a backup; raises StoreError with the first fault."""
    for fault in faults(path):
        raise StoreError(f"{path}: {fault}")


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
    yield from _message_faults(connection)


def _message_faults(connection: apsw.Connection) -> Iterator[str]:
    """Messages that are not what was written, and seqs that are not there."""
    for *content, expected in connection.execute(_MESSAGES):
        if rows.checksum(*content) != expected:
            yield f"message {content[1]} of conversation {content[0]} is damaged"
    for (conversation,) in connection.execute(_GAPS):
        yield f"messages of conversation {conversation} are missing"
