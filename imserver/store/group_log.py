"""How a change of a group is written down: a notice in its log, and the outcome for the core."""

from collections.abc import Callable, Iterable, Sequence

from imserver.core import notices
from imserver.core.changes import Action, GroupOutcome
from imserver.core.errors import ChatError, Code
from imserver.core.values import Account, Conversation, JoinRequest, Kind, Member, Message
from imserver.store.group_tables import Tables
from imserver.store.permissions import Actor

NOTICE_ID_BYTES = 16


class GroupLog:
    """For one change at `now_ms`; `token_bytes(n)` gives random bytes."""

    def __init__(self, tables: Tables, token_bytes: Callable[[int], bytes], now_ms: int) -> None:
        self.now_ms = now_ms
        self._tables = tables
        self._token_bytes = token_bytes

    def notice(
        self,
        group: Conversation,
        action: Action,
        actor: Actor,
        accounts: Iterable[Account],
        **details: str | int,
    ) -> Message:
        """Takes the next seq of the group's log; `group` is as it is after the change."""
        names = [account.name for account in accounts]
        notice = Message(
            conversation=group.id,
            seq=self._tables.last_seq(group.id) + 1,
            sender=actor.account.number,
            sender_name=actor.account.name,
            client_id=self._token_bytes(NOTICE_ID_BYTES),
            kind=Kind.NOTICE,
            content_type=notices.CONTENT_TYPE,
            body=notices.encode(action, actor.name, names, group.title, **details),
            time_ms=self.now_ms,
        )
        self._tables.log(notice)
        return notice

    def outcome(
        self,
        group: Conversation,
        notice: Message | None = None,
        came: Sequence[Member] = (),
        went: Sequence[Member] = (),
        request: JoinRequest | None = None,
        is_updated: bool = False,
    ) -> GroupOutcome:
        """All that the core needs to make the change visible."""
        seq = notice.seq if notice else self._tables.last_seq(group.id)
        standings = self._tables.standings(group.id)
        return GroupOutcome(group, seq, tuple(came), tuple(went), notice, standings, request, is_updated)

    def account(self, number: int) -> Account:
        """Raises NOT_FOUND, also once it is deleted."""
        account = self._tables.account(number)
        if account is None:
            raise ChatError(Code.NOT_FOUND, f"there is no account {number}")
        return account

    def member(self, group: Conversation, number: int) -> Member:
        """A present member; raises NOT_FOUND."""
        member = self._tables.member(group.id, number)
        if member is None:
            raise ChatError(Code.NOT_FOUND, f"the group has no member {self.account(number).name}")
        return member
