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
from imserver.core.roster import Roster

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
        self._waiting_bytes = 0
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
        waiting, size, limits = self._waiting, len(posting.body), self._core.limits
        if not waiting:
            self._judge()
        if (
            len(waiting) >= limits.max_waiting_operations
            or self._waiting_bytes + size > limits.max_waiting_bytes
        ):
            raise self._core.admission.retry_after()
        if self._closed:
            raise self._core.not_ready()
        if self._overloaded:
            self._core.admission.check_send(lambda: self._is_unfair(posting.sender))
        if not waiting:
            self._gather()
        waiting.append(posting)
        self._waiting_bytes += size

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
            self._waiting_bytes,
            limits.max_batch_operations,
            limits.max_batch_bytes,
            limits.max_batch_per_account,
        )
        self._waiting_bytes = sum([len(posting.body) for posting in self._waiting])
        self._gather_seconds = GATHER_SECONDS if GATHER_FROM <= len(batch) <= GATHER_TO else 0.0
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
            self._settle(batch)
        finally:  # whatever goes wrong with one client, the next batch must not wait for ever
            if self._waiting:
                self._start_soon()
            else:
                self._committing = False

    # -- out

    def _settle(self, batch: Sequence[Posting]) -> None:
        """Acknowledge what is durable now and tell the others, in runs of one session and conversation."""
        start, count = 0, len(batch)
        while start < count:
            session, roster = batch[start].session, batch[start].roster
            assert session is not None and roster is not None
            end = start + 1
            while end < count and batch[end].session is session and batch[end].roster is roster:
                end += 1
            self._settle_run(session, roster, batch[start:end])
            start = end

    def _settle_run(self, session: "Session", roster: Roster, run: Sequence[Posting]) -> None:
        session.answered_sends(len(run))
        stored = [posting for posting in run if posting.refusal is None]
        if len(stored) < len(run):
            for posting in run:
                if posting.refusal is not None:
                    session.refuse(posting.tag, posting.refusal)
        if stored:
            session.client.acknowledge(stored)
        fresh = [posting for posting in stored if posting.fresh]
        if fresh:
            last = fresh[-1]
            roster.last_seq = max(roster.last_seq, last.seq)
            roster.latest_by[last.sender] = last.seq
            self._core.router.fan_out(roster, Burst(roster.conversation, fresh, session))


def _refuse_all(batch: Sequence[Posting], error: ChatError) -> None:
    for posting in batch:
        posting.refusal = error
