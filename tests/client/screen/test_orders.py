"""What is typed with a slash in front, on a server in memory."""

from imserver.client.screen.orders import ORDERS, Misuse, find, help_lines, is_order, obey
from imserver.core import events
from imserver.core.requests import AddMembers, CreateGroup, LeaveGroup, LogOut, RenameGroup, Request
from tests.architecture import ROOT
from tests.client.fake_server import ALICE, BOB, DIRECT, GROUP
from tests.client.screen.fakes import ExchangeCase


class ParsingTest(ExchangeCase):
    def test_orders(self) -> None:
        """A slash; two are the text of one."""
        self.assertEqual([is_order(text) for text in ("/x", "//x", "x", "")], [True, False, False, False])

    def test_the_longest_wins(self) -> None:
        """With what follows it, as it was written."""
        order, rest = find("/group add bob\n carol ")
        self.assertEqual((order.words, rest), ("/group add", "bob\n carol"))
        for text in ("/nothing", "/group", "/helpx", "/"):
            self.assertRaises(Misuse, find, text)

    def test_help(self) -> None:
        """Every order is there, on one row where there are 80 cells: less a frame, its padding and a scroll bar."""
        text = "\n".join(help_lines())
        for order in ORDERS:
            self.assertIn(order.words, text)
        self.assertLessEqual(max(map(len, help_lines())), 80 - 6)

    def test_page(self) -> None:
        """And on the page about imchat."""
        page = (ROOT / "docs" / "imchat.md").read_text("utf-8")
        self.assertEqual([order.words for order in ORDERS if f"`{order.words}" not in page], [])


class OrderTest(ExchangeCase):
    """Each of them."""

    def setUp(self) -> None:
        super().setUp()
        self.start()

    def obey(self, text: str) -> None:
        """Type it."""
        self.exchange.spawn(obey(self.desk, text))
        self.settle()

    def last(self, kind: type[Request]) -> Request:
        """The last request of that kind."""
        return [request for request in self.server.heard if isinstance(request, kind)][-1]

    def test_message(self) -> None:
        """To somebody with whom there is a conversation, or not yet; with a text or without."""
        self.obey("/msg @Alice hello  there")
        self.assertIs(self.exchange.chats.open, self.chat(DIRECT))
        self.assertEqual(self.server.texts(DIRECT, BOB), ["hello  there"])
        self.exchange.chats.get(DIRECT).conversation.peers  # noqa: B018
        self.obey("/msg nobody hello")
        self.assertEqual(self.desk.notices, ["there is no nobody"])
        self.obey("/msg alice")
        self.assertEqual(len(self.server.texts(DIRECT, BOB)), 1)

    def test_message_to_somebody_new(self) -> None:
        """A conversation is opened."""
        self.exchange.chats._chats.clear()
        self.obey("/msg alice hello")
        self.assertEqual(self.server.texts(DIRECT, BOB), ["hello"])

    def test_message_without_a_connection(self) -> None:
        """It is said that it has to wait."""
        self.exchange.chats._chats.clear()
        self.server.reachable = False
        self.server.connection.cut()
        self.obey("/msg alice hello")
        self.assertIn("no connection", self.desk.notices[-1])
        self.server.reachable = True
        self.clock.advance(5)
        self.settle()
        self.assertEqual(self.server.texts(DIRECT, BOB), ["hello"])

    def test_orders_without_a_connection(self) -> None:
        """So it is with all that ask the server, and no others."""
        self.server.reachable = False
        self.server.connection.cut()
        for text, waits in (
            ("/status away", True),
            ("/search al", True),
            ("/help", False),
            ("/open team", False),
        ):
            self.desk.notices.clear()
            self.obey(text)
            self.assertEqual(["no connection" in each for each in self.desk.notices], [True] if waits else [])

    def test_open(self) -> None:
        """By title; what is not there, or is there twice, is said."""
        self.obey("/open team")
        self.assertIs(self.exchange.chats.open, self.chat(GROUP))
        self.obey("/open nothing")
        self.assertIn("no group nothing", self.desk.notices[-1])

    def test_groups(self) -> None:
        """Create, add, rename and leave."""
        self.obey("/group create 'the crew' alice")
        created = self.last(CreateGroup)
        assert isinstance(created, CreateGroup)
        self.assertEqual((created.title, created.members), ("the crew", [ALICE.number]))
        opened = self.exchange.chats.open
        assert opened is not None
        self.assertEqual(opened.title, "the crew")
        self.server.override = lambda request: (
            events.GroupChanged(GROUP, 1)
            if isinstance(request, AddMembers | RenameGroup | LeaveGroup)
            else None
        )
        for text, kind in (
            ("/group add @alice", AddMembers),
            ("/group rename a new title", RenameGroup),
            ("/group leave", LeaveGroup),
        ):
            self.obey(text)
            self.assertEqual(self.last(kind).conversation, opened.id)
        self.assertEqual(self.desk.notices, [])

    def test_groups_need_one(self) -> None:
        """These are about the conversation that is open."""
        for text in ("/group add alice", "/group leave", "/members"):
            self.obey(text)
        self.obey("/msg alice")
        self.obey("/group leave")
        self.assertEqual(
            self.desk.notices,
            ["open a group first"] * 2 + ["open a conversation first", "open a group first"],
        )

    def test_misuse(self) -> None:
        """What should have been written is said."""
        for text in ("/msg", "/group create", "/group create 'x", "/nothing at all"):
            self.obey(text)
        self.assertEqual(
            self.desk.notices,
            [
                "write /msg NAME [TEXT]",
                "write /group create 'TITLE' NAME ...",
                "a quotation mark is not closed",
                "there is no /nothing; /help lists what there is",
            ],
        )

    def test_pages(self) -> None:
        """Lines to read."""
        self.obey("/help")
        self.obey("/open team")
        self.obey("/members")
        self.assertEqual(self.desk.sheets[0], ["Help", *help_lines()])
        self.assertEqual(self.desk.sheets[1], ["2 members", "alice", "bob"])

    def test_ends(self) -> None:
        """Leaving the program, and the account."""
        self.obey("/quit")
        self.assertTrue(self.desk.left)
        self.obey("/logout")
        self.assertIsInstance(self.last(LogOut), LogOut)
        self.assertEqual([end.code for end in self.desk.ends], ["CLOSED"])
