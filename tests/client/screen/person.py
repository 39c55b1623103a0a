"""Somebody in front of the screen, drawn without a terminal, over a server in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.widgets import Input
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.screen.app import ScreenApp
from imserver.client.screen.entrance import Entrance
from imserver.client.screen.entry_line import EntryLine
from tests.client.fake_server import BOB, PASSWORD, FakeServer

SECONDS = 120.0
QUIET_ROUNDS = 2
SIZES = ((80, 24), (40, 12))
Scenario = Callable[["Person"], Awaitable[None]]


class Person:
    """Somebody at the keyboard."""

    def __init__(self, app: ScreenApp, pilot: "Pilot[None]", server: FakeServer, clock: Clock) -> None:
        self.app = app
        self.server = server
        self._pilot = pilot
        self._clock = clock

    async def wait(self, seconds: float = 0.0) -> None:
        """Let everything move, and as much time pass."""
        await self._settle()
        self._clock.advance(seconds)
        await self._settle()

    async def _settle(self) -> None:
        """Until nothing has moved for a few rounds: a pause of textual's ends early on a machine that is busy."""
        quiet_rounds = 0
        while quiet_rounds < QUIET_ROUNDS:
            await self._pilot.pause()
            moved = self.server.settle() or any(each.message_queue_size for each in self._pumps())
            quiet_rounds = 0 if moved else quiet_rounds + 1
            self._clock.advance(0.01)

    def _pumps(self) -> list[MessagePump]:
        screens = self.app.screen_stack
        return [self.app, *screens, *(widget for screen in screens for widget in screen.walk_children())]

    async def press(self, *keys: str) -> None:
        """Keys, by textual's names."""
        await self._pilot.press(*keys)
        await self.wait()

    async def click(self, selector: str, row: int = 0) -> None:
        """With the mouse, a few cells from the left."""
        await self._pilot.click(selector, offset=(3, row))
        await self.wait()

    async def type(self, text: str) -> None:
        """Letters."""
        self.app.screen.query_one("#entry", EntryLine).insert(text)
        await self.wait()

    def type_into(self, field: str, value: str) -> None:
        """One field of a form."""
        self.app.screen.query_one(f"#{field}", Input).value = value

    async def fill(self, name: str, password: str, again: str = "", invitation: str = "") -> None:
        """The form, with Enter at the end."""
        fields = {"name": name, "password": password, "again": again, "invitation": invitation}
        for field, value in fields.items():
            self.type_into(field, value)
        self.app.screen.query_one("#again" if again else "#password").focus()
        await self.press("enter")

    async def resize(self, width: int, height: int) -> None:
        """The terminal is another one."""
        await self._pilot.resize_terminal(width, height)
        await self.wait()

    @property
    def sees(self) -> str:
        """The whole screen."""
        return "\n".join(strip.text.rstrip() for strip in self.app.screen._compositor.render_strips())


class AppCase(SynchronousTestCase):
    """Bob in front of his screen."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.server = FakeServer(self.clock)
        self.folder = Path(self.mktemp())
        self.password = PASSWORD

    def use(self, scenario: Scenario, size: tuple[int, int] = (80, 24), form: bool = False) -> None:
        """Do something at the screen; with `form` nobody is logged in yet."""
        asyncio.run(asyncio.wait_for(self._use(scenario, size, form), SECONDS))
        self.assertEqual(self.flushLoggedErrors(), [])

    async def _use(self, scenario: Scenario, size: tuple[int, int], form: bool) -> None:
        entrance = Entrance(self.clock, self.server, self.folder, "here:1")
        name, password = ("", "") if form else (BOB.name, self.password)
        app = ScreenApp(entrance, name, lambda: 1_000, lambda: 0.5, password)
        async with app.run_test(size=size) as pilot:
            person = Person(app, pilot, self.server, self.clock)
            await person.wait()
            await scenario(person)
            leaving = Deferred.fromCoroutine(entrance.leave())
            while not leaving.called:
                await person.wait(1.0)
