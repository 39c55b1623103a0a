"""What is counted, for the operator."""

from dataclasses import dataclass


@dataclass(slots=True)
class StoreStatistics:
    """Since the start; wal_bytes as it is now."""

    commits: int = 0
    batches: int = 0  # commits with messages
    messages: int = 0
    damaged: int = 0  # read, and not shown
    syncs: int = 0
    sync_seconds: float = 0.0
    longest_sync_seconds: float = 0.0
    wal_bytes: int = 0

    def committed(self, has_messages: bool) -> None:
        """A transaction is done."""
        self.commits += 1
        self.batches += has_messages

    def synced(self, seconds: float) -> None:
        """And is on disk."""
        self.syncs += 1
        self.sync_seconds += seconds
        self.longest_sync_seconds = max(self.longest_sync_seconds, seconds)
