"""T23 and T24: members who ask and never read, and members who write without pause."""

import contextlib
import ssl
from time import monotonic, sleep

from imserver.core.errors import Code
from imserver.core.events import AccountFound, Closing, ConversationOpened, History, Refused, Sent
from imserver.core.limits import Limits
from imserver.core.requests import FetchHistory, LookUp, OpenDirect, Ping, Send
from imserver.core.values import Kind
from tests.end_to_end.drill import DEEP
from tests.end_to_end.peer import Gone, Peer
from tests.end_to_end.siege import MEMORY_NOISE_BYTES, Siege, rest

LIMITS = Limits()

STALL_SECONDS = LIMITS.stall_seconds if DEEP else 4.0
GONE_SECONDS = STALL_SECONDS + 20.0  # where a sweep is enough; the end of silent connections comes later
STALLED_BYTES = 1024 * 1024 + 30 * 1024 + MEMORY_NOISE_BYTES
ASKED, ASK_PAUSE_SECONDS = 200, 0.01
BODIES, BODY_BYTES = 8, 60_000  # within the burst of an account
# So little that it is the server that would have to hold what is not read.
RECEIVE_BUFFER_BYTES = 32 * 1024
NO_BOUNDS = """
outbound_soft_bytes = 1000000000
outbound_hard_bytes = 1000000000
max_outbound_bytes = 1000000000
requests_burst = 10000
"""

FLOOD_SECONDS = 30.0 if DEEP else 8.0
SHORT_SECONDS = 2.0
FLOOD_AT_ONCE, FLOOD_PAUSE_SECONDS = 40, 0.02  # 2,000 messages a second
FLOOD_SHARE = 0.10
NO_RATE = "messages_per_second = 1000"
FORGOTTEN_PER_SECOND = LIMITS.refusals_before_close / LIMITS.refusals_window_seconds


class Mallory:
    """A member with a conversation of her own with bob."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        peer.register("mallory")
        self.token = peer.log_in("mallory").token
        self.bob = peer.expect(LookUp("bob", 0), AccountFound).account.number
        opened = peer.expect(OpenDirect(self.bob), ConversationOpened)
        self.conversation = opened.membership.conversation.id
        self._sends = 0

    def send(self, body: bytes = b"buy this") -> Send:
        """Another message."""
        self._sends += 1
        return Send(self.conversation, b"%d" % self._sends, Kind.TEXT, "", body)


class NeverReadingTests(Siege):
    """T23."""

    over_tls = False

    def begin_with(self, limits: str) -> None:
        """A conversation of which one page is as large as pages can be, and which has been looked at before."""
        self.begin(limits)
        address = self.tls if self.over_tls else self.plain
        peer = self.peer(address, tls=self.over_tls, receive_buffer_bytes=RECEIVE_BUFFER_BYTES)
        self.mallory = Mallory(peer)
        self.page = FetchHistory(self.mallory.conversation, 0, 0, 0)
        for _ in range(BODIES):
            peer.expect(self.mallory.send(bytes([65]) * BODY_BYTES), Sent)
        for _ in range(BODIES):
            peer.expect(self.page, History)

    def test_never_reading(self) -> None:
        """Who asks for history again and again and reads nothing costs little, and is gone in time."""
        self.begin_with(f"stall_seconds = {STALL_SECONDS}")
        connected = self.descriptors()
        with self.unnoticed():
            self.assertLess(self.ask(), STALLED_BYTES)
            self.wait_until(lambda: self.descriptors() < connected, GONE_SECONDS)

    def test_without_bounds(self) -> None:
        """With the bounds lifted it costs far more: the measurement sees that."""
        self.begin_with(NO_BOUNDS)
        self.assertGreater(self.ask(), 4 * STALLED_BYTES)

    def ask(self) -> int:
        """Ask on and on -> how much memory the daemon has taken at most."""
        before = most = self.daemon.resident_bytes()
        self.mallory.peer.socket.setblocking(False)
        for _ in range(ASKED):
            with contextlib.suppress(
                BlockingIOError, ssl.SSLWantWriteError
            ):  # the server has stopped reading
                self.mallory.peer.tell(self.page)
            sleep(ASK_PAUSE_SECONDS)
            most = max(most, self.daemon.resident_bytes())
        return most - before


class NeverReadingOverTlsTests(NeverReadingTests):
    """The same, where what is not read has more places to wait in."""

    over_tls = True


class FloodTests(Siege):
    """T24."""

    def begin_with(self, limits: str = "") -> None:
        """Mallory has a conversation, and nobody has written to it."""
        self.begin(limits)
        self.mallory = Mallory(self.peer(self.plain))

    def test_flood(self) -> None:
        """Of 2,000 messages a second so many are taken on as the rate allows, and nobody else notices."""
        self.begin_with()
        with self.unnoticed():
            self.flood(FLOOD_SECONDS)
        self.assert_as_the_rate_allows()

    def test_flood_without_rate(self) -> None:
        """With the rate lifted more are taken on: the measurement sees that."""
        self.begin_with(NO_RATE)
        self.flood(SHORT_SECONDS)
        self.assertRaises(self.failureException, self.assert_as_the_rate_allows)

    def test_refused_too_often(self) -> None:
        """After a hundred refusals within ten seconds the connection ends."""
        self.begin_with()
        began = monotonic()
        with contextlib.suppress(Gone):
            for _ in range(20):
                self.mallory.peer.tell(*[self.mallory.send() for _ in range(FLOOD_AT_ONCE)])
        events = rest(self.mallory.peer)
        closing = events[-1]
        assert isinstance(closing, Closing)
        self.assertEqual(closing.code, Code.TOO_MANY_REFUSALS)
        refusals = [event for event in events if isinstance(event, Refused)]
        self.assertEqual({refused.code for refused in refusals}, {Code.RATE_LIMITED})
        self.assertTrue(all(refused.retry_after_ms for refused in refusals))
        forgotten = FORGOTTEN_PER_SECOND * (monotonic() - began)
        self.assertGreaterEqual(len(refusals), LIMITS.refusals_before_close)
        self.assertLessEqual(len(refusals), LIMITS.refusals_before_close + forgotten + 1)

    def flood(self, seconds: float) -> None:
        """Send without pause, and connect again whenever the connection has ended."""
        peer = self.mallory.peer
        began = monotonic()
        while monotonic() < began + seconds:
            try:
                peer.tell(*[self.mallory.send() for _ in range(FLOOD_AT_ONCE)])
                sleep(FLOOD_PAUSE_SECONDS)
                peer.arrived()
            except Gone:
                peer.close()
                peer = self.peer(self.plain)
                peer.log_in_with_token(self.mallory.token)
        self.flooded_seconds = monotonic() - began
        with contextlib.suppress(Gone):
            peer.ask(Ping())  # all before it has been judged
        self.judged_seconds = monotonic() - began
        peer.close()

    def assert_as_the_rate_allows(self) -> None:
        """Within a tenth, the burst included; how long the last ones waited to be judged is the machine's affair."""
        least, most = map(self.allowed, (self.flooded_seconds, self.judged_seconds))
        with Peer(self.plain) as peer:
            peer.log_in_with_token(self.mallory.token)
            opened = peer.expect(OpenDirect(self.mallory.bob), ConversationOpened)
        self.assertGreater(opened.membership.last_seq, (1 - FLOOD_SHARE) * least)
        self.assertLess(opened.membership.last_seq, (1 + FLOOD_SHARE) * most)

    def allowed(self, seconds: float) -> float:
        """How many messages within that time."""
        return LIMITS.messages_burst + LIMITS.messages_per_second * seconds
