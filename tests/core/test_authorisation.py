"""Nobody acts in a conversation or reads of it without being a member (threats.md T20): a generated matrix."""

from collections.abc import Callable
from dataclasses import dataclass

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.values import Extra, Kind
from tests.core.client import PASSWORD, Client, account, group, logged_in, text
from tests.fakes import World

MALLORY, ALICE, BOB, CAROL = 100_001, 100_002, 100_003, 100_004

REQUESTS: dict[str, Callable[[int], r.Request]] = {
    "send": lambda id: text(id, "intruder"),
    "send opaque": lambda id: r.Send(id, b"x", Kind.OPAQUE, "application/x", b"\0"),
    "call": lambda id: r.Send(id, b"x", Kind.ATTENTION, "", b""),
    "reply": lambda id: r.Send(id, b"x", Kind.TEXT, "", b"intruder", Extra(about=2)),
    "mention": lambda id: r.Send(id, b"x", Kind.TEXT, "", b"intruder", Extra(mentions=[ALICE])),
    "edit": lambda id: r.Send(id, b"x", Kind.EDIT, "", b"intruder", Extra(about=2)),
    "recall": lambda id: r.Send(id, b"x", Kind.RECALL, "", b"", Extra(about=2)),
    "forward": lambda id: r.Forward(id, 2, id, b"x"),
    "add": lambda id: r.AddMembers(id, [CAROL]),
    "add oneself": lambda id: r.AddMembers(id, [MALLORY]),
    "rename": lambda id: r.RenameGroup(id, "taken over"),
    "leave": lambda id: r.LeaveGroup(id),
    "members": lambda id: r.ListMembers(id, 0, 0),
    "receipts": lambda id: r.CountReceipts(id, 1),
    "delivered": lambda id: r.MarkDelivered(id, 2**62),
    "read": lambda id: r.MarkRead(id, 2**62),
    "typing": lambda id: r.SetTyping(id, True),
    "oldest": lambda id: r.FetchHistory(id, 0, 0, 0),
    "newest": lambda id: r.FetchHistory(id, 0, 2**62, 0),
    "middle": lambda id: r.FetchHistory(id, 1, 5, 0),
    "one": lambda id: r.FetchHistory(id, 2, 4, 1),
    "from the end": lambda id: r.FetchHistory(id, 2**62, 0, 0),
    "sync": lambda _: r.Synchronise(0),
    "list": lambda _: r.ListConversations(0, 0),
}
CHANGES = {"add", "add oneself", "rename"}
READS = {"oldest", "newest", "middle", "one", "from the end"}
SILENT = {"delivered", "read", "typing"}
OTHERS_WORDS = {
    "reply",
    "edit",
    "recall",
    "forward",
}  # about what alice has said, before mallory came into the group
EVERYONES = {"sync", "list"}


@dataclass
class Case:
    """Who asks, in what kind of conversation, and which seqs of it he may see."""

    role: str
    kind: str
    client: Client
    conversation: int
    visible: range


