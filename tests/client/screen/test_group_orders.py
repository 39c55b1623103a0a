"""What admins and members do in a group, on a server in memory."""

from typing import get_args

from imserver.client.screen.orders import obey
from imserver.client.screen.status import heading
from imserver.core import events, requests
from imserver.core.group_requests import GroupRequest, MemberRequest
from imserver.core.requests import Request
from imserver.core.values import Conversation, ConversationKind, JoinPolicy, JoinRequest, Role
from tests.client.fake_server import ALICE, BOB, GROUP
from tests.client.screen.fakes import ExchangeCase
from tests.client.screen.values import membership


class GroupOrdersTest(ExchangeCase):
    def setUp(self) -> None:
        super().setUp()
        self.joined: events.Event = events.Done()
        self.server.override = self.answer
        self.start()
        self.obey("/open team")

    def answer(self, request: Request) -> events.Event | None:
        """What the server in memory does not know."""
        if isinstance(request, get_args(MemberRequest)):
            return events.GroupChanged(GROUP, 1)
        return self.joined if isinstance(request, requests.JoinGroup) else None

    def obey(self, text: str) -> list[Request]:
        """Type it; -> what the server was asked, each without its number."""
        self.server.heard.clear()
        self.exchange.spawn(obey(self.desk, text))
        self.settle()
        asked = [one for one in self.server.heard if isinstance(one, get_args(GroupRequest))]
        for request in asked:
            request.once = None  # type: ignore[union-attr]
        return asked

    def test_requests(self) -> None:
        """Each asks for one thing, in the group that is open."""
        for text, request in (
            ("accept alice", requests.AnswerJoin(GROUP, 1, True)),
            ("refuse @alice", requests.AnswerJoin(GROUP, 1, False)),
            ("remove alice", requests.RemoveMember(GROUP, 1)),
            ("admin alice", requests.SetRole(GROUP, 1, Role.ADMIN)),
            ("member alice", requests.SetRole(GROUP, 1, Role.MEMBER)),
            ("owner alice", requests.HandOver(GROUP, 1)),
            ("mute alice 60", requests.Mute(GROUP, 1, 60)),
            ("mute all 0", requests.Mute(GROUP, 0, 0)),
            ("policy request", requests.SetJoinPolicy(GROUP, JoinPolicy.BY_REQUEST)),
            ("announce be kind", requests.SetAnnouncement(GROUP, "be kind")),
            ("announce", requests.SetAnnouncement(GROUP, "")),
            ("dissolve team", requests.DissolveGroup(GROUP)),
        ):
            self.assertEqual(self.obey(f"/group {text}"), [request])
        self.assertEqual(self.desk.notices, [])

    def test_misuse(self) -> None:
        """Nothing is asked; a group is not dissolved without its title."""
        for text in ("policy closed", "mute alice", "mute alice x", "join x", "dissolve", "owner"):
            self.assertEqual(self.obey(f"/group {text}"), [])
        self.assertEqual(len(self.desk.notices), 6)
        self.assertIn("/group dissolve team", self.desk.notices[4])

    def test_join_requests(self) -> None:
        """All who ask, with what they say, and what one can do."""
        found = [JoinRequest(GROUP, ALICE, "me too", 1), JoinRequest(GROUP, BOB, "", 2)]
        self.server.override = lambda request: (
            events.JoinRequestList(found[: 1 - request.after] or found[1:], 1 - request.after)
            if isinstance(request, requests.ListJoinRequests)
            else None
        )
        self.obey("/group requests")
        found.clear()
        self.obey("/group requests")
        first, second = self.desk.sheets
        self.assertEqual(first[:3], ["Who would like to join # team", "alice  me too", "bob"])
        self.assertIn("/group accept NAME", first[-1])
        self.assertEqual(second[1:], ["nobody"])

    def test_join(self) -> None:
        """At once, or when an admin lets one in."""
        self.assertEqual(self.obey("/group join *12 please"), [requests.JoinGroup(12, "please")])
        self.assertIn("asked", self.desk.notices[-1])
        crew = Conversation(99, ConversationKind.GROUP, "crew", (), 12)
        self.server.add(crew)
        self.joined = events.ConversationOpened(membership(conversation=crew))
        self.obey("/group join 12")
        assert self.exchange.chats.open is not None
        self.assertEqual(self.exchange.chats.open.title, "crew")

    def test_events(self) -> None:
        """Another title and announcement are shown; who asks to join is said."""
        changed = Conversation(GROUP, ConversationKind.GROUP, "crew", (), 12, "be kind")
        self.server.connection.tell(events.GroupUpdated(changed))
        self.server.connection.tell(events.JoinRequested(JoinRequest(GROUP, ALICE, "me too", 1)))
        self.settle()
        chat = self.chat(GROUP)
        self.assertEqual(heading(chat, self.exchange.people, 0.0), "# crew - *12 - be kind")
        self.assertIn("alice would like to join # crew", self.desk.notices[-1])
