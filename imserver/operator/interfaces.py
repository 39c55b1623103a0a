"""What operators ask of the store; it belongs to the seams of imserver/interfaces.py."""

# zope interfaces have no self and no bodies.
# ruff: noqa: N805
# mypy: disable-error-code="empty-body"

from zope.interface import Interface

from imserver.core.statistics import StoreStatistics
from imserver.core.values import AccountRecord, GroupSummary, Invitation


class IOperators(Interface):
    """What only operators ask.  Pages have ids or numbers > after, ascending, at most `limit`."""

    async def accounts(after: int, limit: int) -> list[AccountRecord]:
        """A page of the accounts in use."""

    async def freeze(number: int, now_ms: int) -> None:
        """It cannot log in until it is unfrozen; nothing else changes."""

    async def unfreeze(number: int) -> None:
        """It can log in again."""

    async def set_administrator(number: int, administrator: bool) -> None:
        """Whether it may give the operator's commands."""

    async def groups(after: int, limit: int) -> list[GroupSummary]:
        """A page of the groups by number, also of those without members."""

    async def invite(code_sha256: bytes, uses: int, expires_ms: int, now_ms: int) -> Invitation:
        """A new invitation; those that have ended are forgotten."""

    async def invitations(after: int, limit: int, now_ms: int) -> list[Invitation]:
        """A page of those that are still valid."""

    async def withdraw_invitation(id: int, now_ms: int) -> bool:
        """It ends; -> whether it was valid."""

    def statistics() -> StoreStatistics:
        """Counts since the start."""
