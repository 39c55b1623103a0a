"""Guessing passwords and registering in masses is slow, for names and for addresses (threats.md T11)."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.errors import ChatError
from imserver.core.limits import Limits
from imserver.core.throttle import Throttle


class ThrottleTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = 1000.0
        self.limits = Limits()
        self.throttle = Throttle(lambda: self.limits, lambda: self.now)

    def wait(self, name: str, address: str = "") -> int:
        """Begin a login that will fail; -> the milliseconds to wait, 0 if it was let through."""
        try:
            self.throttle.begin_login(name, address)
        except ChatError as error:
            self.assertEqual(error.code, "RATE_LIMITED")
            self.assertGreater(error.retry_after_ms, 0)
            return error.retry_after_ms
        return 0

    def test_growing_delays(self) -> None:
        """Five failures are free; then one try each 1, 2, 4 ... 256, 300, 300 s, and not a millisecond sooner."""
        self.assertEqual([self.wait("alice") for _ in range(5)], [0] * 5)
        delays = []
        for _ in range(12):
            delays.append(self.wait("alice"))
            self.now += delays[-1] / 1000 - 0.001
            self.assertIn(self.wait("alice"), (1, 2))
            self.now += 0.002
            self.assertEqual(self.wait("alice"), 0)
        self.assertEqual(delays, [1000 * n for n in (1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300)])

    def test_suspects(self) -> None:
        """An address is suspect from its first failure until that is forgotten; one that succeeds is not."""
        address = "192.0.2.1"
        self.assertFalse(self.throttle.begin_login("alice", address))
        self.assertTrue(self.throttle.begin_login("bob", address))
        self.assertFalse(self.throttle.begin_login("carol", "192.0.2.2"))
        self.throttle.login_succeeded("carol", "192.0.2.2")
        self.assertFalse(self.throttle.begin_login("carol", "192.0.2.2"))
        self.now += 599.9
        self.assertTrue(self.throttle.begin_login("dave", address))
        self.now += 600.0
        self.assertFalse(self.throttle.begin_login("bob", address))

    def test_many_at_once(self) -> None:
        """Of 500 tries at one moment five go through, because tries count before they are made."""
        self.assertEqual([self.wait("alice") for _ in range(500)].count(0), 5)

    def test_success_clears(self) -> None:
        """Who knows the password starts anew."""
        for _ in range(5):
            self.wait("alice")
        self.now += 1
        self.assertEqual(self.wait("alice"), 0)
        self.throttle.login_succeeded("alice", "")
        self.assertEqual([self.wait("alice") for _ in range(5)], [0] * 5)

    def test_names_are_apart(self) -> None:
        """A name under attack does not slow down another."""
        for _ in range(9):
            self.wait("alice")
        self.assertEqual(self.wait("bob"), 0)

    def test_address(self) -> None:
        """Twenty failures in ten minutes from one address, over all names; others are not concerned."""
        for n in range(20):
            self.assertEqual(self.wait(f"name{n}", "192.0.2.1"), 0)
            self.now += 10.0
        wait = self.wait("bob", "192.0.2.1")
        self.assertEqual((wait, self.wait("bob", "192.0.2.2")), (400_000, 0))
        self.now += wait / 1000
        self.assertEqual(self.wait("bob", "192.0.2.1"), 0)
        self.assertEqual(self.wait("bob", "192.0.2.1"), 2_000)

    def test_under_way(self) -> None:
        """Tries that began a moment ago may yet succeed: whoever comes meanwhile need not wait for long."""
        for n in range(20):
            self.assertEqual(self.wait(f"name{n}", "192.0.2.1"), 0)
        self.assertEqual(self.wait("late", "192.0.2.1"), 2_000)
        self.throttle.login_succeeded("name1", "192.0.2.1")
        self.assertEqual(self.wait("late", "192.0.2.1"), 0)
        self.now += 2.0
        self.assertEqual(self.wait("later", "192.0.2.1"), 598_000)

    def test_refused_names_do_not_count(self) -> None:
        """Whose name others guess at does not lose her address, too."""
        for _ in range(5):
            self.wait("alice")
        for _ in range(100):
            self.assertGreater(self.wait("alice", "192.0.2.1"), 0)
        self.assertFalse(self.throttle.begin_login("bob", "192.0.2.1"))

    def test_success_does_not_count_for_the_address(self) -> None:
        """An office behind one address may log in as often as it likes."""
        for n in range(100):
            self.assertEqual(self.wait(f"name{n}", "192.0.2.1"), 0)
            self.throttle.login_succeeded(f"name{n}", "192.0.2.1")

    def test_too_busy_does_not_count(self) -> None:
        """A try that the server could not make is no failure, neither of the name nor of the address."""
        for _ in range(100):
            self.assertEqual(self.wait("alice", "192.0.2.1"), 0)
            self.throttle.login_not_tried("alice", "192.0.2.1")
        self.assertEqual([self.wait("alice") for _ in range(6)], [0] * 5 + [1000])

    def test_registrations(self) -> None:
        """Twenty an hour and address; trusted addresses and UNIX sockets are exempt."""
        for _ in range(100):
            self.throttle.register("127.0.0.1", True)
            self.throttle.register("", False)
        for _ in range(20):
            self.throttle.register("192.0.2.1", False)
        error = self.assertRaises(ChatError, self.throttle.register, "192.0.2.1", False)
        self.assertEqual((error.code, error.retry_after_ms), ("RATE_LIMITED", 3_600_000))

    def test_lifted(self) -> None:
        """`enabled = false` lifts all of it."""
        self.limits = replace(self.limits, enabled=False)
        for _ in range(100):
            self.assertEqual(self.wait("alice", "192.0.2.1"), 0)
            self.throttle.login_not_tried("alice", "192.0.2.1")
            self.throttle.register("192.0.2.1", False)

    def test_bounded(self) -> None:
        """Any number of names and addresses leaves at most max_limiter_entries of each (threats.md T27)."""
        self.limits = replace(self.limits, max_limiter_entries=100)
        for n in range(5_000):
            self.wait(f"name{n}", f"address{n}")
            self.throttle.register(f"address{n}", False)
        tables = self.throttle._names, self.throttle._failures, self.throttle._registrations
        self.assertEqual([len(table) for table in tables], [100] * 3)
