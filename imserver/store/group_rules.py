"""What a change of a group requires and does, the same in every store: the store brings the tables.

The notice of a change takes the next seq of the group's log.  Who is added sees the notice of that and what
follows (joined_seq = its seq - 1); who leaves still sees the notice of that (left_seq = its seq).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from imserver.core import notices
from imserver.core.changes import Action, GroupChange, GroupOutcome, Recorded
from imserver.core.errors import ChatError, Code
from imserver.core.values import Account, Conversation, ConversationKind, Kind, Member, Message

REMEMBERED_RESULTS = 64
NOTICE_ID_BYTES = 16


@dataclass(slots=True, frozen=True)
class Result:
    """A recorded outcome."""

    fingerprint: bytes
    conversation: int
    seq: int


class Tables(Protocol):
    """What the rules read and write, inside one transaction."""

    def account(self, number: int) -> Account | None:
        """None also once deleted."""

    def conversation(self, conversation: int) -> Conversation | None: ...

    def joined_seq(self, conversation: int, account: int) -> int | None:
        """None unless a present member."""

    def member_count(self, conversation: int) -> int:
        """Of present members."""

    def conversation_count(self, account: int) -> int:
        """Of those it is a present member of."""

    def last_seq(self, conversation: int) -> int: ...

    def create_group(self, title: str, now_ms: int) -> Conversation: ...

    def rename(self, conversation: int, title: str) -> None: ...

    def join(self, conversation: int, account: int, joined_seq: int) -> None:
        """Also again, after having left."""

    def leave(self, conversation: int, account: int, left_seq: int) -> None: ...

    def log(self, message: Message) -> None: ...

    def last_request(self, device: int) -> tuple[int, int] | None:
        """-> (epoch, n) of the device's latest recorded request."""

    def result(self, device: int, n: int) -> Result | None: ...

    def record(self, recorded: Recorded, conversation: int, seq: int, forget_up_to: int) -> None:
        """Keep an outcome, and of this epoch those with n > forget_up_to; nothing of other epochs."""


