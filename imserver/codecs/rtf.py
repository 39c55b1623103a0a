"""Rich text for those who show plain text, and plain text for those who show rich text only.

A document is read once from left to right by one table of control words; what it does not know is formatting
and does nothing.  Code pages follow the font in use (RichTextBox writes `\\'xx` in the code page of its
user's country), `\\uN` carries what no code page has.  Text is kept, everything beside it is skipped: tables
of fonts, colours and styles, pictures, objects, and whatever calls itself optional (`\\*`).

Source: Rich Text Format Specification 1.9.1, Microsoft 2008.
"""

import codecs
import re
from typing import NamedTuple

MAX_DEPTH = 64  # groups within groups; what lies deeper is skipped

_HEAD, _TAIL = "{\\rtf1\\ansi\\uc1 ", "\\par}"

_TOKEN = re.compile(
    r"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?[0-9]{1,9})? ?"
    r"|\\'(?P<byte>[0-9a-fA-F]{2})"
    r"|\\(?P<symbol>.)"
    r"|(?P<brace>[{}])"
    r"|(?P<text>[^\\{}\r\n\0]+)"
    r"|[\r\n\0]+",  # of the file, not of the text
    re.DOTALL,
)

_WORDS = {
    "par": "\n", "line": "\n", "page": "\n", "sect": "\n", "row": "\n", "tab": "\t", "cell": "\t",
    "emdash": "\u2014", "endash": "\u2013", "emspace": "\u2003", "enspace": "\u2002", "bullet": "\u2022",
    "lquote": "\u2018", "rquote": "\u2019", "ldblquote": "\u201c", "rdblquote": "\u201d",
    "zwj": "\u200d", "zwnj": "\u200c",
}  # fmt: skip
_SYMBOLS = {"\\": "\\", "{": "{", "}": "}", "~": "\u00a0", "_": "\u2011", "\n": "\n", "\r": "\n"}
_NOT_TEXT = frozenset([
    "colortbl", "stylesheet", "info", "pict", "object", "objdata", "filetbl", "revtbl", "listtable",
    "listoverridetable", "rsidtbl", "generator", "themedata", "colorschememapping", "datastore",
    "latentstyles", "xmlnstbl", "fldinst", "header", "headerl", "headerr", "headerf",
    "footer", "footerl", "footerr", "footerf", "footnote", "nonshppict",
])  # fmt: skip
_CHARSETS = {  # \fcharsetN -> code page
    0: 1252, 77: 10000, 128: 932, 129: 949, 130: 1361, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258,
    177: 1255, 178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250, 255: 437,
}  # fmt: skip
_CODECS = {page: f"cp{page}" for page in (437, 850, 874, 932, 949, 950, *range(1250, 1259))}
_CODECS |= {936: "gb18030", 1361: "johab", 10000: "mac_roman", 65001: "utf-8"}
_DEFAULT_PAGE = 1252


def to_text(rtf: bytes) -> str:
    """The text of a document in UTF-8, its paragraphs ended by newlines but the last.

    Never raises: of what is no document as much is shown as can be read.  The text has neither U+0000 nor
    surrogates.
    """
    return _Reader().read(rtf.decode("utf-8", "replace"))


def from_text(text: str) -> bytes:
    """A document in ASCII that shows the text; CR LF and CR become LF."""
    if _PLAIN.fullmatch(text):  # most of what people write, at a fifth of the cost
        return (_HEAD + text + _TAIL).encode("ascii")
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_ESCAPES)
    return (_HEAD + _OUTSIDE.sub(_escape, text) + _TAIL).encode("ascii")


_ESCAPES = str.maketrans(
    {"\\": "\\\\", "{": "\\{", "}": "\\}", "\n": "\\par ", "\t": "\\tab "}
    | {chr(control): f"\\u{control}?" for control in (*range(1, 9), 11, 12, *range(14, 32), 127)}
)
_OUTSIDE = re.compile(r"[^\x00-\x7f]")
_PLAIN = re.compile(r"[ -\[\]-z|~]*")


def _escape(match: re.Match[str]) -> str:
    """A character as signed 16-bit numbers, each with a substitute for readers of 1992."""
    units = match[0].encode("utf-16-le", "surrogatepass")
    numbers = (int.from_bytes(units[at : at + 2], "little", signed=True) for at in range(0, len(units), 2))
    return "".join([f"\\u{number}?" for number in numbers])


class _Group(NamedTuple):
    """What ends with a closing brace."""

    shown: bool = True
    in_fonts: bool = False
    fallback_chars: int = 1  # how many characters after each \uN stand for it
    page: int = 0  # code page of the font; 0: that of the document


