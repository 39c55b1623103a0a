"""imserver.client.private_file"""

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imserver.client import private_file
from imserver.client.errors import StateError


class PrivateFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()) / "folder" / "file.json"

    def test_replaced(self) -> None:
        """As a whole, whatever a crash has left behind; nobody else may read it or look into its folder."""
        for data in (b"one", b"two"):
            private_file.replace(self.path, data)
            self.assertEqual(private_file.read(self.path, 100), data)
            self.path.with_suffix(".new").write_bytes(b"half a fi")
        self.assertEqual(
            [os.stat(each).st_mode & 0o777 for each in (self.path, self.path.parent)], [0o600, 0o700]
        )

    def test_too_long(self) -> None:
        """It is seen that it is longer than allowed, without all of it being read."""
        private_file.replace(self.path, b"x" * 100)
        self.assertEqual(len(private_file.read(self.path, 10) or b""), 11)

    def test_removed(self) -> None:
        """There is none, and then still none."""
        private_file.replace(self.path, b"")
        self.assertEqual(private_file.read(self.path, 1), b"")
        for _ in range(2):
            private_file.remove(self.path)
            self.assertIsNone(private_file.read(self.path, 1))

    def test_in_the_way(self) -> None:
        """What cannot be read or written is an error that names the file."""
        self.path.mkdir(parents=True)
        for use in (lambda: private_file.read(self.path, 1), lambda: private_file.replace(self.path, b"")):
            self.assertIn(str(self.path), self.assertRaises(StateError, use).text)
