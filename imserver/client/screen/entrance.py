"""How the screen gets in: registers, logs in with a password or with what is kept here, holds the account's lock, and changes its password."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint

from imserver.client.client import Client, register
from imserver.client.errors import NotConnected, RequestRefused
from imserver.client.profile import Profile
from imserver.client.screen.burning import Burning
from imserver.client.screen.chosen import ChosenPresence
from imserver.client.screen.exchange import Exchange
from imserver.client.screen.unsent import Unsent
from imserver.client.state import StateFile, known_accounts
from imserver.core.errors import Code
from imserver.core.requests import ChangePassword


@dataclass(slots=True, frozen=True)
class Credentials:
    """Who somebody wants to be: without a password by what is kept here; with `registers` by making the account."""

    name: str
    password: str = field(default="", repr=False)
    registers: bool = False
    invitation: str = field(default="", repr=False)


@dataclass(slots=True, frozen=True)
class NewPassword:
    """What somebody who changes his password has to know, and what he wants."""

    old: str = field(repr=False)
    new: str = field(repr=False)


class Entrance:
    """The way to one server, with the states that lie in `folder`."""

    def __init__(
        self, clock: IReactorTime, endpoint: IStreamClientEndpoint, folder: Path, server: str
    ) -> None:
        self.clock = clock
        self.server = server
        self._endpoint = endpoint
        self._folder = folder
        self._locked: StateFile | None = None
        self._client: Client | None = None

    def known(self) -> Sequence[str]:
        """Who is logged in here, so that no password is needed."""
        return [name for name in known_accounts(self._folder, self.server) if not self.needs_password(name)]

    def needs_password(self, name: str) -> bool:
        """Whether nothing is kept here that logs the account in.  Raises StateError."""
        return not self._profile(name).logged_in

    async def enter(self, exchange: Exchange, who: Credentials) -> None:
        """Log in, and be logged in by `exchange` from then on.  Raises ClientError; then nothing goes on."""
        profile = self._profile(who.name)
        self._lock(profile.listener)
        try:
            if who.registers:
                await register(self.clock, self._endpoint, who.name, who.password, invitation=who.invitation)
            if who.password:
                await self._log_in(profile, who.password)
            client = profile.client(self.clock, self._endpoint, exchange.arrived, exchange.connection_changed)
            exchange.use(client)
            exchange.saying.keep(Unsent(profile.unsent))
            exchange.chosen = ChosenPresence(profile.presence)
            exchange.burning = Burning(profile.burning)
            await client.log_in_again()
            self._client = client
        except BaseException:  # also when cancelled
            self._unlock()
            raise

    async def change_password(self, password: NewPassword) -> None:
        """Ends all other logins of the account; the other device of this installation is logged in anew.  Raises ClientError.

        Without a connection nothing is done, because no password waits for one.
        """
        client = self._client
        if client is None or not client.connected:
            raise NotConnected(NotConnected.LOST, "there is no connection; try again when it is back")
        profile = self._profile(client.account.name)
        with profile.sender as sender:
            sender.lock(wait=False)
            await client.ask(ChangePassword(password.old, password.new))
            await profile.log_in_sender(self.clock, self._endpoint, password.new)

    async def leave(self) -> None:
        """Close the client, if there is one, and let other programs have the account."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._locked is not None:
            self._locked.unlock()
            self._locked = None

    async def _log_in(self, profile: Profile, password: str) -> None:
        with profile.sender as sender:
            sender.lock(wait=False)
            await profile.log_in(self.clock, self._endpoint, password)

    def _lock(self, file: StateFile) -> None:
        file.lock(wait=False)
        self._locked = file

    def _profile(self, name: str) -> Profile:
        if not name:
            raise RequestRefused(Code.BAD_NAME, "say a name first")
        return Profile(self._folder, self.server, name)
