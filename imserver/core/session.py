"""One client's stay: the gate through which every request passes, and what is pushed to it."""

import logging
from collections import deque
from typing import TYPE_CHECKING

from imserver.core.burst import Burst
from imserver.core.capabilities import Capabilities
from imserver.core.errors import ChatError, Code
from imserver.core.events import Behind, Event, Refused
from imserver.core.posting import Posting
from imserver.core.rates import AccountRates, Bucket, limited
from imserver.core.requests import MarkDelivered, Request, Sending
from imserver.core.rules import BoundRule, Rate
from imserver.core.turns import Turns
from imserver.core.values import Account, DeviceRecord
from imserver.core.window import Position, Window

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.interfaces import IClient

_log = logging.getLogger(__name__)
_NOBODY = AccountRates()  # of sessions that are not logged in; never drawn on


class Session:
    """A connected client, logged in once `account` is set.

    After every await the world may have changed: whoever awaits looks at `closed` again.
    """

    __slots__ = (
        "_core",
        "_refusals",
        "_strikes",
        "account",
        "address",
        "busy",
        "capabilities",
        "catching_up",
        "client",
        "closed",
        "device",
        "entering",
        "held",
        "leaving",
        "login_tries",
        "missed",
        "posting",
        "private",
        "rates",
        "requests_in_flight",
        "sends_in_flight",
        "trusted_address",
        "turns",
        "window",
    )

    def __init__(
        self, core: "Core", client: "IClient", capabilities: Capabilities, address: str, trusted_address: bool
    ) -> None:
        self._core = core
        self._refusals: Bucket | None = None
        self._strikes = 0
        self.client = client
        self.capabilities = capabilities
        self.address = address  # of the network; empty for UNIX sockets
        self.trusted_address = trusted_address  # loopback: not counted per address
        self.account: Account | None = None
        self.device: DeviceRecord | None = None
        self.rates = _NOBODY
        self.window = Window(core.limits)
        self.held: deque[tuple[int, Sending]] | None = None  # sends that wait for their conversation
        self.posting: Posting | None = None  # the last one, which the next send may continue
        self.turns: Turns | None = None  # once something was refused for now
        self.missed: dict[int, int] | None = None  # while logging in: conversation -> first seq that came
        self.private = False  # nobody on the way to the client can read or change what is said
        self.busy = False
        self.catching_up = False
        self.closed = False
        self.entering = False
        self.leaving: tuple[Code, str] | None = None  # close with this once the request is answered
        self.login_tries = 0
        self.requests_in_flight = 0
        self.sends_in_flight = 0

    # -- requests

    def _weigh(self) -> None:
        """`busy`: it has as much in flight as it may, or is logging in; hand it nothing more for now."""
        limits = self._core.limits
        self.busy = (
            self.sends_in_flight >= limits.max_sends_in_flight
            or self.requests_in_flight >= limits.max_requests_in_flight
            or self.entering
        )

    def took_send(self) -> None:
        """One more is in flight."""
        self.sends_in_flight += 1
        self._weigh()

    def answered_sends(self, count: int) -> None:
        """That many sends have their answers."""
        self.sends_in_flight -= count
        if self.busy:
            self._weigh()

    def ask(self, tag: int, request: Request) -> None:
        """The gate: everything a client wants comes through here, whatever its wire."""
        if self.closed:
            return
        rule = self._core.rules[type(request)]
        if rule.is_hot and self.account is not None and not self.entering and rule.plain is not None:
            rule.plain(self, tag, request)
            return
        try:
            self._check(rule)
        except ChatError as error:
            self.refuse(tag, error)
            return
        if rule.plain is not None:
            rule.plain(self, tag, request)
        else:
            self.requests_in_flight += rule.weight
            self.entering = self.entering or rule.enters
            self._weigh()
            self._core.spawn(self._answer(tag, rule, request))

    def _check(self, rule: BoundRule) -> None:
        if self.entering:
            raise ChatError(Code.TRY_LATER, "wait for the answer to what you asked before")
        if self.account is None:
            if not rule.before_login:
                self._strikes += 1
                raise ChatError(Code.NOT_AUTHENTICATED, "log in first")
        elif not rule.after_login:
            raise ChatError(Code.ALREADY_LOGGED_IN, "this connection is logged in already; open another")
        limits = self._core.limits
        if self.account is None or not limits.enabled or rule.rate is Rate.OWN:
            return
        if rule.rate is Rate.SIGNALS:
            wait = self.rates.signals.take(
                self._core.now(), 1, limits.signals_per_second, limits.signals_burst
            )
        else:
            wait = self.rates.requests.take(
                self._core.now(), 1, limits.requests_per_second, limits.requests_burst
            )
        if wait:
            raise limited(wait, "requests")

    async def _answer(self, tag: int, rule: BoundRule, request: Request) -> None:
        try:
            if rule.members_only:
                await self._core.rosters.of_member(self.number, request.conversation)  # type: ignore[union-attr]
            event = await rule.answer(self, request)
            if event is not None:
                self.client.deliver(event, tag)
        except ChatError as error:
            self.refuse(tag, error)
            if rule.before_login and self.account is not None:  # a login that came to nothing
                self.leaving = error.code, error.text
        except Exception:
            self.failed(tag)
        finally:
            self.requests_in_flight -= rule.weight
            if rule.enters:
                self.entering = False
            self._weigh()
        if self.leaving is not None:
            self.close(*self.leaving)

    def refuse(self, tag: int, error: ChatError) -> None:
        """Say why not.  Who is refused too often is sent away."""
        self._core.refusals[error.code] += 1
        self.client.deliver(Refused(error.code, error.text, error.retry_after_ms), tag)
        limits = self._core.limits
        if self._refusals is None:
            self._refusals = Bucket()
        per_second = limits.refusals_before_close / limits.refusals_window_seconds
        often = self._refusals.take(self._core.now(), 1, per_second, limits.refusals_before_close)
        if self._strikes >= limits.strikes or (often and limits.enabled):
            self.close(Code.TOO_MANY_REFUSALS, "too many requests were refused")

    def failed(self, tag: int) -> None:
        """Our own bug, called from an exception handler: the trace goes to the log, this client goes away, all others stay."""
        _log.exception("a request failed")
        self.client.deliver(Refused(Code.INTERNAL, "the server failed; its log says more"), tag)
        self.close(Code.INTERNAL, "the server failed")

    @property
    def core(self) -> "Core":
        """That it is a session of."""
        return self._core

    # -- being logged in

    @property
    def number(self) -> int:
        """The account's number; only for sessions that are logged in."""
        assert self.account is not None
        return self.account.number

    @property
    def device_id(self) -> int:
        """The device's internal id; only for sessions that are logged in."""
        assert self.device is not None
        return self.device.id

    def close(self, code: Code, text: str) -> None:
        """Tell the client why and end the session at once."""
        self.client.close(code, text)
        self.left()

    def left(self) -> None:
        """The client is gone, or is being sent away."""
        if not self.closed:
            self.closed = True
            self._core.left(self)

    # -- pushes

    def deliver(self, event: Event) -> None:
        """Something that is not a message; it may be lost with the connection, or while logging in."""
        if self.missed is None:
            self.client.deliver(event)

    def push(self, burst: Burst) -> None:
        """New messages of one conversation; those it cannot take now stay in the log."""
        conversation = burst.conversation.id
        if self.missed is not None:
            self.missed.setdefault(conversation, burst.first)
            return
        window = self.window
        position = window.positions.get(conversation) or window.position(conversation, burst.first - 1)
        if burst.first == position.pushed + 1:
            self._push_new(position, burst)
        elif burst.first > position.pushed:
            self._fall_behind(position, burst)
        elif burst.last > position.pushed:  # some of it has come with a page of history
            self._push_new(position, burst.part(position.pushed + 1 - burst.first, burst.count))

    def _push_new(self, position: Position, burst: Burst) -> None:
        """It begins at position + 1."""
        if burst.origin is self:
            position.pushed = burst.last  # its Sent stands for the push
            if not self.capabilities.acknowledges:
                self._arrived_already(position, burst)
            return
        fitting = 0 if self.client.congested else self.window.fitting(burst)
        if fitting < burst.count:
            self._fall_behind(position, burst)
            if not fitting:
                return
            burst = burst.part(0, fitting)
        self.window.pushed(position, burst)
        self.client.push(burst.seen_by(self.number) if burst.run.withheld else burst)

    def _arrived_already(self, position: Position, burst: Burst) -> None:
        """What it has sent itself it has, which it cannot acknowledge."""
        position.sent(burst.first, burst.last)
        if burst.first == position.delivered + 1:
            own = MarkDelivered(burst.conversation.id, burst.last)
            self._core.receipts.mark_delivered(self, 0, own)

    def _fall_behind(self, position: Position, burst: Burst) -> None:
        self.window.behind[burst.conversation.id] = burst.last
        if burst.origin is self and not self.capabilities.acknowledges:
            position.sent(burst.first, burst.last)

    def fetched(self, conversation: int, after: int, upto: int) -> None:
        """It was given a page after < seq <= upto of the log."""
        position = self.window.positions.get(conversation)
        if position is not None and after <= position.pushed < upto:
            position.pushed = upto
            self.window.behind.pop(conversation, None)

    def acknowledged(self, conversation: int, seq: int) -> int:
        """The client has everything up to seq; -> the new cursor, or 0."""
        cursor = self.window.acknowledged(conversation, seq)
        if self.window.behind and self.window.half_empty:
            self.tell_behind()
        return cursor

    def tell_behind(self) -> None:
        """Let it know where it lacks messages, now that there is room for them."""
        behind = self.window.behind
        if not behind or self.window.full or self.client.congested:
            return
        if self.capabilities.fetches:
            self.window.behind = {}
            for conversation, last_seq in behind.items():
                self.client.deliver(Behind(conversation, last_seq))
        elif not self.catching_up:
            self._core.catch_up(self)
