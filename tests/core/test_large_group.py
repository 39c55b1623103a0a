"""A group of 2,000: coming in, being heard by all, being listed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.values import JoinPolicy
from imserver.store.memory import MemoryStore
from tests.core.client import PASSWORD, Client, text
from tests.fakes import LIMITS, World
from tests.store.fakes import Rig

MEMBERS = 2_000
ONLINE = 40  # of them, those with the highest numbers


class _LargeGroup:
    """Mixed into a SynchronousTestCase; `make_store()` gives an empty store, `settle()` lets everything happen."""

    world: World

    def make_store(self) -> Any:
        raise NotImplementedError

    def settle(self) -> None:
        """Until all is quiet."""
        self.world.settle()

    def setUp(self) -> None:
        self.world = World(replace(LIMITS, enabled=False, max_connections=10**6), self.make_store())
        names = ["owner", *(f"member{n}" for n in range(1, MEMBERS + 1))]
        self.numbers = [self.get(self.create(name)).number for name in names]
        self.owner = self.log_in("owner")
        opened = self.ask(self.owner, r.CreateGroup("crowd", self.numbers[1:1000]))
        self.group = opened.membership.conversation.id

    def create(self, name: str) -> Any:
        return self.world.store.create_account(name, name, f"hash of {PASSWORD}", 1)

    def get(self, coroutine: Any) -> Any:
        deferred = Deferred.fromCoroutine(coroutine)
        self.settle()
        return self.successResultOf(deferred)

    def ask(self, client: Client, request: r.Request) -> Any:
        tag = client.start(request)
        self.settle()
        answer = client.answers.get(tag)
        self.assertNotIsInstance(answer, e.Refused)
        return answer

    def log_in(self, name: str) -> Client:
        client = Client(self.world)
        self.ask(client, r.LogIn(name, PASSWORD, ""))
        return client

    def test_crowd(self) -> None:
        """Half are there from the beginning, some are added, some join; then it is full; all hear, all are listed."""
        self.ask(self.owner, r.AddMembers(self.group, self.numbers[1000 : MEMBERS - ONLINE]))
        self.ask(self.owner, r.SetJoinPolicy(self.group, JoinPolicy.OPEN))
        joiners = [self.log_in(f"member{n}") for n in range(MEMBERS - ONLINE, MEMBERS)]
        for client in joiners:
            self.assertIsInstance(self.ask(client, r.JoinGroup(2, "")), e.ConversationOpened)
        late = self.log_in(f"member{MEMBERS}")
        tag = late.start(r.JoinGroup(2, ""))
        self.settle()
        self.assertEqual(late.answers[tag].code, "LIMIT_REACHED")
        for client in (joiners[0], self.owner, joiners[-1]):
            self.ask(client, text(self.group, f"from {client.session.number}"))
        heard = [client.texts[-3:] for client in joiners[1:-1]]
        self.assertEqual(len({tuple(texts) for texts in heard}), 1)
        self.assertEqual(self.listed(), self.numbers[:MEMBERS])
        self.assertEqual(self.ask(self.owner, r.FindGroup(2)).members, MEMBERS)

    def listed(self) -> list[int]:
        """All pages."""
        found, after = [], -1
        while after:
            page = self.ask(self.owner, r.ListMembers(self.group, max(after, 0), 0))
            found += [member.account.number for member in page.members]
            after = page.next
        return found

    def test_dissolved(self) -> None:
        """All leave in one transaction, and those who are there are told."""
        clients = [self.log_in(f"member{n}") for n in range(1, ONLINE)]
        self.ask(self.owner, r.DissolveGroup(self.group))
        for client in clients:
            self.assertEqual(client.of(e.ConversationLeft), [e.ConversationLeft(self.group)])
        self.assertEqual(self.get(self.world.store.members(self.group, 0, 9)), [])


class MemoryLargeGroupTests(_LargeGroup, SynchronousTestCase):
    def make_store(self) -> MemoryStore:
        return MemoryStore()


class SqliteLargeGroupTests(_LargeGroup, SynchronousTestCase):
    def make_store(self) -> Any:
        self.rig = Rig(Path(self.mktemp()))
        self.rig.store.open()
        self.addCleanup(self.rig.close)
        return self.rig.store

    def settle(self) -> None:
        """The store has a clock of its own, and a worker that is driven by hand."""
        for _ in range(3):
            self.world.settle()
            self.rig.settle()
        self.world.settle()
