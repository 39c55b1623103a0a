"""One client's connection by any framed wire: frames in, requests to the session; events in, frames out.

What is bounded here: the size of a frame and of everything before login; the time for a login, for one
frame, for an answer to a probe; and what waits to be written.  At most 64 KiB and one write wait in the
transport; beyond that the connection keeps frames itself and takes no more messages (`congested`), and past
the hard limit, or after 30 s without progress, it is aborted: what the client missed is in the log.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from imserver import crash
from imserver.core.burst import Burst
from imserver.core.errors import Code, UnreadableRequest, WireError
from imserver.core.events import Closing, Event, LoggedIn, Probe
from imserver.core.limits import Limits
from imserver.core.run import Run
from imserver.core.session import Session
from imserver.interfaces import IClient
from imserver.net import direct
from imserver.net.arrival import Arrival
from imserver.net.deadlines import Deadlines, Verdict
from imserver.net.dialogue import Dialogue, Dialogues
from imserver.net.gate import address_of, is_local, is_private, network_of
from imserver.net.kernel import unsent_bytes

if TYPE_CHECKING:
    from imserver.net.connecting import ConnectionFactory


@implementer(IClient, IPushProducer)
class Connection(Protocol):
    """Made by ConnectionFactory; `address` is the client's, empty for a UNIX socket."""

    _log = Logger()
    transport: Any  # a transport, consumer and producer at once, which no one interface of Twisted says
    address = ""
    session: Session
    waiting_bytes = 0  # kept here until the turn ends, or until the transport has written what it has
    congested = False  # too much of that: no more messages for now
    _admitted = False
    _authenticated = False  # as the gate counts it
    _open = False
    _blocked = False  # the transport has enough
    _held = False  # frames wait until the session has room
    _written = False  # to be flushed at the end of this turn
    _early_bytes = 0  # received before login
    _linger: Any = None

    def __init__(self, factory: "ConnectionFactory") -> None:
        self._shared = factory
        limits = factory.limits()
        self._framing = factory.dialect.framing(limits.max_frame_bytes_before_login)
        self._out: list[bytes] = []
        self._dialogue: Dialogue | None = None
        self._voice: Any = factory.dialect  # what makes bytes of events: the dialect, or the dialogue

    # -- beginning and end

    def connectionMade(self) -> None:
        """Admit the client, or close at once."""
        shared = self._shared
        self.address = address_of(self.transport)
        if not shared.core.admission.connections_open or not shared.gate.admit(self.address):
            self.transport.abortConnection()
            return
        self._admitted = self._open = True
        self._deadlines = Deadlines(shared.clock.seconds())
        self.session = shared.core.connect(
            self, shared.dialect.capabilities, network_of(self.address), is_local(self.address)
        )
        proxied = getattr(self.transport, "proxied", False)
        self.session.private = is_private(self.address, self.transport)
        self._arrival = (
            None if shared.dialect.capabilities.acknowledges else Arrival(shared.core, self.session, proxied)
        )
        self.transport.registerProducer(self, True)
        shared.connections.add(self)
        if isinstance(shared.dialect, Dialogues):
            self._dialogue = self._voice = shared.dialect.begin(self.session, self.write, self._framing)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client is gone."""
        self._open = False
        if self._admitted:
            self._shared.connections.remove(self)
            self._shared.gate.release(self.address, self._authenticated)
            self.session.left()
        if self._linger is not None and self._linger.active():
            self._linger.cancel()

    def close(self, code: str, text: str) -> None:
        """Say why, then close, and do not wait for long."""
        if self._open:
            self.deliver(Closing(code, text))
            self._log.debug("closing {address}: {code}", address=self.address, code=code)
            self._open = False
            self._blocked = False
            self.flush()
            self.transport.unregisterProducer()
            self.transport.loseConnection()
            self._linger = self._shared.clock.callLater(
                self._shared.limits().linger_seconds, self.transport.abortConnection
            )

    def abort(self) -> None:
        """Close without a word: nothing gets through any more."""
        self._open = False
        self._out.clear()
        self.transport.abortConnection()

    # -- in

    def dataReceived(self, data: bytes) -> None:
        """Take in a segment."""
        if self._open:
            self._deadlines.heard(self._shared.clock.seconds())
            if self.session.account is None:
                self._early_bytes += len(data)
            self._framing.receive(data)
            if not self._held:
                self._read()

    def _read(self) -> None:
        """Take frames; what goes wrong with one ends this connection."""
        try:
            self._take_frames()
        except WireError as error:
            self.close(error.code, error.text)
        except Exception:
            self._log.failure("a frame of {address} failed", address=self.address)
            self.close(Code.INTERNAL, "the server failed")

    def _take_frames(self) -> None:
        """Hand on the frames that are complete, as long as the session has room for them."""
        session, dialogue, decode = self.session, self._dialogue, self._shared.decode
        arrival, complete = self._arrival, False
        for frame in self._framing.frames():
            complete = True
            if arrival is not None:
                arrival.heard()
            try:
                if dialogue is None:
                    tag, request = decode(frame)
                    session.ask(tag, request)
                else:
                    dialogue.received(frame)
            except UnreadableRequest as error:
                session.refuse(error.tag, error)
            if not self._open:
                return
            if session.busy or self.congested or (dialogue is not None and dialogue.busy):
                self._hold()
                return
        self._deadlines.frames_read(complete, self._framing.unread_bytes > 0)
        if session.account is None:
            early_bytes = self._early_bytes - self._framing.skipped_bytes
            if early_bytes > self._shared.limits().max_bytes_before_login:
                raise WireError("log in first", Code.FRAME_TOO_LARGE)

    def _hold(self) -> None:
        if not self._held:
            self._held = True
            self.transport.pauseProducing()

    def _resume(self) -> None:
        dialogue = self._dialogue
        is_full = self.session.busy or self.congested or (dialogue is not None and dialogue.busy)
        if self._open and not is_full:
            self._held = False
            self._read()
            if not self._held and self._open:
                self.transport.resumeProducing()

    # -- out

    def deliver(self, event: Event, tag: int = 0) -> None:
        """Send an event, at the end of this turn, with all others."""
        if type(event) is LoggedIn and self._open:
            self._logged_in()
        self._queue(self._voice.frame, event, tag)

    def push(self, burst: Burst) -> None:
        """Send new messages, at the end of this turn."""
        self._queue(self._voice.frames, burst)

    def acknowledge(self, run: Run, tags: Sequence[int]) -> None:
        """Answer sends, at the end of this turn."""
        self._queue(self._voice.acknowledgements, run, tags)

    def write(self, data: bytes) -> None:
        """What a dialogue says by itself, at the end of this turn; after it, frames that were held are taken up."""
        self._queue(bytes, data)

    def _queue(self, encode: Callable[..., bytes], *what: Any) -> None:
        if not self._open:
            return
        try:
            frames = encode(*what)
        except Exception:
            self._log.failure("an event for {address} could not be encoded", address=self.address)
            self.abort()
            return
        self._out.append(frames)
        self.waiting_bytes += len(frames)
        if not self._written:
            self._written = True
            self._shared.connections.written(self)
        if self.waiting_bytes > self._shared.core.limits.outbound_soft_bytes:
            self._crowded()

    def _crowded(self) -> None:
        """More waits than should; too much, and it ends."""
        self.congested = True
        if self._blocked and self.waiting_bytes > self._shared.limits().outbound_hard_bytes:
            self._log.warn("closing {address}: it does not read", address=self.address)
            self.abort()

    def _logged_in(self) -> None:
        self._authenticated = True
        self._shared.gate.authenticated(self.address)
        self._framing.max_bytes = self._shared.limits().max_frame_bytes

    def flush(self) -> None:
        """Let commands go on with their answers, write what has gathered, and take up frames that were held."""
        self._written = False
        if self._dialogue is not None and self._open:
            self._dialogue.go_on()
        if not self._blocked:
            self._write_out()
        if self._arrival is not None:
            self._arrival.wrote(self)
        if self._held:
            self._resume()

    def _write_out(self) -> None:
        """All of it with one write."""
        if self._out:
            data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
            if crash.is_armed and crash.reached("half-an-ack"):
                direct.write(self.transport, data[: len(data) // 2])
                crash.die()
            direct.write(self.transport, data)
            self._out = []
            self.waiting_bytes = 0
            self.congested = False

    def pauseProducing(self) -> None:
        """The transport has enough."""
        self._blocked = True

    def resumeProducing(self) -> None:
        """The transport has written all it had."""
        self._blocked = False
        if self._open:
            self.flush()
            self.session.tell_behind()

    def stopProducing(self) -> None:
        """The transport is gone; connectionLost follows."""

    # -- once a second

    def look_after(self, now: float, limits: Limits) -> None:
        """Keep the deadlines."""
        if not self._open:
            return
        dialect = self._shared.dialect
        login_seconds = 0.0 if self.session.account else dialect.login_seconds or limits.login_seconds
        verdict = self._deadlines.judge_input(now, limits, login_seconds, self._held, dialect.idle_seconds)
        code, text = verdict.value
        if code is not None:
            self.close(code, text)
        elif self._is_stalled(now, limits):
            self._log.info("closing {address}: it has stopped reading", address=self.address)
            self.session.left()
            self.abort()
        elif verdict is Verdict.PROBE:
            self.deliver(Probe())
        if self._arrival is not None and self._open:
            self._arrival.look(self)

    def _is_stalled(self, now: float, limits: Limits) -> bool:
        """Whether what waits for the client, here or in its window, has not moved for too long."""
        window = self.session.window
        waiting = self._blocked or window.full
        # While the transport is full we write nothing, so its queue changes only as the client reads.
        progress = unsent_bytes(self.transport) if self._blocked else 0, window.released
        return self._deadlines.is_stalled(now, limits, waiting, progress)

    @property
    def all_written(self) -> bool:
        """Nothing waits here, and the transport has not too much."""
        return not self._out and not self._blocked
