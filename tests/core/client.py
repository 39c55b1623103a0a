"""A client of the core itself, without a wire; and calls that wait for the test."""

import inspect
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.burst import Burst
from imserver.core.capabilities import Capabilities
from imserver.core.contacting import ContactBounds
from imserver.core.run import Run
from imserver.core.values import Kind
from imserver.interfaces import IClient
from tests.fakes import World

PASSWORD = "secret"
CAPABILITIES = Capabilities("test")


@implementer(IClient)
class Client:
    """Asks the core and keeps what it says."""

    def __init__(
        self, world: World, capabilities: Capabilities = CAPABILITIES, address: str = "192.0.2.1"
    ) -> None:
        self.world = world
        self.congested = False
        self.events: list[e.Event] = []  # without a tag
        self.answers: dict[int, e.Event] = {}
        self.closed: str = ""
        self.tag = 0
        self.session = world.core.connect(self, capabilities, address, False)

    # -- IClient

    def deliver(self, event: e.Event, tag: int = 0) -> None:
        if self.closed:
            return
        assert getattr(event, "code", "") != "INTERNAL", "the core has a bug: see its log"
        if tag:
            assert tag not in self.answers, f"answered twice: {self.answers[tag]}, {event}"
            self.answers[tag] = event
        else:
            self.events.append(event)

    def push(self, burst: Burst) -> None:
        for message in burst.run.messages():
            self.deliver(e.MessageArrived(message, burst.conversation))

    def acknowledge(self, run: Run, tags: Sequence[int]) -> None:
        for index, tag in enumerate(tags):
            self.deliver(e.Sent(run.conversation, run.first_seq + index, run.time_ms), tag)

    def close(self, code: str, text: str) -> None:
        self.closed = self.closed or code

    # -- what a test does

    def start(self, request: r.Request) -> int:
        """Ask; -> the tag of the answer to come."""
        self.tag += 1
        self.session.ask(self.tag, request)
        return self.tag

    def ask(self, request: r.Request) -> Any:
        """Ask and wait; -> the answer, None if there is none."""
        tag = self.start(request)
        self.world.settle()
        return self.answers.get(tag)

    def code(self, request: r.Request) -> str:
        """Ask; -> the code of the refusal, or empty."""
        return getattr(self.ask(request), "code", "")

    def log_in(self, name: str, device: str = "") -> e.LoggedIn:
        """With the password of everybody."""
        answer = self.ask(r.LogIn(name, PASSWORD, device))
        assert isinstance(answer, e.LoggedIn), answer
        return answer

    def leave(self) -> None:
        """Be gone."""
        self.session.left()
        self.closed = self.closed or "gone"

    def of(self, kind: type) -> list[Any]:
        """The events of that kind that came by themselves."""
        return [event for event in self.events if type(event) is kind]

    @property
    def texts(self) -> list[str]:
        """Of the messages that were pushed."""
        return [event.message.body.decode() for event in self.of(e.MessageArrived)]


def account(world: World, name: str) -> int:
    """A new account; -> its number."""
    number: int = result(world.store.create_account(name, name.title(), f"hash of {PASSWORD}", 1)).number
    return number


def befriend(world: World, asker: int, asked: int, accept: bool = True) -> None:
    """One has asked the other to be his contact, who has accepted, or not yet answered."""
    bounds = ContactBounds(1_000, 1_000, 0)
    result(world.store.request_contact(asker, asked, "", 1, bounds))
    if accept:
        result(world.store.answer_contact(asked, asker, True, 1, bounds))


def logged_in(world: World, name: str, device: str = "", **options: Any) -> Client:
    """A client of that account, which is made at need."""
    if result(world.store.account_named(name)) is None:
        account(world, name)
    client = Client(world, **options)
    client.log_in(name, device)
    return client


def text(conversation: int, body: str, client_id: bytes = b"") -> r.Send:
    """A text; its id is the body unless another one is given."""
    return r.Send(conversation, client_id or body.encode(), Kind.TEXT, "", body.encode())


def text_to(name: str, body: str, client_id: bytes = b"") -> r.SendTo:
    """The same to somebody's direct conversation."""
    return r.SendTo(name, client_id or body.encode(), Kind.TEXT, "", body.encode())


def group(client: Client, *members: int, title: str = "group") -> int:
    """A new group; -> its id."""
    opened = client.ask(r.CreateGroup(title, list(members)))
    assert isinstance(opened, e.ConversationOpened), opened
    return opened.membership.conversation.id


def result(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine that does not wait returns."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")


class Turnstile:
    """While closed, holds up whoever wants to pass."""

    def __init__(self) -> None:
        self.closed = False
        self._waiting: deque[Deferred[None]] = deque()

    async def pass_through(self) -> None:
        if self.closed:
            turn: Deferred[None] = Deferred()
            self._waiting.append(turn)
            await turn

    def let_one_pass(self) -> bool:
        """-> whether somebody waited."""
        if self._waiting:
            self._waiting.popleft().callback(None)
            return True
        return False

    def open(self) -> None:
        """Everybody passes from now on."""
        self.closed = False
        while self.let_one_pass():
            pass


class Hesitant:
    """A store, or passwords, whose calls wait at a turnstile before the deed and after it."""

    def __init__(self, real: Any, turnstile: Turnstile, names: Iterable[str] = ()) -> None:
        self._real = real
        self._turnstile = turnstile
        self._names = frozenset(names)  # empty: all
        self.done: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if not inspect.iscoroutinefunction(found) or (self._names and name not in self._names):
            return found

        async def call(*arguments: Any) -> Any:
            await self._turnstile.pass_through()
            value = await found(*arguments)
            self.done.append(name)
            await self._turnstile.pass_through()
            return value

        return call
