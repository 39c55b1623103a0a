"""A mutant of the daemon that answers first and commits a moment later; the drills must catch it.

Only for new groups, whose log holds the notice of their founding and nothing else.
"""

from collections import defaultdict
from collections.abc import Sequence
from copy import copy

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.scripts.twistd import run

from imserver.core.posting import Posting
from imserver.store.sqlite import SqliteStore

LATE_SECONDS = 1.0

_append = SqliteStore.append
_last_seq: defaultdict[int, int] = defaultdict(lambda: 1)


async def append(store: SqliteStore, postings: Sequence[Posting], now_ms: int) -> None:
    """Make outcomes up, and store copies later."""
    late = [copy(posting) for posting in postings]
    for posting in postings:
        posting.first_seq = _last_seq[posting.conversation] + 1
        _last_seq[posting.conversation] += len(posting.bodies)
        posting.time_ms = now_ms
    Deferred.fromCoroutine(_append_late(store, late, now_ms))


async def _append_late(store: SqliteStore, postings: Sequence[Posting], now_ms: int) -> None:
    await deferLater(IReactorTime(reactor), LATE_SECONDS)
    await _append(store, postings, now_ms)


if __name__ == "__main__":
    SqliteStore.append = append  # type: ignore[method-assign]
    run()
