"""The line on which a key of a TOML text stands; tomllib keeps no positions."""

import re
from collections.abc import Iterator

_HEADER = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?")
_KEY = re.compile(r"\s*([\w.\"'-]+)\s*=")


def line_of(text: str, path: str) -> int:
    """The line where the key of that path stands; that of its table if it has no line of its own; else 1."""
    found = 1
    for number, here in _keys(text):
        if here == path:
            return number
        if path.startswith((f"{here}.", f"{here}[")) or here.startswith((f"{path}.", f"{path}[")):
            found = max(found, number) if path.startswith(here) else found
    return found


def _keys(text: str) -> Iterator[tuple[int, str]]:
    """(line, path) of every table header and key."""
    table, counts = "", dict[str, int]()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = re.sub(r"[\"'\s]", "", header[1])
            if line.lstrip().startswith("[["):
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}[{counts[table]}]"
            yield number, table
        elif key := _KEY.match(line):
            name = re.sub(r"[\"']", "", key[1])
            yield number, f"{table}.{name}" if table else name
