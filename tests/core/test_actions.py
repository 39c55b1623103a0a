"""Editing, recalling, mentioning and calling for attention, as clients see it (the stores' part: contracts/actions.py)."""

from dataclasses import replace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.values import Extra, Gone, Kind, Message, Role
from tests.core.client import Client, group, logged_in, text, text_to
from tests.fakes import LIMITS, World

ALICE, BOB, CAROL = 100_001, 100_002, 100_003


class ActionsCase(SynchronousTestCase):
    """Alice and bob, and a conversation of theirs."""

    def setUp(self) -> None:
        self.world = World(LIMITS)
        self.alice, self.bob = logged_in(self.world, "alice"), logged_in(self.world, "bob")
        self.direct = self.alice.ask(r.OpenDirect(BOB)).membership.conversation.id
        self.ids = 0

    def act(
        self, client: Client, kind: Kind, extra: Extra | None = None, body: bytes = b"", where: int = 0
    ) -> Any:
        self.ids += 1
        return client.ask(r.Send(where or self.direct, b"%d" % self.ids, kind, "", body, extra))

    def say(self, client: Client, body: str, where: int = 0) -> int:
        """-> its seq."""
        seq: int = client.ask(text(where or self.direct, body)).seq
        return seq

    def later(self, seconds: int) -> None:
        """The wall clock goes on."""
        wall_ms = self.world.core.wall_ms
        self.world.core.wall_ms = lambda: wall_ms() + 1000 * seconds

    def edit(self, client: Client, seq: int, body: bytes = b"edited", where: int = 0) -> Any:
        return self.act(client, Kind.EDIT, Extra(about=seq), body, where)

    def recall(self, client: Client, seq: int, where: int = 0) -> Any:
        return self.act(client, Kind.RECALL, Extra(about=seq), where=where)

    def log(self, client: Client, where: int = 0) -> list[Message]:
        found: list[Message] = client.ask(r.FetchHistory(where or self.direct, 0, 0, 0)).messages
        return found

    def pushed(self, client: Client) -> list[Message]:
        return [event.message for event in client.of(e.MessageArrived)]


class EditTests(ActionsCase):
    def test_edit(self) -> None:
        """An edit comes as a message about the one it edits, on all devices, in the order of the log."""
        phone = logged_in(self.world, "alice", "phone")
        seq = self.say(self.alice, "helo")
        sent = self.edit(self.alice, seq, b"hello")
        self.assertEqual((sent.conversation, sent.seq), (self.direct, 2))
        for client in (self.bob, phone):
            edit = self.pushed(client)[-1]
            self.assertEqual(
                (edit.seq, edit.kind, edit.body, edit.extra), (2, Kind.EDIT, b"hello", Extra(about=1))
            )
        self.assertEqual([m.body for m in self.log(self.bob)], [b"helo", b"hello"])

    def test_time(self) -> None:
        """Within edit_seconds; a recall within recall_seconds."""
        for seconds, done, refused in (
            (119, (self.edit, self.recall), ()),
            (121, (self.edit,), (self.recall,)),
        ):
            for action in (*done, *refused):
                self.setUp()
                seq = self.say(self.alice, "text")
                self.later(seconds)
                code = getattr(action(self.alice, seq), "code", "")
                self.assertEqual(code, "FORBIDDEN" if action in refused else "", (seconds, action))
        self.later(86_400)
        self.assertEqual(self.edit(self.alice, 1).code, "FORBIDDEN")

    def test_order(self) -> None:
        """What is pipelined keeps its order, whatever of it is about what."""
        first = self.say(self.alice, "one")
        tags = [
            self.alice.start(request)
            for request in (
                text(self.direct, "two"),
                r.Send(self.direct, b"edit", Kind.EDIT, "", b"ONE", Extra(about=first)),
                text_to("bob", "three"),
                r.Send(self.direct, b"recall", Kind.RECALL, "", b"", Extra(about=first)),
                text(self.direct, "four"),
            )
        ]
        self.world.settle()
        self.assertEqual([self.alice.answers[tag].seq for tag in tags], [2, 3, 4, 5, 6])
        kinds = [Kind.TEXT, Kind.TEXT, Kind.EDIT, Kind.TEXT, Kind.RECALL, Kind.TEXT]
        self.assertEqual([message.kind for message in self.pushed(self.bob)], kinds)

    def test_runs(self) -> None:
        """A message with an extra neither continues a run nor is continued, though its id does."""
        stem = b"abcdefgh"
        requests = [r.Send(self.direct, stem + n.to_bytes(8), 1, "", b"%d" % n) for n in range(1, 6)]
        requests[2].extra = Extra(about=1)
        tags = [self.alice.start(request) for request in requests]
        self.world.settle()
        self.assertEqual([self.alice.answers[tag].seq for tag in tags], [1, 2, 3, 4, 5])
        page = self.bob.ask(r.FetchHistory(self.direct, 0, 0, 0))
        self.assertEqual([len(run.bodies) for run in page.runs], [2, 1, 2])
        self.assertEqual([m.extra for m in page.messages], [None, None, Extra(about=1), None, None])


