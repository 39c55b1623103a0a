"""Fills a data folder with accounts and device tokens before the server starts.

Through the store's own interface, because five thousand passwords would take minutes to hash and what is
measured is not logging in by password.  As a program: FOLDER COUNT.
"""

import hashlib
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import react

from imserver.store.sqlite import SqliteStore

AT_ONCE = 500
NOW_MS = 1_700_000_000_000
# Of the password that everybody has, tests.end_to_end.peer.PASSWORD: to hash it takes longer than all the rest.
PASSWORD_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$W9VrawqP2Ts1wHi6+tGZdA$FLVLj4hPmdpJ7gQfol4o2KvdyOnyuNiNPD8naoTRl9I"
)


def token(n: int) -> bytes:
    """The device token of the n-th account."""
    return hashlib.sha256(b"device %d" % n).digest()


async def fill(store: SqliteStore, count: int) -> None:
    """Make that many accounts with one device each, many in one transaction."""
    for start in range(0, count, AT_ONCE):
        some = range(start, min(count, start + AT_ONCE))
        await gatherResults([Deferred.fromCoroutine(_person(store, n)) for n in some])


async def _person(store: SqliteStore, n: int) -> None:
    account = await store.create_account(f"load{n}", f"Load {n}", PASSWORD_HASH, NOW_MS)
    await store.put_device(account.number, "load", hashlib.sha256(token(n)).digest(), NOW_MS, 10)


async def prepare(reactor: Any, folder: Path, count: int) -> None:
    """Open, fill, close."""
    store = open_store(reactor, folder)
    await fill(store, count)
    await store.close()


def open_store(reactor: Any, folder: Path) -> SqliteStore:
    """The store in that folder; what is fatal for it ends this program."""
    store = SqliteStore(folder, reactor, fatal=_fatal)
    store.open()
    return store


def _fatal(status: int, sentence: str) -> None:
    print(sentence, file=sys.stderr)
    sys.exit(status)


def _main(reactor: Any, folder: str, count: str) -> Coroutine[Any, Any, None]:
    return prepare(reactor, Path(folder), int(count))


if __name__ == "__main__":
    react(_main, sys.argv[1:])
