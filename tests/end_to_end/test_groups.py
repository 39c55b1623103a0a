"""A group's life over the native wire: found, joined, moderated, handed over, dissolved; also over restarts."""

import json

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.errors import Code
from imserver.core.events import (
    ConversationLeft,
    ConversationOpened,
    Done,
    Event,
    GroupChanged,
    GroupFound,
    GroupUpdated,
    History,
    JoinRequested,
    JoinRequestList,
    MemberList,
    MessageArrived,
    Refused,
    Sent,
)
from imserver.core.requests import (
    AnswerJoin,
    CreateGroup,
    DissolveGroup,
    FetchHistory,
    FindGroup,
    HandOver,
    JoinGroup,
    LeaveGroup,
    ListJoinRequests,
    ListMembers,
    Mute,
    Ping,
    RemoveMember,
    RenameGroup,
    Request,
    Send,
    SetAnnouncement,
    SetJoinPolicy,
    SetRole,
)
from imserver.core.values import JoinPolicy, Kind, Once, Role
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.peer import Peer

PIPELINED = 60


class GroupsTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.daemon = Daemon(self, config="[limits]\nenabled = false\n").start()
        self.sent = 0
        self.numbers: dict[str, int] = {}
        self.tokens: dict[str, bytes] = {}
        for name in ("alice", "bob", "carol"):
            with Peer(self.daemon.address()) as peer:
                self.numbers[name] = peer.register(name).account.number
                self.tokens[name] = peer.log_in(name).token
        self.come_back()
        opened = self.alice.expect(CreateGroup("Club", [self.numbers["bob"]]), ConversationOpened)
        self.group, self.number = opened.membership.conversation.id, opened.membership.conversation.number

    def come_back(self) -> None:
        """Everybody on a new connection."""
        peers = []
        for token in self.tokens.values():
            peer = Peer(self.daemon.address())
            self.addCleanup(peer.close)
            peer.log_in_with_token(token)
            peers.append(peer)
        self.alice, self.bob, self.carol = peers

    def restart(self) -> None:
        """Stop well, and start anew."""
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        self.come_back()

    def changed(self, peer: Peer, request: Request) -> int:
        """-> the seq of the change."""
        return peer.expect(request, GroupChanged).seq

    def text(self) -> Send:
        """Another message to the group."""
        self.sent += 1
        return Send(self.group, b"%d" % self.sent, Kind.TEXT, "", b"a word")

    def code(self, peer: Peer, request: Request) -> Code:
        return Code(peer.expect(request, Refused).code)

    def heard(self, peer: Peer) -> list[Event]:
        """What the peer was told by itself until now."""
        tag = peer.tell(Ping())
        events: list[Event] = []
        while (pair := peer.hear())[0] != tag:
            events.append(pair[1])
        return events

    def roles(self) -> dict[str, int]:
        members = self.alice.expect(ListMembers(self.group, 0, 0), MemberList).members
        return {member.account.name: member.role for member in members}

    def test_joining(self) -> None:
        """Found by number, asked for, granted; the request outlives a restart, and so does the number."""
        self.assertEqual((self.number, self.code(self.carol, FindGroup(self.number))), (2, Code.NOT_FOUND))
        self.changed(self.alice, SetJoinPolicy(self.group, JoinPolicy.BY_REQUEST))
        found = self.carol.expect(FindGroup(self.number), GroupFound)
        self.assertEqual((found.conversation.title, found.members), ("Club", 2))
        self.carol.expect(JoinGroup(self.number, "please", Once(1, 1)), Done)
        (asked,) = [event for event in self.heard(self.alice) if isinstance(event, JoinRequested)]
        self.assertEqual((asked.request.account.name, asked.request.text), ("carol", "please"))
        self.restart()
        waiting = self.alice.expect(ListJoinRequests(self.group, 0, 0), JoinRequestList).requests
        self.assertEqual(waiting, [asked.request])
        self.changed(self.alice, AnswerJoin(self.group, self.numbers["carol"], True))
        self.assertIn(ConversationOpened, [type(event) for event in self.heard(self.carol)])
        self.carol.expect(JoinGroup(self.number, "please", Once(1, 1)), ConversationOpened)
        self.carol.expect(self.text(), Sent)
        self.daemon.assert_clean()

    def test_moderating(self) -> None:
        """Roles, mutes and announcements are told to all, hold at once, and outlive a restart."""
        self.changed(self.alice, SetRole(self.group, self.numbers["bob"], Role.ADMIN))
        self.changed(self.bob, SetJoinPolicy(self.group, JoinPolicy.OPEN))
        self.carol.expect(JoinGroup(self.number, ""), ConversationOpened)
        self.changed(self.bob, SetAnnouncement(self.group, "Tuesday"))
        self.changed(self.bob, RenameGroup(self.group, "Pub"))
        self.changed(self.bob, Mute(self.group, self.numbers["carol"], 3600))
        self.restart()
        self.assertEqual(self.roles(), {"alice": Role.OWNER, "bob": Role.ADMIN, "carol": Role.MEMBER})
        found = self.carol.expect(FindGroup(self.number), GroupFound).conversation
        self.assertEqual((found.title, found.announcement, found.join_policy), ("Pub", "Tuesday", 1))
        self.assertEqual(self.code(self.carol, self.text()), Code.FORBIDDEN)
        self.assertEqual(self.code(self.carol, Mute(self.group, self.numbers["carol"], 0)), Code.FORBIDDEN)
        self.changed(self.bob, Mute(self.group, self.numbers["carol"], 0))
        self.carol.expect(self.text(), Sent)
        self.changed(self.bob, SetAnnouncement(self.group, ""))
        self.assertIn(GroupUpdated, [type(event) for event in self.heard(self.carol)])
        self.daemon.assert_clean()

    def test_removed_while_writing(self) -> None:
        """Of what she sends without pause nothing comes after the notice that she is out, nor does she see more."""
        self.changed(self.alice, SetJoinPolicy(self.group, JoinPolicy.OPEN))
        self.carol.expect(JoinGroup(self.number, ""), ConversationOpened)
        tags = [self.carol.tell(self.text()) for _ in range(PIPELINED)]
        removing = self.alice.tell(RemoveMember(self.group, self.numbers["carol"]))
        tags += [self.carol.tell(self.text()) for _ in range(PIPELINED)]
        removed = self.alice.answer(removing)
        assert isinstance(removed, GroupChanged)
        self.alice.expect(self.text(), Sent)
        answers = [self.carol.answer(tag) for tag in tags]
        self.assertEqual([one for one in answers if isinstance(one, Sent) and one.seq > removed.seq], [])
        refusals = {one.code for one in answers if isinstance(one, Refused)}
        self.assertLessEqual(refusals, {Code.NOT_FOUND, Code.NOT_MEMBER})
        heard = self.heard(self.carol)
        self.assertIn(ConversationLeft(self.group), heard)
        arrived = [event.message.seq for event in heard if isinstance(event, MessageArrived)]
        self.assertEqual([seq for seq in arrived if seq > removed.seq], [])
        page = self.carol.expect(FetchHistory(self.group, 0, 2**62, 0), History)
        self.assertEqual(page.messages[-1].seq, removed.seq)
        self.carol.expect(JoinGroup(self.number, "again?"), Done)
        self.daemon.assert_clean()

    def test_ending(self) -> None:
        """The owner hands over and goes, the next one goes and is followed, the last one dissolves it."""
        self.changed(self.alice, HandOver(self.group, self.numbers["bob"]))
        self.assertEqual(self.code(self.alice, DissolveGroup(self.group)), Code.FORBIDDEN)
        left = self.changed(self.bob, LeaveGroup(self.group))
        page = self.bob.expect(FetchHistory(self.group, left - 1, 0, 0), History)
        self.assertEqual(json.loads(page.messages[-1].body)["owner"], "alice")
        seq = self.changed(self.alice, DissolveGroup(self.group))
        page = self.alice.expect(FetchHistory(self.group, 0, 0, 0), History)
        self.assertEqual((page.messages[-1].seq, page.more), (seq, False))
        self.assertEqual(self.code(self.alice, self.text()), Code.NOT_MEMBER)
        self.assertEqual(self.code(self.carol, JoinGroup(self.number, "")), Code.NOT_FOUND)
        opened = self.alice.expect(CreateGroup("next", []), ConversationOpened)
        self.assertEqual(opened.membership.conversation.number, 3)
        self.daemon.assert_clean()

    def test_lobby(self) -> None:
        """It is there from the beginning, for whoever joins it by its number."""
        for peer in (self.alice, self.carol):
            opened = peer.expect(JoinGroup(1, ""), ConversationOpened)
        self.group = opened.membership.conversation.id
        self.alice.expect(self.text(), Sent)
        self.assertIn(MessageArrived, [type(event) for event in self.heard(self.carol)])
        self.assertEqual(self.code(self.bob, self.text()), Code.NOT_FOUND)
        self.assertEqual(self.code(self.alice, LeaveGroup(self.group)), Code.FORBIDDEN)
        self.daemon.assert_clean()
