"""Own texts on their way, over a server in memory."""

from imserver.client.screen.exchange import Exchange
from imserver.client.screen.saying import KEEP_SECONDS
from imserver.client.screen.unsent import MAX_TEXTS, Unsent
from imserver.core import events
from imserver.core.requests import Send
from tests.client.fake_server import BOB, DIRECT
from tests.client.screen.fakes import ExchangeCase


class SayingTest(ExchangeCase):
    """Own messages."""

    def setUp(self) -> None:
        super().setUp()
        self.start()
        self.chat_ = self.chat(DIRECT)

    def test_said(self) -> None:
        """It waits until the server has it; then it is a message like any other, and nothing is unread."""
        self.exchange.saying.say(self.chat_, "hello")
        self.assertEqual([each.text for each in self.chat_.waiting], ["hello"])
        self.settle()
        self.assertEqual((self.chat_.waiting, self.texts(DIRECT)), ([], ["hello"]))
        self.assertEqual((self.chat_.mark(self.chat_.messages[0]), self.chat_.unread), ("sent", 0))

    def test_without_a_connection(self) -> None:
        """It is sent once, in order, when there is one again; both are told."""
        self.server.reachable = False
        self.server.connection.cut()
        for text in ("one", "two"):
            self.exchange.saying.say(self.chat_, text)
        self.settle()
        self.assertEqual((len(self.chat_.waiting), self.exchange.chats.waiting), (2, 2))
        self.assertIn("closed", self.desk.connections[-1])
        self.server.reachable = True
        self.clock.advance(2)
        self.settle()
        self.assertEqual(self.desk.connections[-1], "")
        self.assertEqual(self.server.texts(DIRECT, BOB), ["one", "two"])
        self.assertEqual((self.chat_.waiting, self.texts(DIRECT)), ([], ["one", "two"]))

    def test_the_answer_was_lost(self) -> None:
        """The message is there once, on the server and on the screen."""
        self.exchange.saying.say(self.chat_, "once")
        self.server.connection.serve()
        self.server.connection.cut()
        self.clock.advance(2)
        self.settle()
        self.assertEqual((self.server.texts(DIRECT, BOB), self.texts(DIRECT)), (["once"], ["once"]))

    def test_refused(self) -> None:
        """It stays, with the reason."""
        self.exchange.saying.say(self.chat_, "x" * 100_000)
        self.settle()
        self.assertIn("at most", self.chat_.waiting[0].refusal)
        self.assertEqual(self.exchange.chats.waiting, 0)

    def test_the_account_is_used_elsewhere(self) -> None:
        """What waited was not sent, and is said so."""
        self.exchange.saying.say(self.chat_, "too late")
        self.server.connection.tell(events.Closing("REPLACED", "opened elsewhere"))
        self.server.connection.deliver()
        self.server.connection.cut()
        self.settle()
        self.assertEqual([end.code for end in self.desk.ends], ["REPLACED"])
        self.assertEqual(self.chat_.waiting[0].refusal, "opened elsewhere")


