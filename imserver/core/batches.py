"""Messages on their way to disk: gathered, committed together, then told to everybody.

While one batch is being made durable the next one gathers.  A batch starts at the end of a reactor turn, so
that whatever that turn brought shares one sync; after a batch of a busy server the next one waits a further
millisecond, in which those whose messages were just acknowledged send their next ones: fewer and larger
batches cost less for each message.  Nothing here is a coroutine but the commit itself.
"""

import logging
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from imserver import crash
from imserver.core.burst import Burst
from imserver.core.errors import ChatError, Code
from imserver.core.fairness import next_batch, unfair_senders
from imserver.core.posting import Posting
from imserver.core.run import Run

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session

_log = logging.getLogger(__name__)

GATHER_SECONDS = 0.001
# Sizes of the last batch: below the first there is nobody to wait for, above the second enough as it is.
GATHER_FROM, GATHER_TO = 5, 1_000


class Batches:
    """All messages that are not on disk yet; bounded in number and bytes."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._waiting: deque[Posting] = deque()
        self._messages = 0  # that wait
        self._bytes = 0  # of their bodies
        self._gathering_since = 0.0
        self._gather_seconds = 0.0
        self._committing = False
        self._closed = False
        self._overloaded = False
        self._unfair: frozenset[int] | None = None

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is being committed."""
        return not self._waiting and not self._committing

    # -- in

    def join(self, posting: Posting) -> None:
        """Take it on; raises ChatError for what must be refused.  Overload is judged once a batch."""
        if not self._waiting:
            self._judge()
        self._take(posting.sender, posting.waiting_bytes)
        if not self._waiting:
            self._gather()
        self._waiting.append(posting)

    def extend(self, posting: Posting, tag: int, body: bytes) -> None:
        """As join, for one more message of a posting that waits."""
        self._take(posting.sender, len(body))
        posting.add(tag, body)
        if len(posting.bodies) >= self._core.limits.max_batch_per_account:
            posting.is_open = False

    def _take(self, sender: int, size: int) -> None:
        limits = self._core.limits
        if self._messages >= limits.max_waiting_operations or self._bytes + size > limits.max_waiting_bytes:
            raise self._core.admission.retry_after()
        if self._closed:
            raise self._core.not_ready()
        if self._overloaded:
            self._core.admission.check_send(lambda: self._is_unfair(sender))
        self._messages += 1
        self._bytes += size

    def refuse_all(self) -> None:
        """From now on nothing is taken on."""
        self._closed = True

    def _judge(self) -> None:
        self._closed = self._core.state != "ready"
        self._overloaded = self._core.admission.overloaded

    def _is_unfair(self, sender: int) -> bool:
        if self._unfair is None:
            self._unfair = unfair_senders(self._waiting)
        return sender in self._unfair

    def _gather(self) -> None:
        """The first message of a batch."""
        self._gathering_since = self._core.now()
        if not self._committing:
            self._committing = True
            self._start_soon()

    # -- through

    def _start_soon(self) -> None:
        self._core.clock.callLater(self._gather_seconds, self._start)

    def _start(self) -> None:
        crash.here("after-read")
        limits = self._core.limits
        batch = next_batch(
            self._waiting,
            self._messages,
            self._bytes,
            limits.max_batch_operations,
            limits.max_batch_bytes,
            limits.max_batch_per_account,
        )
        count = 0
        for posting in batch:
            posting.is_open = False
            count += len(posting.bodies)
            self._bytes -= posting.waiting_bytes
        self._messages -= count
        self._gather_seconds = GATHER_SECONDS if GATHER_FROM <= count <= GATHER_TO else 0.0
        self._unfair = None
        self._core.spawn(self._commit(batch))

    async def _commit(self, batch: list[Posting]) -> None:
        since, self._gathering_since = self._gathering_since, self._core.now()
        try:
            await self._core.store.append(batch, self._core.wall_ms())
        except ChatError as error:
            _refuse_all(batch, error)
        except Exception:
            _log.exception("a batch failed")
            _refuse_all(batch, ChatError(Code.UNKNOWN_RETRY, "the server failed; send it again", 1000))
        self._core.admission.waited(self._core.now() - since)
        self._judge()
        try:
            for posting in batch:
                self._settle(posting)
        finally:  # whatever goes wrong with one client, the next batch must not wait for ever
            if self._waiting:
                self._start_soon()
            else:
                self._committing = False

    # -- out

    def _settle(self, posting: Posting) -> None:
        """Acknowledge what is durable now and tell the others."""
        session = posting.session
        assert session is not None
        session.answered_sends(len(posting.bodies))
        if session.posting is posting:
            session.posting = None
        if not posting.outcomes:
            self._stored(session, posting, posting, posting.tags, True)
        for outcome in posting.outcomes:
            tags = posting.tags[outcome.start : outcome.end]
            if outcome.refusal is not None:
                for tag in tags:
                    session.refuse(tag, outcome.refusal)
            else:
                run = posting.part(outcome.start, outcome.end)
                run.first_seq, run.time_ms = outcome.first_seq, outcome.time_ms
                self._stored(session, posting, run, tags, outcome.fresh)

    def _stored(
        self, session: "Session", posting: Posting, run: Run, tags: Sequence[int], is_fresh: bool
    ) -> None:
        session.client.acknowledge(run, tags)
        if is_fresh:
            roster = posting.roster
            assert roster is not None
            burst = Burst(roster.conversation, run, session)
            roster.last_seq = max(roster.last_seq, burst.last)
            roster.latest_by[run.sender] = burst.last
            self._core.router.fan_out(roster, burst)


def _refuse_all(batch: Sequence[Posting], error: ChatError) -> None:
    for posting in batch:
        posting.refuse(error)
