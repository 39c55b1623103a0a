"""Everything a client can ask for; core/rules.py says who may ask it, when and how often.

Each request is answered by exactly one event with the request's tag: the one named in its docstring, or
`Refused`.  Strings are validated by the core, not by codecs.  What concerns groups only is in
core/group_requests.py, and is here too.
"""

from dataclasses import dataclass, field

from imserver.core.group_requests import (
    AddMembers,
    AnswerJoin,
    CreateGroup,
    DissolveGroup,
    FindGroup,
    HandOver,
    JoinGroup,
    LeaveGroup,
    ListJoinRequests,
    Mute,
    RemoveMember,
    RenameGroup,
    SetAnnouncement,
    SetJoinPolicy,
    SetRole,
)
from imserver.core.social_requests import (
    AnswerContact,
    Block,
    FetchPrivacy,
    ListBlocked,
    ListContactRequests,
    ListContacts,
    RemoveContact,
    RequestContact,
    Search,
    SetPresence,
    SetPrivacy,
    SetRemark,
    Unblock,
)
from imserver.core.values import Extra, Kind

# -- before login ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Hello:
    """-> Welcome.  Optional: what the client is, and what the server allows."""

    client: str


@dataclass(slots=True)
class Ping:
    """-> Pong."""


@dataclass(slots=True)
class Register:
    """-> Registered.  An all-digit name becomes the account's number.  `invitation`: a code, where registration is closed."""

    name: str
    password: str = field(repr=False)
    display_name: str
    invitation: str = field(default="", repr=False)
    signature: str = ""


@dataclass(slots=True)
class LogIn:
    """-> LoggedIn.  `device` names this device among the account's own; empty: the server picks a free slot."""

    name: str
    password: str = field(repr=False)
    device: str


@dataclass(slots=True)
class LogInWithToken:
    """-> LoggedIn, for the device whose token it is."""

    token: bytes = field(repr=False)


@dataclass(slots=True)
class Resume:
    """-> LoggedIn, with the single-use token of a connection lost a moment ago."""

    token: bytes = field(repr=False)


# -- the own account ---------------------------------------------------------------------------------


@dataclass(slots=True)
class LogOut:
    """-> Done, then the connection closes.  Ends the device's token."""


@dataclass(slots=True)
class ChangePassword:
    """-> Done.  Ends every other session and device token of the account."""

    old_password: str = field(repr=False)
    new_password: str = field(repr=False)


@dataclass(slots=True)
class DeleteAccount:
    """-> Done, then every connection of the account closes.  Name and number are never used again."""

    password: str = field(repr=False)


@dataclass(slots=True)
class UpdateProfile:
    """-> Done."""

    display_name: str
    signature: str


@dataclass(slots=True)
class ListDevices:
    """-> DeviceList."""


@dataclass(slots=True)
class RevokeDevice:
    """-> Done.  The device's token ends and its connection, if any, closes."""

    device: str


@dataclass(slots=True)
class LookUp:
    """-> AccountFound.  By name, or by number where name is empty."""

    name: str
    number: int


# -- conversations -----------------------------------------------------------------------------------


@dataclass(slots=True)
class OpenDirect:
    """-> ConversationOpened.  The one direct conversation with that account, created at need."""

    account: int


@dataclass(slots=True)
class ListConversations:
    """-> ConversationList: a page of at most `limit` (0: 200) conversations with id > after."""

    after: int
    limit: int


@dataclass(slots=True)
class ListMembers:
    """-> MemberList: a page of at most `limit` (0: 200) members with number > after."""

    conversation: int
    after: int
    limit: int


# -- messages ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Send:
    """-> Sent, once the message is safely on disk.  Repeat it with the same client_id until it is answered."""

    conversation: int
    client_id: bytes
    kind: int
    content_type: str
    body: bytes
    extra: Extra | None = None


@dataclass(slots=True)
class SendTo:
    """-> Sent.  As Send, to the direct conversation with the account of that name, or to the group whose number N is in the name *N."""

    name: str
    client_id: bytes
    kind: int
    content_type: str
    body: bytes
    extra: Extra | None = None


@dataclass(slots=True)
class Forward:
    """-> Sent.  What the message at `seq` says, said to the conversation `to`; repeat it as a Send."""

    conversation: int
    seq: int
    to: int
    client_id: bytes


@dataclass(slots=True)
class MarkDelivered:
    """-> no answer.  This device has every message of the conversation up to seq."""

    conversation: int
    seq: int


@dataclass(slots=True)
class MarkRead:
    """-> no answer.  Somebody has read the conversation up to seq."""

    conversation: int
    seq: int


@dataclass(slots=True)
class SetTyping:
    """-> no answer.  Told to the members who are there; never stored."""

    conversation: int
    typing: bool


@dataclass(slots=True)
class CountReceipts:
    """-> ReceiptCounts: how many members have the message, and have read it."""

    conversation: int
    seq: int


@dataclass(slots=True)
class FetchHistory:
    """-> History: at most `limit` (0: 200) messages, ascending.

    With before = 0 the oldest with seq > after; otherwise the newest with after < seq < before.
    """

    conversation: int
    after: int
    before: int
    limit: int


@dataclass(slots=True)
class Synchronise:
    """-> SyncState: a page of the conversations (id > after) in which this device lacks messages."""

    after: int


Request = (
    Hello | Ping | Register | LogIn | LogInWithToken | Resume
    | LogOut | ChangePassword | DeleteAccount | UpdateProfile | ListDevices | RevokeDevice | LookUp
    | RequestContact | AnswerContact | RemoveContact | Block | Unblock | ListBlocked | SetRemark
    | ListContacts | ListContactRequests | Search | SetPresence | SetPrivacy | FetchPrivacy
    | OpenDirect | CreateGroup | AddMembers | LeaveGroup | RenameGroup | ListConversations | ListMembers
    | FindGroup | JoinGroup | AnswerJoin | ListJoinRequests | RemoveMember | SetRole | HandOver | Mute
    | SetJoinPolicy | SetAnnouncement | DissolveGroup
    | Send | SendTo | Forward | MarkDelivered | MarkRead | SetTyping | CountReceipts | FetchHistory | Synchronise
)  # fmt: skip
Sending = Send | SendTo | Forward


def is_call(request: Sending) -> bool:
    """Whether it calls for attention: nothing waits behind such a one, and it behind nothing."""
    return not isinstance(request, Forward) and request.kind == Kind.ATTENTION
