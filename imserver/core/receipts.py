"""How far everybody has got: delivered and read cursors, counts of them, and who is typing.

Cursors change in memory at once, and are written and told to others once a second, however often they moved.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from imserver.core.errors import ChatError
from imserver.core.events import DeliveredUpTo, ReadUpTo, ReceiptCounts, TypingChanged
from imserver.core.requests import CountReceipts, MarkDelivered, MarkRead, SetTyping
from imserver.core.roster import Roster
from imserver.core.values import ConversationKind

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session

RosterCall = Callable[[Roster], None]
Key = TypeVar("Key")
Cursors = dict[tuple[int, int], int]  # (device or account, conversation) -> seq


class Receipts:
    """What has moved since the last flush."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._delivered: Cursors = {}  # of devices, to be written
        self._read: Cursors = {}  # of accounts, to be written
        self._delivered_by: Cursors = {}  # of accounts, to be told
        self._read_by: Cursors = {}  # of accounts, to be told

    # -- in

    def mark_delivered(self, session: "Session", tag: int, request: MarkDelivered) -> None:
        """The device has everything up to seq, from this connection or an earlier one; what does not exist does not count."""
        conversation, seq = request.conversation, request.seq
        if session.window.has_given(conversation, seq):
            self._mark_delivered(session, conversation, seq)
        else:
            self._with_roster(
                session,
                conversation,
                lambda roster: self._mark_delivered(session, conversation, min(seq, roster.last_seq)),
            )

    def _mark_delivered(self, session: "Session", conversation: int, seq: int) -> None:
        cursor = session.acknowledged(conversation, seq)
        if cursor:
            _advance(self._delivered, (session.device_id, conversation), cursor)
            _advance(self._delivered_by, (session.number, conversation), cursor)

    def mark_read(self, session: "Session", tag: int, request: MarkRead) -> None:
        """The account has read up to seq."""
        self._with_roster(
            session, request.conversation, lambda roster: self._mark_read(session, roster, request.seq)
        )

    def _mark_read(self, session: "Session", roster: Roster, seq: int) -> None:
        key, seq = (session.number, roster.conversation.id), min(seq, roster.last_seq)
        _advance(self._read, key, seq)
        _advance(self._read_by, key, seq)
        self._core.burning.has_read(roster.conversation.id)

    def set_typing(self, session: "Session", tag: int, request: SetTyping) -> None:
        """Told to the others at once, in conversations that are small enough."""
        self._with_roster(
            session, request.conversation, lambda roster: self._set_typing(session, roster, request.typing)
        )

    def _set_typing(self, session: "Session", roster: Roster, typing: bool) -> None:
        if len(roster.members) <= self._core.limits.counted_receipts_members and not roster.blocked:
            event = TypingChanged(roster.conversation.id, session.number, typing)
            self._core.router.tell((number for number in roster.members if number != session.number), event)

    def _with_roster(self, session: "Session", conversation: int, then: RosterCall) -> None:
        roster = self._core.rosters.get(conversation)
        if roster is None:
            self._core.spawn(self._load(session, conversation, then))
        elif session.number in roster.members:
            then(roster)

    async def _load(self, session: "Session", conversation: int, then: RosterCall) -> None:
        try:
            roster = await self._core.rosters.load(conversation)
        except ChatError:
            return  # neither request is ever answered
        if not session.closed and session.number in roster.members:
            then(roster)

    # -- on request

    async def count(self, session: "Session", request: CountReceipts) -> ReceiptCounts:
        """How far the members are with one message."""
        await self.save()
        delivered, read = await self._core.store.receipt_counts(request.conversation, request.seq)
        return ReceiptCounts(request.conversation, request.seq, delivered, read)

    # -- once a second

    async def flush(self) -> None:
        """Write the cursors and tell whom they concern."""
        await self.save()
        delivered_by, self._delivered_by = self._delivered_by, {}
        read_by, self._read_by = self._read_by, {}
        small_groups = set()
        for event_type, moved in ((DeliveredUpTo, delivered_by), (ReadUpTo, read_by)):
            for (account, conversation), seq in moved.items():
                roster = await self._core.rosters.load(conversation)
                if _advance(roster.told, (event_type, account), seq):
                    self._tell(roster, event_type(conversation, account, seq))
                    if self._is_counted(roster):
                        small_groups.add(roster)
        for roster in small_groups:
            await self._tell_counts(roster)

    def _tell(self, roster: Roster, event: DeliveredUpTo | ReadUpTo) -> None:
        """Both sides of a direct conversation; only whose it is if one has blocked the other; elsewhere one learns what one has read."""
        is_direct = roster.conversation.kind is ConversationKind.DIRECT
        if is_direct and not roster.blocked:
            self._core.router.tell_members(roster, event)
        elif is_direct or type(event) is ReadUpTo:
            self._core.router.tell((event.account,), event)

    def _is_counted(self, roster: Roster) -> bool:
        return (
            roster.conversation.kind is ConversationKind.GROUP
            and len(roster.members) <= self._core.limits.counted_receipts_members
        )

    async def save(self) -> None:
        """Write the cursors that moved.  Raises what the store raises, and keeps them for the next time."""
        delivered, self._delivered = self._delivered, {}
        read, self._read = self._read, {}
        if not delivered and not read:
            return
        try:
            await self._core.store.save_cursors(
                [(*key, seq) for key, seq in delivered.items()], [(*key, seq) for key, seq in read.items()]
            )
        except ChatError:
            for kept, moved in ((self._delivered, delivered), (self._read, read)):
                for key, seq in moved.items():
                    _advance(kept, key, seq)
            raise

    async def _tell_counts(self, roster: Roster) -> None:
        """Each member who is here learns how far the others are with its newest message."""
        for sender, seq in tuple(roster.latest_by.items()):
            if sender in roster.members and self._core.router.sessions_of(sender):
                delivered, read = await self._core.store.receipt_counts(roster.conversation.id, seq)
                self._core.router.tell((sender,), ReceiptCounts(roster.conversation.id, seq, delivered, read))


def _advance(cursors: dict[Key, int], key: Key, seq: int) -> bool:
    """Move a cursor, never back; -> whether it moved."""
    if seq <= cursors.get(key, 0):
        return False
    cursors[key] = seq
    return True
