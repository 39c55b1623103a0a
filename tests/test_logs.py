"""imserver.logs"""

import json
import logging
from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import LogEvent, LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imserver.logs import AUDIT, LINES_PER_SECOND, LineObserver, StandardLogging, escape, json_line, text_line


def event(
    at: float = 1000.0, level: str = "info", format: str = "hello {name}", **values: object
) -> LogEvent:
    return {
        "log_time": at,
        "log_level": LogLevel.levelWithName(level),
        "log_namespace": "tests",
        "log_format": format,
        **values,
    }


class LineTests(SynchronousTestCase):
    """One event, one line."""

    def test_json(self) -> None:
        """A line is a JSON object with the message and the named values."""
        line = json.loads(json_line(event(name="bob", count=3)))
        self.assertEqual(line["message"], "hello bob")
        self.assertEqual((line["name"], line["count"], line["level"]), ("bob", 3, "info"))
        self.assertEqual(line["time"], "1970-01-01T00:16:40.000+00:00")

    def test_nasty_names(self) -> None:
        """T29: nothing in a value ends the line, moves the cursor or turns the direction of writing."""
        for nasty in ("a\nb", "a\rb", "\x1b[2J", "\u2028", "\u202e", "\x85", "\x7f", "\ud800", "x" * 2**20):
            for line in (json_line(event(name=nasty)), text_line(event(name=nasty))):
                self.assertEqual(line, escape(line))
                self.assertLess(len(line.encode()), 4096)

    @given(st.text())
    def test_any_name(self, name: str) -> None:
        """Any text comes back from the JSON line as it was, up to 256 characters."""
        line = json_line(event(name=name))
        self.assertEqual(line.splitlines(), [line])
        self.assertEqual(json.loads(line)["name"], name[:256])

    def test_failure(self) -> None:
        """A failure's traceback is part of the one JSON line, and stands below the line of text."""
        try:
            raise ValueError("broken\x1b")
        except ValueError:
            failed = event(format="oops", level="critical", log_failure=Failure())
        self.assertIn("ValueError: broken", json.loads(json_line(failed))["traceback"])
        self.assertNotIn("\n", json_line(failed))
        self.assertIn("CRITICAL: oops\n    ", text_line(failed))
        self.assertNotIn("\x1b", text_line(failed))

    def test_failure_in_the_old_way(self) -> None:
        """What Twisted's reactor reports of a protocol that raised: the cause is not cut off."""
        try:
            raise ValueError("broken")
        except ValueError:
            failed = event(
                format="{log_text}", log_text="x" * 5000, failure=Failure(), isError=1, why="Unhandled Error"
            )
        line = json.loads(json_line(failed))
        self.assertEqual(line["message"], "Unhandled Error")
        self.assertIn("ValueError: broken", line["traceback"])
        self.assertNotIn("xxx", json_line(failed))


class ObserverTests(SynchronousTestCase):
    """What is written."""

    def setUp(self) -> None:
        self.stream = StringIO()
        self.observer = LineObserver(self.stream, text_line, LogLevel.info)

    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    def test_level(self) -> None:
        """Nothing below the level is written."""
        self.observer(event(level="debug", name="bob"))
        self.observer(event(level="warn", name="bob"))
        self.assertEqual(len(self.lines()), 1)

    def test_flood(self) -> None:
        """Of one kind of event from one address ten lines a second are written; the rest is counted."""
        for _ in range(100):
            self.observer(event(format="login failed", address="10.0.0.1"))
        self.assertEqual(len(self.lines()), LINES_PER_SECOND)
        self.observer(event(format="login failed", address="10.0.0.2"))
        self.assertEqual(len(self.lines()), LINES_PER_SECOND + 1)
        self.observer(event(at=1001.0, format="login failed", address="10.0.0.1"))
        self.assertIn("90 more within a second, from 10.0.0.1: login failed", self.lines()[-2])

    def test_audit(self) -> None:
        """What operators did is written whatever the level is, and however much of it there is."""
        observer = LineObserver(self.stream, text_line, LogLevel.critical)
        for _ in range(100):
            observer(event(name="bob", log_kind=AUDIT))
        self.assertEqual(len(self.lines()), 100)

    def test_many_addresses(self) -> None:
        """A flood from ever new addresses ends, too, and is remembered in bounded space."""
        for n in range(10_050):
            self.observer(event(format="login failed", address=f"{n}"))
        self.assertEqual(len(self.lines()), 10_000 + LINES_PER_SECOND)


class StandardLoggingTests(SynchronousTestCase):
    """The core's way of logging."""

    def setUp(self) -> None:
        log = logging.getLogger("imserver")
        before = (log.handlers, log.level, log.propagate)
        self.addCleanup(lambda: (setattr(log, "handlers", before[0]), setattr(log, "propagate", before[2])))
        self.addCleanup(log.setLevel, before[1])
        StandardLogging.install()

    def test_record(self) -> None:
        """A record arrives with its level, its source and its text, percent signs and braces included."""
        seen: list[LogEvent] = []
        from twisted.logger import globalLogPublisher

        globalLogPublisher.addObserver(seen.append)
        self.addCleanup(globalLogPublisher.removeObserver, seen.append)
        logging.getLogger("imserver.core.x").warning("lost %s", "{name}%")
        self.assertEqual(seen[-1]["log_namespace"], "imserver.core.x")
        self.assertIn("WARN: lost {name}%", text_line(seen[-1]))

    def test_exception(self) -> None:
        """An exception arrives as a failure with its traceback."""
        try:
            raise KeyError("k")
        except KeyError:
            logging.getLogger("imserver.core.x").exception("a request failed")
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
