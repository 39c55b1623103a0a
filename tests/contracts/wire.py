"""What every framed wire must do, whatever its bytes: a wire's test is this suite and a client that speaks it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import ensureDeferred

from imserver.net.dialect import Dialect
from imserver.net.dialogue import Dialogue, Dialogues
from tests.fakes import LIMITS, Peer, World


class WireClient:
    """One client of the wire, without I/O.  Subclasses speak; all they understood is here."""

    def __init__(self) -> None:
        self.logged_in = False
        self.acknowledged = 0
        self.refused: list[str] = []
        self.arrived: list[tuple[str, str]] = []  # (sender, text)

    def log_in(self, name: str, password: str) -> bytes:
        """The bytes of a login."""
        raise NotImplementedError

    def send_to(self, name: str, text: str) -> bytes:
        """The bytes of a message to somebody."""
        raise NotImplementedError

    def receive(self, data: bytes) -> bytes:
        """Understand what arrived; -> what a client of this wire says to it by itself."""
        raise NotImplementedError

    def every_second(self) -> bytes:
        """What it says every second without being asked: its heartbeats."""
        return b""


class BrokenCodec:
    """Has a bug in it."""

    def decode(self, frame: bytes) -> Any:
        raise ZeroDivisionError

    def encode(self, event: Any, tag: int) -> None:
        return None


class BrokenDialogue(Dialogue):
    """Likewise."""

    def received(self, frame: bytes) -> None:
        raise ZeroDivisionError

    def happened(self, event: Any, tag: int) -> bytes:
        return b""


def with_a_bug(dialect: Dialect | Dialogues) -> Dialect | Dialogues:
    """The same with a bug in it."""
    if isinstance(dialect, Dialogues):
        return replace(dialect, begin=BrokenDialogue)
    return replace(dialect, codec=BrokenCodec())


class WireContract:
    """Mix into a SynchronousTestCase and set `dialect`, `client`, `nonsense` and `too_long`."""

    dialect: Dialect | Dialogues
    client: Callable[[], WireClient]
    nonsense: tuple[bytes, ...]  # each makes the server refuse or close
    too_long: bytes  # the beginning of a frame over the limit before login
    tells_sent = True  # whether senders are told that a message is safe

    def setUp(self) -> None:
        self.world = World()
        for name in ("alice", "bob", "carol"):
            self.register(name)

    def register(self, name: str) -> None:
        hashed = self.successResultOf(ensureDeferred(self.world.passwords.hash("secret")))
        self.successResultOf(ensureDeferred(self.world.store.create_account(name, name, hashed, 1)))

    def connect(self, host: str = "192.0.2.1") -> tuple[Peer, WireClient]:
        client = self.client()
        return Peer(self.world, self.dialect, client, host), client

    def log_in(self, name: str) -> tuple[Peer, WireClient]:
        peer, client = self.connect()
        peer.send(client.log_in(name, "secret"))
        self.assertTrue(client.logged_in, client.refused)
        return peer, client

    def assert_told(self, sender: WireClient, count: int) -> None:
        """As many of its messages are safe, as far as its wire tells."""
        self.assertEqual(sender.acknowledged, count if self.tells_sent else 0)

    def assert_no_trace(self) -> None:
        self.assertEqual(self.flushLoggedErrors(), [])

    # -- messages

    def test_a_message_reaches_the_other_side(self) -> None:
        """What alice sends arrives at bob, once, and she is told that it is safe."""
        alice, she = self.log_in("alice")
        _, he = self.log_in("bob")
        alice.send(she.send_to("bob", "hello"))
        self.assertEqual(he.arrived, [("alice", "hello")])
        self.assert_told(she, 1)
        self.assertEqual((she.refused, she.arrived), ([], []))

    def test_every_device_gets_it(self) -> None:
        """Two connections of one account are two devices, and both get everything."""
        alice, she = self.log_in("alice")
        both = [self.log_in("bob")[1] for _ in range(2)]
        alice.send(she.send_to("bob", "hello"))
        self.assertEqual([he.arrived for he in both], [[("alice", "hello")]] * 2)

    def test_offline_messages_wait(self) -> None:
        """Who was away gets everything on return, in order, once."""
        bob, he = self.log_in("bob")
        bob.transport.lose()
        alice, she = self.log_in("alice")
        texts = [f"text {n}" for n in range(40)]
        for text in texts:
            alice.send(she.send_to("bob", text))
        _, he = self.log_in("bob")
        self.world.pass_seconds(3)
        self.assertEqual(he.arrived, [("alice", text) for text in texts])

    def test_text_passes_unchanged(self) -> None:
        """Any text of one line comes through as it was."""
        alice, she = self.log_in("alice")
        _, he = self.log_in("bob")
        text = "naïve 漢字 🙂 ‏עברית \\ \" ' <b> %s {0}"
        alice.send(she.send_to("bob", text))
        self.assertEqual(he.arrived, [("alice", text)])

    # -- order of things

    def test_login_comes_first(self) -> None:
        """A message before login is refused, stores nothing, and three of them end the connection."""
        peer, client = self.connect()
        _, he = self.log_in("bob")
        for _ in range(3):
            self.assertTrue(peer.open)
            peer.send(client.send_to("bob", "hello"))
        self.world.pass_seconds(2)
        self.assertFalse(peer.open)
        self.assertEqual((client.acknowledged, he.arrived), (0, []))

    def test_wrong_password(self) -> None:
        """It is refused in the same words as an unknown name, three times, then the connection ends."""
        words = []
        for name in ("alice", "nobody-of-that-name"):
            peer, client = self.connect()
            for _ in range(3):
                peer.send(client.log_in(name, "wrong"))
            self.world.pass_seconds(2)
            self.assertFalse(peer.open)
            self.assertFalse(client.logged_in)
            words.append(client.refused)
        self.assertEqual(words[0], words[1])

    def test_byte_by_byte(self) -> None:
        """Frames may arrive in pieces of any size."""
        _bob, he = self.log_in("bob")
        alice, she = self.connect()
        for byte in she.log_in("alice", "secret") + she.send_to("bob", "hello"):
            alice.write(bytes([byte]))
        self.world.settle()
        self.assertEqual(he.arrived, [("alice", "hello")])

    def test_many_frames_in_one_segment(self) -> None:
        """A login and a hundred messages in one segment are all taken, in order."""
        _, he = self.log_in("bob")
        alice, she = self.connect()
        texts = [f"text {n}" for n in range(self.world.limits.messages_burst)]
        alice.send(b"".join([she.log_in("alice", "secret"), *(she.send_to("bob", text) for text in texts)]))
        self.world.pass_seconds(3)
        self.assertEqual(he.arrived, [("alice", text) for text in texts])
        self.assert_told(she, len(texts))

    def test_more_than_may_be_in_flight(self) -> None:
        """Messages beyond what may be in flight wait in the connection, and none is lost."""
        self.world.limits = self.world.core.limits = replace(LIMITS, enabled=False)
        _, he = self.log_in("bob")
        alice, she = self.log_in("alice")
        texts = [f"text {n}" for n in range(1000)]
        alice.send(b"".join(she.send_to("bob", text) for text in texts))
        self.world.pass_seconds(10)
        self.assert_told(she, len(texts))
        self.assertEqual(he.arrived, [("alice", text) for text in texts])

    def test_pipelined_after_close(self) -> None:
        """What follows the frame that ended the connection is not looked at."""
        _, he = self.log_in("bob")
        alice, she = self.connect()
        wrong = she.log_in("alice", "wrong") * 3
        alice.send(wrong + she.log_in("alice", "secret") + she.send_to("bob", "hello"))
        self.world.pass_seconds(2)
        self.assertFalse(alice.open)
        self.assertEqual(he.arrived, [])

    def test_pipelined_after_close_at_once(self) -> None:
        """Nor is what follows a frame that ended it before anything was waited for: no password is looked at."""
        peer, client = self.connect()
        early = [client.send_to("bob", "hello") for _ in range(self.world.limits.strikes)]
        peer.send(b"".join([*early, client.log_in("alice", "secret")]))
        self.world.pass_seconds(2)
        self.assertFalse(peer.open)
        self.assertEqual(self.world.passwords.verified, 0)

    def test_gone_before_the_answer(self) -> None:
        """A client that leaves while its password is checked leaves nothing behind."""
        self.world.passwords.holding = True
        alice, she = self.connect()
        alice.send(she.log_in("alice", "secret"))
        alice.transport.lose()
        self.world.passwords.release()
        self.world.settle()
        self.assertEqual(self.world.core.session_count(), 0)
        self.assertEqual(len(self.world.core.router.sessions_of(100_001)), 0)
        self.assertEqual(self.world.gate.connections, 0)

    # -- limits

    def test_too_long(self) -> None:
        """A frame over the limit ends the connection within a second, before it is there."""
        peer, _ = self.connect()
        peer.send(self.too_long)
        self.world.pass_seconds(1)
        self.assertFalse(peer.open)
        self.assert_no_trace()

    def test_too_slow_to_log_in(self) -> None:
        """The time for a login is absolute: trickling bytes do not extend it."""
        peer, client = self.connect()
        allowed = int(self.dialect.login_seconds or self.world.limits.login_seconds)
        data = client.log_in("alice", "secret")
        for second in range(allowed + 2):
            peer.write(data[second : second + 1] if second < len(data) - 1 else b"")
            self.world.pass_seconds(1)
        self.assertFalse(peer.open)

    def test_too_slow_a_frame(self) -> None:
        """After login, too, a frame must be complete half a minute after its first byte; people have longer."""
        alice, she = self.log_in("alice")
        allowed = int(max(self.dialect.idle_seconds, self.world.limits.frame_seconds))
        data = she.send_to("bob", "hello" * 500)
        for second in range(allowed + 3):
            alice.write(data[second : second + 1])
            self.world.pass_seconds(1)
        self.assertFalse(alice.open)

    def test_silence(self) -> None:
        """Who says nothing is asked, and is gone after 75 s; people are not asked, and have longer."""
        peer = Peer(self.world, self.dialect)
        peer.send(self.client().log_in("alice", "secret"))
        self.world.pass_seconds((self.dialect.idle_seconds or self.world.limits.dead_seconds) - 5)
        self.assertTrue(peer.open)
        self.world.pass_seconds(7)
        self.assertFalse(peer.open)

    def test_stalled_reader(self) -> None:
        """Who stops reading costs a bounded amount, is gone after half a minute, and misses nothing."""
        self.world.limits = self.world.core.limits = replace(LIMITS, enabled=False)
        bob, _he = self.log_in("bob")
        bob.transport.stalled = True
        alice, she = self.log_in("alice")
        texts = [f"text {n} {'x' * 4000}" for n in range(400)]
        for start in range(0, len(texts), 50):
            alice.send(b"".join(she.send_to("bob", text) for text in texts[start : start + 50]))
        held = bob.transport.unread_bytes + bob.protocol.waiting_bytes
        self.assertLess(held, 1024 * 1024)
        self.assert_told(she, len(texts))
        self.world.pass_seconds(35)
        self.assertFalse(bob.open)
        _, again = self.log_in("bob")
        self.world.pass_seconds(20)
        self.assertEqual(again.arrived, [("alice", text) for text in texts])

    # -- rubbish

    def test_nonsense(self) -> None:
        """It is refused or ends the connection, leaves no trace, and disturbs nobody."""
        alice, she = self.log_in("alice")
        _, he = self.log_in("bob")
        for rubbish in self.nonsense:
            peer, _client = self.connect()
            for _ in range(200):
                peer.send(rubbish)
            self.world.pass_seconds(2)
            self.assertFalse(peer.open, rubbish)
        self.assert_no_trace()
        alice.send(she.send_to("bob", "hello"))
        self.assertEqual(he.arrived, [("alice", "hello")])

    @settings(max_examples=150, suppress_health_check=[HealthCheck.differing_executors])
    @given(st.lists(st.binary(max_size=200), max_size=8), st.booleans())
    def test_any_bytes(self, segments: list[bytes], logged_in: bool) -> None:
        """Any bytes in any pieces give answers or an end; nothing raises."""
        self.setUp()
        peer, client = self.connect()
        if logged_in:
            peer.send(client.log_in("alice", "secret"))
        for segment in segments:
            peer.send(segment)
        self.assert_no_trace()

    def test_a_bug_costs_one_connection(self) -> None:
        """An exception of ours is logged and closes that connection; the others go on."""
        alice, she = self.log_in("alice")
        _bob, he = self.log_in("bob")
        broken = Peer(self.world, with_a_bug(self.dialect))
        broken.send(self.client().log_in("carol", "secret"))
        self.world.pass_seconds(2)
        self.assertFalse(broken.open)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        alice.send(she.send_to("bob", "hello"))
        self.assertEqual(he.arrived, [("alice", "hello")])
