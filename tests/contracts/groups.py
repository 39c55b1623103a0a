"""What every store promises of groups: roles, ways in and out, moderation, numbers and the lobby."""

import json
from dataclasses import replace
from typing import Any

from imserver.core.changes import OPERATOR, Action, GroupChange, GroupOutcome, Recorded
from imserver.core.errors import Code
from imserver.core.values import LOBBY, ConversationKind, JoinPolicy, Kind, Once, Role
from tests.contracts.store import LIMITS, NOW, StoreCase
from tests.store.fates import fate, fates, posting_of

LATER = NOW + 60_000


class GroupsContract(StoreCase):
    """alice owns a group of bob (an admin), carol and dave; eve and frank are strangers."""

    def setUp(self) -> None:
        super().setUp()
        names = ("alice", "bob", "carol", "dave", "eve", "frank")
        self.alice, self.bob, self.carol, self.dave, self.eve, self.frank = map(self.account, names)
        self.club = self.group(self.alice, self.bob, self.carol, self.dave)
        self.do(Action.PROMOTED, self.alice, self.bob)

    # -- words for the tests

    def wanted(
        self, action: Action, actor: int, *members: int, text: str = "", value: int = 0, group: int = 0
    ) -> GroupChange:
        return GroupChange(action, actor, group or self.club, text, members, None, value)

    def do(self, action: Action, actor: int, *members: int, **more: Any) -> GroupOutcome:
        return self.get(self.change(self.wanted(action, actor, *members, **more)))

    def refused(self, action: Action, actor: int, *members: int, **more: Any) -> Code:
        """Its code; and it leaves no trace."""
        group = more.get("group", self.club)
        before = self.everything(group)
        code = self.refusal(self.change(self.wanted(action, actor, *members, **more)))
        self.assertEqual(self.everything(group), before)
        return code

    def everything(self, group: int) -> Any:
        return (
            self.get(self.store.conversation(group)),
            self.get(self.store.members(group, 0, 99)),
            self.get(self.store.join_requests(group, 0, 99)),
        )

    def roles(self) -> dict[str, int]:
        return {m.account.name: m.role for m in self.get(self.store.members(self.club, 0, 99))}

    def notice(self, outcome: GroupOutcome) -> dict[str, Any]:
        """What it says; and it is the newest entry of the log."""
        last = self.history(outcome.conversation.id)[-1]
        self.assertEqual((last, last.kind, last.seq), (outcome.notice, Kind.NOTICE, outcome.seq))
        found: dict[str, Any] = json.loads(last.body)
        return found

    def set_policy(self, policy: JoinPolicy) -> None:
        self.do(Action.POLICY_CHANGED, self.alice, value=policy)

    def asking(self) -> list[int]:
        return [request.account.number for request in self.get(self.store.join_requests(self.club, 0, 99))]

    # -- numbers -------------------------------------------------------------------------------------------

    def test_numbers_of_groups(self) -> None:
        """The lobby is 1, groups count from 2 and never get a number again; direct conversations have none."""
        self.assertEqual(self.get(self.store.group_numbered(2))[0].id, self.club)
        self.do(Action.DISSOLVED, self.alice)
        found = [self.get(self.store.conversation(self.group(self.eve)))[0].number for _ in range(2)]
        self.assertEqual(found, [3, 4])
        direct = self.get(self.store.conversation(self.direct(self.alice, self.bob)))[0]
        self.assertEqual((direct.number, direct.join_policy), (0, 0))

    def test_group_numbered(self) -> None:
        """A group is found by number, with its present members counted; nothing else is."""
        self.leave(self.club, self.dave)
        found, members = self.get(self.store.group_numbered(2))
        self.assertEqual((found.id, found.title, members), (self.club, "Club", 3))
        for number in (0, -1, 3, 2**62):
            self.assertIsNone(self.get(self.store.group_numbered(number)))

    def test_new_group(self) -> None:
        """Who makes a group owns it; one comes in by invitation; nothing is announced."""
        self.assertEqual(self.roles(), {"alice": 3, "bob": 2, "carol": 1, "dave": 1})
        group, _, _, standings = self.get(self.store.conversation(self.club))
        self.assertEqual((group.join_policy, group.announcement), (JoinPolicy.BY_INVITATION, ""))
        self.assertEqual(standings.roles, {self.alice: Role.OWNER, self.bob: Role.ADMIN})
        self.assertEqual((standings.muted, standings.ended), ({}, False))

    def test_membership_has_the_role(self) -> None:
        """One sees one's own role with the conversation."""
        for account, role in ((self.alice, Role.OWNER), (self.bob, Role.ADMIN), (self.carol, Role.MEMBER)):
            self.assertEqual(self.get(self.store.membership(account, 0, self.club)).role, role)
            self.assertEqual(self.get(self.store.memberships(account, 0, 0, 9, False))[-1].role, role)

    # -- writing -------------------------------------------------------------------------------------------

    def may_write(self, account: int, now_ms: int = NOW) -> Any:
        """True, or the code of the refusal."""
        posting = self.posting(self.club, account)
        self.get(self.store.append([posting], now_ms))
        found = fate(posting)
        return found if isinstance(found, Code) else True

    def test_muted_writer(self) -> None:
        """Who is muted writes nothing after the notice of that, until it is over or ended; others do."""
        self.assertTrue(self.may_write(self.carol))
        self.do(Action.MUTED, self.bob, self.carol, value=60)
        self.assertEqual(self.may_write(self.carol), Code.FORBIDDEN)
        self.assertIs(self.may_write(self.dave), True)
        self.assertIs(self.may_write(self.carol, LATER), True)
        self.do(Action.MUTED, self.bob, self.carol, value=60)
        self.do(Action.UNMUTED, self.bob, self.carol)
        self.assertIs(self.may_write(self.carol), True)

    def test_everybody_muted(self) -> None:
        """But for admins, who lose that with their role."""
        self.do(Action.MUTED, self.alice, value=60)
        writers = [self.may_write(one) for one in (self.alice, self.bob, self.carol)]
        self.assertEqual(writers, [True, True, Code.FORBIDDEN])
        self.do(Action.DEMOTED, self.alice, self.bob)
        self.assertEqual(self.may_write(self.bob), Code.FORBIDDEN)
        self.do(Action.PROMOTED, self.alice, self.bob)
        self.assertIs(self.may_write(self.bob), True)

    def test_retry_while_muted(self) -> None:
        """What was stored before has its answer, and what follows it in the run is refused."""
        said = posting_of(self.club, self.carol, b"said", 1, [b"1"])
        self.get(self.store.append([said], NOW))
        self.do(Action.MUTED, self.bob, self.carol, value=60)
        retry = posting_of(self.club, self.carol, b"said", 1, [b"1", b"2"])
        self.get(self.store.append([retry], NOW))
        self.assertEqual(fates(retry), [(said.first_seq, NOW, False), Code.FORBIDDEN])

    # -- coming --------------------------------------------------------------------------------------------

    def test_join_open(self) -> None:
        """Where everybody may, a stranger comes in by himself; once more changes nothing."""
        self.set_policy(JoinPolicy.OPEN)
        outcome = self.do(Action.JOINED, self.eve)
        self.assertEqual([(m.account.name, m.joined_seq, m.role) for m in outcome.came], [("eve", 3, 1)])
        self.assertEqual(self.notice(outcome)["action"], "joined")
        again = self.do(Action.JOINED, self.eve)
        self.assertEqual((again.came, again.notice, again.seq), ((), None, 4))

    def test_join_by_invitation(self) -> None:
        """Where members are added, a stranger cannot tell the group from none."""
        self.assertEqual(self.refused(Action.JOINED, self.eve), Code.NOT_FOUND)
        self.assertEqual(self.do(Action.ADDED, self.carol, self.eve).came[0].account.number, self.eve)

    def block(self, owner: int, account: int) -> None:
        self.get(self.store.block(owner, account, NOW, 9))

    def test_added_by_somebody_blocked(self) -> None:
        """Comes to nothing, with the outcome as always; once the block has ended, it does not."""
        self.block(self.eve, self.bob)
        outcome = self.do(Action.ADDED, self.bob, self.eve, self.frank)
        self.assertEqual([m.account.number for m in outcome.came], [self.frank])
        self.assertEqual(self.notice(outcome)["accounts"], ["eve", "frank"])
        self.assertEqual(outcome.seq, 3)
        self.assertIsNone(self.get(self.store.membership(self.eve, 0, self.club)))
        self.assertNotIn("eve", self.roles())
        self.assertEqual(self.do(Action.ADDED, self.bob, self.eve).came, ())
        self.get(self.store.unblock(self.eve, self.bob))
        self.assertEqual(self.do(Action.ADDED, self.bob, self.eve).came[0].account.number, self.eve)

    def test_created_by_somebody_blocked(self) -> None:
        """A new group does not begin with who has blocked its owner, and its log does not tell."""
        self.block(self.eve, self.bob)
        created = self.do(Action.CREATED, self.bob, self.eve, self.frank, text="trap", group=0)
        self.assertEqual([m.account.number for m in created.came], [self.bob, self.frank])
        self.assertEqual((self.notice(created)["accounts"], created.seq), (["eve", "frank"], 1))
        self.assertEqual(self.get(self.store.memberships(self.eve, 0, 0, 9, False)), [])

    def test_blocked_the_other_way(self) -> None:
        """Whom one has blocked oneself one may add, and others add whom they like."""
        self.block(self.bob, self.eve)
        self.block(self.frank, self.bob)
        for actor, added in ((self.bob, self.eve), (self.carol, self.frank)):
            self.assertEqual(self.do(Action.ADDED, actor, added).came[0].account.number, added)

    def test_asked_of_somebody_blocked(self) -> None:
        """Who has asked to come in is let in by whomever; and who comes by himself comes."""
        self.block(self.eve, self.bob)
        self.set_policy(JoinPolicy.BY_REQUEST)
        for action in (Action.ADMITTED, Action.ADDED):
            self.do(Action.JOINED, self.eve)
            self.assertEqual(self.do(action, self.bob, self.eve).came[0].account.number, self.eve)
            self.leave(self.club, self.eve)
        self.set_policy(JoinPolicy.OPEN)
        self.assertEqual(self.do(Action.JOINED, self.eve).came[0].account.number, self.eve)

    def test_limits_with_somebody_blocked(self) -> None:
        """Are the same, and refused the same."""
        self.block(self.eve, self.bob)
        self.group(self.eve)
        for limits in ({"max_members": 4}, {"max_conversations": 1}):
            for eve_blocks in (True, False):
                self.block(self.eve, self.bob) if eve_blocks else self.get(
                    self.store.unblock(self.eve, self.bob)
                )
                for wanted in (
                    self.wanted(Action.ADDED, self.bob, self.eve),
                    self.wanted(
                        Action.CREATED,
                        self.bob,
                        self.eve,
                        *(self.alice, self.carol, self.dave),
                        text="x",
                        group=0,
                    ),
                ):
                    self.assertEqual(self.refusal(self.change(wanted, **limits)), Code.LIMIT_REACHED)

    def test_join_by_request(self) -> None:
        """Where admins decide, a stranger waits; the newest of his requests counts; nothing is in the log."""
        self.set_policy(JoinPolicy.BY_REQUEST)
        for text in ("please", "pretty please"):
            outcome = self.do(Action.JOINED, self.eve, text=text)
            self.assertEqual((outcome.came, outcome.notice), ((), None))
        (request,) = self.get(self.store.join_requests(self.club, 0, 9))
        self.assertEqual(outcome.request, request)
        self.assertEqual((request.conversation, request.account.name, request.text, request.time_ms),
                         (self.club, "eve", "pretty please", NOW))  # fmt: skip
        self.assertNotIn("eve", self.roles())

    def test_members_do_not_decide(self) -> None:
        """Where admins decide, only they add people."""
        self.set_policy(JoinPolicy.BY_REQUEST)
        self.assertEqual(self.refused(Action.ADDED, self.carol, self.eve), Code.FORBIDDEN)
        self.assertEqual(len(self.do(Action.ADDED, self.bob, self.eve).came), 1)

    def test_join_requests_in_pages(self) -> None:
        """Requests come in pages by number, and of one group only."""
        self.set_policy(JoinPolicy.BY_REQUEST)
        for account in (self.frank, self.eve):
            self.do(Action.JOINED, account)
        self.assertEqual(
            [r.account.name for r in self.get(self.store.join_requests(self.club, 0, 1))], ["eve"]
        )
        page = self.get(self.store.join_requests(self.club, self.eve, 9))
        self.assertEqual([r.account.name for r in page], ["frank"])
        self.assertEqual(self.get(self.store.join_requests(LOBBY, 0, 9)), [])
        self.assertEqual(self.get(self.store.join_requests(99, 0, 9)), [])

    def test_admitted(self) -> None:
        """An admin lets in who has asked, once."""
        self.set_policy(JoinPolicy.BY_REQUEST)
        self.do(Action.JOINED, self.eve)
        self.assertEqual(self.refused(Action.ADMITTED, self.carol, self.eve), Code.FORBIDDEN)
        outcome = self.do(Action.ADMITTED, self.bob, self.eve)
        self.assertEqual((outcome.came[0].account.number, outcome.came[0].joined_seq), (self.eve, 3))
        self.assertEqual(self.notice(outcome)["accounts"], ["eve"])
        self.assertEqual(self.asking(), [])
        self.assertEqual(self.refused(Action.ADMITTED, self.bob, self.eve), Code.NOT_FOUND)

    def test_rejected(self) -> None:
        """A request that is rejected is gone, without a word in the log; it may be made again."""
        self.set_policy(JoinPolicy.BY_REQUEST)
        self.do(Action.JOINED, self.eve)
        outcome = self.do(Action.REJECTED, self.bob, self.eve)
        self.assertEqual((outcome.came, outcome.notice, self.asking()), ((), None, []))
        self.assertEqual(self.refused(Action.REJECTED, self.bob, self.eve), Code.NOT_FOUND)
        self.do(Action.JOINED, self.eve)
        self.assertEqual(self.asking(), [self.eve])

    def test_added_meanwhile(self) -> None:
        """Who has asked and is added has asked no more; so has who comes in by himself."""
        self.set_policy(JoinPolicy.BY_REQUEST)
        for account in (self.eve, self.frank):
            self.do(Action.JOINED, account)
        self.do(Action.ADDED, self.bob, self.eve)
        self.set_policy(JoinPolicy.OPEN)
        self.do(Action.JOINED, self.frank)
        self.assertEqual(self.asking(), [])

    def test_too_many_requests(self) -> None:
        """So many wait for a group's admins, and no more; who waits may ask again."""
        self.set_policy(JoinPolicy.BY_REQUEST)
        one = replace(LIMITS, max_join_requests=1)
        self.do(Action.JOINED, self.eve)
        for account, code in ((self.frank, Code.LIMIT_REACHED), (self.eve, None)):
            change = self.store.change_group(self.wanted(Action.JOINED, account), NOW, one)
            self.assertEqual(code, self.refusal(change) if code else self.get(change) and None)

    def test_full(self) -> None:
        """Nobody joins or is admitted into a full group, nor beyond his own conversations."""
        self.set_policy(JoinPolicy.BY_REQUEST)
        self.do(Action.JOINED, self.eve)
        admit = self.wanted(Action.ADMITTED, self.bob, self.eve)
        for limits in ({"max_members": 4}, {"max_conversations": 0}):
            self.assertEqual(self.refusal(self.change(admit, **limits)), Code.LIMIT_REACHED)
        self.assertEqual(self.asking(), [self.eve])
        self.get(self.change(admit, max_members=5, max_conversations=1))

    def test_request_of_a_deleted_account(self) -> None:
        """The requests of an account end with it."""
        self.set_policy(JoinPolicy.BY_REQUEST)
        self.do(Action.JOINED, self.eve)
        self.get(self.store.delete_account(self.eve, NOW))
        self.assertEqual(self.asking(), [])
        self.assertEqual(self.refused(Action.ADMITTED, self.bob, self.eve), Code.NOT_FOUND)

    # -- going ---------------------------------------------------------------------------------------------

    def test_removed(self) -> None:
        """Who is removed sees the notice of that and nothing later."""
        outcome = self.do(Action.REMOVED, self.bob, self.carol)
        self.assertEqual([m.account.name for m in outcome.went], ["carol"])
        found = self.notice(outcome)
        self.assertEqual((found["action"], found["actor"], found["accounts"]), ("removed", "bob", ["carol"]))
        membership = self.get(self.store.membership(self.carol, 0, self.club))
        self.assertEqual((membership.left_seq, membership.last_seq), (outcome.seq, outcome.seq))
        self.assertEqual(fate(self.send(self.club, self.carol)[0]), Code.NOT_MEMBER)

    def test_removed_has_to_ask(self) -> None:
        """Who was removed does not just come back through an open door; who let himself out does."""
        self.set_policy(JoinPolicy.OPEN)
        self.do(Action.REMOVED, self.bob, self.carol)
        self.leave(self.club, self.dave)
        self.assertEqual(len(self.do(Action.JOINED, self.dave).came), 1)
        self.assertEqual(self.do(Action.JOINED, self.carol).came, ())
        self.assertEqual(self.asking(), [self.carol])
        self.do(Action.ADMITTED, self.bob, self.carol)
        self.leave(self.club, self.carol)
        self.assertEqual(len(self.do(Action.JOINED, self.carol).came), 1)

    def test_nobody_removes_upwards(self) -> None:
        """Nobody is removed by his equal, by a lower one, or by himself."""
        self.do(Action.PROMOTED, self.alice, self.carol)
        for actor, target in ((self.bob, self.carol), (self.bob, self.alice), (self.bob, self.bob),
                              (self.alice, self.alice), (self.dave, self.carol)):  # fmt: skip
            self.assertEqual(self.refused(Action.REMOVED, actor, target), Code.FORBIDDEN)
        for target in (self.eve, 7):
            self.assertEqual(self.refused(Action.REMOVED, self.alice, target), Code.NOT_FOUND)

    def test_heir(self) -> None:
        """After the owner comes the admin, then the member, who has served longest; the notice names him."""
        self.do(Action.ADDED, self.alice, self.eve)
        self.do(Action.PROMOTED, self.alice, self.eve)
        heirs = []
        for owner in (self.alice, self.bob, self.eve, self.carol):
            heirs.append(self.notice(self.leave(self.club, owner))["owner"])
        self.assertEqual(heirs, ["bob", "eve", "carol", "dave"])
        self.assertNotIn("owner", self.notice(self.leave(self.club, self.dave)))

    def test_roles_end_with_membership(self) -> None:
        """Who comes back is a member like others."""
        self.leave(self.club, self.bob)
        self.do(Action.ADDED, self.alice, self.bob)
        self.assertEqual(self.roles()["bob"], Role.MEMBER)

    def test_ended_owner(self) -> None:
        """An account that ends leaves its groups, with a notice and an heir; in the lobby nobody is told."""
        self.do(Action.JOINED, self.alice, group=LOBBY)
        lobby, club = sorted(
            self.get(self.store.delete_account(self.alice, NOW)), key=lambda one: one.conversation.id
        )
        self.assertEqual((lobby.conversation.id, lobby.notice, len(lobby.went)), (LOBBY, None, 1))
        self.assertEqual(self.notice(club)["owner"], "bob")
        self.assertEqual(club.standings.roles, {self.bob: Role.OWNER})
        self.assertEqual(self.roles()["bob"], Role.OWNER)
        self.assertIsNone(self.get(self.store.membership(self.alice, 0, self.club)))

    def test_dissolved(self) -> None:
        """Everybody leaves at the notice and can read up to there; nobody comes back."""
        self.set_policy(JoinPolicy.BY_REQUEST)
        self.do(Action.JOINED, self.eve)
        self.assertEqual(self.refused(Action.DISSOLVED, self.bob), Code.FORBIDDEN)
        outcome = self.do(Action.DISSOLVED, self.alice)
        self.assertEqual(len(outcome.went), 4)
        self.assertEqual((self.notice(outcome)["action"], outcome.standings.roles), ("dissolved", {}))
        for account in (self.alice, self.bob, self.carol, self.dave):
            membership = self.get(self.store.membership(account, 0, self.club))
            self.assertEqual((membership.left_seq, membership.last_seq), (outcome.seq, outcome.seq))
        self.assertEqual((self.roles(), self.asking()), ({}, []))
        self.assertEqual(self.refused(Action.JOINED, self.eve), Code.NOT_FOUND)
        self.assertEqual(self.refused(Action.ADDED, self.alice, self.eve), Code.NOT_MEMBER)

    # -- roles ---------------------------------------------------------------------------------------------

    def test_roles(self) -> None:
        """The owner makes admins and unmakes them; once more changes nothing."""
        outcome = self.do(Action.PROMOTED, self.alice, self.carol)
        self.assertEqual((self.notice(outcome)["action"], self.roles()["carol"]), ("promoted", Role.ADMIN))
        self.assertIsNone(self.do(Action.PROMOTED, self.alice, self.carol).notice)
        outcome = self.do(Action.DEMOTED, self.alice, self.carol)
        self.assertEqual((self.notice(outcome)["action"], self.roles()["carol"]), ("demoted", Role.MEMBER))

    def test_only_the_owner_gives_roles(self) -> None:
        """Neither admins nor members; not to strangers; and not down from himself."""
        for action in (Action.PROMOTED, Action.DEMOTED, Action.HANDED_OVER):
            for actor in (self.bob, self.carol):
                self.assertEqual(self.refused(action, actor, self.dave), Code.FORBIDDEN)
            self.assertEqual(self.refused(action, self.alice, self.eve), Code.NOT_FOUND)
        self.assertEqual(self.refused(Action.DEMOTED, self.alice, self.alice), Code.FORBIDDEN)

    def test_handed_over(self) -> None:
        """There is one owner at any time; the one before is an admin."""
        outcome = self.do(Action.HANDED_OVER, self.alice, self.carol)
        self.assertEqual(self.roles(), {"alice": 2, "bob": 2, "carol": 3, "dave": 1})
        self.assertEqual(self.notice(outcome)["action"], "handed_over")
        self.assertIsNone(self.do(Action.HANDED_OVER, self.carol, self.carol).notice)

    # -- muting --------------------------------------------------------------------------------------------

    def test_muted(self) -> None:
        """A mute has an end, which everybody can see, and is lifted by another change."""
        outcome = self.do(Action.MUTED, self.bob, self.carol, value=60)
        self.assertEqual(
            (self.notice(outcome)["until_ms"], outcome.standings.muted), (LATER, {self.carol: LATER})
        )
        muted = [m.muted_until_ms for m in self.get(self.store.members(self.club, 0, 9))]
        self.assertEqual(muted, [0, 0, LATER, 0])
        outcome = self.do(Action.UNMUTED, self.bob, self.carol)
        self.assertEqual((self.notice(outcome)["action"], outcome.standings.muted), ("unmuted", {}))
        self.assertIsNone(self.do(Action.UNMUTED, self.bob, self.carol).notice)

    def test_all_muted(self) -> None:
        """Everybody is muted as 0, beside those who are muted by themselves."""
        self.do(Action.MUTED, self.bob, self.carol, value=60)
        outcome = self.do(Action.MUTED, self.bob, value=30)
        self.assertEqual(outcome.standings.muted, {self.carol: LATER, 0: NOW + 30_000})
        self.assertEqual(self.notice(outcome)["accounts"], [])
        self.assertEqual(self.get(self.store.conversation(self.club))[3], outcome.standings)
        self.assertEqual(self.do(Action.UNMUTED, self.alice).standings.muted, {self.carol: LATER})
        self.assertIsNone(self.do(Action.UNMUTED, self.alice).notice)

    def test_nobody_mutes_upwards(self) -> None:
        """Nobody is muted by his equal, by a lower one, or by himself."""
        for actor, target in ((self.bob, self.bob), (self.bob, self.alice), (self.carol, self.dave)):
            self.assertEqual(self.refused(Action.MUTED, actor, target, value=9), Code.FORBIDDEN)
        self.assertEqual(self.refused(Action.MUTED, self.carol, value=9), Code.FORBIDDEN)
        self.assertEqual(self.refused(Action.MUTED, self.bob, self.eve, value=9), Code.NOT_FOUND)

    def test_mute_outlives_leaving(self) -> None:
        """Going out and coming in again does not give the word back."""
        self.do(Action.MUTED, self.bob, self.carol, value=60)
        self.assertEqual(self.leave(self.club, self.carol).standings.muted, {})
        self.assertEqual(self.do(Action.ADDED, self.bob, self.carol).standings.muted, {self.carol: LATER})

    # -- the group -----------------------------------------------------------------------------------------

    def test_announced(self) -> None:
        """The announcement is everybody's, and in the log."""
        outcome = self.do(Action.ANNOUNCED, self.bob, text="Tuesday")
        self.assertEqual((outcome.conversation.announcement, self.notice(outcome)["text"]), ("Tuesday",) * 2)
        self.assertEqual(self.get(self.store.conversation(self.club))[0], outcome.conversation)
        self.assertIsNone(self.do(Action.ANNOUNCED, self.bob, text="Tuesday").notice)

    def test_policy(self) -> None:
        """The way in is everybody's to know, and in the log."""
        outcome = self.do(Action.POLICY_CHANGED, self.bob, value=JoinPolicy.OPEN)
        self.assertEqual((outcome.conversation.join_policy, self.notice(outcome)["policy"]), (1, "open"))
        self.assertEqual(self.get(self.store.group_numbered(2))[0], outcome.conversation)
        self.assertIsNone(self.do(Action.POLICY_CHANGED, self.bob, value=JoinPolicy.OPEN).notice)

    def test_members_change_nothing(self) -> None:
        """Title, announcement and way in are the admins'."""
        for action in (Action.RENAMED, Action.ANNOUNCED, Action.POLICY_CHANGED):
            self.assertEqual(self.refused(action, self.carol, text="x", value=1), Code.FORBIDDEN)

    def test_recorded(self) -> None:
        """A repeated change of any kind has one effect, also after the actor has lost the right to it."""
        device = self.device(self.bob)
        recorded = Recorded(device, Once(1, 1), b"f")
        change = replace(self.wanted(Action.REMOVED, self.bob, self.carol), recorded=recorded)
        first = self.get(self.change(change))
        self.do(Action.DEMOTED, self.alice, self.bob)
        again = self.get(self.change(change))
        self.assertEqual((again.seq, again.notice, again.standings), (first.seq, None, None))

    # -- the lobby -----------------------------------------------------------------------------------------

    def test_lobby(self) -> None:
        """There is one from the beginning; who comes sees what follows, and there is no notice of it."""
        lobby, members, last_seq, standings = self.get(self.store.conversation(LOBBY))
        self.assertEqual((lobby.id, lobby.number, lobby.kind), (LOBBY, LOBBY, ConversationKind.GROUP))
        self.assertEqual((lobby.title, members, last_seq, standings.roles), ("lobby", {}, 0, {}))
        self.do(Action.JOINED, self.alice, group=LOBBY)
        self.send(LOBBY, self.alice, 2)
        outcome = self.do(Action.JOINED, self.bob, group=LOBBY)
        self.assertEqual((outcome.came[0].joined_seq, outcome.notice), (2, None))
        self.assertEqual(self.get(self.store.conversation(LOBBY))[1], {self.alice: 0, self.bob: 2})

    def test_lobby_limit(self) -> None:
        """It has a limit of its own, and those of groups and conversations do not count in it."""
        join = [self.wanted(Action.JOINED, n, group=LOBBY) for n in (self.alice, self.bob)]
        limits = {"max_lobby_members": 1, "max_members": 0, "max_conversations": 0}
        self.get(self.change(join[0], **limits))
        self.assertEqual(self.refusal(self.change(join[1], **limits)), Code.LIMIT_REACHED)

    def test_lobby_is_everybodys(self) -> None:
        """Nobody in it changes it, adds, goes, or moderates; the operator moderates, and no more."""
        for account in (self.alice, self.bob):
            self.do(Action.JOINED, account, group=LOBBY)
        for action in set(Action) - {Action.CREATED, Action.JOINED}:
            for actor in (self.alice, self.bob):
                code = self.refused(action, actor, self.bob, text="x", value=1, group=LOBBY)
                self.assertEqual(code, Code.FORBIDDEN, action)
        for action in set(Action) - {Action.CREATED, Action.JOINED, Action.REMOVED, Action.MUTED,
                                     Action.UNMUTED, Action.ANNOUNCED}:  # fmt: skip
            code = self.refused(action, OPERATOR, self.bob, text="x", value=1, group=LOBBY)
            self.assertEqual(code, Code.FORBIDDEN, action)

    def test_removed_from_the_lobby(self) -> None:
        """Whom the operator has removed stays out."""
        for account in (self.alice, self.bob):
            self.do(Action.JOINED, account, group=LOBBY)
        outcome = self.do(Action.REMOVED, OPERATOR, self.bob, group=LOBBY)
        self.assertEqual(
            ([m.account.name for m in outcome.went], self.notice(outcome)["actor"]), (["bob"], "operator")
        )
        self.assertEqual(self.refused(Action.JOINED, self.bob, group=LOBBY), Code.FORBIDDEN)

    # -- the operator --------------------------------------------------------------------------------------

    def test_operator(self) -> None:
        """The operator is above the owner, in no group, and called so in the log."""
        self.do(Action.MUTED, OPERATOR, self.alice, value=60)
        outcome = self.do(Action.REMOVED, OPERATOR, self.alice)
        found = self.notice(outcome)
        self.assertEqual((found["actor"], found["owner"]), ("operator", "bob"))
        self.assertEqual((outcome.notice.sender, outcome.notice.sender_name), (0, ""))
        self.do(Action.HANDED_OVER, OPERATOR, self.carol)
        self.assertEqual(self.roles(), {"bob": 2, "carol": 3, "dave": 1})
        self.assertEqual(len(self.do(Action.DISSOLVED, OPERATOR).went), 3)

    # -- direct conversations ------------------------------------------------------------------------------

    def test_direct_limit(self) -> None:
        """Who is in as many conversations as allowed opens no more; the other side, and known ones, do not matter."""
        direct = self.get(self.store.open_direct(self.eve, self.alice, NOW, 1))
        self.assertEqual(self.refusal(self.store.open_direct(self.eve, self.bob, NOW, 1)), Code.LIMIT_REACHED)
        self.assertEqual(self.get(self.store.open_direct(self.eve, self.alice, NOW, 1)), direct)
        self.get(self.store.open_direct(self.frank, self.eve, NOW, 1))

    def test_direct_ends(self) -> None:
        """A direct conversation has ended when one of its accounts has."""
        direct = self.direct(self.alice, self.bob)
        self.send(direct, self.bob)
        self.assertFalse(self.get(self.store.conversation(direct))[3].ended)
        self.get(self.store.delete_account(self.bob, NOW))
        self.assertTrue(self.get(self.store.conversation(direct))[3].ended)
        self.assertEqual(self.seqs(direct), [1])
