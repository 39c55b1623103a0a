"""Correcting, taking back, forwarding, calling and burning, on a server in memory."""

from imserver.client.screen.orders import obey
from imserver.client.screen.shown import shown
from imserver.core.values import Conversation, ConversationKind, Extra, Gone, Kind
from tests.client.fake_server import ALICE, DIRECT, GROUP
from tests.client.screen.fakes import ExchangeCase


class ActionOrdersTest(ExchangeCase):
    def setUp(self) -> None:
        super().setUp()
        self.server.add(Conversation(GROUP, ConversationKind.GROUP, "team", (), 12))
        self.server.say(DIRECT, "Alice says one")
        self.server.say(DIRECT, "Alice says two")
        self.start()
        self.obey("/msg alice")

    def obey(self, text: str) -> None:
        """Type it."""
        self.exchange.spawn(obey(self.desk, text))
        self.settle()

    def last(self, conversation: int = DIRECT) -> tuple[int, str, Extra | None]:
        """What the server has heard last; it is held here, too."""
        message = self.server.log[conversation][-1]
        held = self.chat(conversation).find(message.seq)
        assert held is not None
        self.assertEqual((held.kind, held.body, held.extra), (message.kind, message.body, message.extra))
        return message.kind, message.body.decode(), message.extra

    def sees(self) -> list[str]:
        """What there is to read."""
        return [each.message.body.decode() for each in shown(self.chat(DIRECT))]

    def test_edit(self) -> None:
        """The newest own message, also when it was edited before."""
        self.exchange.saying.say(self.chat(DIRECT), "helo")
        self.settle()
        for text in ("hello", "hello  there"):
            self.obey(f"/edit {text}")
            self.assertEqual(self.last(), (Kind.EDIT, text, Extra(about=3)))
        self.assertEqual(self.sees(), ["Alice says one", "Alice says two", "hello  there"])

    def test_recall(self) -> None:
        """The newest own message; the next time the one before it."""
        for text in ("one", "two"):
            self.exchange.saying.say(self.chat(DIRECT), text)
        self.settle()
        for seq in (4, 3):
            self.obey("/recall")
            self.assertEqual(self.last(), (Kind.RECALL, "", Extra(about=seq)))
        left = [(each.seq, each.content_type) for each in self.chat(DIRECT).messages if not each.body]
        self.assertEqual(left[:2], [(3, Gone.RECALLED), (4, Gone.RECALLED)])

    def test_nothing_to_change(self) -> None:
        """It is said why: nothing own is there, or is not in sight, or what is meant is still on its way."""
        self.obey("/recall")
        self.chat(DIRECT).newer = True
        self.obey("/edit x")
        self.chat(DIRECT).newer = False
        self.server.reachable = False
        self.server.connection.cut()
        self.exchange.saying.say(self.chat(DIRECT), "helo")
        self.obey("/edit hello")
        self.assertEqual([text.split()[0] for text in self.desk.notices], ["no", "no", "there", "what"])

    def test_reply(self) -> None:
        """To the newest message of others, or to the newest that says something; who is named is mentioned as ever."""
        self.server.act(DIRECT, Kind.EDIT, "Alice says 2", Extra(about=2))
        self.settle()
        for order, text, about, mentions in (
            ("yes @alice", "yes @alice", 2, [1]),
            ("'SAYS one' no", "no", 1, []),
            ('"alice says"  "well"', '"well"', 2, []),
        ):
            self.obey(f"/reply {order}")
            self.assertEqual(self.last(), (Kind.TEXT, text, Extra(about=about, mentions=mentions)))
        self.assertEqual(list(shown(self.chat(DIRECT)))[-3].quote, "> alice: Alice says 2")
        self.assertEqual(self.desk.notices, [])

    def test_reply_to_nothing(self) -> None:
        """Nothing is said."""
        for order in ("", "'one'", "'one two", "'three' x"):
            self.obey(f"/reply {order}".strip())
        self.assertEqual(
            self.desk.notices,
            [
                "write /reply ['WORDS'] TEXT",
                "write /reply ['WORDS'] TEXT",
                "a quotation mark is not closed",
                "no message here says three",
            ],
        )
        self.assertEqual(len(self.server.log[DIRECT]), 2)

    def test_forward(self) -> None:
        """The newest message of others, or the newest that says something, with its newest text."""
        self.exchange.saying.say(self.chat(DIRECT), "mine")
        self.settle()
        self.server.act(DIRECT, Kind.EDIT, "Alice says 2", Extra(about=2))
        self.settle()
        for words, text, origin in (
            ("", "Alice says 2", 1),
            (" SAYS one", "Alice says one", 1),
            (" mine", "mine", 2),
        ):
            self.obey(f"/forward *12{words}")
            self.assertEqual(self.last(GROUP), (Kind.TEXT, text, Extra(origin=origin)))
        self.obey("/forward @Alice one")
        self.assertEqual(self.last(), (Kind.TEXT, "Alice says one", Extra(origin=ALICE.number)))
        self.assertEqual(self.desk.notices, ["Forwarded to team."] * 3 + ["Forwarded to alice."])

    def test_forward_nothing(self) -> None:
        """To a group that is not there, or what is not there or must not be kept."""
        self.server.say(DIRECT, "secret", Extra(burn_seconds=5))
        self.settle()
        for order in ("*13", "*x", "*12 secret", "", "nobody"):
            self.obey(f"/forward {order}".strip())
        self.assertEqual(
            self.desk.notices,
            [
                "you are in no group *13",
                "you are in no group *x",
                "no message here says secret",
                "write /forward NAME|*N [WORDS]",
                "there is no nobody",
            ],
        )

    def test_shake(self) -> None:
        """Calls for attention, here."""
        self.obey("/shake")
        self.assertEqual(self.last(), (Kind.ATTENTION, "", None))
        self.assertEqual(self.desk.rings, 0)

    def test_burn(self) -> None:
        """A text that goes; without both numbers and words nothing is said."""
        self.obey("/burn 5 the safe  is open")
        self.assertEqual(self.last(), (Kind.TEXT, "the safe  is open", Extra(burn_seconds=5)))
        for order in ("/burn", "/burn 5", "/burn x y", "/burn 0 y"):
            self.obey(order)
        self.assertEqual(self.desk.notices, ["write /burn SECONDS TEXT"] * 4)
        self.assertEqual(len(self.server.log[DIRECT]), 3)
