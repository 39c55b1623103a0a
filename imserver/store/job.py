"""A write on its way through the group commit."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure


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
