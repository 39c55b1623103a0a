"""A write on its way through the group commit, and what the group commit counts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure


@dataclass(slots=True)
class Statistics:
    """Since the start; wal_bytes as it is now."""

    commits: int = 0
    messages: int = 0
    damaged: int = 0  # read, and not shown
    syncs: int = 0
    sync_seconds: float = 0.0
    wal_bytes: int = 0


@dataclass(slots=True)
class Job:
    """A write on its way; the append runs first, and may be run a second time."""

    run: Callable[[], Any]
    is_append: bool
    done: Deferred[Any]
    outcome: Any = None  # a Failure if it came to nothing

    def finish(self) -> None:
        if isinstance(self.outcome, Failure):
            self.done.errback(self.outcome)
        else:
            self.done.callback(self.outcome)
