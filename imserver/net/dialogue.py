"""A wire whose commands are not one request each: every connection holds a dialogue, in the place of a codec.

    class Shouting(Dialogue):
        def received(self, frame):
            self.run(self._look_up(frame.decode()))

        async def _look_up(self, name):
            found = await self.ask(LookUp(name, 0), AccountFound)
            self.write(b"%d!\n" % found.account.number)

        def happened(self, event, tag):
            return b"no!\n" if isinstance(event, Refused) else b""

A command is a coroutine, and the commands of one client run one after another: while one runs, the connection
holds the frames that follow.  Sends need none: ask the session directly, under a tag of your own, and many are
in flight at once.  What is written waits in the connection's queue, with its bounds, and leaves with all else at
the end of the turn.
"""

from collections.abc import Callable, Coroutine, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from imserver.core.burst import Burst
from imserver.core.capabilities import Capabilities
from imserver.core.errors import ChatError, Code, UnreadableRequest
from imserver.core.events import Closing, Event, Refused, RunArrived, Sent
from imserver.core.requests import Request
from imserver.core.run import Run
from imserver.core.session import Session
from imserver.core.singly import singly
from imserver.net.framing import Framing
from imserver.net.projection import Projection

Answer = TypeVar("Answer", bound=Event)


class Dialogue:
    """One client's.  Subclasses say what to do with a frame (`received`) and how an event looks (`happened`).

    An exception that is no ChatError is our bug, wherever it is raised: it ends this connection only.
    """

    def __init__(self, session: Session, write: Callable[[bytes], None], framing: Framing) -> None:
        self.session = session
        self.write = write  # bytes as they are; `framing` packs
        self.framing = framing
        self.projection = Projection(session.capabilities, session.core.projections)
        self.busy = 0  # commands that run: no further frame for now
        self._asked = 0
        self._waiting: dict[int, Deferred[Any]] = {}
        self._answers: list[tuple[Deferred[Any], Event]] = []  # of this turn
        self._soon: list[Callable[[], Coroutine[Any, Any, None]]] = []

    # -- for subclasses to say

    def received(self, frame: bytes) -> None:
        """A frame has come.  Raises UnreadableRequest to refuse it, WireError to end the connection."""
        raise NotImplementedError

    def happened(self, event: Event, tag: int) -> bytes:
        """What the client is sent for an event: with the tag under which the session was asked, otherwise 0.

        What comes with 0 has been projected onto what the wire can show.
        """
        raise NotImplementedError

    def view(self, burst: Burst) -> Hashable:
        """Connections with one view of a burst share its bytes; by default everybody's is their own."""
        return self

    # -- for subclasses to use

    def run(self, command: Coroutine[Any, Any, None]) -> None:
        """Start a command.  What it raises as ChatError is shown as the event Refused."""
        self.busy += 1
        Deferred.fromCoroutine(self._run(command))

    def run_soon(self, make: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start a command at the end of this turn: for `happened`, which the core calls amid its work."""
        self._soon.append(make)

    async def ask(self, request: Request, kind: type[Answer]) -> Answer:
        """The answer to a request that is answered by one kind of event.  Raises ChatError if it is refused.

        Whoever is gone gets no answer, and the command goes no further.
        """
        answer = await self.ask_any(request)
        if not isinstance(answer, kind):
            raise TypeError(f"{type(request).__name__} is not answered by {kind.__name__}")
        return answer

    async def ask_any(self, request: Request) -> Event:
        """Likewise, where there are several kinds."""
        self._asked -= 1  # negative, so that all other tags are the subclass's
        waiting = self._waiting[self._asked] = Deferred[Event]()
        self.session.ask(self._asked, request)
        answer = await waiting
        if isinstance(answer, Refused):
            raise ChatError(Code(answer.code), answer.text, answer.retry_after_ms)
        return answer

    async def _run(self, command: Coroutine[Any, Any, None]) -> None:
        try:
            await command
        except UnreadableRequest as error:
            self.session.refuse(error.tag, error)
        except ChatError as error:  # the core has counted it
            self.session.client.deliver(Refused(error.code, error.text, error.retry_after_ms))
        except Exception:
            self.session.failed(0)
        finally:
            self.busy -= 1
            self.write(b"")  # so that what was held is taken up

    # -- for the connection: what Dialect is to a codec

    def frame(self, event: Event, tag: int) -> bytes:
        """The event as bytes; none for an answer that somebody waits for."""
        waiting = self._waiting.pop(tag, None)
        if waiting is not None:
            self._answers.append((waiting, event))
            return b""
        if type(event) is Closing:
            return self._refusals() + self.happened(event, 0)
        return self.happened(event, tag) if tag else self._happened(event)

    def go_on(self) -> None:
        """The turn ends: commands go on with their answers, or start.

        Not sooner, because whoever gives an answer may not be ready for the next request.
        """
        answers, self._answers = self._answers, []
        for waiting, answer in answers:
            waiting.callback(answer)
        soon, self._soon = self._soon, []
        for make in soon:
            self.run(make())

    def _refusals(self) -> bytes:
        """Those that end the connection, which their commands come too late to tell."""
        refused = [answer for _, answer in self._answers if type(answer) is Refused]
        return b"".join([self.happened(answer, 0) for answer in refused])

    def _happened(self, event: Event) -> bytes:
        shown = self.projection.event(event)
        return b"" if shown is None else self.happened(shown, 0)

    def frames(self, burst: Burst) -> bytes:
        """The burst as bytes, made once for each view."""
        view = self.view(burst)
        frames = burst.encodings.get(view)
        if frames is None:
            arrived = singly(RunArrived(burst.run, burst.conversation), 0)
            frames = burst.encodings[view] = b"".join([self._happened(event) for event, _ in arrived])
        return frames

    def acknowledgements(self, run: Run, tags: Sequence[int]) -> bytes:
        """A Sent for each of these messages, as bytes."""
        conversation, first, time_ms = run.conversation, run.first_seq, run.time_ms
        sent = [Sent(conversation, first + place, time_ms) for place in range(len(tags))]
        return b"".join([self.frame(event, tag) for event, tag in zip(sent, tags, strict=True)])


@dataclass(slots=True, frozen=True, eq=False)
class Dialogues:
    """What makes a framed wire of dialogues: as Dialect, but for the codec.

    `apart` cuts what was written into frames again, for clients that must not be given parts of one.
    """

    framing: type[Framing]
    begin: Callable[[Session, Callable[[bytes], None], Framing], Dialogue]  # such as the class itself
    capabilities: Capabilities
    login_seconds: float = 0.0
    idle_seconds: float = 0.0
    apart: Callable[[Any, bytes], Iterable[bytes]] | None = None  # of the framing and the bytes
