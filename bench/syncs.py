"""How often the server synced and how long that took, by the last line of its store."""

from dataclasses import dataclass

from bench.report import MILLI
from tests.end_to_end.daemon import Daemon


@dataclass(slots=True, frozen=True)
class Syncs:
    """From the daemon's start to its end."""

    messages: int
    count: int
    seconds: float

    @classmethod
    def of(cls, stopped: Daemon) -> "Syncs":
        """Of a daemon that has been stopped."""
        line = next(event for event in reversed(stopped.events()) if "sync_seconds" in event)
        return cls(line["messages"], line["syncs"], line["sync_seconds"])

    @property
    def mean_ms(self) -> float:
        """Of one sync, until the reactor knows of it."""
        return self.seconds / max(self.count, 1) * MILLI

    def __str__(self) -> str:
        return f"{self.count} syncs of {self.mean_ms:.2f} ms each for {self.messages} messages"
