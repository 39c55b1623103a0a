"""Everything the server tells a client.

An answer goes out with the tag of its request; what happened by itself goes out with tag 0.
"""

from dataclasses import dataclass, field

from imserver.core.run import Run
from imserver.core.social_events import (
    AccountList,
    BlockChanged,
    ContactAdded,
    ContactList,
    ContactRemoved,
    ContactRequested,
    ContactRequestList,
    PresenceChanged,
    PrivacySettings,
    ProfileChanged,
    RemarkChanged,
)
from imserver.core.values import Account, Conversation, Device, JoinRequest, Member, Membership, Message

# -- answers -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Done:
    """It was done and there is nothing more to say."""


@dataclass(slots=True)
class Refused:
    """It was not done.  `code` is stable (core/errors.py), `text` says what would be right; retry_after_ms 0: do not retry as it is."""

    code: str
    text: str
    retry_after_ms: int = 0


@dataclass(slots=True)
class Welcome:
    """What the server is and allows; sizes in bytes, counts per device."""

    server: str
    registration_open: bool
    max_frame_bytes: int
    max_body_bytes: int
    window_messages: int


@dataclass(slots=True)
class Pong:
    """The answer to a Ping."""


@dataclass(slots=True)
class Registered:
    account: Account


@dataclass(slots=True)
class LoggedIn:
    """`token` logs this device in again until it is revoked; it is empty after a login by token or resume.

    `resume_token` logs it in once, within ten minutes of a lost connection.

    `log_epoch` changes only when the server was restored from a backup: then cursors and cached messages are void.
    """

    account: Account
    device: str
    token: bytes = field(repr=False)
    resume_token: bytes = field(repr=False)
    log_epoch: int


@dataclass(slots=True)
class DeviceList:
    devices: list[Device]


@dataclass(slots=True)
class AccountFound:
    account: Account


@dataclass(slots=True)
class GroupChanged:
    """The change is in the group's log at seq."""

    conversation: int
    seq: int


@dataclass(slots=True)
class GroupFound:
    """What a group is called, and how many are in it; its announcement is for its members."""

    conversation: Conversation
    members: int


@dataclass(slots=True)
class JoinRequestList:
    """`next`: ask again after this number; 0 at the end."""

    requests: list[JoinRequest]
    next: int


@dataclass(slots=True)
class ConversationList:
    """`next`: ask again after this id; 0 at the end."""

    memberships: list[Membership]
    next: int


@dataclass(slots=True)
class MemberList:
    """`next`: ask again after this number; 0 at the end."""

    members: list[Member]
    next: int


@dataclass(slots=True)
class Sent:
    """The message is on disk, under this number, and will not be lost.

    It also answers as many `more` sends: those of the following tags have the following seqs.
    """

    conversation: int
    seq: int
    time_ms: int
    more: int = 0


@dataclass(slots=True)
class ReceiptCounts:
    """How many members other than the sender have the message at seq, and have read it."""

    conversation: int
    seq: int
    delivered: int
    read: int


@dataclass(slots=True)
class History:
    """`more`: there are further visible messages in the direction asked."""

    conversation: int
    runs: list[Run]
    more: bool

    @property
    def messages(self) -> list[Message]:
        """Each by itself."""
        return [message for run in self.runs for message in run.messages()]


@dataclass(slots=True)
class SyncState:
    """`next`: ask again after this id; 0 at the end."""

    memberships: list[Membership]
    next: int
    log_epoch: int


# -- what happened by itself -------------------------------------------------------------------------


@dataclass(slots=True)
class MessageArrived:
    """A message, at the device's position + 1: a device sees every seq of a conversation in order.

    For wires that show one message at a time; the others get RunArrived.
    """

    message: Message
    conversation: Conversation


@dataclass(slots=True)
class RunArrived:
    """Messages in a row, at the device's position + 1."""

    run: Run
    conversation: Conversation


@dataclass(slots=True)
class MessageBurnt:
    """Everybody has read it, or its time is over: the message is a tombstone now."""

    conversation: int
    seq: int


@dataclass(slots=True)
class ConversationOpened:
    """A conversation this account is a member of; also the answer to OpenDirect, CreateGroup and JoinGroup."""

    membership: Membership


@dataclass(slots=True)
class ConversationLeft:
    """This account is no longer a member."""

    conversation: int


@dataclass(slots=True)
class GroupUpdated:
    """The group has another title, announcement or join policy; its log says who changed it."""

    conversation: Conversation


@dataclass(slots=True)
class JoinRequested:
    """Somebody asks to be let in; told to the group's admins."""

    request: JoinRequest


@dataclass(slots=True)
class Behind:
    """The device lacks messages up to last_seq: fetch them; live ones follow once it has them."""

    conversation: int
    last_seq: int


@dataclass(slots=True)
class DeliveredUpTo:
    """A device of the account has everything up to seq (direct conversations)."""

    conversation: int
    account: int
    seq: int


@dataclass(slots=True)
class ReadUpTo:
    """The account has read up to seq: the other side of a direct conversation, or yourself on another device."""

    conversation: int
    account: int
    seq: int


@dataclass(slots=True)
class TypingChanged:
    conversation: int
    account: int
    typing: bool


@dataclass(slots=True)
class Probe:
    """Are you there?  Any frame is an answer."""


@dataclass(slots=True)
class GoAway:
    """The server is about to stop: reconnect after this many milliseconds."""

    after_ms: int


@dataclass(slots=True)
class Closing:
    """The last event of a connection: why it is closed."""

    code: str
    text: str


# What happens besides messages; a wire may be unable to show it.
NEWS = frozenset([
    MessageBurnt, ConversationOpened, ConversationLeft, DeliveredUpTo, ReadUpTo, TypingChanged,
    GroupUpdated, JoinRequested,
    ContactRequested, ContactAdded, ContactRemoved, PresenceChanged, ProfileChanged, RemarkChanged, BlockChanged, PrivacySettings,
])  # fmt: skip

Event = (
    Done | Refused | Welcome | Pong | Registered | LoggedIn | DeviceList | AccountFound | AccountList
    | ContactList | ContactRequestList | GroupChanged | GroupFound | JoinRequestList
    | ConversationList | MemberList | Sent | ReceiptCounts | History | SyncState
    | MessageArrived | RunArrived | MessageBurnt | ConversationOpened | ConversationLeft | GroupUpdated | JoinRequested
    | Behind | DeliveredUpTo | ReadUpTo | TypingChanged
    | ContactRequested | ContactAdded | ContactRemoved | PresenceChanged | ProfileChanged | RemarkChanged | BlockChanged | PrivacySettings
    | Probe | GoAway | Closing
)  # fmt: skip
