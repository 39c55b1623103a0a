"""Numbered migrations: schema/NNN.sql takes a database from version NNN - 1 to NNN.

Each runs in one transaction, after a backup.  Its first line, `-- readable by: N`, names the oldest schema
version whose daemon can still work with the result; an older daemon refuses it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import apsw

from imserver import crash
from imserver.store import upgrade
from imserver.store.errors import StoreError

_READABLE_BY = re.compile(r"-- readable by: (\d+)\n")
_REMEMBER = "INSERT OR REPLACE INTO meta (name, value) VALUES ('readable_by', ?)"


@dataclass(slots=True, frozen=True)
class Migration:
    """To schema `version`, which daemons from schema `readable_by` on can use."""

    version: int
    readable_by: int
    script: str


def migrations() -> list[Migration]:
    """This daemon's, in order."""
    files = [
        file
        for file in resources.files(__package__).joinpath("schema").iterdir()
        if file.name.endswith(".sql")
    ]
    return [_parsed(file.name, file.read_text()) for file in sorted(files, key=lambda file: file.name)]


def _parsed(name: str, script: str) -> Migration:
    readable_by = _READABLE_BY.match(script)
    assert readable_by, f"{name} does not begin with '-- readable by: N'"
    return Migration(int(name.removesuffix(".sql")), int(readable_by[1]), script)


def version_of(connection: apsw.Connection) -> int:
    """The schema a database has; 0: none."""
    return int(connection.pragma("user_version"))


def pending(connection: apsw.Connection, known: Sequence[Migration]) -> list[Migration]:
    """What this daemon must still apply; raises StoreError for a schema that it cannot use."""
    version, latest = version_of(connection), known[-1].version
    if version > latest:
        readable_by = connection.execute("SELECT value FROM meta WHERE name = 'readable_by'").get
        if readable_by is None or readable_by > latest:
            raise StoreError(
                f"the database has schema {version} and this imserver knows {latest}: "
                "install the newer imserver again, or restore the backup made before the upgrade"
            )
    return [migration for migration in known if migration.version > version]


def apply(connection: apsw.Connection, migration: Migration) -> None:
    """Migrate in one transaction: afterwards the database has the old schema or the new one, never between."""
    upgrade.register(connection)
    with connection:
        for _ in connection.execute(migration.script):
            pass
        connection.execute(_REMEMBER, (migration.readable_by,))
        connection.pragma("user_version", migration.version)
        crash.here("migration")
