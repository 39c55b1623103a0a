"""The client library for scripts without a reactor of their own.

    with BlockingClient("bob", "password") as client:
        client.send("alice", "hello")
        for arrived in client.messages(timeout=60):
            print(arrived.message.body.decode())

The reactor runs in a thread, started by the first client of the process and ended with the process.
"""

from collections.abc import Awaitable, Callable, Iterator
from functools import cache, partial
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TimedOut
from twisted.internet.threads import blockingCallFromThread

from imserver.client import tls
from imserver.client.client import Client
from imserver.client.state import StateFile
from imserver.client.stream import EventStream
from imserver.core.events import MessageArrived, Sent
from imserver.core.values import Message

T = TypeVar("T")
LOCAL = tls.Server()


class BlockingClient:
    """One device of one account, logged in within `with`.  Every call raises ClientError.

    With a `state_file` the device is the same in every run and needs the password only once; without one it
    starts where the account's other devices are.
    """

    def __init__(
        self,
        name: str,
        password: str = "",
        *,
        server: tls.Server = LOCAL,
        state_file: Path | None = None,
    ) -> None:
        self._name = name
        self._password = password
        self._server = server
        self._file = StateFile(state_file) if state_file is not None else None
        self._reactor: Any = _running_reactor()
        self._stream = EventStream()
        self._client: Client | None = None

    def __enter__(self) -> Self:
        if self._file is not None:
            self._file.lock(wait=False)
        try:
            self._call(self._log_in)
        except BaseException:
            self._unlock()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._call(self.client.close)
        finally:
            self._unlock()

    @property
    def client(self) -> Client:
        """The client inside; its methods belong to the reactor's thread, see `call`."""
        if self._client is None:
            raise RuntimeError("use the client within `with`")
        return self._client

    def send(self, name: str, text: str) -> Sent:
        """Say something to the account of that name; returns when it is safely on the server's disk."""
        return self.call(lambda client: client.send_to(name, text))

    def history(self, name: str, limit: int = 20) -> list[Message]:
        """The newest messages of the direct conversation with that account, ascending."""
        membership = self.call(lambda client: client.open_direct(name))
        return self.call(lambda client: client.newest(membership.conversation.id, limit))

    def messages(self, timeout: float | None = None) -> Iterator[MessageArrived]:
        """Messages as they arrive; ends when none has come for `timeout` seconds.

        A message is acknowledged when it is handed out here.
        """
        while True:
            try:
                event = self._call(lambda: self._next_event(timeout))
            except (TimedOut, StopAsyncIteration):
                return
            if isinstance(event, MessageArrived):
                yield event

    def call(self, function: Callable[[Client], Awaitable[T]]) -> T:
        """Anything else: `call(lambda client: client.create_group("team", ["alice"]))`."""
        result: T = self._call(lambda: function(self.client))
        return result

    def _call(self, function: Callable[[], Any]) -> Any:
        return blockingCallFromThread(self._reactor, function)

    async def _log_in(self) -> None:
        state = self._file.load() if self._file is not None else None
        endpoint = tls.endpoint(self._reactor, self._server)
        if self._file is None:
            client = Client(self._reactor, endpoint, self._stream)
        else:
            client = Client(self._reactor, endpoint, self._stream, state=state, save=self._file.save)
        client.ended.addCallback(self._stream.end)
        if state is not None and state.token:
            await client.log_in_again()
        else:
            await client.log_in(self._name, self._password)
        self._client = client

    def _next_event(self, timeout: float | None) -> "Deferred[Any]":
        event = Deferred.fromCoroutine(self._stream.__anext__())
        return event if timeout is None else event.addTimeout(timeout, self._reactor)

    def _unlock(self) -> None:
        if self._file is not None:
            self._file.unlock()


@cache
def _running_reactor() -> Any:
    """The process's reactor, running in a thread that does not keep the process alive, nor do its helpers."""
    from twisted.internet import reactor  # here, because importing it installs it

    started: Any = reactor
    started.getThreadPool().threadFactory = partial(Thread, daemon=True)
    Thread(target=started.run, args=(False,), name="reactor", daemon=True).start()
    return started
