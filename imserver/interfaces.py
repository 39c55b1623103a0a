"""The seams: read this first.

    bytes -> framing -> frame -> ICodec -> request -> session -> core -> event -> ICodec -> frame -> bytes

A wire protocol is a framing and a codec behind an `IWire` plug-in.  The core sees its clients through
`IClient`, its storage through the three store interfaces, and hashes passwords through `IPasswords`.
"""

# zope interfaces have no self and no bodies.
# ruff: noqa: N805
# mypy: disable-error-code="empty-body"

from collections.abc import Sequence
from typing import TYPE_CHECKING

from twisted.application.service import IService
from zope.interface import Attribute, Interface

from imserver.core.burst import Burst
from imserver.core.changes import GroupChange, GroupLimits, GroupOutcome
from imserver.core.events import Event
from imserver.core.posting import Posting
from imserver.core.requests import Request
from imserver.core.run import Run
from imserver.core.values import (
    Account,
    AccountRecord,
    Conversation,
    DeviceRecord,
    JoinRequest,
    Member,
    Membership,
    Standings,
)
from imserver.operator.interfaces import IOperators
from imserver.store.interfaces import IActions, IContacts

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.net.listeners import ListenerOptions


class IWire(Interface):
    """A wire protocol, found by twisted.plugin in any imserver/wires/ folder on sys.path."""

    name = Attribute("str: what --listen and [[listeners]] call it")
    default_endpoint = Attribute("str: where it listens unless told otherwise; empty: only where configured")
    hint = Attribute("str: how to try it, for the log; may contain {address} and {tls}, for --tls at need")
    options = Attribute("type: a dataclass of its listeners' own options, each with a default; None if none")

    def make_service(core: "Core", endpoint: str, options: "ListenerOptions") -> IService:
        """A service that listens at `endpoint`; `options` has what all listeners have, and as `own` what this wire's have.

        privilegedStartService binds; it raises CannotListen with one sentence.
        """


class ICodec(Interface):
    """Turns frames into requests and events into frames.  Holds no state about a connection and does no I/O."""

    def decode(frame: bytes) -> tuple[int, Request]:
        """One frame's payload -> (tag, request).  Raises WireError, or ChatError for what can be answered."""

    def encode(event: Event, tag: int) -> bytes | None:
        """An event -> one frame's payload, or None if this wire cannot show it."""


class IClient(Interface):
    """A connection as the core sees it.  No method blocks or raises."""

    congested = Attribute("bool: enough waits to be written; push no more messages for now")

    def deliver(event: Event, tag: int = 0) -> None:
        """Send the event: an answer with its request's tag, anything else with 0."""

    def push(burst: Burst) -> None:
        """Show new messages."""

    def acknowledge(run: Run, tags: Sequence[int]) -> None:
        """Answer the sends of these messages, each with `Sent` under its tag: they are durable."""

    def close(code: str, text: str) -> None:
        """Tell the client why, and close."""


class IAccounts(Interface):
    """Accounts and their devices.  Every method is asynchronous; what it wrote is on disk when it returns."""

    async def create_account(
        name: str,
        display_name: str,
        password_hash: str,
        now_ms: int,
        open_to_contacts: bool = False,
        invitation_sha256: bytes = b"",
    ) -> Account:
        """A new account; an all-digit name is its number.  Raises NAME_TAKEN, also for names of deleted accounts.

        With the digest of an invitation's code, uses it up once in the same transaction; raises
        REGISTRATION_CLOSED if that is not valid any more.
        """

    async def is_invited(invitation_sha256: bytes, now_ms: int) -> bool:
        """Whether an invitation has that digest, is not used up and has not expired."""

    async def account_named(name: str) -> AccountRecord | None:
        """By login name."""

    async def account_numbered(number: int) -> AccountRecord | None:
        """By number."""

    async def set_password(number: int, password_hash: str, keep_device: int) -> None:
        """Replace the hash and end the tokens of all devices but `keep_device` (0: of all)."""

    async def set_password_hash(number: int, old_hash: str, new_hash: str) -> None:
        """Replace a hash by one of the same password with current parameters; nothing if `old_hash` is no longer in place."""

    async def set_profile(number: int, display_name: str, signature: str) -> None:
        """Replace what others see."""

    async def delete_account(number: int, now_ms: int) -> list[GroupOutcome]:
        """Forget everything but number, name and messages, also its contacts; leave all groups, which the outcomes tell."""

    async def put_device(
        account: int, name: str, token_sha256: bytes, now_ms: int, max_devices: int
    ) -> tuple[DeviceRecord, list[int]]:
        """The account's device of that name, made at need, with a new token; and the ids of devices it displaced.

        A new device starts at the account's highest delivered cursors; beyond max_devices the longest unseen goes.
        """

    async def device_with_token(token_sha256: bytes) -> DeviceRecord | None:
        """By the digest of its token."""

    async def device_with_id(device: int) -> DeviceRecord | None:
        """By its internal id; None once revoked."""

    async def devices_of(account: int) -> list[DeviceRecord]:
        """All, the longest unseen first."""

    async def revoke_device(account: int, name: str) -> int:
        """Remove a device; -> its id, 0 if there was none."""

    async def end_token(device: int) -> None:
        """The device stays, with its cursors; its token ends."""

    async def save_seen(seen: Sequence[tuple[int, int]]) -> None:
        """(device, last_seen_ms) pairs."""


