"""Keeps one link up and logged in: connects, logs in, waits for the loss, waits a while, and again.

It ends when the program closes it, when the server says that this device has no business here any more
(replaced, revoked, frozen, logged out), or when the device's credentials are no longer taken.
"""

from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, ConnectingCancelledError, DNSLookupError
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from imserver.client.backoff import Backoff
from imserver.client.errors import ClientError, NotConnected, RequestRefused
from imserver.client.link import Link, Listener
from imserver.client.login import Credentials, log_in
from imserver.client.tls import explain
from imserver.core.errors import Code
from imserver.core.events import LoggedIn, Welcome
from imserver.core.requests import Hello

FINAL = frozenset((Code.REPLACED, Code.REVOKED, Code.FORBIDDEN, Code.LOGGED_OUT, NotConnected.CLOSED))
USELESS = frozenset((Code.WRONG_CREDENTIALS, Code.FORBIDDEN))  # to try such a login again
CLIENT = "imserver.client"
STABLE_SECONDS = 10.0  # a link that lasted this long proves that the server is well


class Links(Protocol):
    """Who uses the links."""

    def event_arrived(self, tag: int, event: Any) -> None:
        """An event that answers no request."""

    def link_up(self, link: Link, welcome: Welcome, logged_in: LoggedIn) -> None:
        """Logged in; from now on requests may be asked."""

    def link_down(self, loss: NotConnected) -> None:
        """The link of the last link_up is lost."""

    def gone(self, reason: ClientError) -> None:
        """There will be no further link."""


async def connect(clock: IReactorTime, endpoint: IStreamClientEndpoint, listener: Listener) -> Link:
    """A link that is up; raises NotConnected."""
    link = Link(clock, listener)
    try:
        await endpoint.connect(Factory.forProtocol(lambda: link))
    except (ConnectError, DNSLookupError, ValueError) as error:  # ValueError: no name of a host can be so
        raise NotConnected(NotConnected.UNREACHABLE, explain(error)) from None
    return link


class Reconnector:
    """Start it once.  After `start` has returned, its `user` hears of every link and finally of the end."""

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        endpoint: IStreamClientEndpoint,
        credentials: Credentials,
        backoff: Backoff,
        user: Links,
    ) -> None:
        self._clock = clock
        self._endpoint = endpoint
        self._credentials = credentials
        self._backoff = backoff
        self._user = user
        self._link: Link | None = None
        self._keeping: Deferred[None] | None = None
        self._stopping = False

    async def start(self) -> LoggedIn:
        """The first login; raises RequestRefused or NotConnected, and then there is no second try."""
        link, logged_in = await self._attempt()
        self._keeping = Deferred.fromCoroutine(self._keep(link))
        self._keeping.addErrback(self._broken)
        return logged_in

    def stop(self) -> None:
        """End for good: close the link, or stop waiting for one."""
        self._stopping = True
        if self._link is not None:
            self._link.close()
        elif self._keeping is not None:
            self._keeping.cancel()

    async def _attempt(self) -> tuple[Link, LoggedIn]:
        link = await connect(self._clock, self._endpoint, self._user.event_arrived)
        try:
            welcome: Welcome = await link.request(Hello(CLIENT))
            logged_in = await log_in(link, self._credentials)
            self._link = link
            self._user.link_up(link, welcome, logged_in)
        except BaseException:  # also when cancelled: never leave a connection behind
            link.close()
            raise
        return link, logged_in

    async def _keep(self, link: Link) -> None:
        try:
            while True:
                since = self._clock.seconds()
                loss = await link.lost
                self._link = None
                if self._clock.seconds() - since >= STABLE_SECONDS:
                    self._backoff.reset()
                self._user.link_down(loss)
                if loss.code in FINAL:
                    raise loss
                link = await self._again()
        except ClientError as error:
            self._user.gone(error)
        except (CancelledError, ConnectingCancelledError):
            self._user.gone(NotConnected(NotConnected.CLOSED, "closed by this program"))

    async def _again(self) -> Link:
        while True:
            if self._stopping:  # while the connection was ending for another reason
                raise NotConnected(NotConnected.CLOSED, "closed by this program")
            await deferLater(self._clock, self._backoff.next_seconds(), lambda: None)
            try:
                link, _ = await self._attempt()
            except NotConnected as error:
                if error.code in FINAL:
                    raise
                self._log.info("cannot connect: {text}", text=error.text)
            except RequestRefused as error:
                if error.code in USELESS:
                    raise
                self._log.info("cannot log in: {text}", text=error.text)
                if error.retry_after_ms:
                    self._backoff.ask_for(error.retry_after_ms / 1000)
            else:
                return link

    def _broken(self, failure: Failure) -> None:
        self._log.failure("the client failed", failure)
        self._user.gone(NotConnected(Code.INTERNAL, "the client failed; its log says more"))
