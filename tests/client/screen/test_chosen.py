"""imserver.client.screen.chosen"""

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imserver.client.screen.chosen import ChosenPresence
from imserver.core.values import Presence, State


class ChosenPresenceTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()) / "presence.json"

    def test_the_next_time(self) -> None:
        """It is the same, and nobody else reads it; to be just online is nothing to keep."""
        self.assertTrue(ChosenPresence(self.path).is_plain)
        for presence in (Presence(State.INVISIBLE, ""), Presence(State.ONLINE, "午饭")):
            ChosenPresence(self.path).choose(presence)
            again = ChosenPresence(self.path)
            self.assertEqual((again.presence, again.is_plain), (presence, False))
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)
        again.forget()
        self.assertFalse(self.path.exists())

    def test_damaged(self) -> None:
        """It says nothing, and the next choice replaces it."""
        self.path.parent.mkdir()
        for data in (b"", b"[]", b'{"state": 77, "text": ""}', b"{}"):
            self.path.write_bytes(data)
            self.assertTrue(ChosenPresence(self.path).is_plain)
        ChosenPresence(self.path).choose(Presence(State.AWAY, ""))
        self.assertEqual(ChosenPresence(self.path).presence.state, State.AWAY)

    def test_without_a_file(self) -> None:
        """It lasts as long as this object."""
        chosen = ChosenPresence()
        chosen.choose(Presence(State.AWAY, ""))
        self.assertFalse(chosen.is_plain)
        self.assertTrue(ChosenPresence().is_plain)