class IConversations(Interface):
    """Who talks with whom, and how far everybody has got."""

    async def direct(one: int, other: int) -> Conversation | None:
        """The direct conversation of two accounts, if there is one."""

    async def open_direct(asker: int, other: int, now_ms: int, max_conversations: int) -> Conversation:
        """The direct conversation of two accounts, created at need.

        Only then it raises: NOT_FOUND if one is not there, LIMIT_REACHED if the asker is in max_conversations.
        """

    async def open_directs(one: int, others: Sequence[int], now_ms: int) -> list[Conversation]:
        """Those of one account with each of the others, in one transaction; who has been deleted may be left out."""

    async def change_group(change: GroupChange, now_ms: int, limits: GroupLimits) -> GroupOutcome:
        """Check, apply, log and record a change in one transaction.

        Raises NOT_FOUND (no such group, account, member or request), NOT_MEMBER, FORBIDDEN (not a group, or not
        allowed: store/permissions.py), LIMIT_REACHED, REQUEST_ID_REUSED, REQUEST_TOO_OLD, FENCED (delivery.md
        section 4).
        """

    async def group_numbered(number: int) -> tuple[Conversation, int] | None:
        """A group, also a dissolved one, and how many members it has; None if there was never one of that number."""

    async def join_requests(conversation: int, after: int, limit: int) -> list[JoinRequest]:
        """Those of accounts with number > after, ascending, at most `limit`."""

    async def conversation(
        conversation: int,
    ) -> tuple[Conversation, dict[int, int], int, Standings] | None:
        """-> the conversation, its present members as {number: joined_seq}, its last seq, who may do what; None if unknown."""

    async def membership(account: int, device: int, conversation: int) -> Membership | None:
        """One conversation as this device has it; also after leaving it."""

    async def memberships(
        account: int, device: int, after: int, limit: int, only_behind: bool
    ) -> list[Membership]:
        """Those with id > after, ascending, at most `limit`; `only_behind`: where the device lacks visible messages."""

    async def members(conversation: int, after: int, limit: int) -> list[Member]:
        """Present members with number > after, ascending, at most `limit`."""

    async def save_cursors(
        delivered: Sequence[tuple[int, int, int]], read: Sequence[tuple[int, int, int]]
    ) -> None:
        """(device, conversation, seq) and (account, conversation, seq); a cursor never moves back."""

    async def receipt_counts(conversation: int, seq: int) -> tuple[int, int]:
        """How many present members other than the message's sender have it, and have read it; of a withheld one nobody has."""


class IMessages(Interface):
    """The log.  What append has not finished is invisible to every other method of every store interface."""

    async def append(postings: Sequence[Posting], now_ms: int) -> None:
        """Store a batch in one durable transaction and fill in what became of each posting (core/posting.py).

        Numbers follow the order of `postings`.  A client id already stored for its sender gets that seq again;
        with other content, CLIENT_ID_REUSED.  A sender who is not a member when the transaction runs gets
        NOT_MEMBER.  Raises ChatError when nothing was stored (RETRY_AFTER, UNAVAILABLE_STORAGE) or when that
        is unknown (UNKNOWN_RETRY).  Called again only after it has returned.
        """

    async def history(
        conversation: int, after: int, before: int, newest: bool, limit: int, max_bytes: int
    ) -> list[Run]:
        """Messages with after < seq < before, ascending: the oldest such, or the newest, as many as fit both limits (at least one)."""

    def log_epoch() -> int:
        """Random; changes only when the store is restored from a backup."""


class IStore(IAccounts, IContacts, IConversations, IMessages, IActions, IOperators):
    """What the core is given: one store for everything."""

    state = Attribute("str: 'ready', or 'degraded' while it takes no writes")


class IPasswords(Interface):
    """Slow password hashing away from the reactor."""

    async def hash(password: str) -> str:
        """A salted hash that names its parameters.  Raises TRY_LATER when too many wait."""

    async def verify(password_hash: str, password: str, suspect: bool = False) -> bool:
        """Whether it is the password; an empty hash costs the same and never matches.  Raises TRY_LATER.

        A `suspect` finds half of the queue only, so that guessers leave room for everybody else.
        """

    def is_outdated(password_hash: str) -> bool:
        """Whether it should be hashed anew with the current parameters."""
