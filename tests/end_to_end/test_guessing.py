"""T11 and T12: who guesses passwords gets few tries, keeps nobody out, and does not learn which names exist."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count, repeat
from math import log2, sqrt
from statistics import fmean, median, variance
from time import monotonic

from imserver.core.errors import Code
from imserver.core.events import Done, LoggedIn, Refused
from imserver.core.requests import DeleteAccount, LogIn
from tests.end_to_end.daemon import TWISTD
from tests.end_to_end.drill import DEEP
from tests.end_to_end.guessers import Guessers
from tests.end_to_end.peer import PASSWORD, Peer
from tests.end_to_end.siege import Siege

ADDRESSES = 500 if DEEP else 100
SECONDS = 60.0 if DEEP else 4.0
GUESSES_A_CONNECTION = 20
FROM_ONE_ADDRESS = 20
FREE_FAILURES = 5
REAL_USER_SECONDS = 2.0
HONEST_LOGINS = 10
HASHES_WAITING = 64  # of which guessers find half
MIN_ROUNDS = 3
# By thousands of closed connections, until the collector of cycles comes, which is rare.
KEPT_BYTES = 10 * 1024 * 1024
WARM_UP = 6  # of the twenty guesses three for each connection
REFUSALS = {Code.WRONG_CREDENTIALS, Code.RATE_LIMITED, Code.TRY_LATER}
# Of names that were guessed at; by default they may take some 30 MiB.
FEW_ENTRIES = "max_limiter_entries = 1000\n"
MANY_TRIES = "failed_logins_per_address = 1_000_000\n"
NO_LIMITS = "enabled = false\n"
# Lets guessers have all places.
UNSUSPECTING = (
    sys.executable,
    "-c",
    "from imserver.passwords import Argon2Passwords; verify = Argon2Passwords.verify;"
    "Argon2Passwords.verify = lambda self, hash, password, suspect=False: verify(self, hash, password);"
    + TWISTD[-1],
)

LOGINS = 500 if DEEP else 60  # of each kind
ATTEMPTS = 3  # against noise: what is there to be measured shows each time
WELCH_T = 4.5
MEDIAN_SHARE = 0.05
UNHURRIED = (
    NO_LIMITS + "login_tries = 1000000\nlogin_seconds = 3600.0\nmax_bytes_before_login = 1_000_000_000\n"
)
MUTANT = (sys.executable, "-m", "tests.end_to_end.hash_known_names_only")


class GuessingTests(Siege):
    """T11"""

    def prepare(self, limits: str = "", command: Iterable[str] = TWISTD) -> None:
        """Carol, whose password is guessed, has a device that she has used before; dave has none."""
        self.begin(limits, command=command)
        with Peer(self.plain) as peer:
            for name in ("carol", "dave"):
                peer.register(name)
            self.token = peer.log_in("carol").token
        # The memory in which they hash stays with both threads.
        self.guess(["127.65.0.1"] * WARM_UP, fresh_names(), self.carol_returns)

    def test_one_name(self) -> None:
        """From a hundred addresses one password is guessed five times, then after 1, 3, 7, 15 ... s; never more."""
        self.prepare()
        verified, seconds = self.attack(many_addresses(), repeat("carol"), self.both_come)
        self.assertGreaterEqual(verified, FREE_FAILURES)
        self.assertLessEqual(verified, FREE_FAILURES + log2(1 + seconds))

    def test_one_address(self) -> None:
        """One address has twenty guesses in ten minutes, over all names."""
        self.prepare()
        verified, _ = self.attack(["127.66.0.1"], fresh_names(), self.both_come)
        self.assertEqual(verified, FROM_ONE_ADDRESS)

    def test_everywhere_at_once(self) -> None:
        """A hundred addresses at ever new names fill the queue for hashing: a known device gets in, then everybody."""
        self.prepare(FEW_ENTRIES)
        verified, _ = self.attack(many_addresses(), fresh_names(), self.carol_returns)
        self.assertGreater(verified, FROM_ONE_ADDRESS)
        self.assertLessEqual(verified, ADDRESSES * FROM_ONE_ADDRESS)
        self.both_come()

    def test_room_for_the_honest(self) -> None:
        """While a hundred that have failed go on guessing, whoever has not comes in at once, with a password, too."""
        self.prepare(MANY_TRIES)
        with self.unnoticed(grown_bytes=KEPT_BYTES):
            self.come_among_guessers()

    def test_no_room_for_the_honest(self) -> None:
        """Where they find the whole queue, the drill sees that."""
        self.prepare(MANY_TRIES, UNSUSPECTING)
        self.assertRaises(AssertionError, self.come_among_guessers)

    def come_among_guessers(self) -> None:
        """Carol by her token; dave with his password, before more are hashed than fit into the queue."""
        with Guessers(self.plain, many_addresses(), fresh_names()) as guessers:
            for _ in range(HONEST_LOGINS):
                self.carol_returns()
                with Peer(self.plain) as dave:
                    before = guessers.verified
                    dave.log_in("dave")
                    self.assertLessEqual(guessers.verified - before, HASHES_WAITING)

    def test_without_limits(self) -> None:
        """Without limits both go through far more often: the drill sees that."""
        self.prepare(NO_LIMITS)
        verified, seconds = self.attack(many_addresses(), repeat("carol"), self.carol_returns)
        self.assertGreater(verified, FREE_FAILURES + log2(1 + seconds))
        verified, _ = self.attack(["127.66.0.1"], fresh_names(), self.carol_returns)
        self.assertGreater(verified, FROM_ONE_ADDRESS)

    def attack(
        self, addresses: Sequence[str], names: Iterator[str], meanwhile: Callable[[], None]
    ) -> tuple[int, float]:
        """Guess again and again, which nobody notices -> how many passwords were verified, within how many seconds."""
        began, codes = monotonic(), list[str]()
        with self.unnoticed(grown_bytes=KEPT_BYTES):
            for rounds in count():
                if rounds >= MIN_ROUNDS and monotonic() > began + SECONDS:
                    break
                codes += self.guess(addresses, names, meanwhile)
        self.assertEqual(set(codes) - REFUSALS, set())
        return codes.count(Code.WRONG_CREDENTIALS), monotonic() - began

    def guess(
        self, addresses: Sequence[str], names: Iterator[str], meanwhile: Callable[[], None]
    ) -> list[str]:
        """A few guesses from each address at once; before the answers are read, `meanwhile` happens -> the answers."""
        with ExitStack() as stack:
            guessers = [stack.enter_context(Peer(self.plain, source=address)) for address in addresses]
            for guesser in guessers:
                guesser.tell(*(LogIn(next(names), "a guess", "x") for _ in range(GUESSES_A_CONNECTION)))
            meanwhile()
            return [code for guesser in guessers for code in refusals(guesser)]

    def carol_returns(self) -> None:
        """On the device that she has used before."""
        with Peer(self.plain) as carol:
            self.assert_soon(lambda: carol.log_in_with_token(self.token))

    def both_come(self) -> None:
        """And dave with his password, from elsewhere."""
        self.carol_returns()
        with Peer(self.plain) as dave:
            self.assert_soon(lambda: dave.log_in("dave"))

    def assert_soon(self, act: Callable[[], object]) -> None:
        """Within two seconds, of the clock or, on a machine that is slow or busy, of the daemon's work."""
        began, worked = monotonic(), self.daemon.cpu_seconds()
        act()
        taken = min(monotonic() - began, self.daemon.cpu_seconds() - worked)
        self.assertLess(taken, REAL_USER_SECONDS)


