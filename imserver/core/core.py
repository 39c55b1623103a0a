"""The core as a whole: what the wires hold on to, and where its parts find one another."""

from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from imserver.core.accounts import Accounts
from imserver.core.actions import Actions
from imserver.core.administration import Administration
from imserver.core.admission import Admission
from imserver.core.batches import Batches
from imserver.core.blocks import Blocks
from imserver.core.burning import Burning
from imserver.core.capabilities import Capabilities
from imserver.core.contacts import Contacts
from imserver.core.conversations import Conversations
from imserver.core.directory import Directory
from imserver.core.errors import ChatError, Code
from imserver.core.events import GoAway, Pong, Welcome
from imserver.core.forwarding import Forwarding
from imserver.core.groups import Groups
from imserver.core.history import Reader
from imserver.core.limits import Limits
from imserver.core.logins import Logins
from imserver.core.messages import Messages
from imserver.core.presence import Presences
from imserver.core.rates import AccountRates, BoundedTable
from imserver.core.receipts import Receipts
from imserver.core.requests import Hello, Ping
from imserver.core.resume import ResumeTokens
from imserver.core.roster import Rosters
from imserver.core.router import Router
from imserver.core.rules import RULES, BoundRule
from imserver.core.session import Session
from imserver.core.throttle import Throttle
from imserver.core.tidings import Tidings

if TYPE_CHECKING:
    from imserver.interfaces import IClient, IPasswords, IStore

TICK_SECONDS = 1.0


class Clock(Protocol):
    """Monotonic time and timers: a reactor, or a test's clock."""

    def seconds(self) -> float:
        """Monotonic seconds."""
        ...

    def callLater(self, delay: float, callable: Callable[..., object], *args: object) -> Any:
        """Call it after this many seconds."""
        ...


