"""Passwords are hashed with Argon2id, in threads of their own, so that a login storm delays nobody else.

The parameters are OWASP's for Argon2id (threats.md T13).  An unknown account is answered by hashing, too: its
empty hash is replaced by one that nothing matches, so that both take equally long (T12).
"""

from collections.abc import Callable
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from imserver.core.errors import ChatError, Code
from imserver.core.limits import Limits
from imserver.interfaces import IPasswords

THREADS = 2

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, salt_len=16, hash_len=32)

# A salt and a digest of zeros, in base64 without padding.
_MATCHES_NOTHING = f"$argon2id$v=19$m={19 * 1024},t=2,p=1${'A' * 22}${'A' * 43}"


@implementer(IPasswords)
class Argon2Passwords:
    """`pool` has THREADS threads of its own; how many may wait for one of them is limits().max_hashes_waiting."""

    def __init__(self, reactor: IReactorFromThreads, pool: ThreadPool, limits: Callable[[], Limits]) -> None:
        self._reactor = reactor
        self._pool = pool
        self._limits = limits
        self._unfinished = 0

    async def hash(self, password: str) -> str:
        """A salted hash that names its parameters.  Raises TRY_LATER when too many wait."""
        hashed: str = await self._in_thread(self._limits().max_hashes_waiting, _hasher.hash, password)
        return hashed

    async def verify(self, password_hash: str, password: str, suspect: bool = False) -> bool:
        """Whether it is the password; an empty hash costs the same and never matches.  Raises TRY_LATER.

        A `suspect` finds half of the queue only, so that guessers leave room for everybody else.
        """
        waiting = self._limits().max_hashes_waiting // (2 if suspect else 1)
        matches: bool = await self._in_thread(waiting, _verify, password_hash or _MATCHES_NOTHING, password)
        return matches

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it should be hashed anew with the current parameters."""
        return _hasher.check_needs_rehash(password_hash)

    def _in_thread(self, waiting: int, function: Callable[..., Any], *arguments: str) -> Deferred[Any]:
        """Unless more than `waiting` others wait already."""
        if self._unfinished >= THREADS + waiting:
            raise ChatError(Code.TRY_LATER, "too many are logging in; try again in a few seconds", 2_000)
        self._unfinished += 1
        result = Deferred[Any]()

        def finished(success: bool, value: Any) -> None:
            self._reactor.callFromThread(self._finished, result, value)

        self._pool.callInThreadWithCallback(finished, function, *arguments)
        return result

    def _finished(self, result: Deferred[Any], value: Any) -> None:
        # Counted here, because whoever waited may have gone while the thread went on.
        self._unfinished -= 1
        if isinstance(value, Failure):
            result.errback(value)
        else:
            result.callback(value)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except VerifyMismatchError:
        return False
