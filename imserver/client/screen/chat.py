"""One conversation as the screen has it: a stretch of its messages, how far everybody is, and what is being written.

The stretch is ordered by seq and bounded: while it is read, older pages are added in front and the newest let
go of, and the other way round; `older` and `newer` say whether there may be more on either side.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, replace

from imserver.client.screen.amendments import SILENT, Amendments, about
from imserver.client.screen.burning import Burning
from imserver.client.terminal import title_of
from imserver.core.events import Sent
from imserver.core.values import (
    Account,
    Conversation,
    ConversationKind,
    Extra,
    Gone,
    Kind,
    Membership,
    Message,
)

SAID = frozenset((Kind.TEXT, Kind.RICH, Kind.OPAQUE))

MAX_MESSAGES = 2_000
MAX_BYTES = 4 * 1024 * 1024
KEPT_MESSAGES = 100  # of a conversation that is not open
KEPT_BYTES = 256 * 1024
TYPING_SECONDS = 6.0  # who types says so every three seconds
MAX_TYPING = 50
MAX_NAMES = 2_000
MAX_SILENT = 10_000
NOBODY = "somebody"


@dataclass(slots=True, eq=False)
class Waiting:
    """An own message that is not on the server's disk: on its way, or refused for that reason."""

    client_id: bytes
    text: str
    time_ms: int
    refusal: str = ""
    extra: Extra | None = None


