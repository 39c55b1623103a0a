"""What textual makes of the bytes that a terminal sends, mended where it falls short of what people's terminals do."""

import codecs
from functools import partial
from typing import Any, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.drivers import linux_driver
from textual.keys import Keys

ALT_ENTER = "\x1b\r"  # as most terminals send it; textual by itself drops the Alt


def mend() -> None:
    """Once, before the application runs: Alt-Enter is known, and bytes that are no UTF-8 do not end it."""
    cast(dict[str, tuple[Keys, ...]], ANSI_SEQUENCES_KEYS)[ALT_ENTER] = (Keys.ControlJ,)
    linux_driver.getincrementaldecoder = _forgiving  # type: ignore[attr-defined]


def _forgiving(encoding: str) -> Any:
    """An incremental decoder that shows what it cannot decode as U+FFFD: the letters of a terminal in Latin-1."""
    return partial(codecs.getincrementaldecoder(encoding), errors="replace")
