"""The model and the client library together, over a server in memory."""

from imserver.client.screen.exchange import TYPING_REPEAT_SECONDS
from imserver.client.screen.paging import PAGE
from imserver.core import events
from imserver.core.requests import FetchHistory, MarkRead, Request, SetTyping
from imserver.core.values import Account
from tests.client.fake_server import ALICE, BOB, DIRECT, GROUP
from tests.client.screen.fakes import ExchangeCase


class ComingTest(ExchangeCase):
    """What there is when one has logged in."""

    def test_the_list(self) -> None:
        """All conversations, what is unread, and the newest first though nothing of them was fetched by hand."""
        self.server.say(GROUP, "old")
        self.server.say(DIRECT, "new")
        self.server.log[DIRECT][0].time_ms = 9
        self.start()
        self.assertEqual([chat.id for chat in self.exchange.chats.newest_first()], [DIRECT, GROUP])
        self.assertEqual((self.exchange.chats.unread, self.exchange.chats.own), (2, BOB))
        self.assertEqual(self.desk.connections, [""])

    def test_what_was_read_elsewhere(self) -> None:
        """Is known, and its last message is asked for, to know when it was."""
        self.server.say(DIRECT, "one")
        self.server.delivered[DIRECT] = self.server.read[DIRECT] = 1
        self.start()
        self.assertEqual((self.chat(DIRECT).unread, self.texts(DIRECT)), (0, ["one"]))

    def test_arriving(self) -> None:
        """It is shown and counts as unread."""
        self.start()
        self.server.say(DIRECT, "hello")
        self.settle()
        self.assertEqual((self.texts(DIRECT), self.chat(DIRECT).unread), (["hello"], 1))


class HistoryTest(ExchangeCase):
    """Pages of it."""

    def setUp(self) -> None:
        super().setUp()
        for number in range(1, 121):
            self.server.say(DIRECT, str(number))
        self.server.delivered[DIRECT] = self.server.read[DIRECT] = 120
        self.start()
        self.chat_ = self.chat(DIRECT)

    def test_upwards(self) -> None:
        """A page at a time until there is no more; then nothing is asked any more."""
        self.exchange.open(self.chat_)
        self.settle()
        self.assertEqual((self.chat_.messages[0].seq, self.chat_.older), (120 - PAGE, True))
        for _ in range(2):
            self.exchange.scrolled_up(self.chat_)
            self.exchange.scrolled_up(self.chat_)  # before the page is here: asked once
            self.settle()
        self.assertEqual((self.chat_.messages[0].seq, self.chat_.older), (1, False))
        asked = len([each for each in self.server.heard if isinstance(each, FetchHistory)])
        self.exchange.scrolled_up(self.chat_)
        self.settle()
        self.assertEqual(len([each for each in self.server.heard if isinstance(each, FetchHistory)]), asked)

    def test_downwards(self) -> None:
        """Back to the end by pages; none is open-ended, which would move the device's own position."""
        self.exchange.open(self.chat_)
        self.settle()
        del self.chat_.messages[5:]
        self.chat_.newer = True
        self.server.heard.clear()
        self.exchange.scrolled_down(self.chat_)
        self.settle()
        self.assertEqual((self.chat_.messages[-1].seq, self.chat_.newer), (120, False))
        pages = [each for each in self.server.heard if isinstance(each, FetchHistory)]
        self.assertEqual([bool(page.before) for page in pages], [True])

    def test_at_once(self) -> None:
        """The newest page replaces a stretch that ends before it."""
        self.exchange.open(self.chat_)
        self.settle()
        del self.chat_.messages[5:]
        self.chat_.newer = True
        self.exchange.back_to_the_end(self.chat_)
        self.settle()
        self.assertEqual([self.chat_.messages[0].seq, self.chat_.messages[-1].seq], [121 - PAGE, 120])

    def test_refused(self) -> None:
        """It is said why, and asked again when scrolled again."""
        self.server.override = lambda request: (
            events.Refused("INTERNAL", "no") if isinstance(request, FetchHistory) else None
        )
        self.exchange.open(self.chat_)
        self.settle()
        self.assertEqual(self.desk.notices, ["no"])
        self.server.override = lambda request: None
        self.exchange.scrolled_up(self.chat_)
        self.settle()
        self.assertGreater(len(self.chat_.messages), PAGE)


