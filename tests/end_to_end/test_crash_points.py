"""Death at each point of a message's way where it could do harm, some rounds each.

$IMSERVER_CRASH_AT=point:n makes the daemon end as if by kill -9 when it passes the point for the n-th time.
"""

from random import Random

from tests.end_to_end.drill import DEEP, Drill
from tests.history import Acked

ROUNDS = 100 if DEEP else 5
CRASHED = 137
CRASH_SECONDS = 300.0


class CrashPointTests(Drill):
    def crashes_at(self, point: str, passings: int, size: int = 0) -> None:
        """Talk until the daemon dies there, again and again; then nothing may be amiss."""
        rng = Random(self.seed)
        self.start(people=20, groups=4, size=size)
        for _ in range(ROUNDS):
            self.kill()
            self.restart(crash_at=f"{point}:{rng.randint(1, passings)}")
            self.crowd.talk(CRASH_SECONDS)
            self.has_stopped()
            self.assertEqual(self.daemon.wait(), CRASHED)
            self.log()
            self.restart()
        self.nothing_is_amiss()
        self.assertGreater(self.count(Acked), ROUNDS)

    def test_after_read(self) -> None:
        """Dying with sends that were read but not begun: they are in nobody's log and may be repeated."""
        self.crashes_at("after-read", passings=60)

    def test_before_begin(self) -> None:
        """Dying before the transaction."""
        self.crashes_at("before-begin", passings=60)

    def test_before_commit(self) -> None:
        """Dying inside the transaction: all of it is undone."""
        self.crashes_at("before-commit", passings=60)

    def test_after_commit(self) -> None:
        """Dying between commit and sync: nothing of it had been acknowledged or shown."""
        self.crashes_at("after-commit", passings=60)

    def test_before_ack(self) -> None:
        """Dying with a durable batch that nobody has been told about: its retries get the same seqs."""
        self.crashes_at("before-ack", passings=60)

    def test_half_an_ack(self) -> None:
        """Dying while acknowledgements go out: some have them and some have not."""
        self.crashes_at("half-an-ack", passings=600)

    def test_during_checkpoint(self) -> None:
        """Dying in a checkpoint; long messages make the log long enough for one."""
        self.crashes_at("during-checkpoint", passings=2, size=16_000)

    def test_migration(self) -> None:
        """A daemon that dies while it makes its tables starts again as if for the first time."""
        for _ in range(ROUNDS):
            self.prepare()
            self.daemon.environment["IMSERVER_CRASH_AT"] = "migration"
            self.daemon.launch()
            self.assertEqual(self.daemon.wait(), CRASHED)
            del self.daemon.environment["IMSERVER_CRASH_AT"]
            self.daemon.start()
            self.daemon.kill()
            self.log()
