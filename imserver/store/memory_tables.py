"""What the memory store holds, and the tables of group_rules.py over it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from imserver.core.changes import Recorded
from imserver.core.run import Run
from imserver.core.values import (
    LOBBY,
    Account,
    AccountRecord,
    Conversation,
    ConversationKind,
    DeviceRecord,
    Invitation,
    JoinPolicy,
    JoinRequest,
    Member,
    Message,
    Role,
    Standings,
)
from imserver.store.group_tables import Result


@dataclass(slots=True)
class Place:
    """An account's membership of a conversation."""

    joined_seq: int
    left_seq: int = 0
    read_seq: int = 0
    role: int = Role.MEMBER
    muted_until_ms: int = 0
    removed: bool = False


@dataclass(slots=True)
class Log:
    """A conversation: `runs` in order of seq, from 1; `peers` are the two numbers of a direct one.

    `muted_until_ms` is for everybody but admins; `requests` to join are kept by account.
    """

    kind: ConversationKind
    title: str
    peers: tuple[int, ...]
    number: int = 0
    announcement: str = ""
    join_policy: int = 0
    muted_until_ms: int = 0
    requests: dict[int, JoinRequest] = field(default_factory=dict)
    places: dict[int, Place] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    @property
    def last_seq(self) -> int:
        """0: it is empty."""
        return self.runs[-1].last_seq if self.runs else 0


@dataclass(slots=True)
class StoredDevice:
    """A device, the digest of its token, its cursors by conversation, and its recorded outcomes by n."""

    record: DeviceRecord
    token_sha256: bytes | None
    cursors: dict[int, int] = field(default_factory=dict)
    epoch: int = 0
    results: dict[int, Result] = field(default_factory=dict)

    def set_token(self, token_sha256: bytes | None) -> None:
        """None: it has none any more."""
        self.token_sha256 = token_sha256
        self.record = replace(self.record, has_token=token_sha256 is not None)


@dataclass(slots=True)
class StoredInvitation:
    """An invitation and the digest of its code."""

    invitation: Invitation
    code_sha256: bytes


