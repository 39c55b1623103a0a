"""The way of a message into the log: checked, gathered, durable, acknowledged, told (delivery.md P1-P3)."""

from collections.abc import Sequence
from dataclasses import replace

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.capabilities import Capabilities
from imserver.core.errors import ChatError, Code
from imserver.core.posting import Posting
from imserver.core.values import Gone, Kind
from imserver.store.memory import MemoryStore
from tests.core.client import Client, Hesitant, Turnstile, account, group, logged_in, text, text_to
from tests.fakes import LIMITS, World


class SlowStore(MemoryStore):
    """Its append waits, or fails, when told so."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: Deferred[None] | None = None
        self.failure: Exception | None = None
        self.batches: list[list[bytes]] = []

    async def append(self, postings: Sequence[Posting], now_ms: int) -> None:
        self.batches.append([body for posting in postings for body in posting.bodies])
        if self.waiting is not None:
            await self.waiting
        if self.failure is not None:
            raise self.failure
        await super().append(postings, now_ms)

    def finish(self) -> None:
        waiting, self.waiting = self.waiting, None
        assert waiting is not None
        waiting.callback(None)


class MessagesCase(SynchronousTestCase):
    limits = LIMITS

    def setUp(self) -> None:
        self.store = SlowStore()
        self.world = World(self.limits, self.store)
        self.alice, self.bob = logged_in(self.world, "alice"), logged_in(self.world, "bob")
        self.direct = self.alice.ask(r.OpenDirect(100_002)).membership.conversation.id

    def use(self, **limits: object) -> None:
        self.world.core.limits = self.world.limits = replace(self.world.limits, **limits)

    def send(self, body: str, client_id: bytes = b"") -> object:
        return self.alice.ask(text(self.direct, body, client_id))


class SendTests(MessagesCase):
    def test_sent(self) -> None:
        """The answer carries conversation, seq and time; the others get the message as it was sent."""
        body = b" \r\n" + bytes(range(256)) + b"\0 \n"
        answer = self.alice.ask(r.Send(self.direct, b"id", Kind.OPAQUE, "application/x", body))
        self.assertEqual((answer.conversation, answer.seq), (self.direct, 1))
        (event,) = self.bob.of(e.MessageArrived)
        message = event.message
        self.assertEqual(
            (message.conversation, message.seq, message.time_ms), (self.direct, 1, answer.time_ms)
        )
        self.assertEqual((message.sender, message.sender_name, message.client_id), (100_001, "alice", b"id"))
        self.assertEqual(
            (message.kind, message.content_type, message.body), (Kind.OPAQUE, "application/x", body)
        )
        self.assertEqual(self.alice.of(e.MessageArrived), [])

    def test_retry(self) -> None:
        """The same client id gets the same seq and time, on any device, and nobody gets it twice (P2)."""
        first = self.send("hello")
        phone = logged_in(self.world, "alice")
        self.world.pass_seconds(10)
        self.assertEqual(self.send("hello"), first)
        self.assertEqual(phone.ask(text_to("bob", "hello")), first)
        self.assertEqual((self.bob.texts, phone.texts), (["hello"], []))
        self.assertEqual(self.send("next").seq, 2)

    def test_retry_in_one_batch(self) -> None:
        """Two with one id on their way together are one message."""
        tags = [self.alice.start(text(self.direct, "hello")) for _ in range(3)]
        self.world.settle()
        self.assertEqual({self.alice.answers[tag].seq for tag in tags}, {1})
        self.assertEqual(self.bob.texts, ["hello"])

    def test_reused(self) -> None:
        """Other content, kind or conversation under an id is refused, and nothing is stored."""
        id = group(self.alice, 100_002)
        self.send("hello", b"id")
        others = (
            text(self.direct, "other", b"id"),
            text(id, "hello", b"id"),
            r.Send(self.direct, b"id", Kind.RICH, "", b"hello"),
            r.Send(self.direct, b"id", Kind.OPAQUE, "a/b", b"hello"),
        )
        for other in others:
            self.assertEqual(self.alice.code(other), "CLIENT_ID_REUSED", other)
        self.assertEqual(self.bob.texts[-1], "hello")
        self.assertEqual(self.send("next").seq, 2)

    def test_ids_are_per_account(self) -> None:
        """Two people may use the same id."""
        self.send("from alice", b"id")
        self.assertEqual(self.bob.ask(text(self.direct, "from bob", b"id")).seq, 2)

    def test_content(self) -> None:
        """Each part has its bounds: at the limit it passes, beyond it is refused and stores nothing."""
        big = b"x" * (64 * 1024)
        refused = {
            "BODY_TOO_LARGE": [r.Send(self.direct, b"a", Kind.TEXT, "", big + b"x")],
            "BAD_REQUEST": [
                r.Send(self.direct, b"", Kind.TEXT, "", b"no id"),
                r.Send(self.direct, b"x" * 65, Kind.TEXT, "", b"long id"),
                r.Send(self.direct, b"a", Kind.TEXT, "text/plain", b"typed text"),
                r.Send(self.direct, b"a", Kind.TEXT, "", b"\xff not UTF-8"),
                r.Send(self.direct, b"a", Kind.TEXT, "", b"\xed\xa0\x80 a surrogate"),
                r.Send(self.direct, b"a", Kind.RICH, "", b"nul \0"),
                r.Send(self.direct, b"a", Kind.OPAQUE, "", b"untyped"),
                r.Send(self.direct, b"a", Kind.OPAQUE, "x" * 129, b"long type"),
                r.Send(self.direct, b"a", Kind.OPAQUE, "a/b\n", b"control"),
                r.Send(self.direct, b"a", Kind.NOTICE, "a/b", b"forged"),
                *(r.Send(self.direct, b"a", kind, "", b"kind") for kind in (0, 5, 2**31, 2**32 - 1)),
            ],
        }
        for code, requests in refused.items():
            for request in requests:
                self.assertEqual(self.alice.code(request), code, request)
                self.assertEqual(self.alice.code(r.SendTo("bob", *request_parts(request))), code, request)
        self.assertEqual(self.store.batches, [])
        for n, request in enumerate(
            (
                r.Send(self.direct, b"x" * 64, Kind.TEXT, "", big),
                r.Send(self.direct, b"1", Kind.OPAQUE, "x" * 128, big),
                r.Send(self.direct, b"2", Kind.RICH, "", b"{\\rtf1 hello}"),
                r.Send(self.direct, b"3", Kind.TEXT, "", b""),
            )
        ):
            self.assertEqual(self.alice.ask(request).seq, n + 1)

    def test_order_while_the_conversation_is_looked_for(self) -> None:
        """Sends of a session keep their order, also when the first must wait for its conversation (P3)."""
        account(self.world, "carol")
        turnstile = Turnstile()
        self.world.core.store = store = Hesitant(self.store, turnstile)
        self.world.core.rosters._store = store
        turnstile.closed = True
        tags = [self.alice.start(text_to("carol", "0"))]
        tags += [self.alice.start(text(self.direct, f"{n}")) for n in (1, 2)]
        tags += [self.alice.start(text_to("carol", "3")), self.alice.start(text(self.direct, "4"))]
        self.assertEqual(self.alice.session.sends_in_flight, 5)
        self.world.settle()
        self.assertEqual(self.store.batches, [])
        turnstile.open()
        self.world.settle()
        self.assertEqual(
            [body for batch in self.store.batches for body in batch], [b"0", b"1", b"2", b"3", b"4"]
        )
        self.assertEqual([self.alice.answers[tag].seq for tag in tags], [1, 1, 2, 2, 3])
        self.assertEqual(self.alice.session.sends_in_flight, 0)

    def test_one_of_them_is_refused(self) -> None:
        """Who cannot be found costs that message only; what was sent after it goes on."""
        tags = [self.alice.start(request) for request in (text_to("nobody", "0"), text(self.direct, "1"))]
        self.world.settle()
        self.assertEqual(self.alice.answers[tags[0]].code, "NOT_FOUND")
        self.assertEqual(self.alice.answers[tags[1]].seq, 1)

    def test_to_oneself(self) -> None:
        """There is no conversation with oneself."""
        self.assertEqual(self.alice.code(text_to("alice", "hello")), "FORBIDDEN")

    def test_gone_with_sends_held(self) -> None:
        """A sender who is gone before the conversation is found has sent nothing."""
        account(self.world, "carol")
        turnstile = Turnstile()
        self.world.core.store = Hesitant(self.store, turnstile)
        turnstile.closed = True
        self.alice.start(text_to("carol", "hello"))
        self.alice.leave()
        turnstile.open()
        self.world.settle()
        self.assertEqual(self.store.batches, [])


def request_parts(request: r.Send) -> tuple[bytes, int, str, bytes]:
    return request.client_id, request.kind, request.content_type, request.body


class DurableTests(MessagesCase):
    def test_nothing_is_visible_before(self) -> None:
        """Until append returns there is no ack, no push, no history, no sync state, no receipt of it (P1)."""
        self.store.waiting = Deferred()
        tag = self.alice.start(text(self.direct, "hello"))
        self.world.pass_seconds(2)
        self.assertNotIn(tag, self.alice.answers)
        self.assertEqual(self.bob.events, [])
        for client in (self.alice, self.bob):
            self.assertEqual(client.ask(r.FetchHistory(self.direct, 0, 0, 0)).messages, [])
            self.assertEqual(client.ask(r.Synchronise(0)).memberships, [])
        self.assertFalse(self.world.core.idle)
        self.store.finish()
        self.world.settle()
        self.assertIsInstance(self.alice.answers[tag], e.Sent)
        self.assertEqual(self.bob.texts, ["hello"])
        self.assertTrue(self.world.core.idle)

    def test_one_turn_one_batch(self) -> None:
        """What one turn brought is committed together; what comes meanwhile is the next batch."""
        self.store.waiting = Deferred()
        for n in range(3):
            self.alice.start(text(self.direct, f"{n}"))
        self.world.settle()
        for n in range(3, 6):
            self.alice.start(text(self.direct, f"{n}"))
        self.world.settle()
        self.assertEqual(self.store.batches, [[b"0", b"1", b"2"]])
        self.store.finish()
        self.world.settle()
        self.assertEqual(self.store.batches[1:], [[b"3", b"4", b"5"]])
        self.assertEqual(self.bob.texts, [f"{n}" for n in range(6)])

    def test_gone_with_a_batch_under_way(self) -> None:
        """A sender who is gone is not answered; what was accepted is stored and delivered all the same."""
        self.store.waiting = Deferred()
        tag = self.alice.start(text(self.direct, "hello"))
        self.world.settle()
        self.alice.leave()
        self.store.finish()
        self.world.settle()
        self.assertEqual((self.bob.texts, tag in self.alice.answers), (["hello"], False))

    def test_refused_batch(self) -> None:
        """When the store takes nothing everybody is told so, and nothing is shown; later it works again."""
        for code in (Code.UNKNOWN_RETRY, Code.RETRY_AFTER, Code.UNAVAILABLE_STORAGE):
            self.store.failure = ChatError(code, "in trouble", 1000)
            answer = self.send("hello")
            self.assertEqual((answer.code, answer.retry_after_ms), (code, 1000))
        self.assertEqual(self.bob.events, [])
        self.store.failure = None
        self.assertEqual(self.send("hello").seq, 1)

    def test_failing_store(self) -> None:
        """A bug in the store is an unknown outcome for its batch, and not the end of the server."""
        self.store.failure = ZeroDivisionError("on purpose")
        with self.assertLogs("imserver.core.batches", "ERROR"):
            self.assertEqual(self.alice.code(text(self.direct, "hello")), "UNKNOWN_RETRY")
        self.store.failure = None
        self.assertEqual(self.send("hello").seq, 1)

    def test_failing_client(self) -> None:
        """A client that breaks when it is answered does not stop the batches that follow."""

        def broken(*_: object) -> None:
            raise ZeroDivisionError("on purpose")

        self.alice.acknowledge = broken
        self.send("hello")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.bob.ask(text(self.direct, "goes on")).seq, 2)

    def test_degraded(self) -> None:
        """A store that takes no writes is not even asked; reading goes on."""
        self.store.state = "degraded"
        answer = self.send("hello")
        self.assertEqual((answer.code, answer.retry_after_ms > 0), ("UNAVAILABLE_STORAGE", True))
        self.assertEqual(self.store.batches, [])
        self.assertEqual(self.alice.code(r.FetchHistory(self.direct, 0, 0, 0)), "")
        self.store.state = "ready"
        self.assertEqual(self.send("hello").seq, 1)

    def test_retry_after_leaving(self) -> None:
        """Who has left learns of a message sent before that it was stored; a new one is refused."""
        id = group(self.bob, 100_001)
        before = self.alice.ask(text(id, "hello", b"id"))
        self.alice.ask(r.LeaveGroup(id))
        self.assertEqual(self.alice.ask(text(id, "hello", b"id")), before)
        self.assertEqual(self.alice.code(text(id, "more", b"other")), "NOT_MEMBER")
        self.assertEqual(self.alice.code(text(id, "changed", b"id")), "CLIENT_ID_REUSED")

    def test_no_longer_a_member(self) -> None:
        """Who has left when the batch is stored is refused by the store, whatever the core thought."""
        id = group(self.bob, 100_001)
        self.store.waiting = Deferred()
        tag = self.alice.start(text(id, "hello"))
        self.world.settle()
        self.store._tables.leave(id, 100_001, 1)
        self.store.finish()
        self.world.settle()
        self.assertEqual(self.alice.answers[tag].code, "NOT_MEMBER")


class RateTests(MessagesCase):
    def setUp(self) -> None:
        super().setUp()
        self.next: dict[Client, int] = {}

    def flood(self, count: int, size: int = 1, client: Client | None = None) -> list[object]:
        """So many; what was refused comes again first."""
        client = client or self.alice
        stem, first = b"%d/" % id(client), self.next.get(client, 0)
        numbers = range(first, first + count)
        tags = [client.start(text(self.direct, "x" * size, stem + b"%d" % number)) for number in numbers]
        self.world.settle()
        answers: list[object] = [client.answers[tag] for tag in tags]
        self.next[client] = first + sum(isinstance(answer, e.Sent) for answer in answers)
        return answers

    def taken(self, answers: Sequence[object]) -> int:
        for answer in answers:
            if not isinstance(answer, e.Sent):
                self.assertEqual((answer.code, answer.retry_after_ms > 0), ("RATE_LIMITED", True))
        return sum(isinstance(answer, e.Sent) for answer in answers)

    def test_account(self) -> None:
        """A burst of 50, then 10 a second, over all devices of an account; waiting as told is enough."""
        other = logged_in(self.world, "alice")
        self.assertEqual(self.taken(self.flood(30) + self.flood(30, client=other)), 50)
        (refusal,) = self.flood(1)
        self.world.clock.advance(refusal.retry_after_ms / 1000)
        self.assertEqual(self.taken(self.flood(2)), 1)
        self.world.clock.advance(1.0)
        self.assertEqual(self.taken(self.flood(20)), 10)

    def test_bytes(self) -> None:
        """512 KiB at once, then 64 KiB a second."""
        self.assertEqual(self.taken(self.flood(9, 64 * 1024)), 8)
        self.world.clock.advance(1.0)
        self.assertEqual(self.taken(self.flood(2, 64 * 1024)), 1)

    def test_day(self) -> None:
        """100,000 a day."""
        self.use(messages_per_day=20)
        self.assertEqual(self.taken(self.flood(30)), 20)

    def test_conversation(self) -> None:
        """A conversation takes a burst of 100 and 20 a second, whoever sends."""
        self.use(messages_burst=1000)
        self.assertEqual(self.taken(self.flood(60) + self.flood(60, client=self.bob)), 100)
        self.world.clock.advance(1.0)
        self.assertEqual(self.taken(self.flood(30)), 20)

    def test_lifted(self) -> None:
        """`enabled = false` lifts rates; sizes stay."""
        self.use(enabled=False)
        self.assertEqual(self.taken(self.flood(500)), 500)
        self.assertEqual(self.alice.code(text(self.direct, "x" * 65_537, b"id")), "BODY_TOO_LARGE")

    def test_names_are_not_tried_out_for_free(self) -> None:
        """SendTo draws on the rate before it looks for the name, so that it makes no conversations beyond it."""
        self.use(refusals_before_close=1000)
        codes = [self.alice.code(text_to(f"name{n}", "hello")) for n in range(60)]
        self.assertEqual((codes.count("NOT_FOUND"), codes.count("RATE_LIMITED")), (50, 10))

    def test_hundred_refusals(self) -> None:
        """More than a hundred refusals within ten seconds end the connection."""
        self.flood(50)
        self.flood(100)
        self.assertEqual(self.alice.closed, "")
        self.alice.start(text(self.direct, "one more"))
        self.assertEqual(self.alice.closed, "TOO_MANY_REFUSALS")


class RunTests(MessagesCase):
    """What is said without a pause goes as one thing, and is answered message by message."""

    def setUp(self) -> None:
        super().setUp()
        self.group = group(self.alice, 100_002)

    def numbered(self, n: int, conversation: int = 0) -> r.Send:
        return text(conversation or self.direct, f"{n}", b"stem" + n.to_bytes(8))

    def start(self, *requests: r.Send) -> list[int]:
        tags = [self.alice.start(request) for request in requests]
        self.world.settle()
        return tags

    def seqs(self, tags: list[int]) -> list[object]:
        return [getattr(self.alice.answers[tag], "seq", "refused") for tag in tags]

    def postings(self) -> list[int]:
        """How many messages each posting holds that waits."""
        return [len(posting.bodies) for posting in self.world.core.batches._waiting]

    def test_gathered(self) -> None:
        """Ids that count up make one run, up to the quota of a batch; another conversation or kind begins a new one."""
        self.use(max_batch_per_account=4)
        requests = [self.numbered(n) for n in range(6)]
        requests += [self.numbered(6, self.group), self.numbered(7, self.group), self.numbered(8)]
        requests += [replace(self.numbered(9), kind=Kind.RICH)]
        for request in requests:
            self.alice.start(request)
        self.assertEqual(self.postings(), [4, 2, 2, 1, 1])
        self.world.settle()
        direct = [f"{n}" for n in (*range(6), 8, 9)]
        self.assertEqual([one for one in self.bob.texts if one not in ("6", "7")][-8:], direct)
        self.assertIsNone(self.alice.session.posting)

    def test_not_after_the_batch_has_begun(self) -> None:
        """What comes while a run is being stored is another run."""
        self.store.waiting = Deferred()
        self.start(self.numbered(1), self.numbered(2))
        self.alice.start(self.numbered(3))
        self.assertEqual(self.postings(), [1])
        self.store.finish()
        self.world.settle()
        self.assertEqual(self.store.batches, [[b"1", b"2"], [b"3"]])

    def test_each_is_looked_at(self) -> None:
        """One that is refused leaves the others of its run as they are, in order."""
        self.use(max_body_bytes=4)
        tags = self.start(self.numbered(1), text(self.direct, "too long"), self.numbered(2), self.numbered(3))
        self.assertEqual(self.seqs(tags), [1, "refused", 2, 3])
        self.assertEqual(self.store.batches, [[b"1", b"2", b"3"]])

    def test_partly_stored(self) -> None:
        """Of a run that overlaps with what is stored each message gets its own answer, and only the new ones are told."""
        first = self.seqs(self.start(self.numbered(2), self.numbered(3)))
        other = replace(self.numbered(3), body=b"other")
        tags = self.start(self.numbered(1), self.numbered(2), other, self.numbered(4), self.numbered(5))
        self.assertEqual(self.seqs(tags), [3, first[0], "refused", 4, 5])
        self.assertEqual(self.alice.answers[tags[2]].code, "CLIENT_ID_REUSED")
        self.assertEqual(self.bob.texts[-5:], ["2", "3", "1", "4", "5"])

    def test_each_is_counted(self) -> None:
        """The rates count messages, not runs."""
        self.use(enabled=True, messages_per_second=1, messages_burst=3)
        tags = self.start(*(self.numbered(n) for n in range(5)))
        self.assertEqual(self.seqs(tags)[3:], ["refused"] * 2)
        self.use(messages_burst=100, conversation_messages_per_second=1, conversation_messages_burst=2)
        self.world.pass_seconds(200)
        tags = self.start(*(self.numbered(n, self.group) for n in range(10, 15)))
        self.assertEqual(self.seqs(tags)[2:], ["refused"] * 3)

    def test_withheld(self) -> None:
        """Who is blocked gets the same answers; the other side gets tombstones, live and from the log."""
        self.start(self.numbered(1))
        self.bob.ask(r.Block(self.alice.session.number))
        self.assertEqual(self.seqs(self.start(self.numbered(2), self.numbered(3))), [2, 3])
        self.assertEqual(self.bob.texts[1:], ["1", "", ""])
        for client, bodies in ((self.alice, [b"1", b"2", b"3"]), (self.bob, [b"1", b"", b""])):
            found = client.ask(r.FetchHistory(self.direct, 0, 0, 0)).messages
            self.assertEqual([one.body for one in found], bodies)
        self.assertEqual((found[2].kind, found[2].content_type), (Kind.TOMBSTONE, Gone.WITHHELD))


class BoundTests(MessagesCase):
    limits = replace(LIMITS, enabled=False)

    def wait_with(self, *sizes: int, client: Client | None = None) -> list[str]:
        """Start sends while a commit is under way; -> the codes of those refused at once."""
        client = client or self.alice
        tags = [client.start(text(self.direct, "x" * size, f"{client.tag}".encode())) for size in sizes]
        return [client.answers[tag].code for tag in tags if tag in client.answers]

    def begin(self) -> None:
        self.store.waiting = Deferred()
        self.alice.start(text(self.direct, "first"))
        self.world.settle()

    def test_operations(self) -> None:
        """So many may wait; beyond that RETRY_AFTER, with 1 to 5 s; what was accepted is completed (P8)."""
        self.use(max_waiting_operations=5)
        self.begin()
        self.assertEqual(self.wait_with(*[1] * 7), ["RETRY_AFTER"] * 2)
        refusal = self.alice.answers[self.alice.tag]
        self.assertTrue(1000 <= refusal.retry_after_ms <= 5000)
        self.store.finish()
        self.world.settle()
        self.assertEqual(len(self.bob.texts), 6)
        self.world.pass_seconds(6)  # nothing waits any more for what was refused
        self.assertEqual(self.wait_with(1), [])

    def test_bytes(self) -> None:
        """So many bytes may wait, and the count comes down again with each batch."""
        self.use(max_waiting_bytes=100)
        for _ in range(3):
            self.begin()
            self.assertEqual(self.wait_with(60, 40, 1), ["RETRY_AFTER"])
            self.store.finish()
            self.world.settle()
            self.alice.answers.clear()
            self.world.pass_seconds(6)
        batches = self.world.core.batches
        self.assertEqual((batches._bytes, batches._messages), (0, 0))

    def test_batches(self) -> None:
        """A batch holds so many; the rest follows in the next ones, at once."""
        self.use(max_batch_operations=4)
        for n in range(10):
            self.alice.start(text(self.direct, f"{n}"))
        self.world.settle()
        self.assertEqual([len(batch) for batch in self.store.batches], [4, 4, 2])
        self.assertEqual(self.bob.texts, [f"{n}" for n in range(10)])

    def test_turns(self) -> None:
        """T24: in a batch that is full, senders take turns of so many."""
        self.use(max_batch_operations=4, max_batch_per_account=2)
        for n in range(6):
            self.alice.start(text(self.direct, f"alice {n}"))
        self.bob.start(text(self.direct, "bob"))
        self.world.settle()
        self.assertEqual(self.store.batches[0], [b"alice 0", b"alice 1", b"bob", b"alice 2"])

    def test_drain(self) -> None:
        """Once draining, new sends are refused; what waits is completed and answered (P10)."""
        self.begin()
        waiting = self.alice.start(text(self.direct, "waits"))
        self.world.core.begin_drain(0)
        self.assertEqual(self.wait_with(1), ["RETRY_AFTER"])
        self.assertFalse(self.world.core.idle)
        self.store.finish()
        self.world.settle()
        self.assertIsInstance(self.alice.answers[waiting], e.Sent)
        self.assertTrue(self.world.core.idle)
        self.assertEqual(self.wait_with(1), ["RETRY_AFTER"])

    def test_slow_store(self) -> None:
        """When commits take long new sends are refused before the server is slow for everyone, and are taken again later."""
        codes = []
        for _ in range(12):
            self.store.waiting = Deferred()
            self.alice.start(text(self.direct, "x", f"{self.alice.tag}".encode()))
            self.world.settle()
            self.world.pass_seconds(3)
            self.store.finish()
            self.world.settle()
            codes.append(getattr(self.alice.answers[self.alice.tag], "code", ""))
        self.assertEqual(codes[0], "")
        self.assertIn("RETRY_AFTER", codes)
        self.store.waiting = None
        self.world.pass_seconds(3)
        self.assertEqual(self.wait_with(1), [])


class OwnMessageTests(MessagesCase):
    def test_other_devices(self) -> None:
        """What one device sends arrives at the account's others; for the sender Sent stands for it."""
        phone = logged_in(self.world, "alice")
        self.send("from the first")
        phone.ask(text(self.direct, "from the phone"))
        self.assertEqual((self.alice.texts, phone.texts), (["from the phone"], ["from the first"]))
        self.assertEqual(self.bob.texts, ["from the first", "from the phone"])

    def test_not_again_after_return(self) -> None:
        """A wire that can neither acknowledge nor fetch does not show people their own words when they come back."""
        line = Capabilities("line", acknowledges=False, fetches=False)
        carol = logged_in(self.world, "carol", capabilities=line)
        carol.ask(text_to("bob", "hello"))
        for conversation, seq in carol.session.window.all_left():
            self.world.core.receipts.mark_delivered(carol.session, 0, r.MarkDelivered(conversation, seq))
        self.world.pass_seconds(1)
        carol.leave()
        again = logged_in(self.world, "carol", capabilities=line)
        self.world.pass_seconds(3)
        self.assertEqual(again.texts, [])
