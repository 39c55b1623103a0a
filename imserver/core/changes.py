"""A change of a group on its way to the log, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum

from imserver.core.values import Conversation, Member, Message, Once


class Action(StrEnum):
    """What a change does; also the word used for it in the group's log."""

    CREATED = "created"
    ADDED = "added"
    LEFT = "left"
    RENAMED = "renamed"


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
    """Asked by `actor`.  `conversation` is 0 and `members` holds the others for CREATED; `members` are those added for ADDED."""

    action: Action
    actor: int
    conversation: int
    title: str
    members: tuple[int, ...]
    recorded: Recorded | None


@dataclass(slots=True, frozen=True)
class GroupOutcome:
    """What the change did: `members` are those who came (CREATED, ADDED: with their joined_seq) or went (LEFT).

    `notice` is the message it left in the log; None when there was nothing to change, or when the outcome is
    a recorded one (the change itself happened before).
    """

    conversation: Conversation
    seq: int
    members: tuple[Member, ...]
    notice: Message | None