def fresh_names() -> Iterator[str]:
    """That nobody has."""
    return (f"name{n}" for n in count())


def many_addresses() -> list[str]:
    """Of loopback, none of them the real users'."""
    return [f"127.66.{n // 250}.{n % 250 + 1}" for n in range(ADDRESSES)]


def refusals(peer: Peer) -> list[str]:
    """The codes of all answers to guesses; the server may close before the last."""
    codes: list[str] = []
    while len(codes) < GUESSES_A_CONNECTION and isinstance(event := peer.hear()[1], Refused):
        codes.append(event.code)
    return codes


class EnumerationTests(Siege):
    """T12"""

    def prepare(self, command: Iterable[str] = TWISTD) -> None:
        """Carol exists, dave did once, and a connection may guess as often as it likes."""
        self.begin(UNHURRIED, command=command)
        self.stranger = self.peer(self.plain)
        with Peer(self.plain) as peer:
            for name in ("carol", "dave"):
                peer.register(name)
            peer.log_in("dave")
            peer.expect(DeleteAccount(PASSWORD), Done)

    def test_words(self) -> None:
        """Wrong, unknown, deleted, too long: the same refusal."""
        self.prepare()
        tries = [
            LogIn("carol", "a guess", "x"),
            LogIn("carol", "x" * 1025, "x"),
            LogIn("nobody-here", "a guess", "x"),
            LogIn("dave", PASSWORD, "x"),
            LogIn("\n", "", ""),
        ]
        refusals = [self.stranger.expect(each, Refused) for each in tries]
        self.assertEqual(refusals, [refusals[0]] * len(tries))
        self.assertEqual(refusals[0].code, Code.WRONG_CREDENTIALS)
        self.assertIsInstance(self.stranger.ask(LogIn("carol", PASSWORD, "x")), LoggedIn)

    def test_times(self) -> None:
        """However many logins are timed, nobody can tell unknown and deleted names from those that exist."""
        self.prepare()
        for name in ("nobody-here", "dave"):
            self.assertTrue(self.take_equally_long(name), name)

    def test_mutant(self) -> None:
        """A daemon that saves the hashing for unknown names is caught each time."""
        self.prepare(MUTANT)
        self.assertFalse(self.take_equally_long("nobody-here"))

    def take_equally_long(self, name: str) -> bool:
        """Whether logins of that name take as long as carol's, in one of a few attempts."""
        for _ in range(ATTEMPTS):
            known, other = self.times("carol", name)
            apart = abs(median(known) / median(other) - 1)
            if abs(welch_t(known, other)) < WELCH_T and apart < MEDIAN_SHARE:
                return True
        return False

    def times(self, *names: str) -> list[list[float]]:
        """CPU seconds of refused logins, for each name, taken in turn: what else the machine does is no part of them."""
        taken: list[list[float]] = [[] for _ in names]
        for _ in range(LOGINS):
            for name, seconds in zip(names, taken, strict=True):
                before = self.daemon.cpu_seconds()
                self.stranger.expect(LogIn(name, "a guess", "x"), Refused)
                seconds.append(self.daemon.cpu_seconds() - before)
        return taken


def welch_t(one: Sequence[float], other: Sequence[float]) -> float:
    """How surely their means differ: beyond 4.5, as good as certain."""
    deviation = sqrt(variance(one) / len(one) + variance(other) / len(other))
    return (fmean(one) - fmean(other)) / deviation