class KeepingTest(ExchangeCase):
    """What waits when imchat ends is said the next time."""

    def setUp(self) -> None:
        super().setUp()
        self.path = self.folder / "unsent.json"
        self.come()

    def come(self) -> None:
        """Start imchat."""
        self.exchange = self.desk.exchange = Exchange(self.clock, lambda: self.wall_ms, self.desk)
        self.exchange.saying.keep(Unsent(self.path))
        self.start()

    def lose(self) -> None:
        """No connection any more, nor another one."""
        self.server.reachable = False
        self.server.connection.cut()

    def leave(self) -> None:
        """End imchat; what it kept is read by another Unsent."""
        self.end(self.exchange.client)
        self.server.reachable = True

    def test_said_the_next_time(self) -> None:
        """In order, with all that belongs to it; then nothing is kept any more."""
        self.lose()
        self.exchange.saying.say(self.chat(DIRECT), "one @alice", about=3)
        self.exchange.saying.say(self.chat(DIRECT), "two", burn_seconds=5)
        self.leave()
        self.assertEqual(self.desk.notices, [])
        self.come()
        self.assertEqual(self.server.texts(DIRECT, BOB), ["one @alice", "two"])
        one, two = (each.extra for each in self.server.log[DIRECT])
        assert one is not None and two is not None
        self.assertEqual((one.about, one.mentions, two.burn_seconds), (3, [1], 5))
        self.assertEqual((self.chat(DIRECT).waiting, self.texts(DIRECT)), ([], ["one @alice", "two"]))
        self.clock.advance(KEEP_SECONDS)
        self.assertFalse(self.path.exists())

    def test_nothing_twice(self) -> None:
        """The server had it, and only its answer was lost: it knows the id again."""
        self.exchange.saying.say(self.chat(DIRECT), "once")
        self.server.connection.serve()
        self.lose()
        self.leave()
        self.come()
        sent = [each.client_id for each in self.server.heard if isinstance(each, Send)]
        self.assertEqual(len(sent), 2)
        self.assertEqual(sent[0], sent[1])
        self.assertEqual((self.server.texts(DIRECT, BOB), self.texts(DIRECT)), (["once"], ["once"]))

    def test_nothing_is_written_in_vain(self) -> None:
        """What the server has at once, and what it will never take, is not in the file."""
        for text in ("hello", "x" * 100_000):
            self.exchange.saying.say(self.chat(DIRECT), text)
            self.settle()
        self.clock.advance(KEEP_SECONDS)
        self.assertFalse(self.path.exists())

    def test_killed(self) -> None:
        """A moment later it is in the file, whatever becomes of imchat."""
        self.lose()
        self.exchange.saying.say(self.chat(DIRECT), "wait for me")
        self.clock.advance(KEEP_SECONDS)
        self.assertEqual([each.text for _, each in Unsent(self.path).load()], ["wait for me"])

    def test_the_account_is_used_elsewhere(self) -> None:
        """What waited goes on waiting for this one to come back."""
        self.exchange.saying.say(self.chat(DIRECT), "wait for me")
        self.server.connection.tell(events.Closing("REPLACED", "opened elsewhere"))
        self.server.connection.deliver()
        self.server.connection.cut()
        self.settle()
        self.come()
        self.assertEqual(self.server.texts(DIRECT, BOB), ["wait for me"])

    def test_logged_out(self) -> None:
        """Nothing of the account stays here."""
        self.lose()
        self.exchange.saying.say(self.chat(DIRECT), "never")
        self.leave()
        self.exchange.saying.forget()
        self.assertFalse(self.path.exists())

    def test_the_conversation_is_gone(self) -> None:
        """It is said, and not tried again."""
        self.lose()
        self.exchange.saying.say(self.chat(DIRECT), "never")
        self.leave()
        del self.server.conversations[DIRECT]
        self.come()
        self.assertIn("its conversation is gone", self.desk.notices[-1])
        self.clock.advance(KEEP_SECONDS)
        self.assertFalse(self.path.exists())

    def test_too_much(self) -> None:
        """It is said that this one is not kept."""
        self.lose()
        for _ in range(MAX_TEXTS):
            self.exchange.saying.say(self.chat(DIRECT), "x")
        self.assertEqual(self.desk.notices, [])
        self.exchange.saying.say(self.chat(DIRECT), "x")
        self.assertIn("is lost if imchat ends", self.desk.notices[0])

    def test_not_writable(self) -> None:
        """It is said, and imchat goes on."""
        self.folder.write_bytes(b"")  # where the folder should be
        self.lose()
        self.exchange.saying.say(self.chat(DIRECT), "x")
        self.clock.advance(KEEP_SECONDS)
        self.assertIn("cannot be written", self.desk.notices[-1])
