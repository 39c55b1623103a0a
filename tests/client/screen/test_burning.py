"""imserver.client.screen.burning"""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.client.screen.burning import MAX_BURNING, Burning
from imserver.core.values import Extra, Message
from tests.client.screen.values import message


def burns(seq: int, seconds: int = 5) -> Message:
    """One that does."""
    return replace(message(seq), extra=Extra(burn_seconds=seconds))


class BurningTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.burning = Burning()

    def test_time(self) -> None:
        """Each has its own, from when it was first seen to be read."""
        read = [burns(1, 5), burns(2, 60)]
        self.assertEqual(self.burning.over(read, 1_000), [])
        read.append(burns(3, 5))
        for now_ms, over in ((5_999, []), (6_000, [1]), (10_998, [1]), (10_999, [1, 3]), (61_000, [1, 2, 3])):
            self.assertEqual(self.burning.over(read, now_ms), over, now_ms)

    def test_another_log(self) -> None:
        """The same seqs are other messages."""
        self.burning.over([burns(1)], 0)
        self.burning.clear()
        self.assertEqual(self.burning.over([burns(1)], 5_000), [])

    def test_bound(self) -> None:
        """Of many the oldest are forgotten: their time begins again, and nothing grows."""
        self.burning.over([burns(seq) for seq in range(1, MAX_BURNING + 2)], 0)
        self.assertEqual(self.burning.over([burns(2)], 5_000), [2])
        self.assertEqual(self.burning.over([burns(1)], 5_000), [])
