"""Fills a data folder with messages between prepared accounts while no server runs.  As a program: FOLDER PAIRS COUNT.

Through the store's own interface; account 2n writes to account 2n + 1.
"""

import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from bench.frames import body
from bench.prepare import NOW_MS
from imserver.core.posting import Posting
from imserver.core.values import Kind
from imserver.store.sqlite import SqliteStore

BATCH = 2_000


async def fill(store: SqliteStore, pairs: int, count: int) -> None:
    """Spread so many messages over the direct conversations of the pairs."""
    conversations = []
    for n in range(pairs):
        sender, receiver = [await store.account_named(f"load{number}") for number in (2 * n, 2 * n + 1)]
        assert sender is not None and receiver is not None
        opened = await store.open_direct(sender.account.number, receiver.account.number, NOW_MS, sys.maxsize)
        conversations.append((opened.id, sender.account.number, sender.account.name))
    for first in range(0, count, BATCH):
        numbers = range(first, min(count, first + BATCH))
        await store.append([_posting(*conversations[n % pairs], n) for n in numbers], NOW_MS)


def _posting(conversation: int, sender: int, name: str, number: int) -> Posting:
    return Posting(conversation, sender, name, b"fill%08x" % number, Kind.TEXT, "", body(number))


def _main(reactor: Any, folder: str, pairs: str, count: str) -> "Deferred[None]":
    return Deferred.fromCoroutine(_fill(reactor, Path(folder), int(pairs), int(count)))


async def _fill(reactor: Any, folder: Path, pairs: int, count: int) -> None:
    store = SqliteStore(folder, reactor, fatal=_fatal)
    store.open()
    await fill(store, pairs, count)
    await store.close()


def _fatal(status: int, sentence: str) -> None:
    print(sentence, file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    react(_main, sys.argv[1:])
