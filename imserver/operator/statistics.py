"""The operator's command that says how the server is."""

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from imserver.operator.command import Answer, Arguments, Command

if TYPE_CHECKING:
    from imserver.core.core import Core

_MEBI = 1024 * 1024


async def _statistics(core: "Core", arguments: Arguments) -> Answer:
    return Answer(
        [
            f"state: {core.state}, up for {core.uptime_seconds()} s",
            f"sessions: {core.session_count()}{_by_wire(core)}",
            *_store(core),
            f"delay of a message before its commit: {core.admission.delay * 1000:.1f} ms",
            f"memory: {_resident_bytes() / _MEBI:.0f} MiB",
            f"refusals: {core.refusals.total()}{_counts(core.refusals)}",
            f"not shown as it is: {core.projections.total()}{_projections(core)}",
        ]
    )


def _by_wire(core: "Core") -> str:
    return _counts(Counter(session.capabilities.wire for session in core.router.all_sessions()))


def _projections(core: "Core") -> str:
    return _counts(Counter({f"{wire} {what}": count for (wire, what), count in core.projections.items()}))


def _counts(counts: Counter[str]) -> str:
    each = ", ".join(f"{name} {count}" for name, count in counts.most_common())
    return f" ({each})" if each else ""


def _store(core: "Core") -> list[str]:
    counts = core.store.statistics()
    per_batch = counts.messages / counts.batches if counts.batches else 0.0
    mean_ms = counts.sync_seconds / counts.syncs * 1000 if counts.syncs else 0.0
    return [
        f"messages stored: {counts.messages}, found damaged: {counts.damaged}",
        f"batches: {counts.batches}, of {per_batch:.1f} messages on average; commits: {counts.commits}",
        f"syncs: {counts.syncs}, {mean_ms:.2f} ms on average, {counts.longest_sync_seconds * 1000:.0f} ms the longest",
        f"write-ahead log: {counts.wal_bytes / _MEBI:.1f} MiB",
    ]


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


COMMANDS = (
    Command("statistics", "", "sessions, messages, syncs, memory and refusals since the start", _statistics),
)
