"""What is said above and below the conversation."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.client.screen.chat import Chat
from imserver.client.screen.people import People
from imserver.client.screen.status import NOTICE_SECONDS, Status, heading, not_sent
from imserver.core.values import Account, Conversation, ConversationKind
from tests.client.fake_server import ALICE, BOB, direct, group


class StatusTest(SynchronousTestCase):
    def test_what_matters_most(self) -> None:
        """A notice for a while, then why there is no connection, and nothing when all is well."""
        status = Status()
        self.assertEqual(status.line(0, 0.0), "")
        status.loss = "the server closed the connection"
        status.note("look here", 1.0)
        self.assertEqual(status.line(0, 2.0), "look here")
        end = 1.0 + NOTICE_SECONDS
        self.assertEqual(
            status.line(2, end),
            "No connection: the server closed the connection. Trying again; 2 waiting to be sent",
        )

    def test_not_sent(self) -> None:
        """Short enough for a row."""
        self.assertIn("1 text is", not_sent(1))
        self.assertLess(len(not_sent(1_000)), 80)


class HeadingTest(SynchronousTestCase):
    def test_whose_it_is(self) -> None:
        """With the other one's signature, and who types."""
        self.assertIn("/msg NAME", heading(None, People(), 0.0))
        chat = Chat(
            Conversation(1, ConversationKind.DIRECT, "", (Account(1, "alice", "", "at sea"), BOB)), BOB
        )
        self.assertEqual(heading(chat, People(), 0.0), "alice - at sea")
        chat.typing_changed(ALICE.number, True, 0.0)
        self.assertEqual(heading(chat, People(), 0.0), "alice - typing ...")
        self.assertEqual(heading(Chat(direct(), BOB), People(), 0.0), "alice")

    def test_groups(self) -> None:
        """Their title, and the names of few who type."""
        team = Chat(group(), BOB)
        for number in range(10, 15):
            team.names[number] = f"n{number}"
            team.typing_changed(number, True, 0.0)
        self.assertEqual(heading(team, People(), 1.0), "# team - n10, n11, n12 and 2 more typing ...")
        team.left = True
        self.assertEqual(heading(team, People(), 1.0), "# team - you are no longer in this group")