class MemoryTables:
    """Everything; also group_rules.Tables."""

    def __init__(self, randbits: Callable[[int], int]) -> None:
        self.accounts: dict[int, AccountRecord] = {}
        self.devices: dict[int, StoredDevice] = {}
        self.invitations: dict[int, StoredInvitation] = {}
        lobby = Log(ConversationKind.GROUP, "lobby", (), number=LOBBY, join_policy=JoinPolicy.OPEN)
        self.logs: dict[int, Log] = {LOBBY: lobby}
        self.blocks: set[tuple[int, int]] = set()  # (owner, account)
        self.by_client_id: dict[tuple[int, bytes], Run] = {}  # each message as a run of one
        self._randbits = randbits

    def invitation(self, code_sha256: bytes, now_ms: int) -> StoredInvitation | None:
        """The valid one with that digest."""
        return next(
            (
                stored
                for stored in self.invitations.values()
                if stored.code_sha256 == code_sha256 and is_valid(stored.invitation, now_ms)
            ),
            None,
        )

    def account(self, number: int) -> Account | None:
        record = self.accounts.get(number)
        return None if record is None or record.deleted else record.account

    def has_blocked(self, owner: int, account: int) -> bool:
        return (owner, account) in self.blocks

    def conversation(self, conversation: int) -> Conversation | None:
        log = self.logs.get(conversation)
        if log is None:
            return None
        peers = tuple(self.accounts[number].account for number in log.peers)
        return Conversation(
            conversation, log.kind, log.title, peers, log.number, log.announcement, log.join_policy
        )

    def place(self, conversation: int, account: int) -> Place | None:
        """Of a present member."""
        log = self.logs.get(conversation)
        place = log.places.get(account) if log else None
        return None if place is None or place.left_seq else place

    def member(self, conversation: int, account: int) -> Member | None:
        place = self.place(conversation, account)
        return None if place is None else self._member(account, place)

    def _member(self, account: int, place: Place) -> Member:
        return Member(self.accounts[account].account, place.joined_seq, place.role, place.muted_until_ms)

    def members(self, conversation: int) -> list[Member]:
        log = self.logs.get(conversation)
        places = sorted(log.places.items()) if log else []
        return [self._member(number, place) for number, place in places if not place.left_seq]

    def member_count(self, conversation: int) -> int:
        return sum(not place.left_seq for place in self.logs[conversation].places.values())

    def groups_of(self, account: int) -> list[int]:
        return sorted(id for id, log in self.logs.items() if not log.peers and self.place(id, account))

    def conversation_count(self, account: int) -> int:
        return sum(self.place(conversation, account) is not None for conversation in self.logs)

    def standings(self, conversation: int) -> Standings:
        log = self.logs[conversation]
        present = {number: place for number, place in log.places.items() if not place.left_seq}
        roles = {number: place.role for number, place in present.items() if place.role > Role.MEMBER}
        muted = {number: place.muted_until_ms for number, place in present.items() if place.muted_until_ms}
        if log.muted_until_ms:
            muted[0] = log.muted_until_ms
        return Standings(roles, muted, any(self.account(number) is None for number in log.peers))

    def last_seq(self, conversation: int) -> int:
        return self.logs[conversation].last_seq

    def create(self, log: Log) -> int:
        """-> its new id."""
        id = 0
        while id == 0 or id in self.logs:
            id = self._randbits(53)
        self.logs[id] = log
        return id

    def create_group(self, title: str, now_ms: int) -> Conversation:
        number = 1 + max(log.number for log in self.logs.values())
        policy = JoinPolicy.BY_INVITATION
        id = self.create(Log(ConversationKind.GROUP, title, (), number=number, join_policy=policy))
        return Conversation(id, ConversationKind.GROUP, title, (), number, "", policy)

    def update(self, group: Conversation) -> None:
        log = self.logs[group.id]
        log.title, log.announcement, log.join_policy = group.title, group.announcement, group.join_policy

    def join(self, conversation: int, account: int, joined_seq: int, role: int) -> None:
        place = self.logs[conversation].places.setdefault(account, Place(joined_seq))
        place.joined_seq, place.left_seq, place.role, place.removed = joined_seq, 0, role, False

    def leave(self, conversation: int, account: int, left_seq: int, removed: bool = False) -> None:
        place = self.logs[conversation].places[account]
        place.left_seq, place.role, place.removed = left_seq, Role.MEMBER, removed

    def was_removed(self, conversation: int, account: int) -> bool:
        place = self.logs[conversation].places.get(account)
        return place is not None and place.removed

    def set_role(self, conversation: int, account: int, role: int) -> None:
        self.logs[conversation].places[account].role = role

    def mute(self, conversation: int, account: int, until_ms: int) -> None:
        log = self.logs[conversation]
        (log.places[account] if account else log).muted_until_ms = until_ms

    def ask(self, request: JoinRequest) -> None:
        self.logs[request.conversation].requests[request.account.number] = request

    def has_asked(self, conversation: int, account: int) -> bool:
        return account in self.logs[conversation].requests

    def request_count(self, conversation: int) -> int:
        return len(self.logs[conversation].requests)

    def forget_request(self, conversation: int, account: int) -> None:
        requests = self.logs[conversation].requests
        requests.pop(account, None) if account else requests.clear()

    def log(self, message: Message) -> None:
        self.store(Run.of(message))

    def store(self, run: Run) -> None:
        self.logs[run.conversation].runs.append(run)
        for index in range(len(run.bodies)):
            self.by_client_id[run.sender, run.client_id(index)] = run.part(index, index + 1)

    def last_request(self, device: int) -> tuple[int, int] | None:
        stored = self.devices.get(device)
        return (stored.epoch, max(stored.results)) if stored and stored.results else None

    def result(self, device: int, n: int) -> Result | None:
        return self.devices[device].results.get(n)

    def record(self, recorded: Recorded, conversation: int, seq: int, forget_up_to: int) -> None:
        stored = self.devices.get(recorded.device)
        if stored is None:
            return
        kept = stored.results if stored.epoch == recorded.once.epoch else {}
        stored.epoch = recorded.once.epoch
        stored.results = {n: result for n, result in kept.items() if n > forget_up_to}
        stored.results[recorded.once.n] = Result(recorded.fingerprint, conversation, seq)


def is_valid(invitation: Invitation, now_ms: int) -> bool:
    """Whether somebody could still register with it."""
    return invitation.uses_left > 0 and invitation.expires_ms > now_ms