class Core:
    """`store` provides all store interfaces; `spawn` runs a coroutine; `wall_ms` gives milliseconds since 1970."""

    def __init__(
        self,
        store: "IStore",
        passwords: "IPasswords",
        clock: Clock,
        wall_ms: Callable[[], int],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        limits: Limits,
        registration_open: bool,
        token_bytes: Callable[[int], bytes],
    ) -> None:
        self.store = store
        self.passwords = passwords
        self.clock = clock
        self.now = clock.seconds
        self.wall_ms = wall_ms
        self.spawn = spawn
        self.limits = limits
        self.registration_open = registration_open
        self.token_bytes = token_bytes
        self.rates: BoundedTable[int, AccountRates] = BoundedTable(
            AccountRates, lambda: self.limits.max_limiter_entries
        )
        self.admission = Admission(lambda: self.limits, self.now, lambda: self.batches.idle, self._fraction)
        self.throttle = Throttle(lambda: self.limits, self.now)
        self.resume_tokens = ResumeTokens(lambda: self.limits, self.now, token_bytes)
        self.rosters = Rosters(store)
        self.router: Router = Router(self)
        self.batches: Batches = Batches(self)
        self.actions: Actions = Actions(self)
        self.forwarding: Forwarding = Forwarding(self)
        self.messages: Messages = Messages(self)
        self.burning: Burning = Burning(self)
        self.receipts: Receipts = Receipts(self)
        self.accounts: Accounts = Accounts(self)
        self.logins: Logins = Logins(self)
        self.administration: Administration = Administration(self)
        self.contacts: Contacts = Contacts(self)
        self.blocks: Blocks = Blocks(self)
        self.directory: Directory = Directory(self)
        self.presences: Presences = Presences(self)
        self.tidings: Tidings = Tidings(self)
        self.conversations: Conversations = Conversations(self)
        self.groups: Groups = Groups(self)
        self.history: Reader = Reader(self)
        self.projections: Counter[tuple[str, str]] = (
            Counter()
        )  # (wire, kind) -> how often it was not shown as it is
        self.rules = {kind: BoundRule(rule, self) for kind, rule in RULES.items()}
        self.refusals: Counter[str] = Counter()  # by code, since the start
        self._seen: dict[int, int] = {}  # device -> when its session ended, to be written
        self._sessions = 0
        self._draining = False
        self._tick: Any = None
        self._started_at = clock.seconds()

    # -- life

    def start(self) -> None:
        """Start the timers."""
        self._started_at = self.now()
        self._schedule_tick()

    async def stop(self) -> None:
        """Stop the timers and write what is still only in memory."""
        if self._tick is not None and self._tick.active():
            self._tick.cancel()
        if self.store.state == "ready":  # otherwise some messages are delivered once more
            await self._save()

    def set_limits(self, limits: Limits) -> None:
        """From now on these hold."""
        self.limits = limits

    def _schedule_tick(self) -> None:
        self._tick = self.clock.callLater(TICK_SECONDS, self._ticked, self.now() + TICK_SECONDS)

    def _ticked(self, due: float) -> None:
        self.admission.lagged(self.now() - due)
        self._schedule_tick()
        self.spawn(self._every_second())

    async def _every_second(self) -> None:
        for session in self.router.all_sessions():
            session.tell_behind()
        self.tidings.flush()
        if self.state == "ready":
            with suppress(ChatError):  # the store takes nothing just now; cursors wait for the next second
                await self.receipts.flush()
                await self.burning.flush()
                await self._save()

    async def _save(self) -> None:
        await self.receipts.save()
        seen, self._seen = self._seen, {}
        if seen:
            await self.store.save_seen(list(seen.items()))

    # -- state

    @property
    def state(self) -> str:
        """'ready', 'draining', or 'degraded' (the store takes nothing)."""
        if self._draining:
            return "draining"
        return "ready" if self.store.state == "ready" else "degraded"

    def not_ready(self) -> ChatError:
        """The refusal of whatever would have to be stored."""
        if self._draining:
            return ChatError(Code.RETRY_AFTER, "the server is about to stop; send it again later", 5000)
        return ChatError(
            Code.UNAVAILABLE_STORAGE, "the server cannot store anything now; send it again later", 5000
        )

    def uptime_seconds(self) -> int:
        """Since start."""
        return int(self.now() - self._started_at)

    def session_count(self) -> int:
        """How many are logged in."""
        return self._sessions

    # -- sessions

    def connect(
        self, client: "IClient", capabilities: Capabilities, address: str, trusted_address: bool
    ) -> Session:
        """A new client; the wire calls session.ask for each request, and session.left when the client is gone."""
        return Session(self, client, capabilities, address, trusted_address)

    def entered(self, session: Session) -> None:
        """The session has logged in."""
        self._sessions += 1
        self.router.add(session)
        self.presences.entered(session)

    def left(self, session: Session) -> None:
        """The session is over."""
        if session.device is not None:
            self._sessions -= 1
            self.router.remove(session)
            self.presences.left(session)
            self.resume_tokens.disconnected(session.device_id)
            self._seen[session.device_id] = self.wall_ms()

    def end_device(self, account: int, device: int, code: Code, text: str) -> None:
        """End the device's session, if it has one, and its resume token."""
        self.resume_tokens.revoke(device)
        for session in self.router.sessions_of(account):
            if session.device_id == device:
                session.close(code, text)

    def catch_up(self, session: Session) -> None:
        """Feed a client that cannot fetch."""
        session.catching_up = True
        self.spawn(self._catch_up(session))

    async def _catch_up(self, session: Session) -> None:
        try:
            await self.history.feed(session)
        finally:
            session.catching_up = False

    # -- what needs nobody else

    def hello(self, session: Session, tag: int, request: Hello) -> None:
        """What this server is."""
        limits = self.limits
        session.client.deliver(
            Welcome(
                "imserver",
                self.registration_open,
                limits.max_frame_bytes,
                limits.max_body_bytes,
                limits.window_messages,
            ),
            tag,
        )

    def ping(self, session: Session, tag: int, request: Ping) -> None:
        """Still here."""
        session.client.deliver(Pong(), tag)

    # -- the end

    def begin_drain(self, spread_ms: int) -> None:
        """Refuse new sends from now on, and tell everybody to go and to come back within spread_ms."""
        self._draining = True
        self.batches.refuse_all()
        for session in self.router.all_sessions():
            session.deliver(GoAway(int(spread_ms * self._fraction())))

    @property
    def idle(self) -> bool:
        """Everything that was accepted has been answered."""
        return self.batches.idle

    def close_clients(self) -> None:
        """Everybody who is still here goes."""
        for session in self.router.all_sessions():
            session.close(Code.STOPPING, "the server stops")

    def _fraction(self) -> float:
        """0.0 ... 1.0, for jitter."""
        return int.from_bytes(self.token_bytes(4), "big") / 2**32