class _Reader:
    """Reads one document."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._group = _Group()
        self._outer: list[_Group] = []
        self._too_deep = 0
        self._skip = 0  # characters that stand for the \uN before them
        self._units = bytearray()  # UTF-16 that may go on
        self._document_page = _DEFAULT_PAGE
        self._fonts: dict[int, int] = {}  # -> code page
        self._font = 0  # being described in the table of fonts
        self._decoder: codecs.IncrementalDecoder | None = None  # of bytes that may go on
        self._decoder_page = 0

    def read(self, source: str) -> str:
        position, match = 0, _TOKEN.match(source)
        while match is not None:
            position = match.end()
            if match["word"]:
                position += self._word(match["word"], match["number"])
            elif match["brace"]:
                self._brace(match["brace"])
            elif self._too_deep:
                pass
            elif match["byte"]:
                self._byte(int(match["byte"], 16))
            elif match["text"]:
                self._text(match["text"])
            elif match["symbol"]:
                self._symbol(match["symbol"])
            match = _TOKEN.match(source, position)
        self._flush()
        return "".join(self._pieces).removesuffix("\n")

    # -- groups

    def _brace(self, brace: str) -> None:
        self._flush()
        self._skip = 0
        if brace == "{":
            if len(self._outer) < MAX_DEPTH:
                self._outer.append(self._group)
            else:
                self._too_deep += 1
        elif self._too_deep:
            self._too_deep -= 1
        elif self._outer:
            self._group = self._outer.pop()

    # -- control words and symbols

    def _word(self, word: str, digits: str | None) -> int:
        """-> how many characters of data follow it, which are no text."""
        number = int(digits) if digits else None
        if not self._too_deep:
            self._obey(word, number)
        return max(0, number or 0) if word == "bin" else 0

    def _obey(self, word: str, number: int | None) -> None:
        group = self._group
        if word == "u" and number is not None:
            self._unit(number)
        elif self._skip:
            self._skip -= 1
        elif word in _WORDS:
            self._show(_WORDS[word])
        elif word in _NOT_TEXT:
            self._group = group._replace(shown=False)
        elif word == "fonttbl":
            self._group = group._replace(shown=False, in_fonts=True)
        elif word == "plain":
            self._group = group._replace(page=0)
        elif number is not None:
            self._set(word, number)

    def _set(self, word: str, number: int) -> None:
        group = self._group
        if word == "uc":
            self._group = group._replace(fallback_chars=max(0, number))
        elif word == "ansicpg":
            self._document_page = number
        elif word == "f" and group.in_fonts:
            self._font = number
        elif word == "fcharset" and group.in_fonts:
            self._fonts[self._font] = _CHARSETS.get(number, 0)
        elif word == "f":
            self._group = group._replace(page=self._fonts.get(number, 0))

    def _symbol(self, symbol: str) -> None:
        if self._skip:
            self._skip -= 1
        elif symbol == "*":
            self._group = self._group._replace(shown=False)
        elif symbol in _SYMBOLS:
            self._show(_SYMBOLS[symbol])

    # -- text

    def _show(self, text: str) -> None:
        self._flush()
        if self._group.shown:
            self._pieces.append(text)

    def _text(self, text: str) -> None:
        if self._skip:
            skipped = min(self._skip, len(text))
            self._skip -= skipped
            text = text[skipped:]
        if self._decoder is not None and text < "\x80" and self._decoder.getstate()[0]:
            self._decode(text[:1].encode())  # the second byte of a character may look like a letter
            text = text[1:]
        if text:
            self._show(text)

    def _byte(self, byte: int) -> None:
        if self._skip:
            self._skip -= 1
        elif byte and self._group.shown:
            if self._units:
                self._flush()
            self._decode(bytes((byte,)))

    def _decode(self, data: bytes) -> None:
        page = self._group.page or self._document_page
        if self._decoder is None or self._decoder_page != page:
            self._flush()
            self._decoder = codecs.getincrementaldecoder(_CODECS.get(page, "cp1252"))("replace")
            self._decoder_page = page
        self._pieces.append(self._decoder.decode(data))

    def _unit(self, number: int) -> None:
        self._end_bytes()
        self._skip = self._group.fallback_chars
        if number & 0xFFFF and self._group.shown:
            self._units += (number & 0xFFFF).to_bytes(2, "little")

    def _flush(self) -> None:
        """What has gathered is complete."""
        self._end_bytes()
        if self._units:
            self._pieces.append(self._units.decode("utf-16-le", "replace"))
            self._units.clear()

    def _end_bytes(self) -> None:
        if self._decoder is not None:
            self._pieces.append(self._decoder.decode(b"", True))
            self._decoder = None
