"""What others do to their messages, and calls for attention, as they arrive."""

from imserver.client.screen.exchange import RING_SECONDS
from imserver.core import events, requests
from imserver.core.values import Account, Extra, Gone, Kind, Presence, State
from tests.client.fake_server import ALICE, BOB, DIRECT, GROUP
from tests.client.screen.fakes import ExchangeCase

CAROL = Account(7, "carol", "", "")


class ArrivingTest(ExchangeCase):
    def setUp(self) -> None:
        super().setUp()
        self.start()

    def test_a_call_for_attention(self) -> None:
        """Is told with where it comes from, rings once however many come, and is unread."""
        self.server.act(DIRECT, Kind.ATTENTION)
        self.server.act(GROUP, Kind.ATTENTION)
        self.settle()
        self.assertEqual(
            self.desk.notices,
            ["alice calls for your attention", "alice calls for your attention in # team"],
        )
        self.assertEqual((self.desk.rings, self.exchange.chats.unread), (1, 2))
        self.clock.advance(RING_SECONDS)
        self.server.act(DIRECT, Kind.ATTENTION)
        self.settle()
        self.assertEqual(self.desk.rings, 2)

    def test_who_is_not_to_be_disturbed(self) -> None:
        """Sees it and hears nothing."""
        self.exchange.people.own = Presence(State.DO_NOT_DISTURB, "")
        self.server.act(DIRECT, Kind.ATTENTION)
        self.settle()
        self.assertEqual((len(self.desk.notices), self.desk.rings), (1, 0))

    def test_edits_and_recalls(self) -> None:
        """Count for nothing by themselves."""
        for text in ("one", "two"):
            self.server.say(DIRECT, text)
        self.server.act(DIRECT, Kind.EDIT, "1", Extra(about=1))
        self.server.act(DIRECT, Kind.RECALL, "", Extra(about=2))
        self.settle()
        self.assertEqual(self.chat(DIRECT).unread, 2)

    def test_burnt(self) -> None:
        """Nothing is held of it any more."""
        self.server.say(DIRECT, "secret", Extra(burn_seconds=5))
        self.settle()
        self.server.connection.tell(events.MessageBurnt(DIRECT, 1))
        self.settle()
        (message,) = self.chat(DIRECT).messages
        self.assertEqual((message.body, message.content_type), (b"", Gone.BURNT))

    def test_burnt_while_away(self) -> None:
        """What was to be burnt is fetched anew with the next connection."""
        self.server.say(DIRECT, "secret", Extra(burn_seconds=5))
        self.settle()
        self.exchange.open(self.chat(DIRECT))
        self.settle()
        log = self.server.log[DIRECT]
        log[0] = self.server.gone(log[0], Gone.BURNT)
        self.server.connection.cut()
        self.clock.advance(2)
        self.settle()
        self.assertEqual(self.texts(DIRECT), [""])

    def test_burnt_without_a_connection(self) -> None:
        """Its seconds run from when it was read, and it stays burnt though the server has it still."""
        self.server.say(DIRECT, "secret", Extra(burn_seconds=5))
        self.settle()
        self.server.reachable = False
        self.server.connection.cut()
        self.pass_seconds(100)
        self.assertEqual(self.texts(DIRECT), ["secret"])  # nobody has read it
        self.exchange.read(self.chat(DIRECT))
        self.pass_seconds(0)
        self.pass_seconds(4)
        self.assertEqual(self.texts(DIRECT), ["secret"])
        self.pass_seconds(1)
        self.assertEqual(self.texts(DIRECT), [""])
        self.server.reachable = True
        self.exchange.open(self.chat(DIRECT))
        self.clock.advance(2)
        self.settle()
        self.assertEqual((self.texts(DIRECT), self.server.read), ([""], {DIRECT: 1}))

    def test_own_burn(self) -> None:
        """When the other one has read them so long ago."""
        self.exchange.saying.say(self.chat(DIRECT), "secret", burn_seconds=5)
        self.settle()
        self.pass_seconds(100)
        self.assertEqual(self.texts(DIRECT), ["secret"])
        self.server.connection.tell(events.ReadUpTo(DIRECT, ALICE.number, 1))
        self.settle()
        self.pass_seconds(0)
        self.pass_seconds(5)
        self.assertEqual(self.texts(DIRECT), [""])

    def test_groups_burn_when_all_have_read(self) -> None:
        """Which only the server knows."""
        self.server.say(GROUP, "secret", Extra(burn_seconds=5))
        self.settle()
        self.exchange.read(self.chat(GROUP))
        self.pass_seconds(0)
        self.pass_seconds(100)
        self.assertEqual(self.texts(GROUP), ["secret"])

    def pass_seconds(self, seconds: int) -> None:
        """By the clock on the wall; the view sees to it once a second."""
        self.wall_ms += 1000 * seconds
        self.exchange.burn()

    def test_forwarded(self) -> None:
        """Who has said it first is asked for once; who is gone stays somebody."""
        self.server.override = lambda request: (
            self.account(request.number) if isinstance(request, requests.LookUp) else None
        )
        for number in (CAROL.number, CAROL.number, 8):
            self.server.say(DIRECT, "news", Extra(origin=number))
        self.settle()
        chat = self.chat(DIRECT)
        self.assertEqual([chat.origin_name(number) for number in (7, 8, 0)], ["carol", "somebody", ""])
        asked = [each for each in self.server.heard if isinstance(each, requests.LookUp)]
        self.assertEqual([each.number for each in asked], [7, 8])
        self.assertEqual(self.desk.notices, [])

    def account(self, number: int) -> events.Event:
        """What the server says of it."""
        return events.AccountFound(CAROL) if number == CAROL.number else events.Refused("NOT_FOUND", "no")


class SayingTest(ExchangeCase):
    def setUp(self) -> None:
        super().setUp()
        self.start()

    def said(self, conversation: int, text: str) -> Extra | None:
        """Say it there; -> what went with it."""
        self.exchange.saying.say(self.chat(conversation), text)
        self.settle()
        message = self.server.log[conversation][-1]
        self.assertEqual(self.chat(conversation).messages[-1].extra, message.extra)
        return message.extra

    def test_mentions(self) -> None:
        """Members who are named are mentioned; others are not, nor is anybody in a text without names."""
        self.exchange.open(self.chat(GROUP))
        self.settle()
        self.assertEqual(self.said(GROUP, "come, @Alice!"), Extra(mentions=[ALICE.number]))
        self.assertEqual(self.said(DIRECT, "come, @alice!"), Extra(mentions=[ALICE.number]))
        self.assertIsNone(self.said(GROUP, "come, @carol"))

    def test_who_comes_later(self) -> None:
        """Is a member, too, once the group's log says that it has changed."""
        self.exchange.open(self.chat(GROUP))
        self.settle()
        self.server.members.append(CAROL)
        self.server.act(GROUP, Kind.NOTICE, "{}")
        self.settle()
        self.assertEqual(self.said(GROUP, "@carol @bob"), Extra(mentions=[CAROL.number, BOB.number]))
