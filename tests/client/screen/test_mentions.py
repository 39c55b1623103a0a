"""Whom a text names."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.client.screen.mentions import MAX_MENTIONS, mentioned

MEMBERS = {"alice": 1, "bob": 2, "al.x": 3, "al": 4}


class MentionsTest(SynchronousTestCase):
    def test_names(self) -> None:
        """Members only, each once, whatever the case, also at the end of a sentence and in other scripts' texts."""
        for text, numbers in (
            ("@Bob and @alice, @bob!", [2, 1]),
            ("ask @bob.", [2]),
            ("@al.x @al.", [3, 4]),
            ("你好@bob, (@alice)", [2, 1]),
            ("@bobby @carol bob me@bob a@@bob @", []),
        ):
            self.assertEqual(mentioned(text, MEMBERS), numbers, text)

    def test_bounded(self) -> None:
        """As many as the server takes."""
        members = {f"n{number}": number for number in range(1, 100)}
        text = " ".join(f"@{name}" for name in members)
        self.assertEqual(len(mentioned(text, members)), MAX_MENTIONS)
