"""P8: while the disk is slow the server stays quick, says when it is overloaded, and completes what it has accepted."""

from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median
from threading import Event as Flag
from threading import Thread
from time import monotonic, sleep

from imserver.core.errors import Code
from imserver.core.events import Event, History, Refused, Sent
from imserver.core.requests import FetchHistory, SendTo
from imserver.core.values import Kind
from tests.end_to_end import steered
from tests.end_to_end.drill import DEEP
from tests.end_to_end.peer import Peer
from tests.end_to_end.siege import Siege
from tests.end_to_end.steered import Faults

SLOW_SECONDS = 0.3
OVERLOADED_SECONDS = 1.2
SLOW_FOR_SECONDS = 60.0 if DEEP else 4.0
# The delay is averaged over seconds: two or three of these batches pass until it is beyond the second threshold.
OVERLOADED_FOR_SECONDS = 60.0 if DEEP else 8.0
NOT_SHED_FOR_SECONDS = 5.0
# Of a sync's delay: whoever waits for one is slower, whoever does not is quicker.
QUICK_SHARE = 0.67
PING_EVERY_SECONDS = 0.02
RECOVERY_SECONDS = 60.0  # whoever gives up what was refused waits for up to 5 s as told, and one more
WRITERS, AT_ONCE = 4, 8
GREEDY_AT_ONCE = 32  # of the first writer, more than an even share
REFUSED_PAUSE_SECONDS = 0.05
LIFTED = "enabled = false"
NO_SHEDDING = """
enabled = false
shed_unfair_seconds = 1000
shed_sends_seconds = 1000
"""


@dataclass(slots=True)
class Writer:
    """Writes to bob without pause, `at_once` messages at a time; every one must be answered."""

    peer: Peer
    at_once: int
    ended: Flag = field(default_factory=Flag)
    sent: list[Sent] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    failure: BaseException | None = None

    def write(self) -> None:
        """Until told to end; runs in a thread."""
        try:
            for n in count():
                if self.ended.is_set():
                    return
                self._round(n)
        except BaseException as failure:
            self.failure = failure

    def _round(self, n: int) -> None:
        tags = set()
        for each in range(self.at_once):
            tags.add(self.peer.tell(SendTo("bob", b"%d.%d" % (n, each), Kind.TEXT, "", b"slow?")))
        while tags:
            tag, event = self.peer.hear()
            if tag in tags:
                tags.remove(tag)
                self._answered(event)

    def _answered(self, event: Event) -> None:
        match event:
            case Sent():
                self.sent.append(event)
            case Refused():
                self.refused.append(event)
                sleep(REFUSED_PAUSE_SECONDS)
            case _:
                raise AssertionError(event)


class SlowDiskTests(Siege):
    def begin_with(self, limits: str) -> None:
        """A daemon whose disk can be made slow, and people who write without pause."""
        self.faults = Path(self.mktemp()).resolve()
        self.faults.parent.mkdir(parents=True, exist_ok=True)
        self.slow(0.0)
        self.begin(limits, command=steered.command(self.faults))
        sizes = [GREEDY_AT_ONCE] + [AT_ONCE] * (WRITERS - 1)
        self.writers = [Writer(self.peer(self.plain), size) for size in sizes]
        for n, writer in enumerate(self.writers):
            writer.peer.register(f"writer{n}")
            writer.peer.log_in(f"writer{n}")

    def test_slow_disk(self) -> None:
        """300 ms more a sync: the reactor is as quick as ever, and everything is answered."""
        self.begin_with(LIFTED)
        self.write(SLOW_SECONDS, SLOW_FOR_SECONDS)
        self.assertLess(median(self.pings), QUICK_SHARE * SLOW_SECONDS)
        self.assert_complete()
        self.assert_recovered(SLOW_SECONDS)

    def test_overload(self) -> None:
        """1.2 s more a sync: the reactor is as quick as ever, and writers are told to come back later."""
        self.begin_with(LIFTED)
        self.write(OVERLOADED_SECONDS, OVERLOADED_FOR_SECONDS)
        self.assertLess(median(self.pings), QUICK_SHARE * OVERLOADED_SECONDS)
        for writer in self.writers:
            self.assertNotEqual(writer.refused, [])
        self.assert_complete()
        self.assert_recovered(OVERLOADED_SECONDS)

    def test_without_shedding(self) -> None:
        """A server that does not judge delay tells nobody: the measurement sees that."""
        self.begin_with(NO_SHEDDING)
        self.write(OVERLOADED_SECONDS, NOT_SHED_FOR_SECONDS)
        self.assertEqual([writer.refused for writer in self.writers], [[]] * WRITERS)

    def slow(self, seconds: float) -> None:
        """Each sync takes that much longer from now on."""
        Faults(sync_seconds=seconds).write(self.faults)

    def write(self, delay_seconds: float, seconds: float) -> None:
        """With a slow disk for some time, while somebody pings; then it is quick again."""
        threads = [Thread(target=writer.write, daemon=True) for writer in self.writers]
        self.slow(delay_seconds)
        for thread in threads:
            thread.start()
        self.pings = self.ping_for(seconds)
        for writer in self.writers:
            writer.ended.set()
        for thread in threads:
            thread.join()
        self.slow(0.0)

    def ping_for(self, seconds: float) -> list[float]:
        """How long each ping took."""
        delays = []
        end = monotonic() + seconds
        while (began := monotonic()) < end:
            self.bystanders.ping()
            delays.append(monotonic() - began)
            sleep(PING_EVERY_SECONDS)
        return delays

    def assert_complete(self) -> None:
        """What was accepted was answered and is there, and nothing else; what was not may be sent again later."""
        for writer in self.writers:
            self.assertIsNone(writer.failure)
            for refused in writer.refused:
                self.assertEqual(refused.code, Code.RETRY_AFTER)
                self.assertTrue(1000 <= refused.retry_after_ms <= 5000)
            seqs = [sent.seq for sent in writer.sent]
            self.assertEqual(seqs, list(range(1, len(seqs) + 1)))
            page = writer.peer.expect(FetchHistory(writer.sent[0].conversation, len(seqs) - 1, 0, 0), History)
            self.assertEqual([message.seq for message in page.messages], seqs[-1:])
        self.assert_no_errors()

    def assert_recovered(self, delay_seconds: float) -> None:
        """Soon after the disk is quick again, so is the server, for everybody."""
        ids = count()
        waiting = list(self.writers)

        def all_are_quick() -> bool:
            waiting[:] = [writer for writer in waiting if not self.is_quick(writer, next(ids), delay_seconds)]
            return not waiting

        self.wait_until(all_are_quick, RECOVERY_SECONDS)

    def is_quick(self, writer: Writer, n: int, delay_seconds: float) -> bool:
        """A message of that writer is taken on, and its answer comes sooner than any did while the disk was slow."""
        began = monotonic()
        answer = writer.peer.ask(SendTo("bob", b"after %d" % n, Kind.TEXT, "", b"quick?"))
        return isinstance(answer, Sent) and monotonic() - began < QUICK_SHARE * delay_seconds
