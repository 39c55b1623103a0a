"""The log: one line for each event, whatever strangers put into it (threats.md T29).

JSON lines for machines, plain text for a terminal.  Control and direction characters are escaped, long values
cut, and of one kind of event from one address no more than ten lines a second are written; the rest is
counted.  The core logs with the standard library's logging, which knows no Twisted; it is led here, too.
"""

import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TextIO

from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel, formatEvent
from twisted.python.failure import Failure
from zope.interface import implementer

MAX_VALUE_CHARS = 256
MAX_MESSAGE_CHARS = 1024
MAX_TRACEBACK_CHARS = 8192
LINES_PER_SECOND = 10
_MAX_KINDS = 10_000
AUDIT = "audit"  # the log_kind of what operators did, of which no line is ever left out

# C0, DEL, C1, marks and overrides of writing direction, line separators, lone surrogates.
_UNSAFE = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
# What twisted.python.log puts into an event beside the message.
_LEGACY = frozenset({"message", "time", "system", "format", "isError", "why", "failure", "logLevel"})
_LONG = frozenset({"stack"})


def escape(text: str) -> str:
    """The text without any character that moves a cursor, ends a line or turns the writing direction."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def json_line(event: LogEvent) -> str:
    """{"time", "level", "source", "message", named values ..., "traceback"}."""
    value = {
        "time": datetime.fromtimestamp(event["log_time"], UTC).isoformat(timespec="milliseconds"),
        "level": event["log_level"].name,
        "source": event.get("log_namespace", ""),
        "message": _message(event),
        **dict(_values(event)),
    }
    if traceback := _traceback(event):
        value["traceback"] = traceback
    # Within JSON the escapes of `escape` are JSON's own; ASCII control characters json has escaped already.
    return escape(json.dumps(value, ensure_ascii=False))


def text_line(event: LogEvent) -> str:
    """Time, message, and for a failure its traceback in escaped form; the level where it matters."""
    time = datetime.fromtimestamp(event["log_time"]).strftime("%H:%M:%S")
    level = "" if event["log_level"] <= LogLevel.info else f"{event['log_level'].name.upper()}: "
    extra = "".join(f"\n    {escape(line)}" for line in _traceback(event).splitlines())
    return f"{time} {level}{escape(_message(event))}{extra}"


def _level(event: LogEvent) -> Any:
    # What Twisted says in its old way, of ports opened and closed, our listeners have said better.
    is_chatter = event.get("log_namespace") == "log_legacy" and event["log_level"] is LogLevel.info
    return LogLevel.debug if is_chatter else event["log_level"]


def _message(event: LogEvent) -> str:
    if "failure" in event:  # Twisted's old way: its text would be the traceback, the cause at its far end
        return str(event.get("why") or "Unhandled Error")[:MAX_MESSAGE_CHARS]
    return formatEvent(event)[:MAX_MESSAGE_CHARS]


def _values(event: LogEvent) -> Iterator[tuple[str, Any]]:
    for name, value in event.items():
        if name.startswith("log_") or name in _LEGACY:
            continue
        if not isinstance(value, int | float | None):
            value = str(value)[: MAX_TRACEBACK_CHARS if name in _LONG else MAX_VALUE_CHARS]
        yield name, value


def _traceback(event: LogEvent) -> str:
    failure = event.get("log_failure", event.get("failure"))
    return failure.getTraceback()[-MAX_TRACEBACK_CHARS:] if isinstance(failure, Failure) else ""


@implementer(ILogObserver)
class LineObserver:
    """Writes events of at least `level` to `stream` as lines made by `line`."""

    def __init__(self, stream: TextIO, line: Callable[[LogEvent], str], level: Any) -> None:
        self._stream = stream
        self._line = line
        self._level = level
        self._second = 0
        self._written: dict[tuple[object, str], int] = {}

    def __call__(self, event: LogEvent) -> None:
        """Write the event, unless too many of its kind were written in this second; of audit every line."""
        is_audit = event.get("log_kind") == AUDIT
        if _level(event) < self._level and not is_audit:
            return
        if int(event["log_time"]) != self._second:
            self._next_second(event)
        if is_audit or self._is_welcome(event):
            self._write(event)

    def _is_welcome(self, event: LogEvent) -> bool:
        kind = (event.get("log_kind") or event.get("log_format"), str(event.get("address", "")))
        if kind not in self._written and len(self._written) >= _MAX_KINDS:
            kind = ("others", "")
        count = self._written[kind] = self._written.get(kind, 0) + 1
        return count <= LINES_PER_SECOND

    def _next_second(self, event: LogEvent) -> None:
        suppressed = [(kind, count) for kind, count in self._written.items() if count > LINES_PER_SECOND]
        self._second, self._written = int(event["log_time"]), {}
        for (format, address), count in suppressed:
            self._write(
                {
                    "log_time": event["log_time"],
                    "log_level": LogLevel.warn,
                    "log_namespace": __name__,
                    "log_format": "{suppressed} more within a second, from {address}: {event}",
                    "suppressed": count - LINES_PER_SECOND,
                    "address": address,
                    "event": format,
                }
            )

    def _write(self, event: LogEvent) -> None:
        self._stream.write(self._line(event) + "\n")
        self._stream.flush()


class StandardLogging(logging.Handler):
    """Leads the standard library's logging into Twisted's."""

    @classmethod
    def install(cls) -> None:
        """From now on, for the server's own modules; which level is written is the observer's business."""
        log = logging.getLogger("imserver")
        log.setLevel(logging.DEBUG)
        log.propagate = False
        log.handlers = [cls()]

    def emit(self, record: logging.LogRecord) -> None:
        """logging: something happened."""
        log = Logger(record.name)
        level = LogLevel.levelWithName(_LEVELS.get(record.levelno, "info"))
        if record.exc_info and record.exc_info[0]:
            failure = Failure(record.exc_info[1], record.exc_info[0], record.exc_info[2])
            log.failure("{text}", failure, text=record.getMessage(), log_kind=record.msg)
        else:
            log.emit(level, "{text}", text=record.getMessage(), log_kind=record.msg)


_LEVELS = {
    logging.DEBUG: "debug",
    logging.WARNING: "warn",
    logging.ERROR: "error",
    logging.CRITICAL: "critical",
}
