"""Who may do what in a group: each request by each kind of member and stranger (threats.md T20)."""

from collections.abc import Callable
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.values import JoinPolicy, Role
from tests.core.client import PASSWORD, group, logged_in, text
from tests.fakes import LIMITS, World

ASKER, OWNER, ADMIN, MEMBER, GUEST, OTHER = range(100_001, 100_007)
ROLES = ("stranger", "ex-member", "member", "muted", "admin", "owner")
CODES = {".": "", "?": "NOT_FOUND", "x": "NOT_MEMBER", "-": "FORBIDDEN"}
OPEN, BY_REQUEST, BY_INVITATION = JoinPolicy

# What is asked, in a group with which way in, and what comes of it: one sign for each of ROLES.
Row = tuple[JoinPolicy, Callable[[int], r.Request], str]
REQUESTS: dict[str, Row] = {
    "find an open one": (OPEN, lambda id: r.FindGroup(2), "......"),
    "find one by request": (BY_REQUEST, lambda id: r.FindGroup(2), "......"),
    "find one by invitation": (BY_INVITATION, lambda id: r.FindGroup(2), "??...."),
    "join an open one": (OPEN, lambda id: r.JoinGroup(2, ""), "......"),
    "join by request": (BY_REQUEST, lambda id: r.JoinGroup(2, ""), "......"),
    "join one by invitation": (BY_INVITATION, lambda id: r.JoinGroup(2, ""), "??...."),
    "add": (BY_INVITATION, lambda id: r.AddMembers(id, [OTHER]), "?x...."),
    "add to an open one": (OPEN, lambda id: r.AddMembers(id, [OTHER]), "?x...."),
    "add where admins decide": (BY_REQUEST, lambda id: r.AddMembers(id, [OTHER]), "?x--.."),
    "add oneself": (OPEN, lambda id: r.AddMembers(id, [ASKER]), "?x...."),
    "admit": (BY_REQUEST, lambda id: r.AnswerJoin(id, GUEST, True), "?x--.."),
    "reject": (BY_REQUEST, lambda id: r.AnswerJoin(id, GUEST, False), "?x--.."),
    "admit oneself": (BY_REQUEST, lambda id: r.AnswerJoin(id, ASKER, True), "?x--??"),
    "list requests": (BY_REQUEST, lambda id: r.ListJoinRequests(id, 0, 0), "??--.."),
    "list members": (OPEN, lambda id: r.ListMembers(id, 0, 0), "??...."),
    "leave": (OPEN, lambda id: r.LeaveGroup(id), "?x...."),
    "rename": (OPEN, lambda id: r.RenameGroup(id, "mine"), "?x--.."),
    "announce": (OPEN, lambda id: r.SetAnnouncement(id, "mine"), "?x--.."),
    "set the policy": (OPEN, lambda id: r.SetJoinPolicy(id, BY_INVITATION), "?x--.."),
    "remove a member": (OPEN, lambda id: r.RemoveMember(id, MEMBER), "?x--.."),
    "remove an admin": (OPEN, lambda id: r.RemoveMember(id, ADMIN), "?x---."),
    "remove the owner": (OPEN, lambda id: r.RemoveMember(id, OWNER), "?x---?"),
    "remove oneself": (OPEN, lambda id: r.RemoveMember(id, ASKER), "?x----"),
    "remove a stranger": (OPEN, lambda id: r.RemoveMember(id, OTHER), "?x--??"),
    "promote": (OPEN, lambda id: r.SetRole(id, MEMBER, Role.ADMIN), "?x---."),
    "promote oneself": (OPEN, lambda id: r.SetRole(id, ASKER, Role.ADMIN), "?x----"),
    "make an owner": (OPEN, lambda id: r.SetRole(id, ASKER, Role.OWNER), "------"),
    "demote": (OPEN, lambda id: r.SetRole(id, ADMIN, Role.MEMBER), "?x---."),
    "hand over": (OPEN, lambda id: r.HandOver(id, MEMBER), "?x---."),
    "hand over to oneself": (OPEN, lambda id: r.HandOver(id, ASKER), "?x---."),
    "mute a member": (OPEN, lambda id: r.Mute(id, MEMBER, 60), "?x--.."),
    "mute an admin": (OPEN, lambda id: r.Mute(id, ADMIN, 60), "?x---."),
    "mute the owner": (OPEN, lambda id: r.Mute(id, OWNER, 60), "?x---?"),
    "mute everybody": (OPEN, lambda id: r.Mute(id, 0, 60), "?x--.."),
    "unmute oneself": (OPEN, lambda id: r.Mute(id, ASKER, 0), "?x--.."),
    "unmute everybody": (OPEN, lambda id: r.Mute(id, 0, 0), "?x--.."),
    "dissolve": (OPEN, lambda id: r.DissolveGroup(id), "?x---."),
    "send": (OPEN, lambda id: text(id, "a word"), "?x.-.."),
}


