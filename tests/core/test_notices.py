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
        details: dict[Action, dict[str, str | int]] = {
            Action.MUTED: {"until_ms": 1_767_225_600_000},
            Action.POLICY_CHANGED: {"policy": "by request"},
            Action.ANNOUNCED: {"text": "at {noon}"},
        }
        found = {
            action: notices.sentence(
                notices.encode(action, "alice", ["bob", "carol"], "Lunch", **details.get(action, {}))
            )
            for action in Action
            if action is not Action.REJECTED  # which nobody is told
        }
        expected = {
            Action.CREATED: 'alice created the group "Lunch"',
            Action.ADDED: "alice added bob, carol",
            Action.LEFT: "alice left",
            Action.RENAMED: 'alice renamed the group to "Lunch"',
            Action.JOINED: "alice joined",
            Action.ADMITTED: "alice admitted bob, carol",
            Action.REMOVED: "alice removed bob, carol",
            Action.PROMOTED: "alice made bob, carol an admin",
            Action.DEMOTED: "alice made bob, carol a member again",
            Action.HANDED_OVER: "alice handed the group over to bob, carol",
            Action.MUTED: "alice muted bob, carol until 2026-01-01 00:00 UTC",
            Action.UNMUTED: "alice let bob, carol write again",
            Action.POLICY_CHANGED: "alice changed how people join: by request",
            Action.ANNOUNCED: "alice announced: at {noon}",
            Action.DISSOLVED: "alice dissolved the group",
        }
        self.assertEqual(found, expected)
        everybody = notices.encode(Action.MUTED, "alice", [], "Lunch", until_ms=0)
        self.assertEqual(notices.sentence(everybody), "alice muted everybody until 1970-01-01 00:00 UTC")
        later = json.dumps({"action": "painted", "actor": "alice", "accounts": [], "title": ""}).encode()
        self.assertEqual(notices.sentence(later), "alice: painted")

    def test_heir(self) -> None:
        """When the owner goes, the sentence says who follows."""
        left = notices.encode(Action.LEFT, "alice", ["alice"], "Lunch", owner="bob")
        self.assertEqual(notices.sentence(left), "alice left; bob is the owner now")
