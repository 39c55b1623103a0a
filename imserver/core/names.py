"""Which names, passwords, titles and other strings are accepted, and in which form they are kept."""

import re
import unicodedata

from imserver.core.errors import ChatError, Code
from imserver.core.limits import Limits

MAX_NUMBER = 2**31 - 1
MAX_NAME_CHARS = 32
RESERVED = frozenset(
    [
        "admin",
        "administrator",
        "anonymous",
        "everyone",
        "here",
        "imserver",
        "lobby",
        "moderator",
        "nobody",
        "notice",
        "operator",
        "owner",
        "postmaster",
        "root",
        "security",
        "server",
        "staff",
        "status",
        "support",
        "sysop",
        "system",
        "systemgroupchat",
        "webmaster",
    ]
)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{2,31}\Z")
_UNSHOWN = frozenset(
    ("Cc", "Cf", "Cs", "Zl", "Zp")
)  # categories: controls, bidirectional and invisible marks
_JOINERS = frozenset("\u200c\u200d")  # Persian and emoji are written with them


def login_name(name: str) -> str:
    """The form in which a new account's name is kept; raises BAD_NAME."""
    folded = fold(name)
    if not _NAME.match(folded):
        raise ChatError(
            Code.BAD_NAME,
            "a name has 3 to 32 letters a-z, digits, dots, dashes or underscores, a letter or digit first",
        )
    if folded in RESERVED:
        raise ChatError(Code.BAD_NAME, "that name is reserved; choose another")
    if folded.isdigit() and (folded[0] == "0" or int(folded) > MAX_NUMBER):
        raise ChatError(
            Code.BAD_NAME, f"a name of digits is a number from 100 to {MAX_NUMBER} without leading zeros"
        )
    return folded


def fold(name: str) -> str:
    """How names are compared: Alice and alice are one.  What is longer than any name is cut, and stays longer."""
    return unicodedata.normalize("NFKC", name[: MAX_NAME_CHARS + 1]).casefold()[: MAX_NAME_CHARS + 1]


def shown(text: str, what: str, max_chars: int) -> str:
    """A display name, title or the like: NFC, one line, nothing invisible that could mislead; raises BAD_REQUEST."""
    # At most four characters become one.  Cut first, because putting many combining marks in order is quadratic.
    text = unicodedata.normalize("NFC", text.strip()[: 4 * max_chars + 1])
    if len(text) > max_chars:
        raise ChatError(Code.BAD_REQUEST, f"the {what} may have at most {max_chars} characters")
    if any(unicodedata.category(letter) in _UNSHOWN and letter not in _JOINERS for letter in text):
        raise ChatError(Code.BAD_REQUEST, f"the {what} may not contain control characters")
    return text


def title(text: str, limits: Limits) -> str:
    """A group's title; raises BAD_REQUEST."""
    text = shown(text, "title", limits.max_title_chars)
    if not text:
        raise ChatError(Code.BAD_REQUEST, "a group needs a title")
    return text


def check_password(password: str, limits: Limits) -> None:
    """A password that somebody wants to have; raises BAD_PASSWORD."""
    if not limits.min_password_bytes <= len(password.encode("utf-8", "replace")) <= limits.max_password_bytes:
        raise ChatError(
            Code.BAD_PASSWORD,
            f"a password has {limits.min_password_bytes} to {limits.max_password_bytes} bytes",
        )