class RightsTests(SynchronousTestCase):
    """In each world there is a group of owner, admin and member; guest has asked to be let in, other is a stranger."""

    def setUp(self) -> None:
        self.world = World(replace(LIMITS, refusals_before_close=10_000))
        names = ("asker", "theowner", "theadmin", "member", "guest", "other")
        self.asker, self.owner, self.admin, self.member, self.guest, _ = (
            logged_in(self.world, name) for name in names
        )

    def prepare(self, policy: JoinPolicy, role: str) -> None:
        """A world in which the asker has that role; as the owner, the one before has left."""
        self.setUp()
        self.group = group(self.owner, ADMIN, MEMBER, title="theirs")
        steps: list[r.Request] = [r.SetJoinPolicy(self.group, BY_REQUEST)]
        if role != "stranger":
            steps.append(r.AddMembers(self.group, [ASKER]))
        if role == "admin":
            steps.append(r.SetRole(self.group, ASKER, Role.ADMIN))
        if role == "muted":
            steps.append(r.Mute(self.group, ASKER, 3600))
        steps.append(r.SetRole(self.group, ADMIN, Role.ADMIN))
        if role == "owner":
            steps += [r.HandOver(self.group, ASKER), r.LeaveGroup(self.group)]
        for step in steps:
            self.ask(self.owner, step)
        self.ask(self.guest, r.JoinGroup(2, "please"))
        self.ask(self.admin, r.SetJoinPolicy(self.group, policy))
        if role == "ex-member":
            self.ask(self.asker, r.LeaveGroup(self.group))
        if role == "deleted":
            self.assertEqual(self.asker.ask(r.DeleteAccount(PASSWORD)), e.Done())
            self.asker.closed = ""  # so that any answer would be seen

    def ask(self, client: object, request: r.Request) -> None:
        self.assertNotEqual(type(client.ask(request)), e.Refused, request)

    def state(self) -> object:
        """All that could have been changed."""
        log = self.world.store._tables.logs[self.group]
        places = {n: (p.left_seq, p.role, p.muted_until_ms, p.removed) for n, p in log.places.items()}
        settings = log.title, log.announcement, log.join_policy, log.muted_until_ms
        return settings, places, dict(log.requests), log.last_seq

    def test_matrix(self) -> None:
        """Each cell has its code, and who is refused changes nothing and is heard by nobody."""
        cells = 0
        for name, (policy, make, signs) in REQUESTS.items():
            for role, sign in zip(ROLES, signs, strict=True):
                self.prepare(policy, role)
                before = self.state()
                self.admin.events.clear()
                answer = self.asker.ask(make(self.group))
                cell = f"{role} asks to {name}: {answer}"
                self.assertEqual(getattr(answer, "code", ""), CODES[sign], cell)
                if sign != ".":
                    self.assertEqual((self.state(), self.admin.events), (before, []), cell)
                cells += 1
        self.assertGreaterEqual(cells, 200)

    def test_deleted(self) -> None:
        """Who has deleted the account is answered by nothing."""
        for name, (policy, make, _) in REQUESTS.items():
            self.prepare(policy, "deleted")
            before = self.state()
            self.assertIsNone(self.asker.ask(make(self.group)), name)
            self.assertEqual(self.state(), before, name)

    def test_strangers_cannot_tell(self) -> None:
        """A stranger hears the same of a group and of none."""
        for name, (policy, make, signs) in REQUESTS.items():
            self.prepare(policy, "stranger")
            if signs[0] == "?":
                found = [self.asker.ask(make(id)) for id in (self.group, self.group ^ 1, 0, 2**63)]
                self.assertEqual(found, found[:1] * 4, name)

    def test_there_is_always_one_owner(self) -> None:
        """Whoever does what: as long as a group has members, exactly one of them owns it."""
        for name, (policy, make, _) in REQUESTS.items():
            for role in ROLES:
                self.prepare(policy, role)
                self.asker.ask(make(self.group))
                present = [
                    p for p in self.world.store._tables.logs[self.group].places.values() if not p.left_seq
                ]
                owners = [place for place in present if place.role == Role.OWNER]
                self.assertEqual(len(owners), bool(present), f"{role} asks to {name}")
