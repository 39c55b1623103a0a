"""SIGTERM under load: everything that was accepted is finished and answered, and the exit status is 0."""

import signal
from time import monotonic

from imserver.core.errors import Code
from tests.end_to_end.drill import DEEP, Drill
from tests.history import Acked

ROUNDS = 200 if DEEP else 10
STOP_SECONDS = 45.0
ACKED = 20  # in each round, otherwise little was tried
PATIENCE_SECONDS = 120.0


class SigtermTests(Drill):
    def test_sigterm_under_load(self) -> None:
        """Lost 0, duplicates 0, exit 0 within 45 s, and everybody is told to go before being cut off."""
        self.start(people=20, groups=4, think_seconds=0.05)
        for _ in range(ROUNDS):
            enough = self.count(Acked) + ACKED
            self.crowd.talk(0.4)
            self.crowd.talk_until(lambda enough=enough: self.count(Acked) >= enough, PATIENCE_SECONDS)
            began = monotonic()
            self.daemon.signal(signal.SIGTERM)
            self.crowd.talk(STOP_SECONDS)
            self.has_stopped()
            self.assertEqual(self.daemon.wait(), 0)
            self.assertLess(monotonic() - began, STOP_SECONDS)
            self.everything_stored_was_acknowledged()
            for person in self.crowd.people:
                self.assertEqual((person.told_to_go, person.closed_with), (True, Code.STOPPING))
            self.restart()
        self.nothing_is_amiss()

    def everything_stored_was_acknowledged(self) -> None:
        """A message in the log whose sender heard nothing was accepted and then left unanswered."""
        acked = {(each.sender, each.client_id) for each in self.crowd.history if isinstance(each, Acked)}
        stored = {entry.key for entry in self.log() if entry.client_id}
        self.assertEqual(stored - acked, set())
