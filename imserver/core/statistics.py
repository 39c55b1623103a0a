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
