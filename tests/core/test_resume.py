"""Tokens that bring a client back after a short loss of its connection (threats.md T22)."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.limits import Limits
from imserver.core.resume import Resumable, ResumeTokens
from tests.fakes import Tokens


class ResumeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = 0.0
        self.limits = Limits()
        self.tokens = ResumeTokens(lambda: self.limits, lambda: self.now, Tokens())

    def test_once(self) -> None:
        """A token works once."""
        token = self.tokens.issue(7, "hash")
        self.assertEqual(self.tokens.take(token), Resumable(7, "hash"))
        self.assertIsNone(self.tokens.take(token))

    def test_ten_minutes(self) -> None:
        """It ends ten minutes after its connection did, and not while the connection lasts."""
        token = self.tokens.issue(7, "hash")
        self.now = 100_000.0
        self.tokens.disconnected(7)
        self.now += 599.9
        self.assertIsNotNone(self.tokens.take(token))
        token = self.tokens.issue(7, "hash")
        self.tokens.disconnected(7)
        self.now += 600.0
        self.assertIsNone(self.tokens.take(token))

    def test_new_ends_old(self) -> None:
        """A device has one token."""
        old, new = self.tokens.issue(7, "hash"), self.tokens.issue(7, "hash")
        self.assertIsNone(self.tokens.take(old))
        self.assertIsNotNone(self.tokens.take(new))

    def test_new_does_not_end_with_the_old_connection(self) -> None:
        """The clock of a lost connection stops when the device gets a new token."""
        self.tokens.issue(7, "hash")
        self.tokens.disconnected(7)
        self.now = 599.0
        token = self.tokens.issue(7, "hash")
        self.now = 10_000.0
        self.assertIsNotNone(self.tokens.take(token))

    def test_revoked(self) -> None:
        """A revoked token is nothing; revoking twice, or nothing, is nothing."""
        token = self.tokens.issue(7, "hash")
        self.tokens.revoke(7)
        self.tokens.revoke(7)
        self.tokens.disconnected(7)
        self.assertIsNone(self.tokens.take(token))

    def test_guesses(self) -> None:
        """Other bytes are nothing."""
        token = self.tokens.issue(7, "hash")
        for guess in (b"", token[:-1], token + b"\0", bytes(32), b"x" * 100_000):
            self.assertIsNone(self.tokens.take(guess))

    def test_bounded(self) -> None:
        """Of devices that are gone at most max_limiter_entries tokens are kept, the newest (threats.md T27)."""
        self.limits = replace(self.limits, max_limiter_entries=100)
        tokens = [self.tokens.issue(device, "hash") for device in range(5_000)]
        for device in range(5_000):
            self.tokens.disconnected(device)
        self.assertEqual(len(self.tokens._issued), 100)
        self.assertIsNone(self.tokens.take(tokens[4_899]))
        self.assertIsNotNone(self.tokens.take(tokens[4_900]))

    def test_secret(self) -> None:
        """The password hash in it is not shown."""
        self.assertNotIn("hash", repr(Resumable(7, "a hash")).replace("password_hash", ""))
