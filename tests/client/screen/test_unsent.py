"""imserver.client.screen.unsent"""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imserver.client.errors import StateError
from imserver.client.screen.chat import Waiting
from imserver.client.screen.unsent import MAX_BYTES, MAX_TEXTS, Unsent
from imserver.core.values import Extra


class UnsentTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()) / "unsent.json"
        self.unsent = Unsent(self.path)

    def test_kept(self) -> None:
        """All that makes a message, in order; and no file where there is none."""
        said = [
            Waiting(b"\xff\x00", "one 世界\n", 5, extra=Extra(3, [1, 2], 0, 60)),
            Waiting(b"\x00\x01", "two", 6),
        ]
        for waiting in said:
            self.assertTrue(self.unsent.add(17, waiting))
        self.unsent.save()
        found = Unsent(self.path).load()
        self.assertEqual([conversation for conversation, _ in found], [17, 17])
        for (_, has), waiting in zip(found, said, strict=True):
            self.assertEqual(
                (has.client_id, has.text, has.time_ms, has.extra),
                (waiting.client_id, waiting.text, waiting.time_ms, waiting.extra),
            )
        for waiting in said:
            self.unsent.remove(waiting.client_id)
        self.unsent.save()
        self.assertFalse(self.path.exists())

    def test_what_was_left_over_stays(self) -> None:
        """Until it is removed, whatever is added."""
        self.unsent.add(17, Waiting(b"1", "one", 5))
        self.unsent.save()
        later = Unsent(self.path)
        later.load()
        later.add(18, Waiting(b"2", "two", 6))
        later.save()
        self.assertEqual([waiting.text for _, waiting in Unsent(self.path).load()], ["one", "two"])
        later.clear()
        later.save()
        self.assertEqual(Unsent(self.path).load(), [])

    def test_bounds(self) -> None:
        """In number and in bytes."""
        for number in range(MAX_TEXTS):
            self.assertTrue(self.unsent.add(17, Waiting(b"%d" % number, "x", 5)))
        self.assertFalse(self.unsent.add(17, Waiting(b"more", "x", 5)))
        self.unsent.clear()
        self.assertTrue(self.unsent.add(17, Waiting(b"1", "\x01" * (MAX_BYTES - 1), 5)))
        self.assertFalse(self.unsent.add(17, Waiting(b"2", "世", 5)))
        self.unsent.save()
        self.assertEqual(len(Unsent(self.path).load()), 1)

    def test_damaged(self) -> None:
        """It is said which file, and the file stays."""
        self.path.parent.mkdir(parents=True)
        for data in (b"", b"[]", b'{"version": 2}', b'{"version": 1, "texts": [{}]}'):
            self.path.write_bytes(data)
            error = self.assertRaises(StateError, Unsent(self.path).load)
            self.assertIn(str(self.path), error.text)
            self.assertEqual(self.path.read_bytes(), data)

    def test_without_a_file(self) -> None:
        """Nothing is kept."""
        nowhere = Unsent()
        self.assertEqual(nowhere.load(), [])
        self.assertTrue(nowhere.add(17, Waiting(b"1", "one", 5)))
        nowhere.save()
