"""Clients that never read, while 10,000 messages of 4 KiB are for them: little memory, then out, nothing missed."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep

from imserver.core.events import History
from imserver.core.requests import FetchHistory
from tests.end_to_end.drill import DEEP, Drill
from tests.end_to_end.flow import Flow, Person, catch_up, digest
from tests.end_to_end.peer import Peer
from tests.history import Record, Span, check

MESSAGES = 10_000
BODY_BYTES = 4096
STALLED = 1000 if DEEP else 50
COME_BACK = 50 if DEEP else 3  # of the many, afterwards
GONE_SECONDS = 60.0  # where 30 s are allowed; the end of silent connections comes later
ONE_BYTES = 1024 * 1024 + 30 * 1024
# Of the daemon's work, for 99 % of the messages to those who read; and none waits until the stalled are gone.
EFFORT_SECONDS, DELAY_SECONDS = 0.25, 15.0
NO_BOUNDS = """
window_messages = 1000000
window_bytes = 1000000000
outbound_soft_bytes = 1000000000
outbound_hard_bytes = 1000000000
max_outbound_bytes = 1000000000
"""
# So little that it is the server that would have to hold what is not read.
RECEIVE_BUFFER_BYTES = 32 * 1024


class StalledTests(Drill):
    def begin(self, limits: str = "") -> Flow:
        """A daemon, and ten thousand messages through it, so that what it keeps anyway is there already."""
        self.prepare(limits=limits)
        self.daemon.start()
        self.history: list[Record] = []
        self.spans: list[Span] = []
        self.writer, self.reader = Person(self.address, "writer"), Person(self.address, "reader")
        flow = Flow(self.address, self.writer, self.reader, self.history, self.daemon.cpu_seconds)
        self.addCleanup(flow.close)
        flow.pump(self.group(flow, []), MESSAGES, BODY_BYTES)
        return flow

    def test_stalled(self) -> None:
        """One costs at most 1 MiB + 30 KiB, many no more each; they are gone soon; all is there when they return."""
        flow = self.begin()
        one = [Person(self.address, "one")]
        many = [Person(self.address, f"many{n}") for n in range(STALLED)]
        for_one, for_many = self.group(flow, one), self.group(flow, many)
        sockets = self.sockets()
        self.assertLessEqual(self.stall(flow, for_one, one), ONE_BYTES)
        self.assertLessEqual(self.stall(flow, for_many, many), ONE_BYTES * STALLED)
        self.wait_for_sockets(sockets)
        self.come_back(for_one, one)
        self.come_back(for_many, many[:COME_BACK])
        self.verdict()

    def test_without_bounds(self) -> None:
        """With the bounds lifted the same client costs far more: the measurement would see it."""
        flow = self.begin(NO_BOUNDS)
        one = [Person(self.address, "one")]
        self.assertGreater(self.stall(flow, self.group(flow, one), one), 10 * ONE_BYTES)

    def group(self, flow: Flow, others: Sequence[Person]) -> int:
        """A conversation of writer, reader and others."""
        conversation = flow.group(others)
        everybody = (self.writer, self.reader, *others)
        self.spans += [Span(conversation, person.number) for person in everybody]
        return conversation

    def stall(self, flow: Flow, conversation: int, people: Sequence[Person]) -> int:
        """They log in and stop reading, the messages come, the others do not suffer; -> bytes of memory more."""
        peers = [self.up_to_date(person, conversation) for person in people]
        for peer in peers:
            self.addCleanup(peer.close)
        before = self.daemon.resident_bytes()
        flow.pump(conversation, MESSAGES, BODY_BYTES)
        self.stalled_at = monotonic()
        grown = self.daemon.resident_bytes() - before
        print(f"{len(people)} stalled: {grown / 1024:.0f} KiB more,", end=" ", flush=True)
        self.assertLess(sorted(flow.efforts)[len(flow.efforts) * 99 // 100], EFFORT_SECONDS)
        self.assertLess(max(flow.delays), DELAY_SECONDS)
        return grown

    def up_to_date(self, person: Person, conversation: int) -> Peer:
        """A connection to which the server pushes, because it has all there is; it reads nothing from now on."""
        peer = person.log_in(self.address, RECEIVE_BUFFER_BYTES)
        peer.expect(FetchHistory(conversation, 0, 0, 0), History)
        return peer

    def sockets(self) -> int:
        """How many the daemon has open."""
        folder = Path(f"/proc/{self.daemon.pid}/fd")
        return sum(os.readlink(each).startswith("socket:") for each in folder.iterdir())

    def wait_for_sockets(self, count: int) -> None:
        """The stalled connections must end in time; their own kernel may not notice, with no room for a reset."""
        while self.sockets() > count:
            self.assertLess(monotonic(), self.stalled_at + GONE_SECONDS)
            sleep(0.2)

    def come_back(self, conversation: int, people: Sequence[Person]) -> None:
        """They log in again and fetch what they missed."""
        for connection, person in enumerate(people, start=len(self.history)):
            self.history += catch_up(self.address, person, connection, conversation)

    def verdict(self) -> None:
        """Stop the daemon and ask the oracle."""
        self.assertEqual(self.daemon.stop(), 0)
        log = [replace(entry, body=digest(entry.body)) for entry in self.log()]
        self.assertEqual(check(self.history, log, self.spans), [])
