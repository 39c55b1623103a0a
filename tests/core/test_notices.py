"""What happened to a group, as JSON and as a sentence."""

import json

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import notices
from imserver.core.changes import Action


class NoticeTests(SynchronousTestCase):
    def test_json(self) -> None:
        """The body is a JSON object of action, actor, accounts and title, in UTF-8."""
        body = notices.encode(Action.ADDED, "alice", ["bob"], 'Café "X"')
        self.assertIn("Café".encode(), body)
        self.assertEqual(
            json.loads(body), {"action": "added", "actor": "alice", "accounts": ["bob"], "title": 'Café "X"'}
        )

    def test_sentences(self) -> None:
        """Every action has its sentence; one of a later version has words, too."""
        found = {
            action: notices.sentence(notices.encode(action, "alice", ["bob", "carol"], "Lunch"))
            for action in Action
        }
        expected = {
            Action.CREATED: 'alice created the group "Lunch"',
            Action.ADDED: "alice added bob, carol",
            Action.LEFT: "alice left",
            Action.RENAMED: 'alice renamed the group to "Lunch"',
        }
        self.assertEqual(found, expected)
        later = json.dumps({"action": "painted", "actor": "alice", "accounts": [], "title": ""}).encode()
        self.assertEqual(notices.sentence(later), "alice: painted")
