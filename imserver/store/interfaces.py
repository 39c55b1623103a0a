"""What forwarding and burning ask of the store; it belongs to the seams of imserver/interfaces.py."""

# zope interfaces have no self and no bodies.
# ruff: noqa: N805
# mypy: disable-error-code="empty-body"

from collections.abc import Collection

from zope.interface import Interface

from imserver.core.values import Message


class IActions(Interface):
    """Messages with an extra (values.Extra).

    IMessages.append holds new ones to it (action_rules.py): NOT_FOUND, FORBIDDEN.  A recall destroys what it is
    about in the same transaction.
    """

    async def sent(sender: int, client_id: bytes) -> Message | None:
        """What an account has stored under a client id."""

    async def waiting_to_burn() -> list[int]:
        """The conversations in which messages that are to be burnt wait to be read."""

    async def start_burning(conversations: Collection[int], now_ms: int) -> None:
        """The time of messages there that are to be burnt runs from now, where all others have read them."""

    async def burn(now_ms: int, limit: int) -> list[tuple[int, int]]:
        """Destroy at most `limit` messages whose time is over; -> (conversation, seq) of each."""
