"""imserver.client.screen.burning"""

from dataclasses import replace
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imserver.client.screen.burning import MAX_BURNING, MAX_FILE_BYTES, Burning
from imserver.core.values import Extra, Message
from tests.client.screen.values import message


def burns(seq: int, seconds: int = 5, of: int = 17) -> Message:
    """One that does."""
    return replace(message(seq, "secret", of=of), extra=Extra(burn_seconds=seconds))


class BurningTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()) / "burning.json"
        self.burning = Burning(self.path)

    def test_time(self) -> None:
        """Each has its own, from when it was first seen to be read."""
        read = [burns(1, 5), burns(2, 60)]
        self.assertEqual(self.burning.over(read, 1_000), [])
        read.append(burns(3, 5))
        for now_ms, over in ((5_999, []), (6_000, [1]), (10_998, [1]), (10_999, [1, 3]), (61_000, [1, 2, 3])):
            self.assertEqual(self.burning.over(read, now_ms), over, now_ms)
        self.assertEqual(self.burning.over([burns(1, of=18)], 61_000), [])

    def test_the_next_time(self) -> None:
        """It runs on while imchat does not; the file has no texts, and is nobody else's."""
        self.burning.use_log(7)
        self.burning.over([burns(1)], 1_000)
        again = Burning(self.path)
        again.use_log(7)
        self.assertEqual(again.over([burns(1)], 6_000), [1])
        self.assertNotIn(b"secret", self.path.read_bytes())
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)

    def test_another_log(self) -> None:
        """The same seqs are other messages."""
        self.burning.over([burns(1)], 0)
        for burning in (self.burning, Burning(self.path)):
            burning.use_log(8)
            self.assertEqual(burning.over([burns(1)], 5_000), [])

    def test_bound(self) -> None:
        """Of many the oldest are forgotten: their time begins again, and nothing grows."""
        read = [burns(seq, of=2**53) for seq in range(2**53, 2**53 + MAX_BURNING + 1)]
        self.assertEqual(self.burning.over(read, 2**43), [])
        self.assertLess(self.path.stat().st_size, MAX_FILE_BYTES)
        again = Burning(self.path)
        self.assertEqual(again.over([burns(2**53 + 1, of=2**53)], 2**43 + 5_000), [2**53 + 1])
        self.assertEqual(again.over([burns(2**53, of=2**53)], 2**43 + 5_000), [])

    def test_damaged(self) -> None:
        """It says nothing, and is replaced."""
        self.path.parent.mkdir()
        for data in (b"", b"[]", b'{"log_epoch": 0, "due_ms": [[1]]}', b"{}"):
            self.path.write_bytes(data)
            self.assertEqual(Burning(self.path).over([burns(1)], 0), [])
            self.assertEqual(Burning(self.path).over([burns(1)], 5_000), [1])

    def test_not_writable(self) -> None:
        """It lasts as long as imchat runs, and the log says so."""
        self.path.parent.write_bytes(b"")
        self.burning.over([burns(1)], 0)
        self.assertEqual(self.burning.over([burns(1)], 5_000), [1])
