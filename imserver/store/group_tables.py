"""What the rules for groups read and write, inside one transaction; each store brings its own."""

from dataclasses import dataclass
from typing import Protocol

from imserver.core.changes import Recorded
from imserver.core.values import Account, Conversation, JoinRequest, Member, Message, Standings


@dataclass(slots=True, frozen=True)
class Result:
    """A recorded outcome."""

    fingerprint: bytes
    conversation: int
    seq: int


class Tables(Protocol):
    """Members are present ones, unless it is said otherwise."""

    def account(self, number: int) -> Account | None:
        """None also once deleted."""

    def has_blocked(self, owner: int, account: int) -> bool: ...

    def conversation(self, conversation: int) -> Conversation | None: ...

    def member(self, conversation: int, account: int) -> Member | None: ...

    def members(self, conversation: int) -> list[Member]:
        """All of them."""

    def member_count(self, conversation: int) -> int: ...

    def groups_of(self, account: int) -> list[int]:
        """The ids of those it is a member of, ascending."""

    def conversation_count(self, account: int) -> int:
        """Of those it is a member of."""

    def standings(self, conversation: int) -> Standings: ...

    def last_seq(self, conversation: int) -> int: ...

    def create_group(self, title: str, now_ms: int) -> Conversation:
        """By invitation, and with the next number."""

    def update(self, group: Conversation) -> None:
        """Its title, announcement and join policy are these."""

    def join(self, conversation: int, account: int, joined_seq: int, role: int) -> None:
        """Also again, after having left; who was muted stays so."""

    def leave(self, conversation: int, account: int, left_seq: int, removed: bool = False) -> None:
        """`removed` is kept until the account joins again."""

    def was_removed(self, conversation: int, account: int) -> bool: ...

    def set_role(self, conversation: int, account: int, role: int) -> None: ...

    def mute(self, conversation: int, account: int, until_ms: int) -> None:
        """The member, or with 0 everybody but admins."""

    def ask(self, request: JoinRequest) -> None:
        """In the place of an earlier request of the account."""

    def has_asked(self, conversation: int, account: int) -> bool: ...

    def request_count(self, conversation: int) -> int: ...

    def forget_request(self, conversation: int, account: int) -> None:
        """With 0 those of all accounts."""

    def log(self, message: Message) -> None: ...

    def last_request(self, device: int) -> tuple[int, int] | None:
        """-> (epoch, n) of the device's latest recorded request."""

    def result(self, device: int, n: int) -> Result | None: ...

    def record(self, recorded: Recorded, conversation: int, seq: int, forget_up_to: int) -> None:
        """Keep an outcome, and of this epoch those with n > forget_up_to; nothing of other epochs."""