class MarkTest(ExchangeCase):
    """Who has read what."""

    def setUp(self) -> None:
        super().setUp()
        self.server.say(DIRECT, "hello")
        self.start()
        self.chat_ = self.chat(DIRECT)

    def heard(self, kind: type[Request]) -> list[Request]:
        """Requests of that kind."""
        return [each for each in self.server.heard if isinstance(each, kind)]

    def test_read(self) -> None:
        """Told once."""
        self.exchange.read(self.chat_)
        self.exchange.read(self.chat_)
        self.settle()
        self.assertEqual((self.heard(MarkRead), self.chat_.unread), ([MarkRead(DIRECT, 1)], 0))

    def test_read_without_a_connection(self) -> None:
        """Told when there is one."""
        self.server.reachable = False
        self.server.connection.cut()
        self.exchange.read(self.chat_)
        self.server.reachable = True
        self.clock.advance(2)
        self.settle()
        self.assertEqual((self.server.read, self.chat_.unread), ({DIRECT: 1}, 0))

    def test_read_elsewhere(self) -> None:
        """Another own device has."""
        self.server.connection.tell(events.ReadUpTo(DIRECT, BOB.number, 1))
        self.settle()
        self.assertEqual(self.chat_.unread, 0)

    def test_the_other_one(self) -> None:
        """Her marks are shown on own messages; what was before one came is asked for when it is opened."""
        self.exchange.saying.say(self.chat_, "hello yourself")
        self.settle()
        own = self.chat_.messages[-1]
        self.exchange.open(self.chat_)
        self.settle()
        self.assertEqual(self.chat_.mark(own), "delivered")
        self.server.connection.tell(events.ReadUpTo(DIRECT, ALICE.number, 2))
        self.settle()
        self.assertEqual(self.chat_.mark(own), "read")

    def test_in_a_group(self) -> None:
        """By numbers, and its members are known by name."""
        team = self.chat(GROUP)
        self.exchange.saying.say(team, "all")
        self.settle()
        self.exchange.open(team)
        self.settle()
        self.assertEqual(team.mark(team.messages[-1]), "delivered to 1")
        self.assertEqual(self.exchange.chats.names(), {"alice"})

    def test_typing(self) -> None:
        """Told at once, then every few seconds, and when it ends."""
        for _ in range(3):
            self.exchange.typing(self.chat_, True)
        self.clock.advance(TYPING_REPEAT_SECONDS)
        self.exchange.typing(self.chat_, True)
        self.exchange.typing(self.chat_, False)
        self.exchange.typing(self.chat_, False)
        self.settle()
        self.assertEqual(
            self.heard(SetTyping),
            [SetTyping(DIRECT, True), SetTyping(DIRECT, True), SetTyping(DIRECT, False)],
        )

    def test_said(self) -> None:
        """A message tells that the typing has ended; the next one is told at once."""
        self.exchange.typing(self.chat_, True)
        self.exchange.saying.say(self.chat_, "hello")
        self.exchange.typing(self.chat_, False)
        self.exchange.typing(self.chat_, True)
        self.settle()
        self.assertEqual(self.heard(SetTyping), [SetTyping(DIRECT, True)] * 2)

    def test_the_other_one_types(self) -> None:
        """By name."""
        self.server.connection.tell(events.TypingChanged(DIRECT, ALICE.number, True))
        self.settle()
        self.assertEqual(self.chat_.who_types(self.clock.seconds()), ["alice"])


class ChangeTest(ExchangeCase):
    """Conversations come and go."""

    def test_left(self) -> None:
        """It is known, and no longer written to."""
        self.start()
        self.server.connection.tell(events.ConversationLeft(GROUP))
        self.settle()
        self.assertTrue(self.chat(GROUP).left)

    def test_unknown_conversations(self) -> None:
        """A signal about one that is not there changes nothing."""
        self.start()
        self.server.connection.tell(events.TypingChanged(4711, 1, True))
        self.settle()
        self.assertIsNone(self.exchange.chats.get(4711))

    def test_restored_from_a_backup(self) -> None:
        """Nothing that was held means anything any more."""
        self.server.say(DIRECT, "before")
        self.start()
        self.assertEqual(self.texts(DIRECT), ["before"])
        self.server.log[DIRECT].clear()
        self.server.delivered.clear()
        self.server.ids.clear()
        self.server.log_epoch += 1
        self.server.say(DIRECT, "after")
        self.server.connection.cut()
        self.clock.advance(2)
        self.settle()
        self.assertEqual((self.texts(DIRECT), self.chat(DIRECT).unread), (["after"], 1))

    def test_another_account(self) -> None:
        """Begins with nothing."""
        self.start()
        self.assertEqual(len(self.exchange.chats), 2)
        self.exchange.client.account = Account(3, "carol", "", "")
        self.exchange.connection_changed(None)
        self.assertEqual(len(self.exchange.chats), 0)
        self.settle()

    def test_a_bug(self) -> None:
        """It is logged, somebody is told, and the chat goes on."""
        self.start()

        async def broken() -> None:
            raise ZeroDivisionError

        self.exchange.spawn(broken())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertIn("log", self.desk.notices[-1])
