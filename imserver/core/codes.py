"""Codes that people type: generated passwords and invitations.  80 random bits, in letters that are not mistaken."""

import hashlib
from base64 import b32encode
from collections.abc import Callable

_BYTES = 10
_GROUP = 4


def new_code(token_bytes: Callable[[int], bytes]) -> str:
    """Four groups of four letters and digits, as in mfrg-gzdf-mzto-yabc."""
    letters = b32encode(token_bytes(_BYTES)).decode().lower()
    return "-".join(letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP))


def digest(code: str) -> bytes:
    """SHA-256 of the code, however it was typed: with capitals, with or without dashes and blanks."""
    return hashlib.sha256("".join(code.split()).replace("-", "").lower().encode("utf-8", "replace")).digest()
