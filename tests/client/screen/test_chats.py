"""All conversations of the screen."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.client.screen.chat import KEPT_MESSAGES
from imserver.client.screen.chats import MAX_HOLDING, Chats
from tests.client.fake_server import BOB, direct, group
from tests.client.screen.values import membership, message


class ChatsTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.chats = Chats(BOB)

    def test_newest_first(self) -> None:
        """By the time of the last message; where nothing was said, by title."""
        for number, title in ((1, "zebra"), (2, "ape"), (3, "old"), (4, "new")):
            self.chats.update(membership(conversation=group(number, title)))
        self.chats.arrived(message(1, time_ms=10, of=3), group(3, "old"))
        self.chats.arrived(message(1, time_ms=20, of=4), group(4, "new"))
        self.assertEqual([chat.title for chat in self.chats.newest_first()], ["new", "old", "ape", "zebra"])

    def test_a_message_before_the_list(self) -> None:
        """It is one unread message, whatever its seq."""
        chat = self.chats.arrived(message(41), direct())
        self.assertEqual((chat.unread, self.chats.unread), (1, 1))

    def test_opening(self) -> None:
        """Where reading begins is remembered, if anything is unread; the one before is closed."""
        one = self.chats.update(membership(last=9, read=4))
        other = self.chats.update(membership(conversation=group()))
        self.chats.enter(one)
        self.assertEqual(one.read_before, 4)
        one.put_page([message(seq) for seq in range(1, 400)], before=False)
        self.chats.enter(other)
        self.assertEqual((len(one.messages), other.read_before), (KEPT_MESSAGES, 0))

    def test_few_hold_messages(self) -> None:
        """Who was touched longest ago lets go of its messages, but never the open one."""
        first = self.chats.arrived(message(1, of=1), group(1))
        self.chats.enter(first)
        second = self.chats.arrived(message(1, of=2), group(2))
        for number in range(3, 3 + MAX_HOLDING):
            self.chats.arrived(message(1, of=number), group(number))
        self.assertEqual((len(first.messages), len(second.messages), second.unread), (1, 0, 1))
        self.assertTrue(second.older)
        self.assertEqual(sum(bool(chat.messages) for chat in self.chats.newest_first()), MAX_HOLDING)

    def test_finding(self) -> None:
        """People by name, groups by title or number unless they were left."""
        alice = self.chats.update(membership())
        team = self.chats.update(membership(conversation=replace(group(), number=5)))
        self.chats.update(membership(conversation=replace(group(99), number=6), left=1))
        self.assertIs(self.chats.with_person("alice"), alice)
        self.assertIsNone(self.chats.with_person("carol"))
        found = [self.chats.groups(wanted) for wanted in ("team", "*5", "*6", "5")]
        self.assertEqual(found, [[team], [team], [], []])
        self.assertEqual(self.chats.names(), {"alice"})
