"""The screen as a textual application: one main view, and the way in."""

import asyncio
from collections.abc import Callable
from typing import Any

from textual.app import App
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from imserver.client.backoff import Backoff
from imserver.client.errors import ClientError, NotConnected
from imserver.client.reconnector import FINAL
from imserver.client.screen.desk import Desk
from imserver.client.screen.entrance import Credentials, Entrance, NewPassword
from imserver.client.screen.exchange import Exchange
from imserver.client.screen.forms import LoginForm

MIN_FIRST_WAIT_SECONDS = 0.5


class ScreenApp(App[None]):
    """`name` and `password`: who to log in as, as far as that is known; `warning`: something that must be seen first."""

    CSS_PATH = "screen.tcss"
    ENABLE_COMMAND_PALETTE = False
    TITLE = "imchat"

    def __init__(
        self,
        entrance: Entrance,
        name: str,
        wall_ms: Callable[[], int],
        random_float: Callable[[], float],
        password: str = "",
        warning: str = "",
    ) -> None:
        super().__init__(ansi_color=True)  # from the start, or NO_COLOR would be black on black
        self.theme = "ansi-dark"
        self.entrance = entrance
        self._first = Credentials(name, password)
        self._wall_ms = wall_ms
        self._backoff = Backoff(random_float)
        self._warning = warning
        self.desk = Desk()
        self._renew()

    def get_default_screen(self) -> Desk:
        """Called by textual."""
        return self.desk

    def on_mount(self) -> None:
        """Called by textual."""
        self.run_worker(self._begin(self._warning, ask=False), exit_on_error=True)

    async def action_quit(self) -> None:
        """Ctrl-Q."""
        if self.screen is self.desk:
            self.desk.leave()
        else:
            self.exit()

    def action_help_quit(self) -> None:
        """Ctrl-C, where nothing else has a use for it."""
        self.desk.notice("Ctrl-Q quits.")

    async def change_password(self, password: NewPassword) -> None:
        """As somebody has asked for.  Raises ClientError."""
        await self.entrance.change_password(password)
        self.desk.notice("The password is changed. Your other devices have to log in anew.")

    def begin_again(self, said: str) -> None:
        """The account is not logged in any more: ask how to go on."""
        self.run_worker(self._begin(said, ask=True), exit_on_error=True)

    async def _begin(self, said: str, ask: bool) -> None:
        await self._wait(Deferred.fromCoroutine(self.entrance.leave()))
        credentials = self._first
        while True:
            if ask or self._must_ask(credentials):
                answer = await self.push_screen_wait(
                    LoginForm(self.entrance.server, credentials.name, self.entrance.known(), said)
                )
                if answer is None:
                    self.exit()
                    return
                credentials = answer
            said = await self._enter(credentials)
            if not said:
                self._first = Credentials(credentials.name)
                return
            ask = True

    def _must_ask(self, credentials: Credentials) -> bool:
        try:
            return not credentials.password and self.entrance.needs_password(credentials.name)
        except ClientError:
            return True

    async def _enter(self, credentials: Credentials) -> str:
        """-> why not; empty when it is done.  With what is kept here, a server that is not there is waited for."""
        while True:
            self._renew()
            try:
                entering = self.entrance.enter(self.desk.exchange, credentials)
                await self._wait(Deferred.fromCoroutine(entering))
            except NotConnected as error:
                if credentials.password or error.code in FINAL:
                    return error.text
                self.desk.connection_changed(error.text)
                await self._pause()
            except ClientError as error:
                return error.text
            else:
                return ""

    async def _pause(self) -> None:
        seconds = max(MIN_FIRST_WAIT_SECONDS, self._backoff.next_seconds())
        await self._wait(deferLater(self.entrance.clock, seconds, lambda: None))

    def _renew(self) -> None:
        self.desk.exchange = Exchange(self.entrance.clock, self._wall_ms, self.desk)

    async def _wait(self, deferred: "Deferred[Any]") -> Any:
        """Await what Twisted promises in a task of asyncio; both run on one loop."""
        return await deferred.asFuture(asyncio.get_running_loop())
