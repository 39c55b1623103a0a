"""A view without a terminal, and bob's exchange over a server in memory."""

from collections.abc import Sequence
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.client import Client
from imserver.client.errors import ClientError
from imserver.client.screen.chat import Chat
from imserver.client.screen.exchange import Exchange
from tests.client.fake_server import BOB, PASSWORD, FakeServer


class FakeDesk:
    """Remembers what it was told; View and Desk at once."""

    def __init__(self) -> None:
        self.changes = 0
        self.notices: list[str] = []
        self.connections: list[str] = []
        self.ends: list[ClientError] = []
        self.sheets: list[Sequence[str]] = []
        self.rings = 0
        self.left = False
        self.asked_for_password = False
        self.exchange: Exchange

    def changed(self) -> None:
        self.changes += 1

    def connection_changed(self, text: str) -> None:
        self.connections.append(text)

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def ring(self) -> None:
        self.rings += 1

    def ended(self, reason: ClientError) -> None:
        self.ends.append(reason)

    def open_chat(self, chat: Chat) -> None:
        self.exchange.open(chat)

    def sheet(self, title: str, lines: Sequence[str]) -> None:
        self.sheets.append([title, *lines])

    def change_password(self) -> None:
        self.asked_for_password = True

    def leave(self) -> None:
        self.left = True


class ExchangeCase(SynchronousTestCase):
    """Bob, who logs in with `start`."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.server = FakeServer(self.clock)
        self.desk = FakeDesk()
        self.wall_ms = 1_000
        self.exchange = self.desk.exchange = Exchange(self.clock, lambda: self.wall_ms, self.desk)
        self.folder = Path(self.mktemp())

    def start(self) -> None:
        """Log in and let everything come."""
        client = Client(
            self.clock,
            self.server,
            self.exchange.arrived,
            connection_changed=self.exchange.connection_changed,
            random_float=lambda: 0.5,
        )
        self.exchange.use(client)
        self.exchange.spawn(self._log_in(client))
        self.settle()
        self.addCleanup(self.end, client)

    async def _log_in(self, client: Client) -> None:
        await client.log_in(BOB.name, PASSWORD)

    def settle(self) -> None:
        """Let everything move, also over several connections."""
        for _ in range(10):
            self.server.settle()
            self.clock.advance(0.01)

    def end(self, client: Client) -> None:
        """Leave no timers behind."""
        self.exchange.spawn(client.close())
        self.settle()
        self.clock.advance(2)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.flushLoggedErrors(), [])

    def chat(self, conversation: int) -> Chat:
        """One that is there."""
        chat = self.exchange.chats.get(conversation)
        assert chat is not None
        return chat

    def texts(self, conversation: int) -> list[str]:
        """What is held of it."""
        return [message.body.decode() for message in self.chat(conversation).messages]
