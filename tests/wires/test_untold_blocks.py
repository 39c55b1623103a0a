"""Who is blocked cannot tell it from the answers, nor from the work and the time that they take.

Two servers are alike to the last random bit.  On one of them alice has blocked bob, on the other one dave, and is
away; bob asks the same of both.  Clocks and disks are the test's, so what is compared is exact: bytes, what the store
was asked for, transactions, and turns until the answer.

What a block cannot hide is not asked for here: that alice is not among the members of a group to which bob has added
her, and so can be added once more, and that she does not become his contact at once although she is open to everybody.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imserver.codecs.protobuf import ProtobufCodec
from imserver.core import requests as r
from imserver.core.values import Extra, JoinPolicy, Kind
from imserver.net.framing import Int32Framing
from imserver.store.memory import MemoryStore
from imserver.store.sqlite import SqliteStore
from imserver.wires.native import native
from tests.core.client import PASSWORD, Client, Hesitant, Turnstile, group, logged_in, text
from tests.fakes import LIMITS, Peer, World
from tests.store.fakes import InstantWorker

ALICE, BOB, CAROL, DAVE = 100_001, 100_002, 100_003, 100_004
TURN_SECONDS = 0.0005
TURNS = 20  # to wait for an answer
SIGNALS = (
    r.MarkDelivered,
    r.MarkRead,
    r.SetTyping,
)  # have none; their work is done later, for everybody together
CODEC = ProtobufCodec()
MakeStore = Callable[[Clock], Any]


@dataclass(slots=True)
class Seen:
    """What bob sees of one step, and what it costs."""

    step: Sequence[r.Request]
    turns: int
    received: bytes
    asked: list[str] = field(default_factory=list)  # of the store
    commits: int = 0


class Server:
    """One of the two; alice has prepared, bob is logged in over the native wire."""

    def __init__(self, store: Any, clock: Clock, are_contacts: bool, block: bool) -> None:
        self.world = World(replace(LIMITS, enabled=False), store, clock)
        for name in ("alice", "bob", "carol", "dave"):
            Client(self.world).ask(r.Register(name, PASSWORD, name.title()))
        self.alice, self.carol = logged_in(self.world, "alice"), logged_in(self.world, "carol")
        self.bob, self._framing, self._tag = Peer(self.world, native.dialect), Int32Framing(2**20), 0
        self._stirred = 0
        self.play(r.LogIn("bob", PASSWORD, "phone"))
        self.prepare()
        if are_contacts:
            self.alice.ask(r.RequestContact(BOB, "hello"))
            self.play(r.AnswerContact(ALICE, True))
        self.alice.ask(r.Block(BOB if block else DAVE))
        if not block:
            self.alice.leave()
        self.world.pass_seconds(8)
        self.bob.received.clear()

    def prepare(self) -> None:
        """Bob has written to alice, and both are in a group of carol's, which bob helps to moderate."""
        self.direct = int(self.alice.ask(r.OpenDirect(BOB)).membership.conversation.id)
        self.club = group(self.carol, ALICE, BOB)
        self.carol.ask(r.SetRole(self.club, BOB, 2))
        self.carol.ask(r.SetJoinPolicy(self.club, JoinPolicy.OPEN))
        self.carol.ask(text(self.club, "welcome"))
        self.play(r.CreateGroup("own", [CAROL]))
        self.own = max(
            m.conversation.id for m in self._memberships(self.carol) if m.conversation.title == "own"
        )
        self.play(text(self.direct, "before", b"before\0\0"))

    @staticmethod
    def _memberships(client: Client) -> Any:
        return client.ask(r.ListConversations(0, 0)).memberships

    def play(self, *step: r.Request) -> Seen:
        """Bob asks that in one segment."""
        self.world.core.store = hesitant = Hesitant(self.world.store, Turnstile())
        self.world.core.rosters._store = hesitant  # type: ignore[assignment]
        before = self.world.store.statistics().commits
        self.bob.received.clear()
        self.bob.write(b"".join(map(self._frame, step)))
        turns = 0
        while not self.bob.received and turns < TURNS:
            self.world.clock.advance(TURN_SECONDS)
            turns += 1
        self.world.settle()
        if isinstance(step[0], SIGNALS):
            return Seen(step, turns, bytes(self.bob.received))
        commits = self.world.store.statistics().commits - before
        return Seen(step, turns, bytes(self.bob.received), hesitant.done, commits)

    def wait(self) -> list[bytes]:
        """What is told with time, whatever alice does, if she is there; what comes within a second has no order."""
        self.bob.received.clear()
        self._stirred += 1
        for request in (
            r.MarkDelivered(self.direct, 2**40), r.MarkRead(self.direct, 2**40), r.SetTyping(self.direct, True),
            r.SetPresence(1 + self._stirred % 4, "here"),
        ):  # fmt: skip
            if not self.alice.closed:
                self.alice.start(request)
        self.world.pass_seconds(8)
        self.world.clock.advance(1.25 - self.world.clock.seconds() % 1)  # the same time on both servers again
        framing = Int32Framing(2**20)
        framing.receive(bytes(self.bob.received))
        return sorted(framing.frames())

    def _frame(self, request: r.Request) -> bytes:
        self._tag += 1
        return self._framing.pack(CODEC.encode_request(request, self._tag))

    def steps(self) -> list[tuple[r.Request, ...]]:
        """All that somebody tries who wants to know."""
        direct, club, own = self.direct, self.club, self.own
        hello = r.SendTo("alice", b"id\0\0\0\0\0\0\0\1", Kind.TEXT, "", b"hello")

        def said(n: int, kind: Kind = Kind.TEXT, body: bytes = b"said", **extra: Any) -> r.Send:
            return r.Send(direct, b"said" + n.to_bytes(8), kind, "", body, Extra(**extra) if extra else None)

        return [
            *((one,) for one in (
                r.LookUp("alice", 0), r.LookUp("", ALICE), r.Search("ali", 0, 0), r.OpenDirect(ALICE),
                r.RequestContact(ALICE, "hello?"), r.RequestContact(ALICE, "hello?"), r.AnswerContact(ALICE, True),
                r.RemoveContact(ALICE), r.RequestContact(ALICE, "again"), r.ListContacts(0, 0), r.SetRemark(ALICE, "x", "y"),
                hello, hello, replace(hello, body=b"other"), said(1), said(2, mentions=[ALICE]), said(3, Kind.EDIT, about=1),
                said(4, Kind.RECALL, b"", about=1), said(5, Kind.ATTENTION, b""), said(6, burn_seconds=5), said(7, about=1),
            )),
            tuple(said(n) for n in range(10, 14)),
            (said(13), said(14), replace(said(11), body=b"other"), said(15)),
            *((one,) for one in (
                r.Forward(direct, 2, direct, b"forward1"), r.Forward(club, 4, direct, b"forward2"),
                r.SetTyping(direct, True), r.SetTyping(club, True), r.MarkDelivered(direct, 5), r.MarkRead(direct, 5),
                r.CountReceipts(direct, 2), r.FetchHistory(direct, 0, 0, 0), r.Synchronise(0), r.ListConversations(0, 0),
                r.ListMembers(direct, 0, 0), r.ListMembers(club, 0, 0), text(club, "to all", b"to all\0\0"),
                r.CreateGroup("new", [ALICE]), r.CreateGroup("new", [CAROL, ALICE]), r.AddMembers(own, [ALICE]),
                r.AddMembers(club, [ALICE]), r.FetchHistory(own, 0, 0, 0),
                r.SetPresence(2, "here"), r.UpdateProfile("Bob", "read me"), r.ListBlocked(0, 0),
                r.Block(ALICE), r.OpenDirect(ALICE), r.Unblock(ALICE), said(20),
            )),
        ]  # fmt: skip