class Chat:
    """`own` is the account that sits here.  Seqs are those of the conversation's log."""

    def __init__(self, conversation: Conversation, own: Account) -> None:
        self.conversation = conversation
        self.own = own
        self.last_seq = 0
        self.joined_seq = 0
        self.left = False
        self.read_seq = 0
        self.marked_seq = 0  # how much of that the server knows
        self.read_before = 0  # where reading began when the conversation was opened; 0: nothing was unread
        self.active_ms = 0  # when something was last said, as far as that is known
        self.messages: list[Message] = []
        self.older = True
        self.newer = False
        self.waiting: list[Waiting] = []
        self.draft = ""
        self.anchor: tuple[int, int] | None = None  # a seq, so many rows from the top; None: the end
        self.delivered_to = 0  # how far the other one is, in a direct conversation
        self.read_by = 0
        self.counted = (0, 0, 0)  # of one own message to a group: seq, delivered to, read by
        self.names: dict[int, str] = {account.number: account.name for account in conversation.peers}
        self.members = {account.name: account.number for account in conversation.peers}
        self.origins: dict[int, str] = {}  # who has first said what was forwarded; empty: to be looked up
        self.amendments = Amendments()
        self._silent: list[int] = []  # seqs of edits and recalls that are not read
        self._typing: dict[int, float] = {}

    # -- what it is

    @property
    def id(self) -> int:
        """The conversation's."""
        return self.conversation.id

    @property
    def is_group(self) -> bool:
        """Rather than a direct one."""
        return self.conversation.kind == ConversationKind.GROUP

    @property
    def title(self) -> str:
        """The group's, or the other one's name."""
        return title_of(self.conversation, self.own.name)

    @property
    def peer(self) -> Account | None:
        """The other one of a direct conversation; oneself when talking to oneself."""
        others = [account for account in self.conversation.peers if account.number != self.own.number]
        return None if self.is_group else (others or [self.own])[0]

    @property
    def unread(self) -> int:
        """How many messages have come since it was last read; what only changes others is none."""
        read = max(self.read_seq, self.joined_seq)
        silent = len(self._silent) - bisect_right(self._silent, read)
        return max(0, self.last_seq - read - silent)

    def update(self, membership: Membership) -> None:
        """The server's view of it; marks never move back."""
        self.conversation = membership.conversation
        for account in membership.conversation.peers:
            self.names[account.number] = account.name
        self.joined_seq, self.left = membership.joined_seq, membership.left_seq > 0
        self.last_seq = max(self.last_seq, membership.left_seq or membership.last_seq)
        self.marked_seq = membership.read_seq
        self.read_seq = max(self.read_seq, membership.read_seq)

    # -- messages

    def put(self, message: Message) -> None:
        """One that has just arrived, or that was just sent from here."""
        self.last_seq = max(self.last_seq, message.seq)
        self._typing.pop(message.sender, None)
        self._describe(message)
        if not self.newer or (self.messages and message.seq < self.messages[-1].seq):
            self._insert(message)

    def own_message(
        self, sent: Sent, kind: int, body: bytes, extra: Extra | None = None, content_type: str = ""
    ) -> Message:
        """What was sent from here, as the server's log has it."""
        own = self.own
        return Message(
            self.id, sent.seq, own.number, own.name, b"", kind, content_type, body, sent.time_ms, extra
        )

    def put_page(self, messages: Iterable[Message], before: bool) -> None:
        """A page of history next to the stretch; what is too much goes on its other side."""
        for message in messages:
            self._describe(message)
            self._insert(message)
        self.trim(MAX_MESSAGES, MAX_BYTES, newest_first=before)

    def close(self) -> None:
        """It is not open any more: keep the newest messages only, and forget what was refused."""
        self.waiting = [each for each in self.waiting if not each.refusal]
        if self.newer:
            self.clear()
            self.anchor = None
        self.trim(KEPT_MESSAGES, KEPT_BYTES, newest_first=False)

    def forget(self) -> None:
        """The server's log is another one: nothing held means anything."""
        self.clear()
        self._silent.clear()
        self.last_seq = self.read_seq = self.marked_seq = self.delivered_to = self.read_by = 0
        self.counted = (0, 0, 0)

    def clear(self) -> None:
        """Hold no messages; they can be fetched again."""
        self.messages.clear()
        self.amendments.clear()
        self.older, self.newer = True, False

    def trim(self, max_messages: int, max_bytes: int, newest_first: bool) -> None:
        """Let go of messages at one end until the rest is within both bounds; one always stays."""
        size = sum(len(message.body) for message in self.messages)
        while len(self.messages) > 1 and (len(self.messages) > max_messages or size > max_bytes):
            size -= len(self.messages.pop(-1 if newest_first else 0).body)
            if newest_first:
                self.newer = True
            else:
                self.older = True

    def find(self, seq: int) -> Message | None:
        """The message of that seq, if it is held."""
        place = self._place(seq)
        held = self.messages[place : place + 1]
        return held[0] if held and held[0].seq == seq else None

    def lose(self, seq: int, why: Gone) -> None:
        """Nothing is left of a message any more."""
        lost = self.find(seq)
        if lost is not None:
            gone = replace(lost, kind=Kind.TOMBSTONE, content_type=why, body=b"", extra=None)
            self.messages[self._place(seq)] = gone

    @property
    def burns(self) -> bool:
        """Whether something is held that is to be burnt."""
        return any(_burns(message) for message in self.messages)

    def burn(self, burning: Burning, now_ms: int) -> bool:
        """Lose what was to be burnt by now, in a direct conversation (burning.py); -> whether there was any."""
        over = burning.over(filter(self._is_read, self.messages), now_ms)
        for seq in over:
            self.lose(seq, Gone.BURNT)
        return bool(over)

    def _is_read(self, message: Message) -> bool:
        """Whether it burns, and the one who was to read it has."""
        read_to = self.read_by if message.sender == self.own.number else self.read_seq
        return _burns(message) and not self.is_group and message.seq <= read_to

    def _place(self, seq: int) -> int:
        return bisect_left(self.messages, seq, key=lambda held: held.seq)

    def _insert(self, message: Message) -> None:
        if self.find(message.seq) is None:
            self.messages.insert(self._place(message.seq), message)
        elif message.kind == Kind.TOMBSTONE:
            self.messages[self._place(message.seq)] = message

    def _describe(self, message: Message) -> None:
        self.active_ms = max(self.active_ms, message.time_ms)
        if message.sender == self.own.number:  # who answers has read what came before
            self.read_seq = max(self.read_seq, message.seq)
        if len(self.names) < MAX_NAMES:
            self.names[message.sender] = message.sender_name
        if message.extra is not None and message.extra.origin and len(self.origins) < MAX_NAMES:
            self.origins.setdefault(message.extra.origin, self.names.get(message.extra.origin, ""))
        self._amend(message)

    def _amend(self, message: Message) -> None:
        """An edit or a recall changes what it is about."""
        self.amendments.take(message)
        if message.kind in SILENT:
            self._keep_silent(message.seq)
        if message.kind == Kind.RECALL:
            edits = [
                each.seq for each in self.messages if each.kind == Kind.EDIT and about(each) == about(message)
            ]
            for seq in (about(message), *edits):
                self.lose(seq, Gone.RECALLED)

    def _keep_silent(self, seq: int) -> None:
        if seq > self.read_seq and seq not in self._silent:
            insort(self._silent, seq)
        del self._silent[: max(bisect_right(self._silent, self.read_seq), len(self._silent) - MAX_SILENT)]

    def origin_name(self, account: int) -> str:
        """Who has first said what was forwarded; empty for nobody."""
        return (self.origins.get(account) or NOBODY) if account else ""

    # -- who is how far

    def mark(self, message: Message) -> str:
        """How far an own message is: sent, delivered, read; empty for what others say."""
        if message.sender != self.own.number or message.kind not in SAID:
            return ""
        if self.is_group:
            return self._count(message.seq)
        if message.seq <= self.read_by:
            return "read"
        return "delivered" if message.seq <= self.delivered_to else "sent"

    def _count(self, seq: int) -> str:
        counted, delivered, read = self.counted
        if seq != counted or not delivered:
            return "sent"
        return f"read by {read}" if read else f"delivered to {delivered}"

    def last_own(self) -> Message | None:
        """The newest thing said here by this account, of what is held."""
        own = self.own.number
        found = (one for one in reversed(self.messages) if one.sender == own and one.kind in SAID)
        return next(found, None)

    # -- typing

    def typing_changed(self, account: int, typing: bool, now: float) -> None:
        """Somebody types, or has stopped."""
        self._typing.pop(account, None)
        if typing and len(self._typing) < MAX_TYPING:
            self._typing[account] = now

    def who_types(self, now: float) -> list[str]:
        """The names of those who type; who says nothing for a while has stopped."""
        self._typing = {one: since for one, since in self._typing.items() if now < since + TYPING_SECONDS}
        return [self.names.get(account, "somebody") for account in self._typing]


def _burns(message: Message) -> bool:
    return message.extra is not None and message.extra.burn_seconds > 0
