"""kill -9 at random moments under load: nothing acknowledged is lost, nothing is stored twice, no seq is skipped.

$IMSERVER_SEED repeats a run's choices, $IMSERVER_DEEP=1 makes it a thousand kills instead of fifty.
"""

import sys
from random import Random
from time import sleep

from tests.end_to_end.daemon import TWISTD
from tests.end_to_end.drill import DEEP, Drill
from tests.history import Acked, Fault, Received

KILLS = 1000 if DEEP else 50
# Of the CPU time that the first start of all costs.
READY_FACTOR = 3.0
ACKED, RECEIVED = 20, 100  # from one kill to the next, otherwise little was tried
PATIENCE_SECONDS = 120.0


class KillTests(Drill):
    def test_kill_under_load(self) -> None:
        """Fifty people in five groups, who repeat what was not answered, come through every kill with nothing amiss."""
        rng = Random(self.seed)
        first_start = self.start(people=50, groups=5)
        interrupted, starts = 0, list[float]()
        for _ in range(KILLS):
            self.before = len(self.crowd.history)
            self.crowd.talk(rng.uniform(0.05, 2.0))
            self.crowd.talk_until(self.much_was_said, PATIENCE_SECONDS)
            self.crowd.interject()
            sleep(rng.uniform(0.0, 0.004))  # the batch is anywhere between the socket and the disk
            self.kill()
            interrupted += self.crowd.unanswered
            self.log()
            starts.append(self.restart())
        self.nothing_is_amiss()
        self.assertGreater(interrupted, KILLS)
        self.assertLess(max(starts), READY_FACTOR * first_start)

    def much_was_said(self) -> bool:
        """Since the last kill."""
        seen = self.crowd.history[self.before :]
        acked, received = (sum(isinstance(record, kind) for record in seen) for kind in (Acked, Received))
        return acked >= ACKED and received >= RECEIVED

    def test_ack_before_commit(self) -> None:
        """A server that acknowledges before it commits is caught by a single kill."""
        mutant = (sys.executable, "-m", "tests.end_to_end.ack_before_commit")
        self.start(people=10, groups=2, think_seconds=0.05, command=mutant)
        self.crowd.talk_until(lambda: self.count(Acked) > ACKED, PATIENCE_SECONDS)
        self.kill()
        self.daemon.command = TWISTD
        self.restart()
        self.assertIn(Fault.LOST, {finding.fault for finding in self.findings()})
