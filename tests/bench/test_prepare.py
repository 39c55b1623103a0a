"""The prepared accounts can be logged in to."""

from argon2 import PasswordHasher
from twisted.internet.testing import MemoryReactor
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SynchronousTestCase

from bench.prepare import PASSWORD_HASH
from imserver.core.limits import Limits
from imserver.passwords import Argon2Passwords
from tests.end_to_end.peer import PASSWORD


class PasswordTests(SynchronousTestCase):
    def test_hash(self) -> None:
        """The hash is that of the tests' password, and so current that no login makes it anew."""
        self.assertTrue(PasswordHasher().verify(PASSWORD_HASH, PASSWORD))
        passwords = Argon2Passwords(MemoryReactor(), ThreadPool(0, 1), Limits)
        self.assertFalse(passwords.is_outdated(PASSWORD_HASH))
