"""Reading the log: pages of history, what a device lacks, and feeding those who cannot ask for it."""

from typing import TYPE_CHECKING

from imserver.core import pages
from imserver.core.burst import Burst
from imserver.core.errors import ChatError, Code
from imserver.core.events import History, SyncState
from imserver.core.requests import FetchHistory, Synchronise
from imserver.core.roster import Roster
from imserver.core.run import Run
from imserver.core.values import Membership, Message

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session

NO_SEQ = 2**62  # beyond every seq
FEED_ITEMS = 32  # messages a reactor turn to a client that cannot fetch


class Reader:
    """What may be read, by whom."""

    def __init__(self, core: "Core") -> None:
        self._core = core

    async def fetch(self, session: "Session", request: FetchHistory) -> History:
        """A page of the visible part of a conversation; also of one that was left."""
        roster = await self._core.rosters.load(request.conversation)
        lowest, end = await self._visible(session, roster)
        after = max(request.after, lowest)
        before = min(request.before or NO_SEQ, end)
        limits = self._core.limits
        newest = request.before > 0
        runs = await self._core.store.history(
            request.conversation, after, before, newest, pages.size(request.limit, limits), limits.page_bytes
        )
        runs = await self._still_visible(session, roster, runs)
        if not runs:
            return History(request.conversation, [], False)
        if newest:
            more = runs[0].first_seq > after + 1
        else:
            more = runs[-1].last_seq < min(before - 1, roster.last_seq)
            session.fetched(request.conversation, after, runs[-1].last_seq)
        return History(request.conversation, [run.seen_by(session.number) for run in runs], more)

    async def _visible(self, session: "Session", roster: Roster) -> tuple[int, int]:
        """The account sees lowest < seq < end."""
        joined = roster.members.get(session.number)
        if joined is not None:
            return joined, NO_SEQ
        past = await self._core.rosters.membership(session, roster.conversation.id)
        return past.joined_seq, past.left_seq + 1

    async def message(self, session: "Session", conversation: int, seq: int) -> Message:
        """One message as the account sees it; raises NOT_FOUND."""
        roster = await self._core.rosters.load(conversation)
        lowest, end = await self._visible(session, roster)
        if lowest < seq < end:
            runs = await self._core.store.history(conversation, seq - 1, seq + 1, False, 1, 0)
            for run in await self._still_visible(session, roster, runs):
                return run.seen_by(session.number).messages()[0]
        raise ChatError(Code.NOT_FOUND, "there is no such message in that conversation")

    async def _still_visible(self, session: "Session", roster: Roster, runs: list[Run]) -> list[Run]:
        """Those that may be seen now: the right may have ended while they were read (threats.md T21).

        A right begins and ends between two runs, because a run is stored as one.
        """
        lowest, end = await self._visible(session, roster)
        return [run for run in runs if lowest < run.first_seq and run.last_seq < end]

    async def synchronise(self, session: "Session", request: Synchronise) -> SyncState:
        """The conversations in which the device lacks messages."""
        page = self._core.limits.sync_page_items
        behind = await self._core.store.memberships(
            session.number, session.device_id, request.after, page, True
        )
        return SyncState(behind, last_id(behind, page), self._core.store.log_epoch())

    async def feed(self, session: "Session") -> None:
        """Push to a client that cannot fetch what it lacks, oldest first, as far as its window allows."""
        while session.window.behind and not session.closed:
            conversation = next(iter(session.window.behind))
            try:
                if not await self._feed_page(session, conversation):
                    return
            except ChatError:
                return  # the store cannot answer now; the core asks again every second

    async def _feed_page(self, session: "Session", conversation: int) -> bool:
        """Push one page; -> whether to go on now."""
        window = session.window
        position = window.positions[conversation]
        roster = await self._core.rosters.load(conversation)
        lowest, end = await self._visible(session, roster)
        runs = await self._core.store.history(
            conversation, max(position.pushed, lowest), end, False, FEED_ITEMS, self._core.limits.page_bytes
        )
        runs = await self._still_visible(session, roster, runs)
        if session.closed:
            return False
        window.behind.pop(conversation, None)
        if not runs:
            return True
        for run in runs:
            origin = session if position.has_sent(run.first_seq) else None
            session.push(Burst(roster.conversation, run, origin))
        last_seq = min(roster.last_seq, end - 1)
        if position.pushed < last_seq:
            window.behind[conversation] = last_seq
        return position.pushed >= runs[-1].last_seq


def last_id(memberships: list[Membership], page: int) -> int:
    """Where the next page starts; 0 if this one was the last."""
    return memberships[-1].conversation.id if len(memberships) == page else 0
