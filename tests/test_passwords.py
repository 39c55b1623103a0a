"""imserver.passwords"""

from collections.abc import Callable
from typing import Any

from argon2 import PasswordHasher
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.errors import ChatError, Code
from imserver.core.limits import Limits
from imserver.passwords import THREADS, Argon2Passwords


class HandDrivenPool:
    """A thread pool without threads: `step` does one piece of work."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []

    def callInThreadWithCallback(
        self, finished: Callable[[bool, Any], None], function: Any, *args: Any
    ) -> None:
        def work() -> None:
            try:
                value = function(*args)
            except Exception:
                finished(False, Failure())
            else:
                finished(True, value)

        self.work.append(work)

    def step(self) -> None:
        self.work.pop(0)()


class SameThread:
    """A reactor whose threads are all one."""

    def callFromThread(self, function: Callable[..., Any], *args: Any) -> None:
        function(*args)


class PasswordsTests(SynchronousTestCase):
    """Argon2Passwords"""

    def setUp(self) -> None:
        self.pool = HandDrivenPool()
        self.passwords = Argon2Passwords(SameThread(), self.pool, lambda: Limits(max_hashes_waiting=3))

    def run_now(self, coroutine: Any) -> Any:
        result = Deferred.fromCoroutine(coroutine)
        self.pool.step()
        return self.successResultOf(result)

    def test_round_trip(self) -> None:
        """The right password matches, another one does not; equal passwords have different hashes."""
        hashed = self.run_now(self.passwords.hash("correct horse"))
        self.assertTrue(hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$"))
        self.assertIs(self.run_now(self.passwords.verify(hashed, "correct horse")), True)
        self.assertIs(self.run_now(self.passwords.verify(hashed, "correct horsf")), False)
        self.assertNotEqual(hashed, self.run_now(self.passwords.hash("correct horse")))
        self.assertFalse(self.passwords.is_outdated(hashed))

    def test_nobody(self) -> None:
        """An empty hash is verified with the same parameters and never matches."""
        for password in ("", "\0" * 32, "secret"):
            self.assertIs(self.run_now(self.passwords.verify("", password)), False)
        from imserver.passwords import _MATCHES_NOTHING

        self.assertFalse(self.passwords.is_outdated(_MATCHES_NOTHING))

    def test_outdated(self) -> None:
        """A hash of weaker parameters is still verified, and reported."""
        weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("secret")
        self.assertTrue(self.run_now(self.passwords.verify(weak, "secret")))
        self.assertTrue(self.passwords.is_outdated(weak))

    def test_broken_hash(self) -> None:
        """A damaged hash is our trouble, not a wrong password."""
        result = Deferred.fromCoroutine(self.passwords.verify("$argon2id$nonsense", "secret"))
        self.pool.step()
        self.failureResultOf(result)

    def test_too_many(self) -> None:
        """T11: beyond the queue the answer is TRY_LATER, without hashing, until a place is free."""
        results = [Deferred.fromCoroutine(self.passwords.hash("secret")) for _ in range(THREADS + 3)]
        refused = Deferred.fromCoroutine(self.passwords.hash("secret"))
        self.assertEqual(self.failureResultOf(refused, ChatError).value.code, Code.TRY_LATER)
        self.assertEqual(len(self.pool.work), THREADS + 3)
        self.pool.step()
        self.successResultOf(results[0])
        self.assertNoResult(Deferred.fromCoroutine(self.passwords.hash("secret")))

    def test_suspects_leave_room(self) -> None:
        """T11: guessers fill half of the queue at most; whoever has not failed finds the other half."""

        def verify(suspect: bool) -> Deferred[bool]:
            return Deferred.fromCoroutine(self.passwords.verify("", "guess", suspect))

        waiting = [verify(suspect=True) for _ in range(THREADS + 1)]
        self.assertEqual(self.failureResultOf(verify(suspect=True), ChatError).value.code, Code.TRY_LATER)
        waiting += [verify(suspect=False) for _ in range(2)]
        for each in waiting:
            self.assertNoResult(each)
        self.failureResultOf(verify(suspect=False), ChatError)

    def test_gone(self) -> None:
        """Whoever no longer waits for a hash still counts until the thread is done."""
        results = [Deferred.fromCoroutine(self.passwords.hash("secret")) for _ in range(THREADS + 3)]
        results[0].cancel()
        self.failureResultOf(results[0])
        refused = Deferred.fromCoroutine(self.passwords.hash("secret"))
        self.failureResultOf(refused, ChatError)
        self.pool.step()
        self.assertNoResult(Deferred.fromCoroutine(self.passwords.hash("secret")))
