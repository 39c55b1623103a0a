"""A change of a group on its way to the log, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum

from imserver.core.values import Conversation, JoinRequest, Member, Message, Once, Standings

OPERATOR = 0  # the actor of what no member does: it may do everything, in every group and in the lobby


class Action(StrEnum):
    """What a change does; also the word used for it in the group's log."""

    CREATED = "created"
    ADDED = "added"
    LEFT = "left"
    RENAMED = "renamed"
    JOINED = "joined"  # by oneself; where admins decide, it only asks them, and they answer with the next two
    ADMITTED = "admitted"
    REJECTED = "rejected"  # which leaves no notice
    REMOVED = "removed"
    PROMOTED = "promoted"
    DEMOTED = "demoted"
    HANDED_OVER = "handed_over"
    MUTED = "muted"
    UNMUTED = "unmuted"
    POLICY_CHANGED = "policy_changed"
    ANNOUNCED = "announced"
    DISSOLVED = "dissolved"


@dataclass(slots=True, frozen=True)
class GroupLimits:
    """How many there may be: members of a group and of the lobby, conversations of an account, requests to one group."""

    max_members: int
    max_lobby_members: int
    max_conversations: int
    max_join_requests: int


@dataclass(slots=True, frozen=True)
class Recorded:
    """Under which id the outcome is kept, so that a retry finds it.

    `fingerprint` is a digest of the whole request: the same id with another fingerprint is refused.
    """

    device: int
    once: Once
    fingerprint: bytes


@dataclass(slots=True, frozen=True)
class GroupChange:
    """Asked by `actor`, of `conversation` (0 for CREATED).

    `text` is the title, the announcement, or what a request to join says.  `members` are those whom it concerns:
    the others for CREATED, nobody for MUTED if all are.  `value` is the join policy, or the seconds of MUTED.
    """

    action: Action
    actor: int
    conversation: int
    text: str
    members: tuple[int, ...]
    recorded: Recorded | None
    value: int = 0


@dataclass(slots=True, frozen=True)
class GroupOutcome:
    """What the change did: who `came` (with joined_seq) and who `went`, and the `standings` after it.

    `notice` is the message it left in the log; None when it leaves none, when there was nothing to change, or
    when the outcome is a recorded one (the change itself happened before).  `request` is what waits for an admin.
    `is_updated`: the conversation is not as it was before.
    """

    conversation: Conversation
    seq: int
    came: tuple[Member, ...] = ()
    went: tuple[Member, ...] = ()
    notice: Message | None = None
    standings: Standings | None = None
    request: JoinRequest | None = None
    is_updated: bool = False