class GroupRules:
    """Applies changes to `tables`; `token_bytes(n)` gives random bytes."""

    def __init__(
        self, tables: Tables, token_bytes: Callable[[int], bytes], max_members: int, max_conversations: int
    ) -> None:
        self._tables = tables
        self._token_bytes = token_bytes
        self._max_members = max_members
        self._max_conversations = max_conversations

    def change(self, change: GroupChange, now_ms: int) -> GroupOutcome:
        """Check, apply, log and record a change; raises ChatError as IConversations.change_group says."""
        known = self._known(change.recorded) if change.recorded else None
        if known is not None:
            return GroupOutcome(self._group(known.conversation), known.seq, (), None)
        outcome = self._apply(change, now_ms)
        if change.recorded:
            forget_up_to = change.recorded.once.n - REMEMBERED_RESULTS
            self._tables.record(change.recorded, outcome.conversation.id, outcome.seq, forget_up_to)
        return outcome

    def _known(self, recorded: Recorded) -> Result | None:
        """The outcome of the same request before; raises if it can no longer be told, or is another's."""
        last, once = self._tables.last_request(recorded.device), recorded.once
        if last is None or once.epoch > last[0]:
            return None
        if once.epoch < last[0]:
            raise ChatError(Code.FENCED, "this device has been started again since; stop this one")
        result = self._tables.result(recorded.device, once.n)
        if result is None:
            if once.n <= last[1] - REMEMBERED_RESULTS:
                raise ChatError(
                    Code.REQUEST_TOO_OLD, "its outcome is forgotten; look at the group before asking again"
                )
            return None
        if result.fingerprint != recorded.fingerprint:
            raise ChatError(Code.REQUEST_ID_REUSED, "that request id was used for another request; count on")
        return result

    def _apply(self, change: GroupChange, now_ms: int) -> GroupOutcome:
        actor = self._account(change.actor)
        if change.action is Action.CREATED:
            return self._create(change, actor, now_ms)
        if self._tables.conversation(change.conversation) is None:
            raise ChatError(Code.NOT_FOUND, "there is no such conversation")
        joined_seq = self._tables.joined_seq(change.conversation, actor.number)
        if joined_seq is None:
            raise ChatError(Code.NOT_MEMBER, "you are not a member of it")
        group = self._group(change.conversation)
        if group.kind is not ConversationKind.GROUP:
            raise ChatError(Code.FORBIDDEN, "a direct conversation cannot be changed; create a group")
        match change.action:
            case Action.ADDED:
                return self._add(group, actor, change.members, now_ms)
            case Action.LEFT:
                return self._leave(group, Member(actor, joined_seq), now_ms)
            case Action.RENAMED:
                return self._rename(group, actor, change.title, now_ms)

    def _create(self, change: GroupChange, actor: Account, now_ms: int) -> GroupOutcome:
        accounts = self._accounts([actor.number, *change.members])
        self._check_members(len(accounts))
        self._check_conversations(accounts)
        group = self._tables.create_group(change.title, now_ms)
        members = tuple(self._join(group, account, 0) for account in accounts)
        notice = self._log(group, Action.CREATED, actor, accounts[1:], now_ms)
        return GroupOutcome(group, notice.seq, members, notice)

    def _add(self, group: Conversation, actor: Account, numbers: Iterable[int], now_ms: int) -> GroupOutcome:
        accounts = [
            account
            for account in self._accounts(numbers)
            if self._tables.joined_seq(group.id, account.number) is None
        ]
        last_seq = self._tables.last_seq(group.id)
        if not accounts:
            return GroupOutcome(group, last_seq, (), None)
        self._check_members(self._tables.member_count(group.id) + len(accounts))
        self._check_conversations(accounts)
        members = tuple(self._join(group, account, last_seq) for account in accounts)
        notice = self._log(group, Action.ADDED, actor, accounts, now_ms)
        return GroupOutcome(group, notice.seq, members, notice)

    def _leave(self, group: Conversation, member: Member, now_ms: int) -> GroupOutcome:
        notice = self._log(group, Action.LEFT, member.account, [member.account], now_ms)
        self._tables.leave(group.id, member.account.number, notice.seq)
        return GroupOutcome(group, notice.seq, (member,), notice)

    def _rename(self, group: Conversation, actor: Account, title: str, now_ms: int) -> GroupOutcome:
        if title == group.title:
            return GroupOutcome(group, self._tables.last_seq(group.id), (), None)
        self._tables.rename(group.id, title)
        renamed = self._group(group.id)
        notice = self._log(renamed, Action.RENAMED, actor, [], now_ms)
        return GroupOutcome(renamed, notice.seq, (), notice)

    def _group(self, conversation: int) -> Conversation:
        group = self._tables.conversation(conversation)
        assert group is not None, "conversations are never removed"
        return group

    def _account(self, number: int) -> Account:
        account = self._tables.account(number)
        if account is None:
            raise ChatError(Code.NOT_FOUND, f"there is no account {number}")
        return account

    def _accounts(self, numbers: Iterable[int]) -> list[Account]:
        """Each once, in the order given."""
        return [self._account(number) for number in dict.fromkeys(numbers)]

    def _check_members(self, count: int) -> None:
        if count > self._max_members:
            raise ChatError(Code.LIMIT_REACHED, f"a group may have at most {self._max_members} members")

    def _check_conversations(self, accounts: Iterable[Account]) -> None:
        for account in accounts:
            if self._tables.conversation_count(account.number) >= self._max_conversations:
                raise ChatError(
                    Code.LIMIT_REACHED,
                    f"{account.name} is in {self._max_conversations} conversations, which is the limit",
                )

    def _join(self, group: Conversation, account: Account, joined_seq: int) -> Member:
        self._tables.join(group.id, account.number, joined_seq)
        return Member(account, joined_seq)

    def _log(
        self, group: Conversation, action: Action, actor: Account, accounts: list[Account], now_ms: int
    ) -> Message:
        names = [account.name for account in accounts]
        notice = Message(
            conversation=group.id,
            seq=self._tables.last_seq(group.id) + 1,
            sender=actor.number,
            sender_name=actor.name,
            client_id=self._token_bytes(NOTICE_ID_BYTES),
            kind=Kind.NOTICE,
            content_type=notices.CONTENT_TYPE,
            body=notices.encode(action, actor.name, names, group.title),
            time_ms=now_ms,
        )
        self._tables.log(notice)
        return notice
