"""One client's connection: its limits, what it holds back, what it writes, and how it ends."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imserver.codecs.protobuf import ProtobufCodec
from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.posting import Posting
from imserver.core.run import Run
from imserver.net import connection as module
from imserver.net.framing import Int32Framing
from imserver.store.memory import MemoryStore
from imserver.wires.native import native
from tests.contracts.native_client import NativeClient
from tests.core.client import PASSWORD, Hesitant, Turnstile, account, result
from tests.fakes import LIMITS, Peer, World

DIALECT = native.dialect


class SlowStore(MemoryStore):
    """Its append waits while told so."""

    waiting: Deferred[None] | None = None

    async def append(self, postings: Sequence[Posting], now_ms: int) -> None:
        if self.waiting is not None:
            await self.waiting
        await super().append(postings, now_ms)

    def finish(self) -> None:
        waiting, self.waiting = self.waiting, None
        assert waiting is not None
        waiting.callback(None)


class ConnectionCase(SynchronousTestCase):
    limits = LIMITS

    def setUp(self) -> None:
        self.store = SlowStore()
        self.world = World(self.limits, self.store)
        for name in ("alice", "bob", "carol"):
            account(self.world, name)

    def connect(self, dialect: Any = DIALECT, host: str = "192.0.2.1") -> tuple[Peer, NativeClient]:
        client = NativeClient()
        return Peer(self.world, dialect, client, host), client

    def log_in(self, name: str, dialect: Any = DIALECT) -> tuple[Peer, NativeClient]:
        peer, client = self.connect(dialect)
        peer.send(client.log_in(name, PASSWORD))
        self.assertTrue(client.logged_in, client.refused)
        return peer, client

    def texts(self, client: NativeClient, name: str, count: int, size: int = 5) -> bytes:
        return b"".join(client.send_to(name, f"{n}".ljust(size, "x")) for n in range(count))

    def assert_nobody_counted(self) -> None:
        gate = self.world.gate
        counted = gate._all.connections, gate._all.unauthenticated, len(gate._counts)
        self.assertEqual(counted, (0, 0, 0))
        self.assertEqual(len(self.world.connections._open), 0)
        self.assertEqual(self.world.core.session_count(), 0)


class LimitTests(ConnectionCase):
    def test_frame_before_login(self) -> None:
        """8 KiB pass, one byte more ends the connection with FRAME_TOO_LARGE."""
        for size, codes in ((8192, []), (8193, ["FRAME_TOO_LARGE"])):
            peer, client = self.connect()
            overhead = len(client.request(r.Hello("x" * 8000))) - 4 - 8000
            peer.send(client.request(r.Hello("x" * (size - overhead))))
            self.assertEqual((client.refused, peer.open), (codes, not codes))

    def test_everything_before_login(self) -> None:
        """16 KiB in all, in however many good frames."""
        peer, client = self.connect()
        hello = client.request(r.Hello("x" * 1000))
        for _ in range(16 * 1024 // len(hello)):
            peer.send(hello)
        self.assertTrue(peer.open)
        for _ in range(2):
            peer.send(hello)
        self.assertEqual((client.refused, peer.open), (["FRAME_TOO_LARGE"], False))

    def test_after_login(self) -> None:
        """256 KiB a frame, and as many as one likes."""
        peer, client = self.log_in("alice")
        for _ in range(10):
            peer.send(client.request(r.Hello("x" * (256 * 1024 - 20))))
        self.assertEqual(sum(isinstance(event, e.Welcome) for event in client.events), 10)
        peer.send(b"\0\4\0\1")
        self.assertEqual((client.refused, peer.open), (["FRAME_TOO_LARGE"], False))

    def test_login_and_a_long_frame_together(self) -> None:
        """The limit rises with the login, also for what is in the same segment."""
        peer, client = self.connect()
        peer.send(client.log_in("alice", PASSWORD) + client.request(r.Hello("x" * 100_000)))
        self.assertIsInstance(client.answers[2], e.Welcome)

    def test_after_the_end(self) -> None:
        """Bytes that come after the end are not looked at."""
        peer, client = self.connect()
        peer.transport.stalled = True
        peer.protocol.close("STOPPING", "")
        peer.protocol.dataReceived(client.log_in("alice", PASSWORD) * 1000)
        self.world.settle()
        self.assertEqual((self.world.passwords.verified, peer.protocol._framing.unread_bytes), (0, 0))

    def test_not_admitted(self) -> None:
        """Who is one too many, or comes when the server is overloaded, is closed at once and counted nowhere."""
        self.world.core.admission.lagged(0.0)
        self.world.gate.admit = lambda address: False
        peer, client = self.connect()
        peer.protocol.dataReceived(client.request(r.Ping()))
        self.assertEqual((peer.open, peer.transport.aborted, peer.received), (False, True, b""))
        del self.world.gate.admit
        for _ in range(10):
            self.world.clock.advance(1.0)
            self.world.core.admission.waited(100.0)
        peer, _ = self.connect()
        self.assertFalse(peer.open)
        self.assert_nobody_counted()

    def test_login_throttle_counts_networks(self) -> None:
        """Failed logins are counted for the /64 of an IPv6 address, because one subscriber has all of it (threats.md T11)."""
        for n in range(20):
            peer, client = self.connect(host=f"2001:db8::{n}")
            peer.send(client.log_in(f"name{n}", "wrong"))
            self.assertEqual(client.refused, ["WRONG_CREDENTIALS"])
            peer.transport.lose()
        for host, code in (("2001:db8::ffff", "RATE_LIMITED"), ("2001:db8:0:1::1", "WRONG_CREDENTIALS")):
            peer, client = self.connect(host=host)
            peer.send(client.log_in("nobody", "wrong"))
            self.assertEqual(client.refused, [code])


class HeldTests(ConnectionCase):
    limits = replace(LIMITS, enabled=False)

    def test_sends_in_flight(self) -> None:
        """128 sends, then reading stops, although the frames are there; they are taken up as answers go out."""
        peer, client = self.log_in("alice")
        self.store.waiting = Deferred()
        peer.send(self.texts(client, "bob", 300))
        self.assertEqual((peer.protocol.session.sends_in_flight, peer.transport.reading), (128, False))
        self.store.finish()
        self.world.settle()
        self.assertEqual((client.acknowledged, peer.transport.reading), (300, True))
        logs = self.store._tables.logs.values()
        bodies = [body for log in logs for run in log.runs for body in run.bodies]
        self.assertEqual(bodies, [f"{n}".ljust(5, "x").encode() for n in range(300)])

    def test_requests_in_flight(self) -> None:
        """32 other requests, of which pages count eleven each, so that unread answers stay bounded (threats.md T23)."""
        for request, most in ((r.LookUp("bob", 0), 32), (r.Synchronise(0), 3)):
            peer, client = self.log_in("alice")
            turnstile = Turnstile()
            self.world.core.store = hesitant = Hesitant(self.store, turnstile)
            turnstile.closed = True
            before = len(client.answers)
            peer.send(b"".join(client.request(request) for _ in range(100)))
            self.assertEqual((len(turnstile._waiting), peer.transport.reading), (most, False))
            turnstile.open()
            self.world.settle()
            self.assertEqual(len(client.answers) - before, 100)
            self.assertTrue(peer.transport.reading)
            self.assertGreaterEqual(len(hesitant.done), 100)
            self.world.core.store = self.store

    def test_dribbled_login_with_more_behind(self) -> None:
        """What came in one segment with the end of a login is looked at when the password has been checked."""
        self.world.passwords.holding = True
        peer, client = self.connect()
        login, ping = client.log_in("alice", PASSWORD), client.request(r.Ping())
        peer.send(login[:30])
        peer.send(login[30:] + ping)
        self.assertEqual(client.events, [])
        self.world.passwords.release()
        self.world.settle()
        self.assertIsInstance(client.answers[2], e.Pong)

    def test_answer_that_the_wire_cannot_show(self) -> None:
        """Held frames go on after their answer, also if this wire shows nothing of it."""

        class Terse(ProtobufCodec):
            def encode(self, event: e.Event, tag: int) -> Any:
                return None if isinstance(event, e.SyncState) else super().encode(event, tag)

        peer, client = self.log_in("alice", replace(DIALECT, codec=Terse()))
        turnstile = Turnstile()
        self.world.core.store = Hesitant(self.store, turnstile)
        turnstile.closed = True
        peer.send(b"".join(client.request(r.Synchronise(0)) for _ in range(3)) + client.request(r.Ping()))
        self.assertFalse(peer.transport.reading)
        turnstile.open()
        self.world.settle()
        self.assertIsInstance(client.answers[client.tag], e.Pong)

    def test_reader_that_does_not_read(self) -> None:
        """Who asks and does not read the answers is not read either, and costs a bounded amount (threats.md T23)."""
        alice, she = self.log_in("alice")
        alice.send(self.texts(she, "bob", 100, 4000))
        peer, client = self.log_in("bob")
        conversation = next(id for id, log in self.store._tables.logs.items() if log.peers)
        peer.transport.stalled = True
        for _ in range(40):
            if peer.transport.reading:
                peer.send(client.request(r.FetchHistory(conversation, 0, 0, 0)) * 5)
        held = peer.transport.unread_bytes + peer.protocol.waiting_bytes
        self.assertFalse(peer.transport.reading)
        self.assertLess(held, 1024 * 1024 + 30 * 1024)
        peer.transport.read_on()
        self.world.settle()
        self.assertTrue(peer.transport.reading)


class WriteTests(ConnectionCase):
    limits = replace(LIMITS, enabled=False)

    def count_writes(self, peer: Peer) -> list[int]:
        sizes: list[int] = []
        write = peer.transport.write

        def counting(data: bytes) -> None:
            sizes.append(len(data))
            write(data)

        peer.transport.write = counting
        return sizes

    def test_one_write_a_turn(self) -> None:
        """Whatever one turn brings for a client goes out in one write, in order."""
        alice, she = self.log_in("alice")
        bob, he = self.log_in("bob")
        alice.send(she.send_to("bob", "first"))
        writes, answers = self.count_writes(bob), self.count_writes(alice)
        alice.send(self.texts(she, "bob", 60))
        self.assertEqual((len(he.arrived), len(writes), len(answers)), (61, 1, 1))
        self.assertEqual([text for _, text in he.arrived[1:]], [f"{n}".ljust(5, "x") for n in range(60)])

    def test_encoded_once(self) -> None:
        """A message is encoded once for each wire, however many receive it."""

        class Counting(ProtobufCodec):
            count = 0

            def encode_run(self, run: Run) -> bytes:
                self.count += len(run.bodies)
                return super().encode_run(run)

        one, other = Counting(), Counting()
        dialects = replace(DIALECT, codec=one), replace(DIALECT, codec=other)
        alice, she = self.log_in("alice")
        receivers = [self.log_in("bob", dialects[n % 2])[1] for n in range(10)]
        alice.send(self.texts(she, "bob", 20))
        self.assertEqual([len(client.arrived) for client in receivers], [20] * 10)
        self.assertEqual((one.count, other.count), (20, 20))

    def test_congested(self) -> None:
        """Beyond the soft limit no more messages are pushed to a client; what it lacks comes when it reads again."""
        alice, she = self.log_in("alice")
        bob, he = self.log_in("bob")
        alice.send(she.send_to("bob", "first"))
        bob.transport.stalled = True
        for _ in range(3):
            alice.send(self.texts(she, "bob", 40, 4000))
        self.assertTrue(bob.protocol.congested)
        alice.send(she.send_to("bob", "one more"))
        self.assertLess(bob.protocol.session.window.messages, 121)
        bob.transport.read_on()
        self.world.pass_seconds(3)
        self.assertEqual((len(he.arrived), he.arrived[-1]), (122, ("alice", "one more")))

    def test_hard_limit(self) -> None:
        """When over 1 MiB waits, whatever it is, the connection is aborted."""
        bob, _ = self.log_in("bob")
        self.world.settle()
        bob.transport.stalled = True
        worst = 0
        for _ in range(1000):
            bob.protocol.deliver(e.Closing("x", "y" * 10_000))
            self.world.settle()
            worst = max(worst, bob.protocol.waiting_bytes + bob.transport.unread_bytes)
            if not bob.open:
                break
        self.assertFalse(bob.open)
        self.assertLess(worst, 1024 * 1024 + 128 * 1024)
        self.assert_nobody_counted()

    def test_all_clients_together(self) -> None:
        """When too much waits for all clients, those for whom most waits go first, and only as many as needed."""
        self.world.limits = replace(self.limits, max_outbound_bytes=500_000)
        self.world.connections._limits = lambda: self.world.limits
        peers = [self.log_in("bob")[0] for _ in range(4)]
        for peer in peers:
            peer.transport.stalled = True
        for peer, count in zip(peers, (10, 30, 25, 5), strict=True):
            peer.protocol.deliver(e.Closing("x", "y" * 70_000))  # what the transport takes
            self.world.settle()
            for _ in range(count):
                peer.protocol.deliver(e.Closing("x", "y" * 10_000))
        self.world.pass_seconds(1)
        self.assertEqual([peer.open for peer in peers], [True, False, True, True])


class DeadlineTests(ConnectionCase):
    limits = replace(LIMITS, enabled=False)

    def test_probe(self) -> None:
        """After 30 s of silence the client is asked, once; any frame is an answer; after 75 s it is gone."""
        peer, client = self.log_in("alice")
        self.world.pass_seconds(29)
        self.assertNotIn(e.Probe(), client.events)
        self.world.pass_seconds(11)
        self.assertEqual(client.events.count(e.Probe()), 1)
        peer.send(client.request(r.Ping()))
        self.world.pass_seconds(74)
        self.assertEqual((client.events.count(e.Probe()), peer.open), (2, True))
        self.world.pass_seconds(2)
        self.assertEqual((client.refused, peer.open), (["TOO_SLOW"], False))

    def test_held_is_not_silent(self) -> None:
        """A client that waits for us is not taken for dead."""
        peer, client = self.log_in("alice")
        self.store.waiting = Deferred()
        peer.send(self.texts(client, "bob", 200))
        self.assertFalse(peer.transport.reading)
        self.world.pass_seconds(100)
        self.assertTrue(peer.open)

    def test_stalled(self) -> None:
        """A reader that takes nothing for 30 s is aborted, without a word; its session ends with it."""
        bob, _ = self.log_in("bob")
        bob.transport.stalled = True
        bob.protocol.deliver(e.Closing("x", "y" * 100_000))
        for _ in range(28):
            self.world.pass_seconds(1)
            bob.write(b"\0\0\0\2\x3a\0")  # it still talks
        self.assertTrue(bob.open)
        self.world.pass_seconds(4)
        self.assertEqual((bob.open, bob.transport.aborted), (False, True))
        self.assert_nobody_counted()

    def test_slow_but_reading(self) -> None:
        """A reader that takes a little now and then stays."""
        unsent = 10**9
        self.patch(module, "unsent_bytes", lambda transport: unsent)
        bob, _ = self.log_in("bob")
        bob.transport.stalled = True
        bob.protocol.deliver(e.Closing("x", "y" * 100_000))
        for second in range(120):
            self.world.pass_seconds(1)
            bob.write(b"\0\0\0\2\x3a\0")
            unsent -= second % 29 == 0
        self.assertTrue(bob.open)

    def test_window_never_acknowledged(self) -> None:
        """A client that takes pushes and never acknowledges them is gone after 30 s, too."""
        self.world.core.limits = self.world.limits = replace(LIMITS, enabled=False, window_messages=5)
        silent = Peer(self.world, DIALECT)
        silent.send(NativeClient().log_in("bob", PASSWORD))
        alice, she = self.log_in("alice")
        alice.send(self.texts(she, "bob", 9))
        self.world.pass_seconds(28)
        self.assertTrue(silent.open)
        self.world.pass_seconds(5)
        self.assertFalse(silent.open)

    def test_linger(self) -> None:
        """Who is sent away gets a second to read why; then the connection is aborted."""
        peer, client = self.log_in("alice")
        peer.transport.stalled = True
        peer.protocol.close("STOPPING", "the server stops")
        self.assertTrue(peer.open)
        self.world.clock.advance(0.9)
        self.assertTrue(peer.open)
        self.world.clock.advance(0.2)
        self.assertEqual((peer.open, peer.transport.aborted), (False, True))
        other, client = self.log_in("bob")
        other.protocol.close("STOPPING", "the server stops")
        self.world.settle()
        self.assertEqual((client.refused, other.open, other.transport.aborted), (["STOPPING"], False, False))


class GateTests(ConnectionCase):
    """However a connection ends, the gate is told once, and in the state in which it was."""

    def each(self, end: Callable[[Peer, NativeClient], None]) -> None:
        """End a connection before login and one after it."""
        for logged_in in (False, True):
            peer, client = self.log_in("alice") if logged_in else self.connect()
            end(peer, client)
            self.world.pass_seconds(3)
            self.assertFalse(peer.open)
            self.assert_nobody_counted()

    def test_lost(self) -> None:
        """The client goes."""
        self.each(lambda peer, client: peer.transport.lose())

    def test_closed(self) -> None:
        """We close."""
        self.each(lambda peer, client: peer.protocol.close("STOPPING", ""))

    def test_aborted(self) -> None:
        """We abort."""
        self.each(lambda peer, client: peer.protocol.abort())

    def test_twice(self) -> None:
        """Both at once."""

        def end(peer: Peer, client: NativeClient) -> None:
            peer.protocol.close("STOPPING", "")
            peer.protocol.abort()
            peer.protocol.close("STOPPING", "")

        self.each(end)

    def test_broken(self) -> None:
        """It breaks the protocol."""
        self.each(lambda peer, client: peer.send(b"\xff\xff\xff\xff"))

    def test_gone_at_every_await_of_a_login(self) -> None:
        """It goes while its login is under way, wherever that is."""
        for steps in range(30):
            turnstile = Turnstile()
            self.world.core.store = Hesitant(self.store, turnstile)
            self.world.core.passwords = Hesitant(self.world.passwords, turnstile)
            turnstile.closed = True
            peer, client = self.connect()
            peer.send(client.log_in("alice", PASSWORD))
            for _ in range(steps):
                turnstile.let_one_pass()
            peer.transport.lose()
            turnstile.open()
            self.world.settle()
            self.assert_nobody_counted()

    def test_login_that_comes_to_nothing(self) -> None:
        """The account is deleted while its login is under way, wherever that is."""
        for steps in range(30):
            self.setUp()
            number = result(self.store.account_named("alice")).account.number
            turnstile = Turnstile()
            self.world.core.store = Hesitant(self.store, turnstile)
            turnstile.closed = True
            peer, client = self.connect()
            peer.send(client.log_in("alice", PASSWORD))
            for _ in range(steps):
                turnstile.let_one_pass()
            result(self.store.delete_account(number, 1))
            turnstile.open()
            self.world.settle()
            if peer.open:
                peer.transport.lose()
            self.assert_nobody_counted()


class BugTests(ConnectionCase):
    """An exception of ours in any callback costs one connection, and is logged once (threats.md T42)."""

    def check(self, peer: Peer, errors: int = 1) -> None:
        """That one is gone, all others go on."""
        self.world.pass_seconds(2)
        self.assertFalse(peer.open)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), errors)
        alice, she = self.log_in("alice")
        _, he = self.log_in("bob")
        alice.send(she.send_to("bob", "hello"))
        self.assertEqual(he.arrived, [("alice", "hello")])

    @staticmethod
    def broken(*_: object, **__: object) -> Any:
        raise ZeroDivisionError("on purpose")

    def test_codec(self) -> None:
        """In decoding; in encoding an answer; in encoding a push."""

        class Broken(ProtobufCodec):
            decode = self.broken

        peer, client = self.connect(replace(DIALECT, codec=Broken()))
        peer.send(client.request(r.Ping()))
        self.check(peer)

        class Mute(ProtobufCodec):
            encode = self.broken

        peer, client = self.connect(replace(DIALECT, codec=Mute()))
        peer.send(client.request(r.Ping()))
        self.check(peer)

    def test_push(self) -> None:
        """In encoding a message for one receiver of several: the others get it."""

        class Deaf(ProtobufCodec):
            encode_run = self.broken

        before = self.log_in("carol")
        deaf, _ = self.log_in("carol", replace(DIALECT, codec=Deaf()))
        after = self.log_in("carol")
        alice, she = self.log_in("alice")
        alice.send(she.send_to("carol", "hello"))
        self.assertEqual([he.arrived for _, he in (before, after)], [[("alice", "hello")]] * 2)
        self.assertEqual(she.acknowledged, 1)
        self.check(deaf)

    def test_framing(self) -> None:
        """In cutting frames."""

        class Broken(Int32Framing):
            frames = self.broken

        peer, client = self.connect(replace(DIALECT, framing=Broken))
        peer.send(client.request(r.Ping()))
        self.check(peer)

    def test_plain_handler(self) -> None:
        """In the core, in a request that is answered at once."""
        self.world.core.rules[r.Ping].plain = self.broken
        peer, client = self.connect()
        peer.send(client.request(r.Ping()))
        self.assertEqual(client.refused, ["INTERNAL"])
        self.check(peer)

    def test_write(self) -> None:
        """In writing: who is to be written to after it in the same turn still is."""
        first, one = self.connect()
        peer, client = self.connect()
        last, other = self.connect()
        peer.transport.write = self.broken
        for each, who in ((first, one), (peer, client), (last, other)):
            each.write(who.request(r.Ping()))
        self.world.settle()
        self.assertEqual([who.events for who in (one, client, other)], [[e.Pong()], [], [e.Pong()]])
        self.check(peer)

    def test_sweep(self) -> None:
        """In looking after a connection: the others are looked after all the same."""
        peers = [self.connect()[0] for _ in range(5)]
        peers[2].protocol.look_after = self.broken
        self.world.pass_seconds(16)
        self.assertEqual([peer.open for peer in peers], [False] * 5)
        self.check(peers[2])
