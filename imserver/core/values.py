"""What the server talks about: accounts, devices, conversations, members, messages.

Values cross seams and are never changed by who receives them.  Those of the hot path are slotted but not
frozen, because freezing costs five times as much at construction; treat them as frozen all the same.

Units: a *number* identifies an account (1 ... 2**31 - 1); a conversation id is random (1 ... 2**53 - 1, so
that every language holds it exactly); a *seq* counts a conversation's messages from 1 without gaps; times
are wall-clock milliseconds since 1970 and informational, order is by seq.
"""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

LOBBY = 1  # both the id and the number of the built-in group


class Kind(IntEnum):
    """What a message's body holds."""

    TEXT = 1  # UTF-8
    RICH = 2  # an RTF document in UTF-8
    OPAQUE = 3  # bytes of the named content type, passed through unchanged
    NOTICE = 4  # what happened to a group, as JSON (core/notices.py); written by the server only
    TOMBSTONE = 5  # nothing any more, or nothing for you; the content type is one of Gone
    EDIT = 6  # UTF-8, said instead of the message it is about
    RECALL = 7  # nothing: the message it is about is gone
    ATTENTION = 8  # nothing: look here, now


class Gone(StrEnum):
    """Why a tombstone stands for a message."""

    DAMAGED = "damaged"  # the disk gave back something else than was written
    WITHHELD = "withheld"  # its receiver has blocked its sender
    RECALLED = "recalled"  # by its sender, or by who moderates the group
    BURNT = "burnt"  # it was to be read once


class ConversationKind(IntEnum):
    """Direct conversations have exactly two members for ever; groups have a title and change."""

    DIRECT = 1
    GROUP = 2


class Role(IntEnum):
    """What a member may do: admins moderate, the owner also makes admins.  A group has exactly one owner."""

    MEMBER = 1
    ADMIN = 2
    OWNER = 3


class JoinPolicy(IntEnum):
    """How strangers come into a group: by themselves, by asking its admins, or only when a member adds them."""

    OPEN = 1
    BY_REQUEST = 2
    BY_INVITATION = 3


class State(IntEnum):
    """How available somebody is.  INVISIBLE is told to others as OFFLINE."""

    OFFLINE = 0
    ONLINE = 1
    AWAY = 2
    BUSY = 3
    DO_NOT_DISTURB = 4
    INVISIBLE = 5


@dataclass(slots=True, frozen=True)
class Account:
    """Who somebody is to everybody else.  A deleted account keeps its number and name only."""

    number: int
    name: str
    display_name: str
    signature: str


@dataclass(slots=True, frozen=True)
class AccountRecord:
    """An account with what only the server may know."""

    account: Account
    password_hash: str
    deleted: bool
    frozen: bool = False  # by an operator: it cannot log in
    administrator: bool = False  # may give the operator's commands


@dataclass(slots=True, frozen=True)
class Presence:
    """`state` is one of State; `text` is what its owner says about it."""

    state: int
    text: str


@dataclass(slots=True, frozen=True)
class AccountPresence:
    """Whose presence it is, by number."""

    account: int
    presence: Presence


@dataclass(slots=True, frozen=True)
class Privacy:
    """Whether a search finds an account, and whether who asks becomes its contact at once."""

    findable: bool
    open_to_contacts: bool


@dataclass(slots=True, frozen=True)
class Contact:
    """One of somebody's contacts; `remark` and `category` are his own words about it, which nobody else sees."""

    account: Account
    remark: str
    category: str
    presence: Presence


@dataclass(slots=True, frozen=True)
class ContactRequest:
    """Who would like to be a contact, and what he says to that."""

    account: Account
    text: str
    time_ms: int


@dataclass(slots=True, frozen=True)
class Device:
    """One of an account's devices, as its owner sees it."""

    name: str
    created_ms: int
    last_seen_ms: int


@dataclass(slots=True, frozen=True)
class DeviceRecord:
    """A device with its internal id (never given to clients) and its account's number."""

    id: int
    account: int
    device: Device
    has_token: bool = True  # without one it needs the password


@dataclass(slots=True, frozen=True)
class Conversation:
    """A conversation, the same for whoever looks: `peers` are the two accounts of a direct one, else empty.

    Groups have a `number`, counted from 1 and never used again (wires show it as *N), an `announcement`, and a
    `join_policy` (JoinPolicy); direct conversations have 0 and nothing.
    """

    id: int
    kind: ConversationKind
    title: str
    peers: tuple[Account, ...]
    number: int = 0
    announcement: str = ""
    join_policy: int = 0


@dataclass(slots=True, frozen=True)
class Member:
    """A member of a conversation; sees messages with joined_seq < seq.

    `role` is a Role; before `muted_until_ms` the member may not write.
    """

    account: Account
    joined_seq: int
    role: int = Role.MEMBER
    muted_until_ms: int = 0


@dataclass(slots=True, frozen=True)
class Standings:
    """Who may do more in a conversation than others, and who less.

    `roles` are those of admins and the owner, `muted` maps members who may not write to the end of that in
    milliseconds (0 stands for everybody but admins).  `ended`: nobody may write any more.  `blocked` are those of
    the two of a direct conversation whose messages are withheld from the other.
    """

    roles: dict[int, int] = field(default_factory=dict)
    muted: dict[int, int] = field(default_factory=dict)
    ended: bool = False
    blocked: frozenset[int] = frozenset()


@dataclass(slots=True, frozen=True)
class JoinRequest:
    """Who would like to be a member of a group, and what he says to that."""

    conversation: int
    account: Account
    text: str
    time_ms: int


@dataclass(slots=True, frozen=True)
class Membership:
    """A conversation as one device of one account has it.

    It sees joined_seq < seq <= left_seq (left_seq 0: still a member).  `delivered_seq` is the device's
    cursor, `read_seq` the account's, `role` (a Role) what the account may do.
    """

    conversation: Conversation
    last_seq: int
    joined_seq: int
    left_seq: int
    delivered_seq: int
    read_seq: int
    role: int = Role.MEMBER


@dataclass(slots=True, frozen=True)
class GroupSummary:
    """A group as operators see it."""

    number: int
    title: str
    members: int
    last_seq: int


@dataclass(slots=True, frozen=True)
class Invitation:
    """Lets so many more people register until it expires."""

    id: int
    uses_left: int
    expires_ms: int


@dataclass(slots=True)
class Extra:
    """What few messages have.

    `about` is the seq of the message of the same conversation that this one replies to, edits or recalls (0: none);
    `mentions` are numbers of members.  `origin` (0: not forwarded) is who said it first; only the server sets it.
    With `burn_seconds` its content is destroyed so long after all others have read it.
    """

    about: int = 0
    mentions: list[int] = field(default_factory=list)
    origin: int = 0
    burn_seconds: int = 0


@dataclass(slots=True)
class Message:
    """One entry of a conversation's log."""

    conversation: int
    seq: int
    sender: int
    sender_name: str
    client_id: bytes
    kind: int
    content_type: str
    body: bytes
    time_ms: int
    extra: Extra | None = None


@dataclass(slots=True, frozen=True)
class Once:
    """Makes a retried request recognisable: `epoch` grows with every start of a client installation, `n` counts its requests from 1."""

    epoch: int
    n: int
