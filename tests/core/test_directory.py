"""The directory: who can be found, how, and at what cost."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from tests.core.client import account, logged_in
from tests.costs import LINEAR, growth
from tests.fakes import World

ALICE, BOB = 100_001, 100_002


class DirectoryTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.alice = logged_in(self.world, "alice")
        for name in ("bob", "bobby", "carol"):
            account(self.world, name)

    def found(self, text: str) -> list[str]:
        return [one.name for one in self.alice.ask(r.Search(text, 0, 0)).accounts]

    def test_found(self) -> None:
        """By the beginning of the name in any spelling, by number, or all."""
        for text in ("bob", "BOB", " bob ", "\uff42\uff4f\uff42"):
            self.assertEqual(self.found(text), ["bob", "bobby"])
        self.assertEqual(self.found(str(BOB)), ["bob"])
        self.assertEqual(self.found(""), ["alice", "bob", "bobby", "carol"])
        self.assertEqual(self.found("dave"), [])

    def test_patterns(self) -> None:
        """What means something to databases and patterns is text like any other (threats.md T26, T28)."""
        for text in ("%", "_ob", "b%", "b*", "[b]ob", "bob' OR 1=1 --", "\0", "\x7f", "^b", "b.*", "\ud800"):
            self.assertEqual(self.found(text), [], ascii(text))

    def test_pages(self) -> None:
        """`next` leads on until everything has been given once."""
        names, after = [], 0
        while True:
            page = self.alice.ask(r.Search("", after, 2))
            names += [one.name for one in page.accounts]
            after = page.next
            if not after:
                break
        self.assertEqual(names, ["alice", "bob", "bobby", "carol"])

    def test_hidden(self) -> None:
        """Who does not want to be found is not, but whoever knows the name can still write."""
        bob = logged_in(self.world, "bob")
        self.assertEqual(bob.ask(r.SetPrivacy(False, False)), e.Done())
        self.assertEqual(self.found("bob"), ["bobby"])
        self.assertEqual(self.found(str(BOB)), [])
        self.assertEqual(self.alice.ask(r.LookUp("bob", 0)).account.number, BOB)

    def test_cost(self) -> None:
        """A quarter of a megabyte of anything costs what it weighs at most (threats.md T26)."""
        for worst in (" ", "@", "\u0301\u0323", "\u202e", "1"):
            cost = growth(lambda size, worst=worst: self.search(worst * size), 262_144)
            self.assertLess(cost, LINEAR, ascii(worst))

    def search(self, text: str) -> None:
        """With an answer, whatever the text is."""
        self.assertIn(self.alice.ask(r.Search(text, 0, 1)).next, (0, ALICE))
