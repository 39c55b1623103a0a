"""On which terms messages are about others: who may edit and recall what, and until when; and how often one may shake."""

from typing import TYPE_CHECKING

from imserver.core.posting import Terms
from imserver.core.rates import BoundedTable, Bucket, limited
from imserver.core.requests import Send, SendTo
from imserver.core.roster import Roster
from imserver.core.values import Kind, Role

if TYPE_CHECKING:
    from imserver.core.core import Core


class Actions:
    """The store holds messages to these terms, in the transaction that stores them (IMessages.append)."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._shaken: BoundedTable[tuple[int, int], Bucket] = BoundedTable(
            Bucket, lambda: core.limits.max_limiter_entries
        )

    def terms(self, sender: int, roster: Roster, request: Send | SendTo) -> Terms:
        """Of a message with an extra, as the limits are now; raises RATE_LIMITED for who shakes too often."""
        if request.kind == Kind.ATTENTION:
            self._check_attention(sender, roster)
        limits, now_ms = self._core.limits, self._core.wall_ms()
        seconds = limits.recall_seconds if request.kind == Kind.RECALL else limits.edit_seconds
        return Terms(
            since_ms=now_ms - int(1000 * seconds),
            moderates=roster.roles.get(sender, Role.MEMBER) >= Role.ADMIN,
            burn_by_ms=now_ms + int(1000 * limits.burn_unread_seconds),
        )

    def _check_attention(self, sender: int, roster: Roster) -> None:
        seconds = self._core.limits.attention_seconds
        shaken = self._shaken[sender, roster.conversation.id]
        wait = shaken.take(self._core.now(), seconds, 1, seconds) if self._core.limits.enabled else 0.0
        if wait:
            raise limited(wait, "calls for attention")
