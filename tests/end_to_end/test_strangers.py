"""T20: an id of somebody else's conversation opens nothing, whether its members are in memory or on disk only."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import apsw
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.errors import Code
from imserver.core.events import (
    AccountFound,
    ConversationList,
    ConversationOpened,
    GroupChanged,
    History,
    Pong,
    Refused,
    Sent,
    SyncState,
)
from imserver.core.requests import (
    AddMembers,
    AnswerJoin,
    CountReceipts,
    CreateGroup,
    DissolveGroup,
    FetchHistory,
    HandOver,
    LeaveGroup,
    ListConversations,
    ListJoinRequests,
    ListMembers,
    LookUp,
    MarkDelivered,
    MarkRead,
    Mute,
    OpenDirect,
    Ping,
    RemoveMember,
    RenameGroup,
    Request,
    Send,
    SetAnnouncement,
    SetJoinPolicy,
    SetRole,
    SetTyping,
    Synchronise,
)
from imserver.core.values import JoinPolicy, Kind, Role
from tests.end_to_end.daemon import TWISTD, Daemon
from tests.end_to_end.drill import DEEP
from tests.end_to_end.peer import Peer

ROUNDS = 200 if DEEP else 20
SENDS = 30
# Of all members of a conversation together.
FEW_MESSAGES = "conversation_messages_burst = 5\nconversation_messages_per_second = 0.01"
# Nobody has a conversation of that id, because an id has at most 53 bits.
NO_CONVERSATION = 2**60
# What others would notice or the database would show; none of it is ever answered.
SIGNALS: tuple[Callable[[int], Request], ...] = (
    lambda id: MarkDelivered(id, 1),
    lambda id: MarkRead(id, 1),
    lambda id: SetTyping(id, True),
)
TABLES = (
    *("accounts", "conversations", "members", "join_requests", "device_cursors"),
    *("runs", "client_ids", "rpc_results"),
)
# A server on which whoever knows an id is a member.
OPEN_DOORS = (
    sys.executable,
    "-c",
    "from imserver.core.roster import Rosters; Rosters.of_member = lambda rosters, _, id: rosters.load(id);"
    + TWISTD[-1],
)
# One that does not look again, in the transaction, at whether the sender is still a member.
HASTY = (
    sys.executable,
    "-c",
    "from imserver.store.tails import Tails; Tails.may_write = lambda *_: True;" + TWISTD[-1],
)


class StrangerTests(SynchronousTestCase):
    """Alice and bob have a direct conversation and a group; mallory has their ids."""

    def begin(self, command: Iterable[str] = TWISTD) -> None:
        """The conversations, on a daemon that has been started anew since."""
        self.daemon = Daemon(self, command=command).start()
        tokens = {}
        for name in ("alice", "bob", "mallory"):
            with Peer(self.daemon.address()) as peer:
                peer.register(name)
                tokens[name] = peer.log_in(name).token
        with Peer(self.daemon.address()) as alice:
            alice.log_in_with_token(tokens["alice"])
            self.conversations = self.converse(alice)
        self.stopped()
        self.before = contents(self.daemon.data)
        self.daemon.start()
        self.alice, self.bob, self.mallory = map(self.back, tokens.values())

    def converse(self, alice: Peer) -> list[int]:
        """-> the ids of a direct conversation and a group, with a message in each."""
        self.bob_number = alice.expect(LookUp("bob", 0), AccountFound).account.number
        ids = []
        for request in (OpenDirect(self.bob_number), CreateGroup("us", [self.bob_number])):
            ids.append(alice.expect(request, ConversationOpened).membership.conversation.id)
            alice.expect(text(ids[-1]), Sent)
        return ids

    def back(self, token: bytes) -> Peer:
        """On a new connection."""
        peer = Peer(self.daemon.address())
        self.addCleanup(peer.close)
        peer.log_in_with_token(token)
        return peer

    def stopped(self) -> None:
        """The daemon has ended well, and everything is in its database."""
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.assert_clean()

    def test_by_id(self) -> None:
        """Every request gets the answer that it gets for no conversation at all; nobody hears of it; nothing is stored."""
        self.begin()
        nothing = self.answers(NO_CONVERSATION)
        self.assertEqual({answer.code for answer in nothing if isinstance(answer, Refused)}, {Code.NOT_FOUND})
        for conversation in self.conversations:
            self.assertEqual(self.answers(conversation), nothing)
        self.assertEqual(self.mallory.expect(ListConversations(0, 0), ConversationList).memberships, [])
        self.assertEqual(self.mallory.expect(Synchronise(0), SyncState).memberships, [])
        for peer in (self.alice, self.bob):
            tag = peer.tell(Ping())
            self.assertEqual(peer.hear(), (tag, Pong()))
        self.stopped()
        self.assertEqual(contents(self.daemon.data), self.before)

    def test_open_doors(self) -> None:
        """A server that does not look at who asks is found out."""
        self.begin(OPEN_DOORS)
        self.assertNotEqual(self.answers(self.conversations[1]), self.answers(NO_CONVERSATION))

    def answers(self, conversation: int) -> list[object]:
        """What mallory is told to everything that she can ask about a conversation, the id itself left out."""
        self.mallory.tell(*(make(conversation) for make in SIGNALS))
        requests = (
            FetchHistory(conversation, 0, 0, 0),
            FetchHistory(conversation, 0, 2**62, 0),
            ListMembers(conversation, 0, 0),
            CountReceipts(conversation, 1),
            text(conversation),
            AddMembers(conversation, [self.bob_number]),
            RenameGroup(conversation, "mine"),
            LeaveGroup(conversation),
            AnswerJoin(conversation, self.bob_number, True),
            ListJoinRequests(conversation, 0, 0),
            RemoveMember(conversation, self.bob_number),
            SetRole(conversation, self.bob_number, Role.ADMIN),
            HandOver(conversation, self.bob_number),
            Mute(conversation, self.bob_number, 60),
            SetJoinPolicy(conversation, JoinPolicy.OPEN),
            SetAnnouncement(conversation, "mine"),
            DissolveGroup(conversation),
        )
        return [self.mallory.ask(request) for request in requests]


class LeavingTests(SynchronousTestCase):
    """Mallory leaves a group while she writes to it."""

    def begin(self, limits: str = "enabled = false", command: Iterable[str] = TWISTD) -> None:
        """Alice has founded a group."""
        self.daemon = Daemon(self, config=f"[limits]\n{limits}\n", command=command).start()
        self.alice, self.mallory = Peer(self.daemon.address()), Peer(self.daemon.address())
        for peer, name in ((self.alice, "alice"), (self.mallory, "mallory")):
            self.addCleanup(peer.close)
            self.number = peer.register(name).account.number
            peer.log_in(name)
        opened = self.alice.expect(CreateGroup("us", []), ConversationOpened)
        self.conversation = opened.membership.conversation.id
        self.sent = 0

    def test_leaving_while_writing(self) -> None:
        """What is taken on comes before the notice that she has left; all else is refused; she reads no further than that."""
        self.begin()
        refused = 0
        for _ in range(ROUNDS):
            left, answers = self.leave_while_writing()
            self.assertEqual(
                [answer for answer in answers if isinstance(answer, Sent) and answer.seq > left], []
            )
            refusals = [answer.code for answer in answers if isinstance(answer, Refused)]
            self.assertLessEqual(set(refusals), {Code.NOT_FOUND, Code.NOT_MEMBER})
            refused += len(refusals)
            self.alice.expect(text(self.conversation, self.next_id()), Sent)
            page = self.mallory.expect(FetchHistory(self.conversation, 0, left + 100, 0), History)
            self.assertEqual(page.messages[-1].seq, left)
        self.assertGreaterEqual(refused, ROUNDS)
        self.daemon.assert_clean()

    def test_hasty(self) -> None:
        """A server that has checked before the transaction, and not in it, is found out."""
        self.begin(command=HASTY)
        late = 0
        for _ in range(ROUNDS):
            left, answers = self.leave_while_writing()
            late += sum(isinstance(answer, Sent) and answer.seq > left for answer in answers)
        self.assertGreater(late, 0)

    def test_writing_after_leaving(self) -> None:
        """What she goes on sending is not counted against the rate of those who are still in the group."""
        self.begin(FEW_MESSAGES)
        self.leave_while_writing(sends=0)
        refusals = [self.mallory.expect(self.text(), Refused).code for _ in range(SENDS)]
        self.assertEqual(set(refusals), {Code.NOT_MEMBER})
        self.alice.expect(text(self.conversation), Sent)
        self.daemon.assert_clean()

    def leave_while_writing(self, sends: int = SENDS) -> tuple[int, list[object]]:
        """-> the seq of the notice that she has left, and the answers to what she sent before, meanwhile and after."""
        self.alice.expect(AddMembers(self.conversation, [self.number]), GroupChanged)
        tags = [self.mallory.tell(self.text()) for _ in range(sends)]
        leaving = self.mallory.tell(LeaveGroup(self.conversation))
        tags += [self.mallory.tell(self.text()) for _ in range(sends)]
        left = self.mallory.answer(leaving)
        assert isinstance(left, GroupChanged)
        # One that comes afterwards for sure.
        tags.append(self.mallory.tell(self.text()))
        return left.seq, [self.mallory.answer(tag) for tag in tags]

    def text(self) -> Send:
        """Another message."""
        return text(self.conversation, self.next_id())

    def next_id(self) -> bytes:
        """Of a message that there has not been."""
        self.sent += 1
        return b"%d" % self.sent


def text(conversation: int, client_id: bytes = b"") -> Send:
    """A message; without another id, the one of its sender in that conversation."""
    return Send(conversation, client_id or b"%d" % conversation, Kind.TEXT, "", b"a word")


def contents(data: Path) -> dict[str, list[object]]:
    """The rows of all tables but that of devices, which says when they were seen; of a stopped daemon."""
    connection = apsw.Connection(str(data / "imserver.db"), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        return {table: list(connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")) for table in TABLES}
    finally:
        connection.close()
