"""A message from the server to every account, as a direct message of its own account: whoever is away finds it later.

A slice of the accounts at a time: their conversations are opened in one transaction, the messages join the
common batches like those of anybody else, and the next slice waits until they are on disk.  So others hardly
notice, and an overloaded server sets the pace.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from zope.interface import implementer

from imserver.core.burst import Burst
from imserver.core.capabilities import Capabilities
from imserver.core.content import check_content
from imserver.core.errors import ChatError
from imserver.core.events import Event, Refused
from imserver.core.posting import Posting
from imserver.core.requests import Send
from imserver.core.roster import Roster
from imserver.core.run import Run
from imserver.core.values import Account, Conversation, Kind
from imserver.interfaces import IClient
from imserver.operator.command import Answer, Arguments, Command

if TYPE_CHECKING:
    from imserver.core.core import Core

SLICE = 100
_CAPABILITIES = Capabilities("operator")


async def _announce(core: "Core", arguments: Arguments) -> Answer:
    told = await announce(core, " ".join(arguments.words))
    return Answer([f"told {told} accounts"])


async def announce(core: "Core", text: str) -> int:
    """-> how many accounts have it.  Raises ChatError if it cannot be a message, or the server stops meanwhile."""
    send = Send(0, core.token_bytes(16), Kind.TEXT, "", text.encode("utf-8", "replace"))
    check_content(send, core.limits)
    sender = await core.administration.server_account()
    after, told = 0, 0
    while records := await core.store.accounts(after, SLICE):
        after = records[-1].account.number
        others = [record.account.number for record in records if record.account != sender]
        opened = await core.store.open_directs(sender.number, others, core.wall_ms())
        told += await _tell(core, sender, send, opened)
    return told


async def _tell(core: "Core", sender: Account, send: Send, conversations: Sequence[Conversation]) -> int:
    """Until all have it, or have refused it for good; -> how many have it."""
    left = [await core.rosters.load(conversation.id) for conversation in conversations]
    told = 0
    while left:
        if core.state == "draining":
            raise core.not_ready()
        attempt = _Slice(core, sender, send)
        refused = await attempt.post(left)
        told += len(left) - len(refused)
        wait_ms = max((refusal.retry_after_ms for refusal in refused.values()), default=0)
        left = [roster for tag, roster in enumerate(left) if tag in refused and refused[tag].retry_after_ms]
        if left:
            await deferLater(core.clock, wait_ms / 1000)  # type: ignore[arg-type]
    return told


@implementer(IClient)
class _Slice:
    """Posts one message to some conversations; the client of a session that nobody has logged in to."""

    congested = False

    def __init__(self, core: "Core", sender: Account, send: Send) -> None:
        self._core = core
        self._sender = sender
        self._send = send
        self._waiting = 0
        self._refused: dict[int, Refused] = {}
        self._answered: Deferred[None] = Deferred()
        self._session = core.connect(self, _CAPABILITIES, "", True)
        self._session.account = sender

    async def post(self, rosters: Sequence[Roster]) -> dict[int, Refused]:
        """-> the refusals, by place among the rosters."""
        self._waiting = len(rosters)
        for tag, roster in enumerate(rosters):
            try:
                self._core.batches.join(self._posting(tag, roster))
            except ChatError as error:
                self.deliver(Refused(error.code, error.text, error.retry_after_ms), tag)
        await self._answered
        return self._refused

    def _posting(self, tag: int, roster: Roster) -> Posting:
        send, sender = self._send, self._sender
        # Unique in each conversation, and the same when it is tried again.
        client_id = send.client_id + roster.conversation.id.to_bytes(8, "big")
        content = client_id, send.kind, send.content_type, send.body
        return Posting(
            roster.conversation.id, sender.number, sender.name, *content, self._session, tag, roster
        )

    def _have_answers(self, count: int) -> None:
        self._waiting -= count
        if not self._waiting:
            self._answered.callback(None)

    # -- IClient

    def deliver(self, event: Event, tag: int = 0) -> None:
        """Nothing but refusals of what was posted concerns it."""
        if isinstance(event, Refused):
            self._refused[tag] = event
            self._have_answers(1)

    def push(self, burst: Burst) -> None:
        """It is not among those who are here, so nothing is pushed to it."""

    def acknowledge(self, run: Run, tags: Sequence[int]) -> None:
        """These are on disk."""
        self._have_answers(len(tags))

    def close(self, code: str, text: str) -> None:
        """There is nothing to close."""


COMMANDS = (Command("announce", "TEXT...", "a message from the server to every account", _announce),)
