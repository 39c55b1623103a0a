"""One device of one account, kept logged in: the place where the parts of the client meet.

reconnector  brings links up          outgoing  messages until they are on the server's disk
incoming     what arrives, in order   asking    requests until they are answered
"""

import os
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger

from imserver.client.acknowledgements import Acknowledgements
from imserver.client.asking import Asking
from imserver.client.backoff import Backoff
from imserver.client.cursors import Cursors
from imserver.client.errors import ClientError, NotConnected, RequestRefused, StateError
from imserver.client.incoming import Incoming
from imserver.client.link import Link
from imserver.client.login import Credentials
from imserver.client.outgoing import ClientIds, Outgoing
from imserver.client.reconnector import Reconnector
from imserver.client.state import DeviceState
from imserver.core.errors import Code
from imserver.core.events import Event, GoAway, LoggedIn, Refused, Sent, Welcome
from imserver.core.group_requests import GroupRequest
from imserver.core.requests import LogOut, Request, Sending
from imserver.core.values import Account, Once

SAVE_SECONDS = 1.0  # cursors are saved at most that often


class Device:
    """Log in once; it then stays logged in until it is closed or the server will not have it any more.

    `listener(event)` gets everything that happens by itself (core/events.py), one event at a time; it may be
    a coroutine function.  A message is acknowledged when the listener has had it: after a crash of this
    program a message may come twice, without one it never does.

    `state` is what the device keeps between runs, and `save` keeps it; without them the device lasts as long
    as this object.  With `receives` false nothing is fetched, acknowledged or given to the listener: for
    programs that only ask and send.  `connection_changed(loss)` is called with None when a connection is up,
    and with the reason when it is lost.  `ended` fires once, with a ClientError that says why.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        endpoint: IStreamClientEndpoint,
        listener: Callable[[Event], Any],
        *,
        state: DeviceState | None = None,
        save: Callable[[DeviceState], None] = lambda state: None,
        receives: bool = True,
        connection_changed: Callable[[NotConnected | None], None] = lambda loss: None,
        random_bytes: Callable[[int], bytes] = os.urandom,
        random_float: Callable[[], float] = random.random,
        wall_seconds: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._endpoint = endpoint
        self._state = state or DeviceState()
        self._state.epoch = max(self._state.epoch + 1, int(wall_seconds() * 1000))
        self._save = save
        self._saving: IDelayedCall | None = None
        self._receives = receives
        self._connection_changed = connection_changed
        self._backoff = Backoff(random_float)
        self._reconnector: Reconnector | None = None
        self._link: Link | None = None
        self._end: ClientError | None = None
        self._given = Cursors(self._state.cursors)
        self._acknowledgements = Acknowledgements(clock, self.tell)
        self._ids = ClientIds(random_bytes)
        self._incoming = Incoming(clock, listener, self._was_given, self._given, self._ids.own)
        self._outgoing = Outgoing(clock, self._was_sent)
        self._asking = Asking(clock)
        self._group_requests = 0
        self.account = Account(0, "", "", "")
        self.ended: Deferred[ClientError] = Deferred()

    # -- coming and going

    async def log_in(self, name: str, password: str) -> LoggedIn:
        """Log in with a password; raises RequestRefused or NotConnected if that fails, and then nothing goes on."""
        self._state.name = name
        return await self._start(Credentials(self._state, password))

    async def log_in_again(self) -> LoggedIn:
        """Log in with the token in the state; raises likewise.  A token that is not taken is forgotten."""
        try:
            return await self._start(Credentials(self._state))
        except RequestRefused as error:
            if error.code == Code.WRONG_CREDENTIALS:
                self._state.token = b""
                self._save_now()
            raise

    async def log_out(self) -> None:
        """End the device's token and this connection."""
        await self.ask(LogOut())
        self._state.token = b""
        await self.close()

    async def close(self) -> None:
        """Acknowledge what was given, save the state and end; what has no answer yet fails with NotConnected."""
        closed: Deferred[None] = Deferred()

        def close_too(reason: ClientError) -> ClientError:
            closed.callback(None)
            return reason

        self.ended.addCallback(close_too)
        self._acknowledgements.flush()
        if self._reconnector is not None:
            self._reconnector.stop()
        elif self._end is None:
            self.gone(NotConnected(NotConnected.CLOSED, "closed by this program"))
        await closed

    async def _start(self, credentials: Credentials) -> LoggedIn:
        reconnector = Reconnector(self._clock, self._endpoint, credentials, self._backoff, self)
        logged_in = await reconnector.start()
        self._reconnector = reconnector
        if self._end is not None:  # closed meanwhile
            reconnector.stop()
            raise self._end
        return logged_in

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._link is not None

    @property
    def log_epoch(self) -> int:
        """Changes only when the server was restored from a backup: then seqs mean other messages than before."""
        return self._state.log_epoch

    # -- asking

    def ask(self, request: Request) -> "Deferred[Any]":
        """-> the answer, now or after a reconnect; fails as asking.py tells."""
        if self._end is not None:
            raise self._end
        return self._asking.ask(request)

    def ask_once(self, request: GroupRequest) -> "Deferred[Any]":
        """A change of a group under a number of its own, so that however often it is asked, it happens once."""
        self._group_requests += 1
        return self.ask(replace(request, once=Once(self._state.epoch, self._group_requests)))

    def tell(self, request: Request) -> int:
        """Send a request that has no answer; -> its tag, or 0 if there is no connection now."""
        return self._link.tell(request) if self._link is not None else 0

    def new_client_id(self) -> bytes:
        """For a message; ids grow in the order of sending."""
        return self._ids.next()

    def put(self, message: Sending) -> "Deferred[Sent]":
        """-> Sent, once the message is safely on the server's disk, now or after a reconnect (outgoing.py)."""
        if self._end is not None:
            raise self._end
        return self._outgoing.put(message)

    # -- called by the reconnector

    def event_arrived(self, tag: int, event: Event) -> None:
        """Something that answers nothing."""
        if isinstance(event, GoAway):
            self._backoff.ask_for(event.after_ms / 1000)
        elif isinstance(event, Refused):
            self._log.debug("not taken: {code}", code=event.code)
            self._acknowledgements.refused(tag, event.retry_after_ms / 1000)
        elif self._receives:
            self._incoming.event_arrived(event)

    def link_up(self, link: Link, welcome: Welcome, logged_in: LoggedIn) -> None:
        """Logged in: go on where the last connection was lost."""
        if logged_in.log_epoch != self._state.log_epoch:
            self._incoming.forget()
            self._state.log_epoch = logged_in.log_epoch
        self._link = link
        self.account = logged_in.account
        self._save_now()
        self._outgoing.link_up(link, welcome.max_body_bytes)
        self._asking.link_up(link)
        if self._receives:
            self._incoming.link_up(link)
        self._connection_changed(None)

    def link_down(self, loss: NotConnected) -> None:
        """What waits goes on waiting."""
        self._log.info("disconnected: {text}", text=loss.text)
        self._link = None
        self._acknowledgements.clear()
        self._incoming.link_down()
        self._connection_changed(loss)

    def gone(self, reason: ClientError) -> None:
        """There will be no other connection."""
        if self._end is not None:
            return
        self._end = reason
        if reason.code in (Code.REVOKED, Code.LOGGED_OUT, Code.WRONG_CREDENTIALS):
            self._state.token = b""
        self._save_now()
        self._outgoing.end(reason)
        self._asking.end(reason)
        self.ended.callback(reason)

    # -- called by the parts

    def _was_sent(self, sent: Sent) -> None:
        if self._receives:
            self._incoming.sent(sent)

    def _was_given(self, conversation: int, seq: int, messages: int) -> None:
        if self._end is not None:
            return
        self._acknowledgements.add(conversation, seq, messages)
        if self._saving is None:
            self._saving = self._clock.callLater(SAVE_SECONDS, self._save_now)

    def _save_now(self) -> None:
        if self._saving is not None and self._saving.active():
            self._saving.cancel()
        self._saving = None
        self._state.cursors = self._given.as_dict()
        try:
            self._save(self._state)
        except StateError as error:
            self._log.error("the state is not saved: {text}", text=error.text)
