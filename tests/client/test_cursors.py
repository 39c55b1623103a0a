"""Cursors: what a seq means, and how many conversations are remembered."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.client import cursors
from imserver.client.cursors import Cursors, Step


class CursorTests(SynchronousTestCase):
    """One conversation."""

    def test_steps(self) -> None:
        """The next seq moves the cursor; what was seen, what skips and what is unknown do not."""
        positions = Cursors({17: 4})
        self.assertIs(positions.step(17, 4), Step.SEEN)
        self.assertIs(positions.step(17, 6), Step.GAP)
        self.assertIs(positions.step(18, 1), Step.UNKNOWN)
        self.assertIs(positions.step(17, 5), Step.NEXT)
        self.assertEqual(positions.as_dict(), {17: 5})

    @given(st.lists(st.integers(0, 50)))
    def test_a_cursor_never_moves_back(self, seqs: list[int]) -> None:
        """Whatever it is raised to, it stands at the highest."""
        positions = Cursors()
        for seq in seqs:
            positions.raise_to(17, seq)
        self.assertEqual(positions.get(17), max(seqs, default=None))

    @given(st.lists(st.integers(1, 12)))
    def test_next_is_said_once_for_every_seq_in_order(self, seqs: list[int]) -> None:
        """Taking what is NEXT from any stream of seqs gives 1, 2, 3 ... without gaps or repeats."""
        positions = Cursors({17: 0})
        taken = [seq for seq in seqs if positions.step(17, seq) is Step.NEXT]
        self.assertEqual(taken, list(range(1, len(taken) + 1)))

    def test_the_longest_unmoved_is_forgotten(self) -> None:
        """Beyond the bound the conversation whose cursor has not moved for longest goes."""
        self.patch(cursors, "MAX_CONVERSATIONS", 2)
        positions = Cursors({1: 1, 2: 1})
        positions.raise_to(1, 2)
        positions.raise_to(3, 1)
        self.assertEqual(positions.as_dict(), {1: 2, 3: 1})
