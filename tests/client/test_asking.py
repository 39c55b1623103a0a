"""Requests over several connections."""

from typing import cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imserver.client import asking
from imserver.client.asking import REPEATABLE, Asking
from imserver.client.errors import NotConnected, QueueFull, RequestRefused
from imserver.client.link import Link
from imserver.core.events import Done, GroupChanged
from imserver.core.requests import ChangePassword, ListDevices, LookUp, RenameGroup
from imserver.core.values import Once
from tests.client.fake_link import FakeLink

RENAME = RenameGroup(17, "team", Once(5, 1))
CHANGE = ChangePassword("old one", "new one")


class AskingTests(SynchronousTestCase):
    """One client's requests."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.asking = Asking(self.clock)
        self.link = self.new_link()

    def new_link(self) -> FakeLink:
        """Connected (again)."""
        link = FakeLink()
        self.asking.link_up(cast(Link, link))
        return link

    def test_asked_again_under_the_same_number(self) -> None:
        """A lost answer to a read, or to a change with a number of its own, is asked for on the next link."""
        answers = [self.asking.ask(ListDevices()), self.asking.ask(RENAME)]
        self.link.lose()
        link = self.new_link()
        self.assertEqual([request for request, _ in link.asked], [ListDevices(), RENAME])
        link.answer(0, Done())
        link.answer(1, GroupChanged(17, 2))
        self.assertEqual([self.successResultOf(answer) for answer in answers], [Done(), GroupChanged(17, 2)])

    def test_not_asked_again(self) -> None:
        """What might happen twice fails, because nobody knows whether it was done."""
        answer = self.asking.ask(CHANGE)
        self.link.lose()
        self.failureResultOf(answer, NotConnected)
        self.assertEqual(self.new_link().asked, [])
        self.assertFalse(issubclass(ChangePassword, REPEATABLE))

    def test_asked_before_there_is_a_link(self) -> None:
        """Waits for one, whatever it is."""
        self.asking = Asking(self.clock)
        self.asking.ask(CHANGE)
        self.assertEqual([request for request, _ in self.new_link().asked], [CHANGE])

    def test_told_to_wait(self) -> None:
        """It is asked again after that time; a new link meanwhile changes nothing."""
        answer = self.asking.ask(LookUp("alice", 0))
        self.link.refuse(0, "RATE_LIMITED", 200)
        link = self.new_link()
        self.assertEqual(link.asked, [])
        self.clock.advance(0.2)
        link.answer(0, Done())
        self.successResultOf(answer)

    def test_refused(self) -> None:
        """The asker learns it."""
        answer = self.asking.ask(LookUp("nobody", 0))
        self.link.refuse(0, "NOT_FOUND")
        self.failureResultOf(answer, RequestRefused)

    def test_bounded(self) -> None:
        """Beyond the bound nothing more is taken."""
        self.patch(asking, "MAX_ASKED", 1)
        self.asking.ask(ListDevices())
        self.assertRaises(QueueFull, self.asking.ask, ListDevices())
        self.link.answer(0, Done())
        self.asking.ask(ListDevices())

    def test_the_end(self) -> None:
        """All askers learn it, late answers are nothing, no timer is left."""
        answers = [self.asking.ask(ListDevices()), self.asking.ask(LookUp("alice", 0))]
        self.link.refuse(0, "RATE_LIMITED", 100)
        self.asking.end(NotConnected("REVOKED", ""))
        for answer in answers:
            self.failureResultOf(answer, NotConnected)
        self.link.answer(1, Done())
        self.link.lose()
        self.assertEqual(self.clock.getDelayedCalls(), [])
