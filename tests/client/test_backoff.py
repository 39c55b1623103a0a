"""Waiting times between connections."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.client.backoff import FIRST_SECONDS, MAX_SECONDS, Backoff


class BackoffTests(SynchronousTestCase):
    """With a random number of 1 the wait is the bound itself."""

    def test_the_bound_doubles_up_to_a_minute(self) -> None:
        """1, 2, 4 ... 60, 60 seconds."""
        backoff = Backoff(lambda: 1.0)
        waits = [backoff.next_seconds() for _ in range(8)]
        self.assertEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60])

    def test_the_jitter_is_full(self) -> None:
        """The wait is anything between nothing and the bound."""
        draws = iter((0.0, 0.25))
        backoff = Backoff(lambda: next(draws))
        self.assertEqual([backoff.next_seconds(), backoff.next_seconds()], [0.0, 0.5])

    def test_a_reset_starts_over(self) -> None:
        """After all was well the first bound counts again."""
        backoff = Backoff(lambda: 1.0)
        for _ in range(9):
            self.assertLessEqual(backoff.next_seconds(), MAX_SECONDS)
        backoff.reset()
        self.assertEqual(backoff.next_seconds(), FIRST_SECONDS)

    def test_the_server_s_word_comes_first_and_counts_once(self) -> None:
        """What the server asks for overrides one wait and leaves the bound alone."""
        backoff = Backoff(lambda: 1.0)
        backoff.ask_for(7.5)
        self.assertEqual([backoff.next_seconds(), backoff.next_seconds()], [7.5, FIRST_SECONDS])
