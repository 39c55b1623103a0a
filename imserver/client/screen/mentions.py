"""Which members a text is for in particular: those that it names with an @ before."""

import re
from collections.abc import Mapping

MAX_MENTIONS = 50  # the server's limit for a message
_NAMED = re.compile(r"(?<![\w.@-])@([a-z0-9][a-z0-9._-]*)", re.ASCII | re.IGNORECASE)


def mentioned(text: str, members: Mapping[str, int]) -> list[int]:
    """The numbers of the members (by name) that are named, each once; `@bob.` at the end of a sentence is bob."""
    found: dict[int, None] = {}
    for match in _NAMED.finditer(text):
        name = match[1].lower()
        number = members.get(name) or members.get(name.rstrip("._-"))
        if number is not None:
            found[number] = None
    return list(found)[:MAX_MENTIONS]
