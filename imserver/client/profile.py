"""One account as imchat has it on this machine: two devices, so that listening and sending do not disturb each other.

A device has one connection at a time, and a newer one takes its place; `imchat send` beside a running
`imchat listen` would end it.  So the listener is one device, and everything that only asks and sends
another; both log in when the password is there.
"""

import os
from collections.abc import Callable
from pathlib import Path

from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint

from imserver.client import private_file
from imserver.client.client import Client
from imserver.client.errors import NotConnected
from imserver.client.state import StateFile, account_folder
from imserver.core.events import Event

_INSTALLATION_BYTES = 4


class Profile:
    """The two states of an account, and what the screen keeps between runs."""

    def __init__(self, folder: Path, server: str, name: str) -> None:
        self.name = name
        path = account_folder(folder, server, name)
        self.listener = StateFile(path / "listener.json")
        self.sender = StateFile(path / "sender.json")
        self.unsent = path / "unsent.json"  # texts that wait for a connection
        self.presence = path / "presence.json"  # what somebody has chosen to be
        self.burning = path / "burning.json"  # until when what burns may be shown

    @property
    def logged_in(self) -> bool:
        """Whether both devices have a token; the server may have ended it."""
        return bool(self.listener.load().token and self.sender.load().token)

    async def log_in(self, clock: IReactorTime, endpoint: IStreamClientEndpoint, password: str) -> None:
        """Get a token for each device; raises RequestRefused or NotConnected."""
        installation = os.urandom(_INSTALLATION_BYTES).hex()
        for file, suffix in ((self.listener, ""), (self.sender, "-send")):
            await self._log_in(file, f"imchat-{installation}{suffix}", clock, endpoint, password)

    async def log_in_sender(
        self, clock: IReactorTime, endpoint: IStreamClientEndpoint, password: str
    ) -> None:
        """Get another token for the sending device, whose own one has ended; raises likewise."""
        await self._log_in(self.sender, self.sender.load().device, clock, endpoint, password)

    async def _log_in(
        self,
        file: StateFile,
        device: str,
        clock: IReactorTime,
        endpoint: IStreamClientEndpoint,
        password: str,
    ) -> None:
        state = file.load()
        state.device = state.device or device
        client = Client(clock, endpoint, _ignore, state=state, save=file.save, receives=False)
        await client.log_in(self.name, password)
        await client.close()

    def client(
        self,
        clock: IReactorTime,
        endpoint: IStreamClientEndpoint,
        listener: Callable[[Event], object] | None,
        connection_changed: Callable[[NotConnected | None], None] = lambda loss: None,
    ) -> Client:
        """A client for the listening device, or without a listener for the sending one."""
        file = self.sender if listener is None else self.listener
        return Client(
            clock,
            endpoint,
            listener or _ignore,
            state=file.load(),
            save=file.save,
            receives=listener is not None,
            connection_changed=connection_changed,
        )

    def clients(self, clock: IReactorTime, endpoint: IStreamClientEndpoint) -> list[Client]:
        """Clients for both devices; neither receives."""
        return [
            Client(clock, endpoint, _ignore, state=file.load(), save=file.save, receives=False)
            for file in (self.listener, self.sender)
        ]

    def forget(self) -> None:
        """The account has logged out here."""
        self.listener.remove()
        self.sender.remove()
        for path in (self.unsent, self.presence, self.burning):
            private_file.remove(path)


def _ignore(event: Event) -> None:
    """A client that does not receive has no events."""
