"""Other people's words on a terminal: nothing in them moves the cursor, turns the line or passes for another line."""

import re

_LINE_END = re.compile("\r\n|\r|\n")
# Unicode's categories Cc (but for the tab), Cf, Cs, Zl and Zp.  Joiners are not among them: Persian and emoji need them.
_UNSAFE = re.compile(
    "[\0-\x08\x0a-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u2064\u2066-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
)
_PICTURES = 0x2400  # of the ASCII control characters, in their order
_PICTURE_OF_DELETE = "\u2421"


def visible(text: str) -> str:
    """One line, with what cannot be seen in a form that can: U+001B as its picture, U+202E as <U+202E>."""
    return _UNSAFE.sub(_picture, text)


def lines(head: str, text: str) -> list[str]:
    """A message as lines: the first begins with the head, the others with a bar, which no head is."""
    first, *others = _LINE_END.split(text)
    return [head + visible(first), *("| " + visible(line) for line in others)]


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(_PICTURES + code)
    return _PICTURE_OF_DELETE if code == 0x7F else f"<U+{code:04X}>"
