"""Fills a data folder with accounts in a ring, each a contact of its nearest neighbours.  As a program: FOLDER COUNT CONTACTS."""

import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import react

from bench.prepare import AT_ONCE, NOW_MS, fill, open_store
from imserver.core.contacting import ContactBounds
from imserver.interfaces import IStore


async def acquaint(store: IStore, numbers: list[int], contacts: int) -> None:
    """Everybody with the next half of `contacts` in the ring, and so with the half before, too."""
    pairs = [
        (number, numbers[(place + step) % len(numbers)])
        for place, number in enumerate(numbers)
        for step in range(1, contacts // 2 + 1)
    ]
    for start in range(0, len(pairs), AT_ONCE):
        some = pairs[start : start + AT_ONCE]
        await gatherResults([Deferred.fromCoroutine(_befriend(store, *pair)) for pair in some])


async def _befriend(store: IStore, one: int, other: int) -> None:
    bounds = ContactBounds(1_000, 1_000, 0)
    await store.request_contact(one, other, "", NOW_MS, bounds)
    await store.answer_contact(other, one, True, NOW_MS, bounds)


async def prepare(reactor: Any, folder: Path, count: int, contacts: int) -> None:
    """Open, fill, close."""
    store = open_store(reactor, folder)
    await fill(store, count)
    numbers = [account.number for account in await store.search("load", 0, count)]
    await acquaint(store, numbers, contacts)
    await store.close()


def _main(reactor: Any, folder: str, count: str, contacts: str) -> Coroutine[Any, Any, None]:
    return prepare(reactor, Path(folder), int(count), int(contacts))


if __name__ == "__main__":
    react(_main, sys.argv[1:])