class MatrixTests(SynchronousTestCase):
    """Each role in each kind of conversation with each request."""

    def setUp(self) -> None:
        self.world = World()
        for name in ("mallory", "alice", "bob", "carol"):
            account(self.world, name)
        self.alice = logged_in(self.world, "alice")
        self.mallory = logged_in(self.world, "mallory")

    # -- conversations: seq 1 ... 3, mallory's part, then three more

    def group(self, role: str) -> range:
        """-> what mallory may see of the group."""
        self.conversation = group(self.alice, BOB)
        self.say(2)
        if role != "stranger":
            self.alice.ask(r.AddMembers(self.conversation, [MALLORY]))
            self.say(2)
        if role in ("ex-member", "returned"):
            self.mallory.ask(r.LeaveGroup(self.conversation))
            self.say(2)
        if role == "returned":
            self.alice.ask(r.AddMembers(self.conversation, [MALLORY]))
            self.say(2)
        return {"stranger": range(0), "ex-member": range(4, 8), "returned": range(10, 13)}.get(
            role, range(4, 7)
        )

    def direct(self, role: str) -> range:
        """-> what mallory may see of a direct conversation."""
        other = BOB if role == "stranger" else MALLORY
        self.conversation = self.alice.ask(r.OpenDirect(other)).membership.conversation.id
        self.say(3)
        return range(0) if role == "stranger" else range(1, 4)

    def say(self, count: int) -> None:
        for n in range(count):
            answer = self.alice.ask(text(self.conversation, f"{n}", f"{self.alice.tag}".encode()))
            self.assertIsInstance(answer, e.Sent)

    def cases(self) -> list[tuple[str, str, str]]:
        roles = {"group": ("stranger", "member", "ex-member", "returned", "deleted")}
        roles["direct"] = ("stranger", "member", "deleted")
        return [(kind, role, request) for kind in roles for role in roles[kind] for request in REQUESTS]

    def prepare(self, kind: str, role: str) -> range:
        self.setUp()
        visible = (self.group if kind == "group" else self.direct)(role)
        if role == "deleted":
            self.assertEqual(self.mallory.ask(r.DeleteAccount(PASSWORD)), e.Done())
            self.mallory.closed = ""  # so that any answer would be seen
        self.world.pass_seconds(1)
        self.alice.events.clear()
        self.mallory.events.clear()
        return visible

    def state(self) -> object:
        """What of the conversation could have been changed."""
        found = self.alice.ask(r.FetchHistory(self.conversation, 0, 0, 0)).messages
        members = self.alice.ask(r.ListMembers(self.conversation, 0, 0)).members
        receipts = self.alice.ask(r.CountReceipts(self.conversation, 1))
        return [message.body for message in found], members, receipts

    # -- rules

    def test_matrix(self) -> None:
        """Each cell: members act, others get NOT_FOUND (or NOT_MEMBER) and change nothing, the deleted get nothing."""
        cases = self.cases()
        self.assertGreaterEqual(len(cases), 100)
        for kind, role, request in cases:
            visible = self.prepare(kind, role)
            before = self.state()
            answer = self.mallory.ask(REQUESTS[request](self.conversation))
            cell = f"{role} asks {request} in a {kind}: {answer}"
            if role == "deleted":
                self.assertIsNone(answer, cell)
            else:
                self.check_answer(kind, role, request, answer, visible, cell)
            may_change = role in ("member", "returned") and request not in READS | EVERYONES
            if not may_change:
                self.world.pass_seconds(2)
                self.assertEqual(self.alice.events, [], cell)
                self.assertEqual(self.state(), before, cell)

    def check_answer(
        self, kind: str, role: str, request: str, answer: e.Event | None, visible: range, cell: str
    ) -> None:
        belongs = role in ("member", "returned")
        if request in SILENT:
            self.assertIsNone(answer, cell)
        elif request in EVERYONES:
            listed = {m.conversation.id: m for m in answer.memberships}
            self.check_listed(listed.get(self.conversation), role, request, visible, cell)
        elif request in READS and (belongs or role == "ex-member"):
            self.assertTrue({message.seq for message in answer.messages} <= set(visible), cell)
            if request in ("oldest", "newest"):
                self.assertEqual([message.seq for message in answer.messages], list(visible), cell)
        elif not belongs:
            self.assertIn(getattr(answer, "code", "done"), ("NOT_FOUND", "NOT_MEMBER"), cell)
        elif request in OTHERS_WORDS and (kind == "group" or request in ("edit", "recall")):
            self.assertEqual(answer.code, "FORBIDDEN" if kind == "direct" else "NOT_FOUND", cell)
        elif request == "rename" or (kind == "direct" and request in CHANGES | {"leave"}):
            self.assertEqual(answer.code, "FORBIDDEN", cell)
        else:
            self.assertNotEqual(type(answer), e.Refused, cell)

    def check_listed(self, listed: object, role: str, request: str, visible: range, cell: str) -> None:
        if role == "stranger":
            self.assertIsNone(listed, cell)
        elif request == "list":
            left_seq = visible[-1] if role == "ex-member" else 0
            self.assertEqual((listed.last_seq, listed.left_seq), (visible[-1], left_seq), cell)
            self.assertEqual(listed.joined_seq, visible[0] - 1, cell)

    def test_strangers_cannot_tell(self) -> None:
        """A conversation of others and one that does not exist are refused in the same words."""
        self.prepare("group", "stranger")
        for name, make in REQUESTS.items():
            if name not in EVERYONES:
                found = [
                    self.mallory.ask(make(id)) for id in (self.conversation, self.conversation ^ 1, 0, 2**63)
                ]
                self.assertEqual(found, found[:1] * 4, name)

    def test_pushes_end_with_membership(self) -> None:
        """Of what is said before joining and after leaving nothing is pushed; the notice of leaving is the last."""
        visible = self.prepare("group", "returned")
        self.setUp()
        self.group("returned")
        pushed = [event.message.seq for event in self.mallory.of(e.MessageArrived)]
        self.assertEqual(pushed, [4, 5, 6, 7, *visible])

    def test_sender(self) -> None:
        """The sender is whoever is logged in; no request can say otherwise."""
        self.prepare("group", "member")
        self.mallory.ask(text(self.conversation, "mine"))
        (event,) = self.alice.of(e.MessageArrived)
        self.assertEqual((event.message.sender, event.message.sender_name), (MALLORY, "mallory"))

    def test_notices_cannot_be_forged(self) -> None:
        """Only the server writes kind 4."""
        self.prepare("group", "member")
        forged = r.Send(self.conversation, b"x", Kind.NOTICE, "application/vnd.imserver.notice+json", b"{}")
        self.assertEqual(self.mallory.code(forged), "BAD_REQUEST")
