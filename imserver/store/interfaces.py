"""What contacts, forwarding and burning ask of the store; it belongs to the seams of imserver/interfaces.py."""

# zope interfaces have no self and no bodies.
# ruff: noqa: N805
# mypy: disable-error-code="empty-body"

from collections.abc import Collection

from zope.interface import Interface

from imserver.core.contacting import ContactBounds, ContactOutcome, ContactRecord
from imserver.core.values import Account, ContactRequest, Message, Privacy


class IContacts(Interface):
    """Who knows whom, who wants nothing of whom, and who may be found (store/contact_rules.py)."""

    async def request_contact(
        asker: int, target: int, text: str, now_ms: int, bounds: ContactBounds
    ) -> ContactOutcome:
        """Store a request, or make contacts at once where the target is open or has asked the asker.

        Raises FORBIDDEN (oneself, or somebody one has blocked), NOT_FOUND, LIMIT_REACHED.
        """

    async def answer_contact(
        account: int, asker: int, accept: bool, now_ms: int, bounds: ContactBounds
    ) -> ContactOutcome:
        """ADDED, or UNCHANGED.  Raises NOT_FOUND (no such request waits), LIMIT_REACHED."""

    async def remove_contact(account: int, other: int) -> bool:
        """Whether they were contacts.  An own request that waits is withdrawn."""

    async def set_remark(account: int, contact: int, remark: str, category: str) -> None:
        """The own words about a contact.  Raises NOT_FOUND."""

    async def contacts(account: int, after: int, limit: int) -> list[ContactRecord]:
        """Those with number > after, ascending, at most `limit`."""

    async def contact_numbers(account: int) -> list[tuple[int, bool]]:
        """All, as (number, is_silent), ascending."""

    async def contact_requests(account: int, after: int, limit: int) -> list[ContactRequest]:
        """Those that wait for this account's answer, of askers with number > after, ascending, at most `limit`."""

    async def block(owner: int, account: int, now_ms: int, max_blocked: int) -> bool:
        """Whether they are contacts.  Raises FORBIDDEN (oneself), NOT_FOUND, LIMIT_REACHED."""

    async def unblock(owner: int, account: int) -> bool:
        """Whether they are contacts."""

    async def blocked(owner: int, after: int, limit: int) -> list[Account]:
        """Those with number > after, ascending, at most `limit`."""

    async def blocked_between(one: int, other: int) -> frozenset[int]:
        """Which of the two the other one has blocked."""

    async def set_privacy(account: int, privacy: Privacy) -> None:
        """Replace it; nothing for an account that is not in use."""

    async def privacy(account: int) -> Privacy:
        """As it was set; of an account that is there."""

    async def search(text: str, after: int, limit: int) -> list[Account]:
        """Findable accounts whose names begin with the text, or whose number it is.

        In the order of their names, after that of the account numbered `after` (0: from the first), at most `limit`.
        """


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
