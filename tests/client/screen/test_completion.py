"""Tab."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.screen.completion import Completion, complete

NAMES = ("alice", "albert", "bob")
GROUPS = ("the team", "others")


def completed(line: str) -> Completion:
    """With these people and groups."""
    return complete(line, NAMES, GROUPS)


class CompletionTest(SynchronousTestCase):
    def test_orders(self) -> None:
        """As far as they are certain, then the choices."""
        self.assertEqual(completed("/he"), Completion("/help "))
        self.assertEqual(completed("/group l"), Completion("/group leave "))
        found = completed("/gr")
        self.assertEqual((found.line, found.choices[0]), ("/group ", "/group accept"))
        self.assertEqual(completed("/xyz"), Completion("/xyz"))

    def test_names(self) -> None:
        """After an at sign anywhere, whatever the case; other words are left alone."""
        self.assertEqual(completed("hello @B"), Completion("hello @bob "))
        self.assertEqual(completed("@a"), Completion("@al", ("@albert", "@alice")))
        for text in ("hello al", "hello ", "", "@x", "me@b"):
            self.assertEqual(completed(text), Completion(text))

    def test_after_orders(self) -> None:
        """Names or groups, as the order takes them."""
        self.assertEqual(completed("/msg b"), Completion("/msg bob "))
        self.assertEqual(completed("/msg @b"), Completion("/msg @bob "))
        self.assertEqual(completed("/msg ").choices, tuple(sorted(NAMES)))
        self.assertEqual(completed("/group create 'x' alb"), Completion("/group create 'x' albert "))
        self.assertEqual(completed("/open the"), Completion("/open the team "))
        self.assertEqual(completed("/group rename b"), Completion("/group rename b"))

    @given(st.text(alphabet="/@ abgelmosu'", max_size=20))
    def test_nothing_is_lost(self, line: str) -> None:
        """What was written stays, but for the case of what is completed and spaces after an order."""
        kept = "".join(line.lower().split())
        self.assertTrue("".join(completed(line).line.lower().split()).startswith(kept))
