"""Runs the screen on the loop that the reactor runs on, and keeps what is logged away from the terminal."""

import asyncio
import os
import random
import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)

from imserver.client.screen.app import ScreenApp
from imserver.client.screen.entrance import Entrance
from imserver.client.screen.typed import mend

LOG_NAME = "imchat.log"


def make_app(entrance: Entrance, name: str, password: str, warning: str) -> ScreenApp:
    """The application for a real terminal and a real clock."""
    return ScreenApp(entrance, name, _wall_ms, random.random, password, warning)


async def show(app: ScreenApp, loop: asyncio.AbstractEventLoop) -> None:
    """Show it until somebody leaves; when cancelled, restore the terminal first."""
    mend()
    running = loop.create_task(app.run_async())
    try:
        await _shielded(running)
    except (CancelledError, asyncio.CancelledError):
        app.exit()
        await _shielded(running)
    finally:
        await app.entrance.leave()


def _shielded(task: "asyncio.Task[None]") -> "Deferred[Any]":
    """The task as a Deferred whose cancellation does not reach it."""
    return Deferred.fromFuture(asyncio.shield(task))


def log_to(folder: Path) -> None:
    """Warnings and worse go to a file; on the terminal they would write over the screen."""
    globalLogBeginner.beginLoggingTo([log_file(folder)], redirectStandardIO=False, discardBuffer=True)


def log_file(folder: Path) -> ILogObserver:
    """What keeps them there: a file that is begun anew each time, and only its owner's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    everything = textFileLogObserver(os.fdopen(descriptor, "w", encoding="utf-8"))
    return FilteringLogObserver(everything, [LogLevelFilterPredicate(defaultLogLevel=LogLevel.warn)])


def _wall_ms() -> int:
    return int(time.time() * 1000)
