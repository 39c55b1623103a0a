"""Conversations in memory: never held twice, never too many."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import roster as module
from imserver.core.errors import ChatError, Code
from imserver.core.roster import Rosters
from imserver.store.memory import MemoryStore
from tests.core.client import result


class RosterTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.store = MemoryStore()
        for name in ("alice", "bob", "carol"):
            result(self.store.create_account(name, name, "", 1))
        self.rosters = Rosters(self.store)
        pairs = ((100_001, 100_002), (100_001, 100_003), (100_002, 100_003))
        self.conversations = [result(self.store.open_direct(*pair, 1, 9)).id for pair in pairs]

    def load(self, conversation: int) -> module.Roster:
        found: module.Roster = result(self.rosters.load(conversation))
        return found

    def test_bounded(self) -> None:
        """Beyond the limit the older half goes."""
        self.patch(module, "MAX_ROSTERS", 2)
        for conversation in self.conversations * 3:
            self.load(conversation)
            self.assertLessEqual(len(self.rosters._recent), 2)

    def test_one_in_use_is_found_again(self) -> None:
        """Whoever still holds one shares it with whoever asks later, so that both see one last_seq."""
        self.patch(module, "MAX_ROSTERS", 2)
        held = self.load(self.conversations[0])
        for conversation in self.conversations[1:] * 3:
            self.load(conversation)
        self.assertNotIn(self.conversations[0], self.rosters._recent)
        self.assertIs(self.load(self.conversations[0]), held)

    def test_forgotten(self) -> None:
        """One that nobody holds is loaded anew."""
        self.load(self.conversations[0]).last_seq = 99
        self.rosters._recent.clear()
        self.assertEqual(self.load(self.conversations[0]).last_seq, 0)

    def test_may_write(self) -> None:
        """Where nobody is muted the time is not looked at; otherwise each mute ends at its own time, for good."""

        def never() -> int:
            raise AssertionError("the clock was read")

        roster = self.load(self.conversations[0])
        roster.check_may_write(1, never)
        roster.roles, roster.muted = {3: 2}, {0: 50, 1: 100}
        for number, now_ms, expected in ((1, 49, True), (1, 99, True), (2, 49, True), (3, 49, False)):
            refused = False
            try:
                roster.check_may_write(number, lambda now_ms=now_ms: now_ms)
            except ChatError as error:
                refused = error.code is Code.FORBIDDEN
            self.assertEqual(refused, expected, (number, now_ms))
        roster.check_may_write(2, lambda: 50)
        roster.check_may_write(1, lambda: 100)
        self.assertEqual(roster.muted, {})
        roster.check_may_write(1, never)

    def test_ended(self) -> None:
        """Where an account has ended, its direct conversations take no more messages, and no others."""
        rosters = [self.load(conversation) for conversation in self.conversations]
        self.rosters.account_ended(100_001)
        self.assertEqual([roster.ended for roster in rosters], [True, True, False])
        error = self.assertRaises(ChatError, rosters[0].check_may_write, 100_002, lambda: 0)
        self.assertEqual(error.code, Code.NOT_FOUND)

    def test_refused(self) -> None:
        """Unknown ids, ids out of range and conversations of others are refused in the same words."""
        words = set()
        for conversation in (0, -1, 5, 2**53, 2**64, self.conversations[2]):
            error = self.assertRaises(ChatError, result, self.rosters.of_member(100_001, conversation))
            words.add((error.code, error.text))
        self.assertEqual(len(words), 1)
