"""The way of a message into the log: checked, gathered, committed together, then told to everybody.

While one batch is being made durable the next one gathers; a batch starts at the end of a reactor turn, so
that whatever that turn brought shares one sync.  Nothing here is a coroutine but the loop over batches.
"""

import logging
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from imserver import crash
from imserver.core.burst import Burst
from imserver.core.content import check_content
from imserver.core.errors import ChatError, Code
from imserver.core.fairness import next_batch, unfair_senders
from imserver.core.names import fold
from imserver.core.posting import Posting
from imserver.core.rates import limited
from imserver.core.requests import Send, SendTo
from imserver.core.roster import Roster, no_conversation

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session

_log = logging.getLogger(__name__)
SECONDS_A_DAY = 86_400


class Messages:
    """All messages on their way; bounded in number and bytes."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._waiting: deque[Posting] = deque()
        self._waiting_bytes = 0
        self._gathering_since = 0.0
        self._committing = False
        self._closed = False
        self._overloaded = False
        self._unfair: frozenset[int] | None = None
        self.largest_batch = 0

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is being committed."""
        return not self._waiting and not self._committing

    # -- in

    def send(self, session: "Session", tag: int, request: Send | SendTo) -> None:
        """Take a message on; its answer comes when it is durable.  Sends of one session keep their order."""
        session.sends_in_flight += 1
        try:
            limits = self._core.limits
            check_content(request, limits)
            if limits.enabled:
                self._check_rates(session, len(request.body))
            if session.held is not None:
                session.held.append((tag, request))
                return
            roster = self._core.rosters.get(request.conversation) if type(request) is Send else None
            if roster is not None:
                self._post(session, tag, request, roster)
                return
        except ChatError as error:
            self._refuse(session, tag, error)
            return
        session.held = deque([(tag, request)])
        self._core.spawn(self._send_held(session))

    async def _send_held(self, session: "Session") -> None:
        """Post what waits for its conversation to be found, in order."""
        held = session.held
        while held and not session.closed:
            tag, request = held[0]
            try:
                roster = await self._find(session, request)
                if not session.closed:
                    self._post(session, tag, request, roster)
            except ChatError as error:
                self._refuse(session, tag, error)
            except Exception:
                session.failed(tag)
            held.popleft()
        session.held = None

    async def _find(self, session: "Session", request: Send | SendTo) -> Roster:
        if isinstance(request, Send):
            return await self._core.rosters.load(request.conversation)
        return await self._core.conversations.direct_with_name(session, fold(request.name))

    def _post(self, session: "Session", tag: int, request: Send | SendTo, roster: Roster) -> None:
        account = session.account
        assert account is not None
        if account.number not in roster.members:
            raise no_conversation()
        self._admit(account.number, len(request.body))
        if self._core.limits.enabled:
            self._check_conversation_rate(roster)
        if not self._waiting:
            self._gather()
        self._waiting.append(
            Posting(
                roster.conversation.id,
                account.number,
                account.name,
                request.client_id,
                request.kind,
                request.content_type,
                request.body,
                session,
                tag,
                roster,
            )
        )
        self._waiting_bytes += len(request.body)

    def _gather(self) -> None:
        """The first message of a batch."""
        self._gathering_since = self._core.now()
        if not self._committing:
            self._committing = True
            self._core.clock.callLater(0, self._start)

    def _check_rates(self, session: "Session", size: int) -> None:
        limits, rates, now = self._core.limits, session.rates, self._core.now()
        wait = (
            rates.messages.take(now, 1, limits.messages_per_second, limits.messages_burst)
            or rates.bytes.take(now, size, limits.message_bytes_per_second, limits.message_bytes_burst)
            or rates.day.take(now, 1, limits.messages_per_day / SECONDS_A_DAY, limits.messages_per_day)
        )
        if wait:
            raise limited(wait, "messages")

    def _check_conversation_rate(self, roster: Roster) -> None:
        limits = self._core.limits
        wait = roster.bucket.take(
            self._core.now(), 1, limits.conversation_messages_per_second, limits.conversation_messages_burst
        )
        if wait:
            raise limited(wait, "messages in this conversation")

    def _admit(self, sender: int, size: int) -> None:
        """What must be refused is refused before it joins.  Overload is judged once a batch."""
        limits = self._core.limits
        if (
            len(self._waiting) >= limits.max_waiting_operations
            or self._waiting_bytes + size > limits.max_waiting_bytes
        ):
            raise self._core.admission.retry_after()
        if not self._waiting:
            self._judge()
        if self._closed:
            raise self._core.not_ready()
        if self._overloaded:
            self._core.admission.check_send(lambda: self._is_unfair(sender))

    def _judge(self) -> None:
        self._closed = self._core.state != "ready"
        self._overloaded = self._core.admission.overloaded

    def refuse_all(self) -> None:
        """From now on nothing is taken on."""
        self._closed = True

    def _is_unfair(self, sender: int) -> bool:
        if self._unfair is None:
            self._unfair = unfair_senders(self._waiting)
        return sender in self._unfair

    # -- through

    def _start(self) -> None:
        self._core.spawn(self._commit_all())

    async def _commit_all(self) -> None:
        """Commit batch after batch until nothing waits."""
        limits = self._core.limits
        crash.here("after-read")
        batch = next_batch(
            self._waiting, limits.max_batch_operations, limits.max_batch_bytes, limits.max_batch_per_account
        )
        self._waiting_bytes -= sum(len(posting.body) for posting in batch)
        self._unfair = None
        self.largest_batch = max(self.largest_batch, len(batch))
        since, self._gathering_since = self._gathering_since, self._core.now()
        try:
            await self._core.store.append(batch, self._core.wall_ms())
        except ChatError as error:
            self._all_refused(batch, error)
        except Exception:
            _log.exception("a batch failed")
            self._all_refused(batch, ChatError(Code.UNKNOWN_RETRY, "the server failed; send it again", 1000))
        self._core.admission.waited(self._core.now() - since)
        self._judge()
        self._settle(batch)
        if self._waiting:
            self._core.clock.callLater(0, self._start)
        else:
            self._committing = False

    @staticmethod
    def _all_refused(batch: Sequence[Posting], error: ChatError) -> None:
        for posting in batch:
            posting.refusal = error

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
        stored = [posting for posting in run if posting.refusal is None]
        if len(stored) < len(run):
            for posting in run:
                if posting.refusal is not None:
                    self._refuse(session, posting.tag, posting.refusal)
        if not stored:
            return
        session.sends_in_flight -= len(stored)
        session.client.acknowledge(stored)
        fresh = [posting for posting in stored if posting.fresh]
        if fresh:
            last = fresh[-1]
            roster.last_seq = max(roster.last_seq, last.seq)
            roster.latest_by[last.sender] = last.seq
            self._core.router.fan_out(roster, Burst(roster.conversation, fresh, session))

    @staticmethod
    def _refuse(session: "Session", tag: int, error: ChatError) -> None:
        session.sends_in_flight -= 1
        session.refuse(tag, error)
