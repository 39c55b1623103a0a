"""What a client can ask of groups: to make, find, join and change them.

`once` makes a request that changes something safe to repeat (delivery.md section 4).
"""

from dataclasses import dataclass

from imserver.core.values import Once


@dataclass(slots=True)
class CreateGroup:
    """-> ConversationOpened.  The asker becomes a member, with the accounts named."""

    title: str
    members: list[int]
    once: Once | None = None


@dataclass(slots=True)
class AddMembers:
    """-> GroupChanged.  Who is a member already is skipped.  Where people join by request, admins only."""

    conversation: int
    members: list[int]
    once: Once | None = None


@dataclass(slots=True)
class LeaveGroup:
    """-> GroupChanged.  An owner is followed by whoever has served longest: an admin, else a member."""

    conversation: int
    once: Once | None = None


@dataclass(slots=True)
class RenameGroup:
    """-> GroupChanged.  Admins only."""

    conversation: int
    title: str
    once: Once | None = None


@dataclass(slots=True)
class FindGroup:
    """-> GroupFound: one that the asker is in or could join."""

    number: int


@dataclass(slots=True)
class JoinGroup:
    """-> ConversationOpened, or Done when an admin has to grant it; `text` is for the admin."""

    number: int
    text: str
    once: Once | None = None


@dataclass(slots=True)
class AnswerJoin:
    """-> GroupChanged.  Admins only."""

    conversation: int
    account: int
    accept: bool
    once: Once | None = None


@dataclass(slots=True)
class ListJoinRequests:
    """-> JoinRequestList: a page of at most `limit` (0: 200) requests of accounts with number > after.  Admins only."""

    conversation: int
    after: int
    limit: int


@dataclass(slots=True)
class RemoveMember:
    """-> GroupChanged.  Admins only, and only of those with a lower role."""

    conversation: int
    account: int
    once: Once | None = None


@dataclass(slots=True)
class SetRole:
    """-> GroupChanged.  The owner only; `role` is Role.MEMBER or Role.ADMIN."""

    conversation: int
    account: int
    role: int
    once: Once | None = None


@dataclass(slots=True)
class HandOver:
    """-> GroupChanged.  The owner only, who becomes an admin; the account becomes the owner."""

    conversation: int
    account: int
    once: Once | None = None


@dataclass(slots=True)
class Mute:
    """-> GroupChanged.  For so many seconds (0: no longer) the account, or with 0 everybody but admins, may not write.

    Admins only, and only of those with a lower role.
    """

    conversation: int
    account: int
    seconds: int
    once: Once | None = None


@dataclass(slots=True)
class SetJoinPolicy:
    """-> GroupChanged.  Admins only; `policy` is a JoinPolicy."""

    conversation: int
    policy: int
    once: Once | None = None


@dataclass(slots=True)
class SetAnnouncement:
    """-> GroupChanged.  Admins only; empty: there is none any more."""

    conversation: int
    text: str
    once: Once | None = None


@dataclass(slots=True)
class DissolveGroup:
    """-> GroupChanged.  The owner only: everybody leaves, and what was said until then stays readable to them."""

    conversation: int
    once: Once | None = None


MemberRequest = (  # answered by GroupChanged
    AddMembers | LeaveGroup | RenameGroup | AnswerJoin | RemoveMember | SetRole | HandOver | Mute
    | SetJoinPolicy | SetAnnouncement | DissolveGroup
)  # fmt: skip
GroupRequest = CreateGroup | JoinGroup | MemberRequest  # those that may carry `once`
