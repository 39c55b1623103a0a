"""kill -9 at random moments under load: nothing acknowledged is lost, nothing is stored twice, no seq is skipped.

$IMSERVER_SEED repeats a run's choices, $IMSERVER_DEEP=1 makes it a thousand kills instead of fifty.
"""

import sys
from random import Random
from time import monotonic, sleep

from tests.end_to_end.daemon import TWISTD
from tests.end_to_end.drill import DEEP, Drill
from tests.history import Acked, Fault, Received

KILLS = 1000 if DEEP else 50
READY_SECONDS = 3.0


class KillTests(Drill):
    def test_kill_under_load(self) -> None:
        """Fifty people in five groups, who repeat what was not answered, come through every kill with nothing amiss."""
        rng = Random(self.seed)
        self.start(people=50, groups=5)
        interrupted = 0
        for _ in range(KILLS):
            self.crowd.talk(rng.uniform(0.05, 2.0))
            self.crowd.interject()
            sleep(rng.uniform(0.0, 0.004))  # the batch is anywhere between the socket and the disk
            self.kill()
            interrupted += self.crowd.unanswered
            self.log()
            began = monotonic()
            self.restart()
            self.assertLess(monotonic() - began, READY_SECONDS)
        self.nothing_is_amiss()
        # Otherwise little was tried.
        self.assertGreater(interrupted, KILLS)
        self.assertGreater(self.count(Acked), 20 * KILLS)
        self.assertGreater(self.count(Received), 100 * KILLS)

    def test_ack_before_commit(self) -> None:
        """A server that acknowledges before it commits is caught by a single kill."""
        mutant = (sys.executable, "-m", "tests.end_to_end.ack_before_commit")
        self.start(people=10, groups=2, think_seconds=0.05, command=mutant)
        self.crowd.talk(1.0)
        self.kill()
        self.daemon.command = TWISTD
        self.restart()
        self.assertIn(Fault.LOST, {finding.fault for finding in self.findings()})
