"""Fifty people who talk while a drill does its worst to the server; everything is written down and checked."""

import selectors
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from time import monotonic

import apsw

from imserver.core.events import ConversationList, ConversationOpened
from imserver.core.requests import CreateGroup, ListConversations
from imserver.core.values import Kind
from tests.end_to_end.chatter import DEVICE, Chatter
from tests.end_to_end.peer import Address, Peer
from tests.history import Entry, Finding, Record, Span, Started, Stopped, check

BURST = 4
WINDOW = 8
TURN_SECONDS = 0.02


class Crowd:
    """People in groups, driven by one thread.  `seed` decides who says what where."""

    def __init__(self, seed: int, think_seconds: float = 0.15, size: int = 0) -> None:
        self.people: list[Chatter] = []
        self.history: list[Record] = []
        self.spans: list[Span] = []
        self._rng = Random(seed)
        self._think_seconds = think_seconds
        self._size = size
        self._speaks_at: dict[Chatter, float] = {}
        self._connections = 0

    # -- coming and going

    def found(self, address: Address, people: int, groups: int) -> None:
        """Make the accounts and spread them evenly over the groups."""
        self.started()
        self.people = [self._newcomer(address, f"person{n}") for n in range(people)]
        for n in range(groups):
            self._found_group(address, f"group {n}", self.people[n::groups])

    def _newcomer(self, address: Address, name: str) -> Chatter:
        with Peer(address) as peer:
            number = peer.register(name).account.number
            token = peer.log_in(name, DEVICE).token
        return Chatter(number, token, Random(self._rng.random()), monotonic, self.history.append)

    def _found_group(self, address: Address, title: str, people: list[Chatter]) -> None:
        founder, *others = people
        with founder.another_connection(address) as peer:
            request = CreateGroup(title, [person.number for person in others])
            conversation = peer.expect(request, ConversationOpened).membership.conversation.id
        for person in people:
            person.conversations.append(conversation)
            self.spans.append(Span(conversation, person.number, _joined_seq(address, person, conversation)))

    def started(self) -> None:
        """The server is up."""
        self.history.append(Started(monotonic()))

    def stopped(self) -> None:
        """The server is down, or about to be."""
        self.history.append(Stopped(monotonic()))

    def connect(self, address: Address) -> None:
        """Everybody who is not connected logs in."""
        for person in self.people:
            if person.peer is None:
                self._connections += 1
                person.connect(address, self._connections)

    # -- talking

    def talk(self, seconds: float) -> None:
        """Talk for that long, or until everybody has been cut off."""
        end = monotonic() + seconds
        while monotonic() < end and self.connected:
            self._speak()
            self._listen()

    def talk_until(self, satisfied: Callable[[], bool], seconds: float) -> None:
        """Talk until that is so.  Raises AssertionError after `seconds`."""
        end = monotonic() + seconds
        while not satisfied():
            if monotonic() > end or not self.connected:
                raise AssertionError(f"not said within {seconds} s, {len(self.connected)} connected")
            self.talk(TURN_SECONDS)

    def interject(self) -> None:
        """Everybody says something at once, and nobody listens: whatever comes next comes in the middle of it."""
        self._speaks_at.clear()
        self._speak()

    def listen_until(self, satisfied: Callable[[], bool], seconds: float) -> None:
        """Say nothing new until that is so.  Raises AssertionError after `seconds`."""
        end = monotonic() + seconds
        while not satisfied():
            if monotonic() > end:
                raise AssertionError(f"not settled within {seconds} s")
            self._listen()

    def settle(self, seconds: float = 300.0) -> None:
        """Say nothing new until all is answered and everybody has everything, and been told so."""
        everybody_settled = lambda: all(person.settled for person in self.people)  # noqa: E731
        self.listen_until(everybody_settled, seconds)
        for person in self.people:
            person.mark()
            person.synchronise()
        self.listen_until(everybody_settled, seconds)
        for person in self.people:
            person.declare_in_sync()

    @property
    def connected(self) -> list[Chatter]:
        """Who has not been cut off."""
        return [person for person in self.people if person.peer is not None]

    @property
    def unanswered(self) -> int:
        """How many sends wait for an answer."""
        return sum(len(person.unanswered) for person in self.people)

    def _speak(self) -> None:
        now = monotonic()
        for person in self.connected:
            if now >= self._speaks_at.get(person, 0.0) and not (person.put_off or person.told_to_go):
                self._speaks_at[person] = now + self._rng.expovariate(1 / self._think_seconds)
                room = WINDOW - len(person.unanswered)
                person.say(min(room, self._rng.randint(1, BURST)), self._size)

    def _listen(self) -> None:
        with selectors.DefaultSelector() as selector:
            for person in self.connected:
                selector.register(person.peer, selectors.EVENT_READ, person)  # type: ignore[arg-type]
            for key, _ in selector.select(TURN_SECONDS):
                key.data.hear()
        for person in self.connected:
            person.retry()

    # -- the end

    @property
    def refusals(self) -> set[str]:
        """Every code that anybody was refused with."""
        return {code for person in self.people for code in person.refusals}

    def findings(self, log: list[Entry]) -> list[Finding]:
        """What the oracle says about the history and that log."""
        return check(self.history, log, self.spans)


def _joined_seq(address: Address, person: Chatter, conversation: int) -> int:
    with person.another_connection(address) as peer:
        listed = peer.expect(ListConversations(0, 0), ConversationList).memberships
    return next(each.joined_seq for each in listed if each.conversation.id == conversation)


def entries(
    conversation: int, seq: int, sender: int, stem: bytes, number: int, kind: int, sizes: bytes, bodies: bytes
) -> Iterator[Entry]:
    """The messages of a stored run."""
    for n, (length,) in enumerate(struct.iter_unpack("<I", sizes[: len(sizes) // 2])):
        client_id = stem if number < 0 else stem + (number + n).to_bytes(8)
        body, bodies = bodies[:length], bodies[length:]
        yield Entry(conversation, seq + n, sender, b"" if kind == Kind.NOTICE else client_id, body)


def read_log(database: Path) -> list[Entry]:
    """Every message in the database of a stopped server, past the server's own code."""
    connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        (verdict,) = next(connection.execute("PRAGMA integrity_check"))
        if verdict != "ok":
            raise AssertionError(f"the database is damaged: {verdict}")
        rows = connection.execute(
            "SELECT conversation, first_seq, sender, stem, number, kind, sizes, bodies FROM runs "
            "ORDER BY conversation, last_seq"
        )
        return [entry for row in rows for entry in entries(*row)]
    finally:
        connection.close()
