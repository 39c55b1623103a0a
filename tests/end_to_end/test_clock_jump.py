"""T41: the wall clock jumps, and nothing but the times of messages follows it."""

from pathlib import Path
from time import monotonic, time

from imserver.core.errors import Code
from imserver.core.events import Closing, History, LoggedIn, Probe, Sent
from imserver.core.requests import FetchHistory, Resume, SendTo
from imserver.core.values import Kind
from tests.end_to_end import steered
from tests.end_to_end.peer import Gone, Peer
from tests.end_to_end.siege import Siege, rest
from tests.end_to_end.steered import Faults

HOUR_SECONDS = 3600.0
YEAR_SECONDS = 365 * 24 * HOUR_SECONDS
JUMPS = (HOUR_SECONDS, -HOUR_SECONDS, 10 * YEAR_SECONDS, 0.0)
# Everybody else must be able to log in meanwhile, on any machine.
LOGIN_SECONDS, PING_SECONDS = 3.0, 1.0
LATE_SECONDS = 30.0
LIMITS = f"login_seconds = {LOGIN_SECONDS}\nping_seconds = {PING_SECONDS}"


class ClockJumpTests(Siege):
    def begin_with(self, *, wall_clock_timers: bool) -> None:
        """A daemon whose wall clock can be shifted, and somebody who is there and says nothing."""
        self.faults = Path(self.mktemp()).resolve()
        self.faults.parent.mkdir(parents=True, exist_ok=True)
        self.wall_clock_timers = wall_clock_timers
        self.said: list[Sent] = []
        self.jump(0.0)
        self.begin(LIMITS, command=steered.command(self.faults))
        self.idler = self.peer(self.plain)
        self.idler.register("idler")
        self.idler.log_in("idler")

    def test_jumps(self) -> None:
        """An hour ahead, an hour back, ten years ahead, and right again: nobody notices, and the order is kept."""
        self.begin_with(wall_clock_timers=False)
        with self.unnoticed():
            for seconds in JUMPS:
                self.jump_during_chat(seconds)
        self.assert_order()

    def test_wall_clock_timers(self) -> None:
        """A daemon whose timers follow the wall clock is found out."""
        self.begin_with(wall_clock_timers=True)
        self.assertRaises((Gone, TimeoutError, AssertionError), self.jump_during_chat, HOUR_SECONDS)

    def jump(self, seconds: float) -> None:
        """The wall clock is off by that much from now on."""
        Faults(shift_seconds=seconds, wall_clock_timers=self.wall_clock_timers).write(self.faults)

    def jump_during_chat(self, seconds: float) -> None:
        """One jump, with a connection that was lost, one that must log in soon, and one that is probed."""
        lost = self.peer(self.plain)
        resume_token = lost.log_in("idler", "lost").resume_token
        lost.close()
        began = monotonic()
        newcomer = self.peer(self.plain)
        self.jump(seconds)
        self.said.append(self.idler.expect(self.text(), Sent))
        self.assert_timed_out(newcomer, began)
        self.assert_probed()
        with Peer(self.plain) as resumed:
            resumed.expect(Resume(resume_token), LoggedIn)

    def text(self) -> SendTo:
        """To bob."""
        return SendTo("bob", b"%d" % len(self.said), Kind.TEXT, "", b"what time is it?")

    def assert_timed_out(self, newcomer: Peer, began: float) -> None:
        """It is closed when it should be, neither at once nor in an hour."""
        closing = rest(newcomer)[-1]
        assert isinstance(closing, Closing)
        self.assertEqual(closing.code, Code.LOGIN_TIMEOUT)
        self.assertTrue(LOGIN_SECONDS <= monotonic() - began < LOGIN_SECONDS + LATE_SECONDS)

    def assert_probed(self) -> None:
        """Who says nothing is asked whether he is there."""
        self.idler.socket.settimeout(PING_SECONDS + LATE_SECONDS)
        while not isinstance(self.idler.hear()[1], Probe):
            pass

    def assert_order(self) -> None:
        """By seq, though the times, which are those of the clock, go up and down."""
        page = self.idler.expect(FetchHistory(self.said[0].conversation, 0, 0, 0), History)
        self.assertEqual([message.seq for message in page.messages], [1, 2, 3, 4])
        self.assertEqual([message.client_id for message in page.messages], [b"0", b"1", b"2", b"3"])
        for message, seconds in zip(page.messages, JUMPS, strict=True):
            self.assertLess(abs(message.time_ms / 1000 - time() - seconds), HOUR_SECONDS / 2)
