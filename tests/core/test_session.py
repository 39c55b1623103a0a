"""One client's stay: rates, refusals, being behind."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.capabilities import Capabilities
from imserver.core.values import Once
from tests.core.client import Client, group, logged_in, text
from tests.fakes import LIMITS, World

BOB = 100_002
LINE = Capabilities("line", acknowledges=False, fetches=False)


class SessionCase(SynchronousTestCase):
    limits = LIMITS

    def setUp(self) -> None:
        self.world = World(self.limits)
        self.alice, self.bob = logged_in(self.world, "alice"), logged_in(self.world, "bob")


class RateTests(SessionCase):
    limits = replace(LIMITS, refusals_before_close=10_000)

    def refused(self, client: Client, request: r.Request, count: int) -> int:
        tags = [client.start(request) for _ in range(count)]
        self.world.settle()
        answers = [client.answers[tag] for tag in tags if tag in client.answers]
        refusals = [answer for answer in answers if isinstance(answer, e.Refused)]
        self.assertTrue(all((one.code, one.retry_after_ms > 0) == ("RATE_LIMITED", True) for one in refusals))
        return len(refusals)

    def test_requests(self) -> None:
        """A hundred at once and 20 a second, over all devices of an account."""
        other = logged_in(self.world, "alice")
        self.assertEqual(self.refused(self.alice, r.ListDevices(), 60), 0)
        self.assertEqual(self.refused(other, r.LookUp("bob", 0), 60), 20)
        self.assertEqual(self.refused(self.bob, r.ListDevices(), 60), 0)
        self.world.clock.advance(1.0)
        self.assertEqual(self.refused(other, r.ListDevices(), 30), 10)

    def test_signals(self) -> None:
        """Receipts, typing and pings have a wide rate of their own, so that a device can acknowledge all it gets."""
        self.assertEqual(self.refused(self.alice, r.MarkRead(1, 1), 1000), 0)
        self.assertEqual(self.refused(self.alice, r.Ping(), 1500), 500)
        self.assertEqual(self.refused(self.alice, r.ListDevices(), 10), 0)

    def test_lifted(self) -> None:
        """`enabled = false` lifts them."""
        self.world.core.limits = replace(self.limits, enabled=False)
        self.assertEqual(self.refused(self.alice, r.ListDevices(), 1000), 0)


class RefusalTests(SessionCase):
    def test_too_many(self) -> None:
        """A hundred refusals within ten seconds are borne; one more ends the connection."""
        for _ in range(100):
            self.alice.start(r.OpenDirect(1))
        self.assertEqual(self.alice.closed, "")
        self.alice.start(r.OpenDirect(1))
        self.assertEqual(self.alice.closed, "TOO_MANY_REFUSALS")

    def test_now_and_then(self) -> None:
        """Nine refusals a second for a minute end nothing."""
        for _ in range(60):
            for _ in range(9):
                self.alice.start(r.RevokeDevice("nothing"))
            self.world.clock.advance(1.0)
        self.assertEqual(self.alice.closed, "")

    def test_a_bug(self) -> None:
        """An exception of ours costs this client its connection and nobody else anything."""

        async def broken(*_: object) -> None:
            raise ZeroDivisionError("on purpose")

        self.world.store.devices_of = broken
        self.alice.deliver = lambda event, tag=0: self.alice.answers.update({tag: event})
        with self.assertLogs("imserver.core.session", "ERROR") as logs:
            tag = self.alice.start(r.ListDevices())
        self.assertIn("ZeroDivisionError", logs.output[0])
        self.assertEqual((self.alice.answers[tag].code, self.alice.closed), ("INTERNAL", "INTERNAL"))
        self.assertEqual((self.bob.closed, self.world.core.session_count()), ("", 1))


class BehindTests(SessionCase):
    limits = replace(LIMITS, enabled=False, window_messages=10)

    def setUp(self) -> None:
        super().setUp()
        self.conversation = group(self.alice, BOB)  # seq 1

    def say(self, count: int) -> None:
        for _ in range(count):
            self.alice.ask(text(self.conversation, f"{self.alice.tag}"))

    def test_window_full(self) -> None:
        """Ten unacknowledged messages are pushed; the eleventh waits in the log; told once there is room, fetched, live again."""
        self.say(14)
        self.assertEqual([event.message.seq for event in self.bob.of(e.MessageArrived)], list(range(1, 11)))
        self.world.pass_seconds(3)
        self.assertEqual(self.bob.of(e.Behind), [])
        self.bob.ask(r.MarkDelivered(self.conversation, 4))
        self.assertEqual(self.bob.of(e.Behind), [])
        self.bob.ask(r.MarkDelivered(self.conversation, 10))
        self.assertEqual(self.bob.of(e.Behind), [e.Behind(self.conversation, 15)])
        page = self.bob.ask(r.FetchHistory(self.conversation, 10, 0, 0))
        self.assertEqual([message.seq for message in page.messages], list(range(11, 16)))
        self.say(1)
        self.assertEqual(self.bob.of(e.MessageArrived)[-1].message.seq, 16)

    def test_no_gap(self) -> None:
        """A device that is behind is not pushed what is newer, even when its window has room."""
        self.say(12)
        self.bob.ask(r.MarkDelivered(self.conversation, 10))
        self.say(3)
        self.assertEqual([event.message.seq for event in self.bob.of(e.MessageArrived)], list(range(1, 11)))

    def test_congested(self) -> None:
        """While enough waits to be written nothing is pushed, and nothing is told."""
        self.bob.congested = True
        self.say(3)
        self.world.pass_seconds(2)
        self.assertEqual((len(self.bob.of(e.MessageArrived)), self.bob.of(e.Behind)), (1, []))
        self.bob.congested = False
        self.world.pass_seconds(1)
        self.assertEqual(self.bob.of(e.Behind), [e.Behind(self.conversation, 4)])

    def test_pages_count_as_given(self) -> None:
        """What a page of history brought is not pushed again; pages elsewhere change nothing."""
        self.bob.congested = True
        self.say(4)
        self.bob.congested = False
        self.bob.ask(r.FetchHistory(self.conversation, 1, 0, 2))  # 2, 3
        self.bob.ask(r.FetchHistory(self.conversation, 4, 0, 0))  # 5, not what it lacks first
        self.bob.ask(r.FetchHistory(self.conversation, 0, 100, 0))  # backwards
        self.assertEqual(self.bob.session.window.positions[self.conversation].pushed, 3)
        self.bob.ask(r.FetchHistory(self.conversation, 3, 0, 0))
        self.say(1)
        self.assertEqual([event.message.seq for event in self.bob.of(e.MessageArrived)], [1, 6])

    def test_other_conversations_go_on(self) -> None:
        """Being behind in one conversation holds up no other."""
        other = group(self.alice, BOB)
        self.bob.congested = True
        self.say(1)
        self.bob.congested = False
        self.alice.ask(text(other, "elsewhere"))
        self.assertEqual(self.bob.texts[-1], "elsewhere")


class IntegerTests(SessionCase):
    limits = replace(LIMITS, enabled=False)
    edges = (0, 1, 2**31 - 1, 2**31, 2**53 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 2**80, -1)

    def test_any_integer(self) -> None:
        """No number in any field of any request makes the core fail; it answers, or refuses by a code of its table."""
        id = group(self.alice, BOB)
        for n in self.edges:
            for request in self.requests(id, n):
                client = Client(self.world)
                client.log_in("alice", "phone")
                answer = client.ask(request)
                self.assertNotEqual(getattr(answer, "code", ""), "INTERNAL", request)
                self.assertNotEqual(client.closed, "INTERNAL", request)

    def requests(self, id: int, n: int) -> list[r.Request]:
        once = Once(n, n)
        return [
            r.LookUp("", n),
            r.OpenDirect(n),
            r.CreateGroup("title", [n], None),
            r.CreateGroup("title", [BOB], once),
            r.AddMembers(n, [BOB], None),
            r.AddMembers(id, [n], once),
            r.RenameGroup(n, "title", None),
            r.RenameGroup(id, "title", once),
            r.LeaveGroup(n, once),
            r.FindGroup(n),
            r.JoinGroup(n, "", once),
            r.AnswerJoin(n, BOB, True),
            r.AnswerJoin(id, n, False),
            r.ListJoinRequests(id, n, n),
            r.ListJoinRequests(n, 0, 0),
            r.RemoveMember(n, BOB),
            r.RemoveMember(id, n),
            r.SetRole(id, n, 2),
            r.SetRole(id, BOB, n),
            r.HandOver(id, n),
            r.Mute(id, n, 1),
            r.Mute(id, BOB, n),
            r.SetJoinPolicy(id, n),
            r.SetAnnouncement(n, "text"),
            r.DissolveGroup(n),
            r.ListConversations(n, n),
            r.ListMembers(id, n, n),
            r.ListMembers(n, 0, 0),
            r.Send(n, b"id", 1, "", b""),
            r.Send(id, b"id", n, "", b""),
            r.MarkDelivered(id, n),
            r.MarkDelivered(n, 1),
            r.MarkRead(id, n),
            r.MarkRead(n, 1),
            r.SetTyping(n, True),
            r.CountReceipts(id, n),
            r.CountReceipts(n, 1),
            r.FetchHistory(id, n, 0, 0),
            r.FetchHistory(id, 0, n, 0),
            r.FetchHistory(id, n, n, n),
            r.FetchHistory(n, 0, 0, 0),
            r.Synchronise(n),
        ]