class UntoldTests(SynchronousTestCase):
    def memory(self, clock: Clock) -> MemoryStore:
        dice = Random(1)
        return MemoryStore(randbits=dice.getrandbits, token_bytes=dice.randbytes)

    def sqlite(self, clock: Clock) -> SqliteStore:
        dice = Random(1)
        store = SqliteStore(
            Path(self.mktemp()), clock, lambda status, sentence: self.fail(sentence),  # type: ignore[arg-type]
            sync=lambda descriptor: None, randbits=dice.getrandbits, token_bytes=dice.randbytes,
            make_worker=lambda name: InstantWorker(),
        )  # fmt: skip
        store.open()
        self.addCleanup(lambda: Deferred.fromCoroutine(store.close()))
        return store

    def server(self, make_store: MakeStore, are_contacts: bool, block: bool) -> Server:
        clock = Clock()
        return Server(make_store(clock), clock, are_contacts, block)

    def compare(self, make_store: MakeStore, are_contacts: bool) -> None:
        blocked, ignored = (self.server(make_store, are_contacts, block) for block in (True, False))
        for step, same in zip(blocked.steps(), ignored.steps(), strict=True):
            self.assertEqual(step, same)
            self.assertEqual(blocked.play(*step), ignored.play(*step))
            self.assertEqual(blocked.wait(), ignored.wait(), step)
        self.assertIn("to all", blocked.alice.texts)  # she was there, and has heard nothing else
        self.assertFalse({"said", "hello"} & set(blocked.alice.texts))

    def test_strangers(self) -> None:
        """Of somebody who is no contact."""
        for make_store in (self.memory, self.sqlite):
            self.compare(make_store, are_contacts=False)

    def test_contacts(self) -> None:
        """Of a contact, who looks as if he were away."""
        for make_store in (self.memory, self.sqlite):
            self.compare(make_store, are_contacts=True)