class RecallTests(ActionsCase):
    def test_recall(self) -> None:
        """Who has it learns of the recall; who fetches finds a tombstone, also who has said it."""
        seq = self.say(self.alice, "wrong window")
        self.recall(self.alice, seq)
        recall = self.pushed(self.bob)[-1]
        self.assertEqual((recall.kind, recall.body, recall.extra), (Kind.RECALL, b"", Extra(about=seq)))
        for client in (self.alice, self.bob):
            gone = self.log(client)[0]
            self.assertEqual(
                (gone.kind, gone.content_type, gone.body, gone.sender),
                (Kind.TOMBSTONE, Gone.RECALLED, b"", ALICE),
            )

    def test_retry_of_the_recalled(self) -> None:
        """It still has its seq, and is not said again (P2)."""
        first = self.alice.ask(text(self.direct, "wrong window"))
        recall = r.Send(self.direct, b"recall", Kind.RECALL, "", b"", Extra(about=first.seq))
        recalled = self.alice.ask(recall)
        self.bob.events.clear()
        self.assertEqual(self.alice.ask(text(self.direct, "wrong window")), first)
        self.later(1000)
        self.assertEqual(self.alice.ask(recall), recalled)
        self.assertEqual(self.pushed(self.bob), [])

    def test_others(self) -> None:
        """Nobody edits or recalls what others have said."""
        seq = self.say(self.alice, "mine")
        for action in (self.edit, self.recall):
            self.assertEqual(action(self.bob, seq).code, "FORBIDDEN")
        self.assertEqual([m.body for m in self.log(self.bob)], [b"mine"])

    def test_of_a_blocked_sender(self) -> None:
        """What is withheld says nothing of being an edit or a recall, either."""
        seq = self.say(self.alice, "before")
        self.bob.ask(r.Block(ALICE))
        self.edit(self.alice, seq, b"after")
        self.recall(self.alice, seq)
        self.act(self.alice, Kind.ATTENTION)
        for message in self.pushed(self.bob)[1:] + self.log(self.bob)[1:]:
            seen = message.kind, message.content_type, message.body, message.extra
            self.assertEqual(seen, (Kind.TOMBSTONE, Gone.WITHHELD, b"", None))


