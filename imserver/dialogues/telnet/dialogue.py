"""One person at a terminal: lines in, sentences out.

What a line may say stands in one table (commands.py).  Every word of somebody else passes visible.py on its way
to the terminal.
"""

from collections.abc import Callable, Hashable, Sequence
from secrets import token_bytes

from imserver.core.burst import Burst
from imserver.core.errors import ChatError, Code, UnreadableRequest
from imserver.core.events import AccountFound, Event, JoinRequested, Refused, Sent
from imserver.core.requests import LookUp, Send, SendTo
from imserver.core.session import Session
from imserver.core.values import Account, ConversationKind, Presence, State
from imserver.dialogues.telnet import commands, groups, news
from imserver.dialogues.telnet.visible import visible
from imserver.net.dialogue import Dialogue
from imserver.net.framing import Framing
from imserver.net.telnet import HIDE_TYPING, IAC, SHOW_TYPING, answer


class TelnetDialogue(Dialogue):
    """Commands are answered in their order; a message is on its way at once, and what becomes of it is told."""

    def __init__(self, session: Session, write: Callable[[bytes], None], framing: Framing) -> None:
        super().__init__(session, write, framing)
        self.presence = Presence(State.ONLINE, "")  # as chosen here
        self._take_secret: Callable[[str], None] | None = None  # the next line is for it
        self._on_their_way: dict[int, str] = {}  # tag of a send -> to whom
        self._sends = 0
        self._leaves = False
        self._stem = token_bytes(12)  # of client ids: every message is said once
        self.say("This is imserver.  Say help, or: login NAME")

    # -- in

    def received(self, frame: bytes) -> None:
        """A line, or a command of telnet itself; after quit nothing any more."""
        if self._leaves:
            return
        if frame.startswith(IAC):
            self.write(answer(frame))
            return
        try:
            line = frame.decode()
        except UnicodeDecodeError:
            raise UnreadableRequest(0, "a line is text in UTF-8; set your terminal to it") from None
        if self._take_secret is not None:
            self._give_secret(self._take_secret, line)
        elif line.strip():
            self._obey(line)

    def _obey(self, line: str) -> None:
        command, words = commands.parse(line)
        started = command.run(self, *words)
        if started is not None:
            self.run(started)

    def ask_secret(self, prompt: str, take: Callable[[str], None]) -> None:
        """Give the next line to `take`; telnet does not show it while it is typed."""
        self._take_secret = take
        self.write(prompt.encode() + b" " + HIDE_TYPING)

    def _give_secret(self, take: Callable[[str], None], line: str) -> None:
        self._take_secret = None
        self.write(SHOW_TYPING + b"\r\n")
        if line:
            take(line)
        else:
            self.say("Nothing was done.")

    # -- out

    def say(self, *lines: str) -> None:
        """Write lines."""
        self.write(_written(lines))

    def happened(self, event: Event, tag: int) -> bytes:
        """What the person reads about an event."""
        whom = self._on_their_way.pop(tag, "")
        if whom and self._leaves:
            self.run_soon(self._leave_at_last)
        match event:
            case Sent():
                return _written([f"Sent to {whom}."])
            case Refused() if whom:
                return _written([f"Not sent to {whom}: {news.reason(event)}."])
            case JoinRequested(request=request):
                self.run_soon(lambda: groups.tell_request(self, request))
                return b""
        return _written(news.told(event, self.session.account))

    def view(self, burst: Burst) -> Hashable:
        """All see the same, but for who says something to somebody at another device."""
        is_own = burst.run.sender == self.session.number
        return TelnetDialogue, is_own and burst.conversation.kind is ConversationKind.DIRECT

    # -- for commands

    def send(self, whom: str, request: Send | SendTo) -> None:
        """Send a message without waiting."""
        self._sends += 1
        self._on_their_way[self._sends] = visible(whom)
        self.session.ask(self._sends, request)

    def client_id(self) -> bytes:
        """For the next message."""
        return self._stem + (self._sends + 1).to_bytes(8, "big")

    def leave(self) -> None:
        """End the connection, once it is told what became of every message."""
        self._leaves = True
        if not self._on_their_way:
            self.session.close(Code.LOGGED_OUT, "goodbye")

    async def _leave_at_last(self) -> None:
        self.leave()

    async def find(self, name: str) -> Account:
        """Somebody by login name; raises ChatError."""
        try:
            return (await self.ask(LookUp(name, 0), AccountFound)).account
        except ChatError as error:
            if error.code is not Code.NOT_FOUND:
                raise
            raise ChatError(error.code, f"there is nobody called {name}") from error


def _written(lines: Sequence[str]) -> bytes:
    return b"".join([line.encode() + b"\r\n" for line in lines])
