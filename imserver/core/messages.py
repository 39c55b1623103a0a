"""Sending a message: what is looked at before it joins a batch."""

from collections import deque
from typing import TYPE_CHECKING

from imserver.core.content import check_content, check_forward
from imserver.core.errors import ChatError
from imserver.core.posting import Posting
from imserver.core.rates import limited
from imserver.core.requests import Forward, Send, Sending, SendTo, is_call
from imserver.core.roster import Roster
from imserver.core.turns import Place, Turns
from imserver.core.values import Kind

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session

SECONDS_A_DAY = 86_400
_ATTENTION = int(Kind.ATTENTION)


class Messages:
    """Sends of one session keep their order, also when a conversation has to be looked up first."""

    def __init__(self, core: "Core") -> None:
        self._core = core

    def send(self, session: "Session", tag: int, request: Send | SendTo) -> None:
        """Take a message on; its answer comes when it is durable."""
        limits = self._core.limits
        session.sends_in_flight += 1
        if session.sends_in_flight >= limits.max_sends_in_flight:
            session.busy = True
        try:
            check_content(request, limits)
            if session.turns is not None:
                self._check_turn(session, request)
            if limits.enabled:
                self._check_rates(session, len(request.body))
            if session.held is None and type(request) is Send:
                posting = session.posting
                if posting is not None and posting.continues_with(request):
                    if limits.enabled:
                        self._check_conversation_rate(posting.roster)
                    self._core.batches.extend(posting, tag, request.body)
                    return
                roster = self._core.rosters.get(request.conversation)
                if roster and (account := session.account) and account.number in roster.members:
                    self._post(session, tag, request, roster)
                    return
        except ChatError as error:
            self._refuse(session, tag, request, error)
            return
        self._hold(session, tag, request)

    def forward(self, session: "Session", tag: int, request: Forward) -> None:
        """As send, with what another message says."""
        session.took_send()
        try:
            check_forward(request, self._core.limits)
            self._check_turn(session, request)
        except ChatError as error:
            self._refuse(session, tag, request, error)
            return
        self._hold(session, tag, request)

    def _hold(self, session: "Session", tag: int, request: Sending) -> None:
        """Let it, and what comes after it, wait until its conversation has been found."""
        if session.held is not None:
            session.held.append((tag, request))
        else:
            session.held = deque([(tag, request)])
            self._core.spawn(self._send_held(session, session.held))

    async def _send_held(self, session: "Session", held: deque[tuple[int, Sending]]) -> None:
        while held and not session.closed:
            tag, request = held[0]
            try:
                self._check_turn(session, request)
                send = await self._content_of(session, request)
                roster = await self._find(session, send)
                if not session.closed:
                    self._post(session, tag, send, roster)
            except ChatError as error:
                self._refuse(session, tag, request, error)
            except Exception:
                session.failed(tag)
            held.popleft()
        session.held = None

    async def _content_of(self, session: "Session", request: Sending) -> Send | SendTo:
        if not isinstance(request, Forward):
            return request
        send = await self._core.forwarding.send_for(session, request)
        if self._core.limits.enabled:
            self._check_rates(session, len(send.body))
        return send

    async def _find(self, session: "Session", request: Send | SendTo) -> Roster:
        if isinstance(request, SendTo):
            return await self._core.conversations.named(session, request.name)
        roster = await self._core.rosters.load(request.conversation)
        if session.number not in roster.members:
            # Who has left may ask again for the answer to an earlier send; the store knows whether it is one.
            await self._core.rosters.membership(session, request.conversation)
        return roster

    def _post(self, session: "Session", tag: int, request: Send | SendTo, roster: Roster) -> None:
        account = session.account
        assert account is not None
        is_member = account.number in roster.members
        may_be_barred = is_member and (roster.muted or roster.ended or self._core.limits.enabled)
        barred = self._bar(roster, account.number) if may_be_barred else None
        is_plain = request.extra is None and request.kind != _ATTENTION
        terms = None if is_plain else self._core.actions.terms(account.number, roster, request)
        posting = Posting(
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
            barred,
            request.extra,
            terms,
        )
        self._core.batches.join(posting)
        # Who only asks for earlier answers must not use up the rate, which is that of those who may write.
        session.posting = posting if is_member and barred is None else None

    def _bar(self, roster: Roster, number: int) -> ChatError | None:
        """Why the member may not write there now, unless it is something that was stored before."""
        try:
            roster.check_may_write(number, self._core.wall_ms)
        except ChatError as error:
            return error
        if self._core.limits.enabled:
            self._check_conversation_rate(roster)
        return None

    def _check_turn(self, session: "Session", request: Sending) -> None:
        if session.turns is not None and not is_call(request):
            session.turns.check(_place(request), request.client_id, self._core.now())

    def _refuse(self, session: "Session", tag: int, request: Sending, error: ChatError) -> None:
        if error.retry_after_ms and session.capabilities.acknowledges and not is_call(request):
            session.turns = session.turns or Turns()
            session.turns.refused(_place(request), request.client_id, error, self._core.now())
        session.answered_sends(1)
        session.refuse(tag, error)

    def _check_rates(self, session: "Session", size: int) -> None:
        limits, rates, now = self._core.limits, session.rates, self._core.now()
        wait = (
            rates.messages.take(now, 1, limits.messages_per_second, limits.messages_burst)
            or rates.bytes.take(now, size, limits.message_bytes_per_second, limits.message_bytes_burst)
            or rates.day.take(now, 1, limits.messages_per_day / SECONDS_A_DAY, limits.messages_per_day)
        )
        if wait:
            raise limited(wait, "messages")

    def _check_conversation_rate(self, roster: Roster | None) -> None:
        assert roster is not None
        limits = self._core.limits
        wait = roster.bucket.take(
            self._core.now(), 1, limits.conversation_messages_per_second, limits.conversation_messages_burst
        )
        if wait:
            raise limited(wait, "messages in this conversation")


def _place(request: Sending) -> Place:
    if isinstance(request, SendTo):
        return request.name
    return request.to if isinstance(request, Forward) else request.conversation