class GroupTests(ActionsCase):
    """Alice owns the group, bob is an admin, carol and dave are members; each has said something."""

    NAMES = ("alice", "bob", "carol", "dave")

    def setUp(self) -> None:
        super().setUp()
        self.people = {"alice": self.alice, "bob": self.bob}
        self.people |= {name: logged_in(self.world, name) for name in ("carol", "dave")}
        self.group = group(self.alice, BOB, CAROL, 100_004)
        self.alice.ask(r.SetRole(self.group, BOB, Role.ADMIN))
        self.said = {name: self.say(self.people[name], f"of {name}", self.group) for name in self.NAMES}

    def test_matrix(self) -> None:
        """Who may edit and recall what, young and old: one's own for a while; admins recall everything, and edit nothing."""
        for is_old in (False, True):
            for action in (self.edit, self.recall):
                for asker in self.NAMES:
                    for sender in self.NAMES:
                        self.setUp()
                        self.later(100_000 if is_old else 0)
                        answer = getattr(self, action.__name__)(
                            self.people[asker], self.said[sender], where=self.group
                        )
                        moderates = action == self.recall and asker in ("alice", "bob")
                        may = moderates or (asker == sender and not is_old)
                        code = getattr(answer, "code", "")
                        cell = f"{asker} {action.__name__}s what {sender} has said, {is_old=}"
                        self.assertEqual(code, "" if may else "FORBIDDEN", cell)

    def test_right_that_ended(self) -> None:
        """Who is no admin any more recalls nothing of others; nor who is no admin yet."""
        self.alice.ask(r.SetRole(self.group, BOB, Role.MEMBER))
        self.assertEqual(self.recall(self.bob, self.said["carol"], self.group).code, "FORBIDDEN")
        self.alice.ask(r.SetRole(self.group, CAROL, Role.ADMIN))
        self.assertIsInstance(self.recall(self.people["carol"], self.said["dave"], self.group), e.Sent)

    def test_notices(self) -> None:
        """What has happened has happened."""
        self.assertEqual(self.recall(self.alice, 1, self.group).code, "FORBIDDEN")

    def test_muted(self) -> None:
        """Who may not write edits and recalls nothing, but has the answers to what he did before."""
        recall = r.Send(self.group, b"before", Kind.RECALL, "", b"", Extra(about=self.said["carol"]))
        carol = self.people["carol"]
        first = carol.ask(recall)
        own = self.say(carol, "more", self.group)
        self.alice.ask(r.Mute(self.group, CAROL, 60))
        for action in (self.edit, self.recall):
            self.assertEqual(action(carol, own, where=self.group).code, "FORBIDDEN")
        self.assertEqual(carol.ask(recall), first)


class MentionTests(ActionsCase):
    def test_mentions(self) -> None:
        """Members are mentioned; strangers are not, and then nothing is said."""
        conversation = group(self.alice, BOB)
        carol = logged_in(self.world, "carol")
        self.assertIsInstance(
            self.act(self.alice, Kind.TEXT, Extra(mentions=[BOB]), b"@bob", conversation), e.Sent
        )
        self.assertEqual(self.pushed(self.bob)[-1].extra, Extra(mentions=[BOB]))
        refused = self.act(self.alice, Kind.TEXT, Extra(mentions=[BOB, CAROL]), b"@carol", conversation)
        self.assertEqual(refused.code, "NOT_FOUND")
        self.assertEqual(len(self.log(self.bob, conversation)), 2)
        self.assertEqual(carol.events, [])

    def test_too_many(self) -> None:
        """At most max_mentions."""
        extra = Extra(mentions=[BOB] * 51)
        self.assertEqual(self.act(self.alice, Kind.TEXT, extra, b"all").code, "BAD_REQUEST")


class AttentionTests(ActionsCase):
    def test_attention(self) -> None:
        """One in attention_seconds for each conversation, from each of its members."""
        other = group(self.alice, BOB)
        self.assertIsInstance(self.act(self.alice, Kind.ATTENTION), e.Sent)
        self.assertEqual(self.pushed(self.bob)[-1].kind, Kind.ATTENTION)
        refused = self.act(self.alice, Kind.ATTENTION)
        self.assertEqual((refused.code, refused.retry_after_ms), ("RATE_LIMITED", 10_000))
        self.assertIsInstance(self.act(self.bob, Kind.ATTENTION), e.Sent)
        self.assertIsInstance(self.act(self.alice, Kind.ATTENTION, where=other), e.Sent)
        self.world.pass_seconds(10)
        self.assertIsInstance(self.act(self.alice, Kind.ATTENTION), e.Sent)

    def test_load(self) -> None:
        """Load tests call as often as they like."""
        self.world.core.limits = replace(LIMITS, enabled=False)
        for _ in range(3):
            self.assertIsInstance(self.act(self.alice, Kind.ATTENTION), e.Sent)
