"""Names that are not what they look like: nobody gets one of these (threats.md T30)."""

# Look-alikes are what this is about.
# ruff: noqa: RUF001

from imserver.core.names import RESERVED

_RIGHT_TO_LEFT = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_INVISIBLE = "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\u3164\ufeff\ufe0f\uffa0\U000e0041\U000e0100"
_CONTROLS = "\0\x01\x07\x08\t\n\v\f\r\x1b\x7f\x80\x85\x9b\x9f"
_SPACES = " \u00a0\u1680\u2000\u2003\u2007\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_PUNCTUATION = "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}~¡§¶·–—‘“”‹›⁄＠／。"

# Within a good name each of these makes a bad one.
_MADE = [f"ali{letter}ce" for letter in (*_RIGHT_TO_LEFT, *_INVISIBLE, *_CONTROLS, *_SPACES, *_PUNCTUATION)]

# One letter of another script that looks like the Latin one.
_LOOK_ALIKES = [
    *(
        "аlice",
        "aliсe",
        "alicе",
        "alіce",
        "bоb",
        "ьob",
        "ѕam",
        "јoe",
        "рeter",
        "хavier",
        "уves",
        "ԁave",
        "ɡina",
        "һarry",
    ),
    *(
        "αlice",
        "alιce",
        "bοb",
        "νera",
        "ρeter",
        "τom",
        "υrsula",
        "κate",
        "ωalter",
        "βob",
        "ɑlice",
        "ꜱam",
        "ı00",
        "ȷoe",
    ),
    *(
        "բob",
        "օscar",
        "սrsula",
        "ոina",
        "ᴀlice",
        "ʙob",
        "ɪvan",
        "ɴina",
        "ʀita",
        "ᏞᎥsa",
        "Ꮮisa",
        "ᎪᏞice",
        "alɩce",
        "aƖice",
    ),
]

# Letters that are not of a-z at all, and digits that are not 0-9.
_FOREIGN = [
    *(
        "älice",
        "ólga",
        "ñandu",
        "çelik",
        "øyvind",
        "łukas",
        "þora",
        "æsop",
        "œuvre",
        "ﷺ",
        "漢字漢字",
        "アリス",
        "앨리스",
    ),
    *(
        "אליס",
        "عليس",
        "एलिस",
        "อลิซ",
        "١٢٣٤",
        "१२३४",
        "๑๒๓๔",
        "一二三四",
        "🙂🙂🙂",
        "a🙂b",
        "ali\u0301ce",
        "a\u0338lice",
    ),
]

# Not a name by its shape.
_SHAPES = [
    *(
        "",
        "a",
        "ab",
        "x" * 33,
        "x" * 1000,
        "-bob",
        "_bob",
        ".bob",
        "..",
        "...",
        "---",
        "___",
        "._-",
        " bob",
        "bob ",
        "bob\n",
    ),
    *(
        "0",
        "00",
        "000",
        "007",
        "0123456",
        "99",
        "2147483648",
        "9" * 10,
        "9" * 32,
        "alice@host",
        "alice/phone",
        "a:b:c",
    ),
]

_RESERVED = [spelling for name in sorted(RESERVED) for spelling in (name, name.upper(), name.title())]

ODD_NAMES = (*_MADE, *_LOOK_ALIKES, *_FOREIGN, *_SHAPES, *_RESERVED)
