"""What the memory store holds, and the tables of group_rules.py over it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from imserver.core.changes import Recorded
from imserver.core.run import Run
from imserver.core.values import Account, AccountRecord, Conversation, ConversationKind, DeviceRecord, Message
from imserver.store.group_rules import Result


@dataclass(slots=True)
class Place:
    """An account's membership of a conversation."""

    joined_seq: int
    left_seq: int = 0
    read_seq: int = 0


@dataclass(slots=True)
class Log:
    """A conversation: `runs` in order of seq, from 1; `peers` are the two numbers of a direct one."""

    kind: ConversationKind
    title: str
    peers: tuple[int, ...]
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


class MemoryTables:
    """Everything; also group_rules.Tables."""

    def __init__(self, randbits: Callable[[int], int]) -> None:
        self.accounts: dict[int, AccountRecord] = {}
        self.devices: dict[int, StoredDevice] = {}
        self.logs: dict[int, Log] = {}
        self.by_client_id: dict[tuple[int, bytes], Run] = {}  # each message as a run of one
        self._randbits = randbits

    def account(self, number: int) -> Account | None:
        record = self.accounts.get(number)
        return None if record is None or record.deleted else record.account

    def conversation(self, conversation: int) -> Conversation | None:
        log = self.logs.get(conversation)
        if log is None:
            return None
        peers = tuple(self.accounts[number].account for number in log.peers)
        return Conversation(conversation, log.kind, log.title, peers)

    def joined_seq(self, conversation: int, account: int) -> int | None:
        log = self.logs.get(conversation)
        place = log.places.get(account) if log else None
        return None if place is None or place.left_seq else place.joined_seq

    def member_count(self, conversation: int) -> int:
        return sum(not place.left_seq for place in self.logs[conversation].places.values())

    def conversation_count(self, account: int) -> int:
        return sum(self.joined_seq(conversation, account) is not None for conversation in self.logs)

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
        id = self.create(Log(ConversationKind.GROUP, title, ()))
        return Conversation(id, ConversationKind.GROUP, title, ())

    def rename(self, conversation: int, title: str) -> None:
        self.logs[conversation].title = title

    def join(self, conversation: int, account: int, joined_seq: int) -> None:
        place = self.logs[conversation].places.setdefault(account, Place(joined_seq))
        place.joined_seq, place.left_seq = joined_seq, 0

    def leave(self, conversation: int, account: int, left_seq: int) -> None:
        self.logs[conversation].places[account].left_seq = left_seq

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
