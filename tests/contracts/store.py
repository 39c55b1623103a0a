"""What every store promises to the core, as tests that any store runs."""

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from imserver.core import notices
from imserver.core.changes import Action, GroupChange, GroupLimits, Recorded
from imserver.core.errors import ChatError, Code
from imserver.core.posting import Posting
from imserver.core.values import LOBBY, ConversationKind, GroupSummary, Kind, Once, Role, Standings
from imserver.interfaces import IStore
from tests.contracts.actions import ActionsContract
from tests.contracts.contacts import ContactsContract
from tests.store.fates import fate, fates, messages, posting_of

T = TypeVar("T")
NOW = 1_700_000_000_000
MANY = 2**53
LIMITS = GroupLimits(max_members=100, max_lobby_members=100, max_conversations=100, max_join_requests=100)


class StoreCase:
    """Mixed into a SynchronousTestCase; `make_store()` returns an empty store, `settle()` lets its writes finish."""

    def make_store(self) -> Any:
        raise NotImplementedError

    def settle(self) -> None:
        """Nothing to do for a store that writes at once."""

    def setUp(self) -> None:
        self.store = self.make_store()
        self.ids = 0

    # -- words for the tests ---------------------------------------------------------------------------

    def get(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What it returns."""
        deferred = Deferred.fromCoroutine(coroutine)
        self.settle()
        return self.successResultOf(deferred)

    def refusal(self, coroutine: Coroutine[Any, Any, Any]) -> Code:
        """The code of the ChatError it raises."""
        deferred = Deferred.fromCoroutine(coroutine)
        self.settle()
        return self.failureResultOf(deferred, ChatError).value.code

    def account(self, name: str) -> int:
        return self.get(self.store.create_account(name, name.title(), "hash", NOW)).number

    def device(self, account: int, name: str = "phone", now_ms: int = NOW, max_devices: int = 10) -> int:
        token = (f"{account}/{name}/{now_ms}" + 32 * "x")[:32].encode()
        return self.get(self.store.put_device(account, name, token, now_ms, max_devices))[0].id

    def change(self, change: GroupChange, **limits: int) -> Any:
        return self.store.change_group(change, NOW, replace(LIMITS, **limits))

    def group(self, actor: int, *members: int) -> int:
        change = GroupChange(Action.CREATED, actor, 0, "Club", members, None)
        return self.get(self.change(change)).conversation.id

    def add(self, group: int, actor: int, *members: int) -> Any:
        return self.get(self.change(GroupChange(Action.ADDED, actor, group, "", members, None)))

    def leave(self, group: int, actor: int) -> Any:
        return self.get(self.change(GroupChange(Action.LEFT, actor, group, "", (), None)))

    def direct(self, one: int, other: int) -> int:
        return self.get(self.store.open_direct(one, other, NOW, 100)).id

    def posting(
        self, conversation: int, sender: int, body: bytes = b"hello", client_id: bytes = b""
    ) -> Posting:
        self.ids += 1
        client_id = client_id or b"id %d" % self.ids
        return Posting(conversation, sender, "", client_id, Kind.TEXT, "", body)

    def send(self, conversation: int, sender: int, count: int = 1) -> list[Posting]:
        postings = [self.posting(conversation, sender, b"%d" % n) for n in range(count)]
        self.get(self.store.append(postings, NOW))
        return postings

    def history(self, conversation: int, **bounds: Any) -> list[Any]:
        defaults = {"after": 0, "before": MANY, "newest": False, "limit": 1000, "max_bytes": 2**20}
        return messages(self.get(self.store.history(conversation, **{**defaults, **bounds})))

    def seqs(self, conversation: int, **bounds: Any) -> list[int]:
        return [message.seq for message in self.history(conversation, **bounds)]


class StoreContract(StoreCase, ContactsContract, ActionsContract):
    """Everything but what groups are more than lists of members, which is in groups.py."""

    # -- accounts --------------------------------------------------------------------------------------

    def test_interface(self) -> None:
        """A store provides what the core calls, and says that it is ready."""
        self.assertTrue(verifyObject(IStore, self.store))
        self.assertEqual(self.store.state, "ready")

    def test_account(self) -> None:
        """An account is found by name and by number; nobody else is."""
        account = self.get(self.store.create_account("alice", "Alice", "hash", NOW))
        record = self.get(self.store.account_named("alice"))
        self.assertEqual((record.account, record.password_hash, record.deleted), (account, "hash", False))
        self.assertEqual(self.get(self.store.account_numbered(account.number)), record)
        self.assertIsNone(self.get(self.store.account_named("bob")))
        self.assertIsNone(self.get(self.store.account_numbered(1)))

    def test_numbers(self) -> None:
        """Numbers count from 100001 and skip those taken; a name of digits is its own number."""
        self.assertEqual(self.account("alice"), 100001)
        self.assertEqual(self.account("100002"), 100002)
        self.assertEqual(self.account("4711"), 4711)
        self.assertEqual(self.account("bob"), 100003)

    def test_name_taken(self) -> None:
        """A name is given once; so is a number."""
        self.account("alice")
        for name in ("alice", "100001"):
            self.assertEqual(self.refusal(self.store.create_account(name, "", "", NOW)), Code.NAME_TAKEN)

    def test_deleted_name_stays_taken(self) -> None:
        """Names and numbers of deleted accounts are never used again."""
        for name in ("alice", "4711"):
            self.get(self.store.delete_account(self.account(name), NOW))
            self.assertEqual(self.refusal(self.store.create_account(name, "", "", NOW)), Code.NAME_TAKEN)

    def test_delete_account(self) -> None:
        """A deleted account keeps number, name and messages; devices, profile and groups are gone."""
        alice, bob = self.account("alice"), self.account("bob")
        device, group, direct = self.device(alice), self.group(alice, bob), self.direct(alice, bob)
        self.send(group, alice)
        self.get(self.store.set_profile(alice, "A", "sig"))
        (outcome,) = self.get(self.store.delete_account(alice, NOW))
        self.assertEqual((outcome.conversation.id, outcome.notice.seq), (group, 3))
        self.assertEqual([m.account.number for m in outcome.went], [alice])
        record = self.get(self.store.account_numbered(alice))
        self.assertEqual(
            (record.account.name, record.account.display_name, record.account.signature), ("alice", "", "")
        )
        self.assertEqual((record.password_hash, record.deleted), ("", True))
        self.assertIsNone(self.get(self.store.device_with_id(device)))
        self.assertEqual([m.account.number for m in self.get(self.store.members(group, 0, 9))], [bob])
        self.assertEqual([m.sender_name for m in self.history(group)], ["alice"] * 3)
        self.assertEqual(set(self.get(self.store.conversation(direct))[1]), {alice, bob})

    def test_deleted_account_is_not_changed(self) -> None:
        """Nothing brings a deleted account back to life."""
        alice = self.account("alice")
        self.get(self.store.delete_account(alice, NOW))
        record = self.get(self.store.account_numbered(alice))
        self.get(self.store.set_password_hash(alice, record.password_hash, "new"))
        self.get(self.store.set_profile(alice, "new", "new"))
        self.assertEqual(self.get(self.store.account_numbered(alice)), record)

    def test_deleted_sender(self) -> None:
        """Who is deleted cannot write, in the groups left."""
        alice, bob = self.account("alice"), self.account("bob")
        group = self.group(alice, bob)
        self.send(group, alice)
        self.get(self.store.delete_account(alice, NOW))
        self.assertEqual(fate(self.send(group, alice)[0]), Code.NOT_MEMBER)

    def test_profile(self) -> None:
        """What others see can be replaced."""
        alice = self.account("alice")
        self.get(self.store.set_profile(alice, "Ali", "Zzz"))
        account = self.get(self.store.account_named("alice")).account
        self.assertEqual((account.display_name, account.signature), ("Ali", "Zzz"))

    def test_set_password(self) -> None:
        """A new password ends the tokens of all devices but one; a new hash of the same ends none."""
        alice = self.account("alice")
        phone, tablet = self.device(alice, "phone"), self.device(alice, "tablet")
        token = {n: f"{alice}/{n}/{NOW}".ljust(32, "x").encode()[:32] for n in ("phone", "tablet")}
        old_hash = self.get(self.store.account_named("alice")).password_hash
        self.get(self.store.set_password_hash(alice, old_hash, "better"))
        self.get(self.store.set_password_hash(alice, old_hash, "late"))
        self.assertEqual(self.get(self.store.account_named("alice")).password_hash, "better")
        self.assertEqual(self.get(self.store.device_with_token(token["tablet"])).id, tablet)
        self.get(self.store.set_password(alice, "other", phone))
        self.assertEqual(self.get(self.store.account_named("alice")).password_hash, "other")
        self.assertEqual(self.get(self.store.device_with_token(token["phone"])).id, phone)
        self.assertIsNone(self.get(self.store.device_with_token(token["tablet"])))
        self.get(self.store.set_password(alice, "third", 0))
        self.assertIsNone(self.get(self.store.device_with_token(token["phone"])))

    # -- devices ---------------------------------------------------------------------------------------

    def test_device(self) -> None:
        """A device keeps its id and age when it gets a new token; the old token is void."""
        alice = self.account("alice")
        first, _ = self.get(self.store.put_device(alice, "phone", b"1" * 32, NOW, 10))
        again, displaced = self.get(self.store.put_device(alice, "phone", b"2" * 32, NOW + 5, 10))
        self.assertEqual((again.id, again.account, displaced), (first.id, alice, []))
        self.assertEqual((again.device.created_ms, again.device.last_seen_ms), (NOW, NOW + 5))
        self.assertIsNone(self.get(self.store.device_with_token(b"1" * 32)))
        self.assertEqual(self.get(self.store.device_with_token(b"2" * 32)), again)

    def test_device_of_nobody(self) -> None:
        """A login that meets the deletion of its account gets no device."""
        alice = self.account("alice")
        self.get(self.store.delete_account(alice, NOW))
        for account in (alice, 7):
            coming = self.store.put_device(account, "phone", b"1" * 32, NOW, 10)
            self.assertEqual(self.refusal(coming), Code.NOT_FOUND)

    def test_displaced_devices(self) -> None:
        """Beyond max_devices the longest unseen goes, never the one that came."""
        alice = self.account("alice")
        one, two, three = (self.device(alice, name, NOW + n) for n, name in enumerate("abc"))
        self.get(self.store.save_seen([(one, NOW + 50)]))
        four, displaced = self.get(self.store.put_device(alice, "d", b"d" * 32, NOW, 3))
        self.assertEqual(displaced, [two])
        self.assertEqual([d.id for d in self.get(self.store.devices_of(alice))], [four.id, three, one])

    def test_seen_never_goes_back(self) -> None:
        """Last seen is the latest time told."""
        alice = self.account("alice")
        device = self.device(alice)
        self.get(self.store.save_seen([(device, NOW + 7), (device, NOW + 3), (999, NOW)]))
        self.assertEqual(self.get(self.store.device_with_id(device)).device.last_seen_ms, NOW + 7)

    def test_revoke_device(self) -> None:
        """A revoked device is gone, and its id is never another's."""
        alice = self.account("alice")
        device = self.device(alice)
        self.assertEqual(self.get(self.store.revoke_device(alice, "phone")), device)
        self.assertEqual(self.get(self.store.revoke_device(alice, "phone")), 0)
        self.assertIsNone(self.get(self.store.device_with_id(device)))
        self.assertNotEqual(self.device(alice), device)

    def test_end_token(self) -> None:
        """Logging out ends the token and keeps the device with its cursors."""
        alice, bob = self.account("alice"), self.account("bob")
        device, direct = self.device(alice), self.direct(alice, bob)
        self.send(direct, bob, 3)
        self.get(self.store.save_cursors([(device, direct, 2)], []))
        self.assertTrue(self.get(self.store.device_with_id(device)).has_token)
        self.get(self.store.end_token(device))
        self.assertFalse(self.get(self.store.device_with_id(device)).has_token)
        self.assertIsNone(
            self.get(self.store.device_with_token(f"{alice}/phone/{NOW}".ljust(32, "x").encode()[:32]))
        )
        self.assertEqual(self.get(self.store.membership(alice, device, direct)).delivered_seq, 2)

    def test_new_device_starts_at_highest_cursor(self) -> None:
        """What some device of the account has is history for a new one."""
        alice, bob = self.account("alice"), self.account("bob")
        one, two, direct = self.device(alice, "one"), self.device(alice, "two"), self.direct(alice, bob)
        self.send(direct, bob, 5)
        self.get(self.store.save_cursors([(one, direct, 2), (two, direct, 4)], []))
        three = self.device(alice, "three")
        self.assertEqual(self.get(self.store.membership(alice, three, direct)).delivered_seq, 4)

    # -- conversations ---------------------------------------------------------------------------------

    def test_direct(self) -> None:
        """Two accounts have one direct conversation, whoever opens it, with both as members from the start."""
        alice, bob = self.account("alice"), self.account("bob")
        self.assertIsNone(self.get(self.store.direct(alice, bob)))
        conversation = self.get(self.store.open_direct(bob, alice, NOW, 100))
        self.assertEqual(self.get(self.store.open_direct(alice, bob, NOW, 100)), conversation)
        self.assertEqual(self.get(self.store.direct(alice, bob)), conversation)
        self.assertEqual(self.get(self.store.direct(bob, alice)), conversation)
        self.assertEqual(conversation.kind, ConversationKind.DIRECT)
        self.assertEqual([peer.name for peer in conversation.peers], ["alice", "bob"])
        self.assertEqual(
            self.get(self.store.conversation(conversation.id)),
            (conversation, {alice: 0, bob: 0}, 0, Standings()),
        )
        self.assertTrue(1 <= conversation.id < MANY)

    def test_direct_not_yet(self) -> None:
        """Looking for a direct conversation does not make one."""
        alice, bob = self.account("alice"), self.account("bob")
        self.assertIsNone(self.get(self.store.direct(alice, bob)))
        conversation = self.get(self.store.open_direct(alice, bob, NOW, 100))
        self.assertEqual(self.get(self.store.direct(bob, alice)), conversation)

    def test_direct_with_nobody(self) -> None:
        """There is no new conversation with an account that does not exist, or no longer."""
        alice, bob = self.account("alice"), self.account("bob")
        self.assertEqual(self.refusal(self.store.open_direct(alice, 5, NOW, 100)), Code.NOT_FOUND)
        self.get(self.store.delete_account(bob, NOW))
        self.assertEqual(self.refusal(self.store.open_direct(alice, bob, NOW, 100)), Code.NOT_FOUND)

    def test_limit_of_direct_conversations(self) -> None:
        """Who is in as many as allowed opens no more, also of two at once; those that are there stay open."""
        alice, bob, carol, dave = map(self.account, ("alice", "bob", "carol", "dave"))
        self.group(alice)
        both = [Deferred.fromCoroutine(self.store.open_direct(alice, one, NOW, 2)) for one in (bob, carol)]
        self.settle()
        first = self.successResultOf(both[0])
        self.assertEqual(self.failureResultOf(both[1], ChatError).value.code, Code.LIMIT_REACHED)
        self.assertEqual(self.refusal(self.store.open_direct(alice, dave, NOW, 2)), Code.LIMIT_REACHED)
        self.assertEqual(self.get(self.store.open_direct(alice, bob, NOW, 2)), first)
        self.get(self.store.open_direct(dave, alice, NOW, 2))

    def test_unknown_conversation(self) -> None:
        """Nothing is known about an unknown conversation."""
        self.assertIsNone(self.get(self.store.conversation(5)))
        self.assertIsNone(self.get(self.store.membership(1, 1, 5)))
        self.assertEqual(self.get(self.store.members(5, 0, 9)), [])
        self.assertEqual(self.seqs(5), [])
        self.assertEqual(self.get(self.store.receipt_counts(5, 1)), (0, 0))

    def test_create_group(self) -> None:
        """A new group has its creator and everybody named, once each, who all see its first notice."""
        alice, bob = self.account("alice"), self.account("bob")
        outcome = self.get(
            self.change(GroupChange(Action.CREATED, alice, 0, "Club", (bob, alice, bob), None))
        )
        group = outcome.conversation
        self.assertEqual((group.kind, group.title, group.peers), (ConversationKind.GROUP, "Club", ()))
        self.assertEqual(
            [(m.account.name, m.joined_seq, m.role) for m in outcome.came],
            [("alice", 0, Role.OWNER), ("bob", 0, Role.MEMBER)],
        )
        self.assertEqual(self.history(group.id), [outcome.notice])
        self.assertEqual((outcome.seq, outcome.notice.sender, outcome.notice.kind), (1, alice, Kind.NOTICE))
        self.assertEqual(notices.sentence(outcome.notice.body), 'alice created the group "Club"')
        found = self.get(self.store.conversation(group.id))
        self.assertEqual(found, (group, {alice: 0, bob: 0}, 1, outcome.standings))

    def test_add_members(self) -> None:
        """Who is added sees the notice of that and what follows; who is a member already is skipped."""
        alice, bob, carol = self.account("alice"), self.account("bob"), self.account("carol")
        group = self.group(alice, bob)
        self.send(group, alice, 3)
        outcome = self.add(group, bob, carol, alice)
        self.assertEqual([(m.account.name, m.joined_seq) for m in outcome.came], [("carol", 4)])
        self.assertEqual((outcome.seq, outcome.notice.seq), (5, 5))
        self.assertEqual(notices.sentence(outcome.notice.body), "bob added carol")
        self.assertEqual(self.get(self.store.membership(carol, self.device(carol), group)).delivered_seq, 4)

    def test_nothing_to_change(self) -> None:
        """Adding members who are there, or giving the same title, leaves no notice."""
        alice, bob = self.account("alice"), self.account("bob")
        group = self.group(alice, bob)
        for change in (
            GroupChange(Action.ADDED, alice, group, "", (bob,), None),
            GroupChange(Action.RENAMED, alice, group, "Club", (), None),
        ):
            outcome = self.get(self.change(change))
            self.assertEqual((outcome.seq, outcome.came, outcome.notice), (1, (), None))
        self.assertEqual(self.seqs(group), [1])

    def test_leave(self) -> None:
        """Who leaves sees the notice of that and nothing later; the others go on."""
        alice, bob = self.account("alice"), self.account("bob")
        device, group = self.device(bob), self.group(alice, bob)
        outcome = self.leave(group, bob)
        self.assertEqual(([m.account.name for m in outcome.went], outcome.seq), (["bob"], 2))
        self.assertEqual(notices.sentence(outcome.notice.body), "bob left")
        self.send(group, alice, 2)
        membership = self.get(self.store.membership(bob, device, group))
        self.assertEqual((membership.joined_seq, membership.left_seq, membership.last_seq), (0, 2, 2))
        self.assertEqual(set(self.get(self.store.conversation(group))[1]), {alice})
        self.assertEqual(fate(self.send(group, bob)[0]), Code.NOT_MEMBER)

    def test_rejoin(self) -> None:
        """Who comes back sees what follows, not what was missed, and the old cursor does not hide that."""
        alice, bob = self.account("alice"), self.account("bob")
        device, group = self.device(bob), self.group(alice, bob)
        self.get(self.store.save_cursors([(device, group, 1)], []))
        self.leave(group, bob)
        self.send(group, alice, 3)
        self.add(group, alice, bob)
        membership = self.get(self.store.membership(bob, device, group))
        self.assertEqual((membership.joined_seq, membership.left_seq, membership.last_seq), (5, 0, 6))
        self.assertEqual(membership.delivered_seq, 5)
        self.assertEqual(fate(self.send(group, bob)[0]), (7, NOW, True))

    def test_rename(self) -> None:
        """A new title is everybody's, and in the log."""
        alice = self.account("alice")
        group = self.group(alice)
        outcome = self.get(self.change(GroupChange(Action.RENAMED, alice, group, "Pub", (), None)))
        self.assertEqual((outcome.conversation.title, outcome.seq), ("Pub", 2))
        self.assertEqual(notices.sentence(outcome.notice.body), 'alice renamed the group to "Pub"')
        self.assertEqual(self.get(self.store.conversation(group))[0].title, "Pub")

    def test_refused_changes(self) -> None:
        """Each refusal of a change has its code, and leaves no trace."""
        alice, bob, carol = self.account("alice"), self.account("bob"), self.account("carol")
        group, direct = self.group(alice), self.direct(alice, bob)
        refused = {
            Code.NOT_FOUND: [
                GroupChange(Action.CREATED, alice, 0, "x", (5,), None),
                GroupChange(Action.ADDED, alice, group, "", (bob, 5), None),
                GroupChange(Action.LEFT, alice, 5, "", (), None),
            ],
            Code.NOT_MEMBER: [
                GroupChange(Action.ADDED, bob, group, "", (carol,), None),
                GroupChange(Action.LEFT, bob, group, "", (), None),
                GroupChange(Action.RENAMED, bob, group, "x", (), None),
                GroupChange(Action.ADDED, carol, direct, "", (carol,), None),
            ],
            Code.FORBIDDEN: [
                GroupChange(Action.ADDED, alice, direct, "", (carol,), None),
                GroupChange(Action.LEFT, alice, direct, "", (), None),
                GroupChange(Action.RENAMED, alice, direct, "x", (), None),
            ],
        }
        before = [self.get(self.store.conversation(id)) for id in (group, direct)]
        for code, changes in refused.items():
            for change in changes:
                self.assertEqual(self.refusal(self.change(change)), code, change)
        self.assertEqual([self.get(self.store.conversation(id)) for id in (group, direct)], before)
        self.assertEqual(len(self.get(self.store.memberships(alice, 0, 0, 9, False))), 2)

    def test_limits_of_groups(self) -> None:
        """A group has at most max_members, an account at most max_conversations; exactly that many are allowed."""
        alice, bob, carol = self.account("alice"), self.account("bob"), self.account("carol")
        create = GroupChange(Action.CREATED, alice, 0, "x", (bob,), None)
        self.assertEqual(self.refusal(self.change(create, max_members=1)), Code.LIMIT_REACHED)
        group = self.get(self.change(create, max_members=2)).conversation.id
        add = GroupChange(Action.ADDED, alice, group, "", (carol,), None)
        self.assertEqual(self.refusal(self.change(add, max_members=2)), Code.LIMIT_REACHED)
        self.assertEqual(self.refusal(self.change(create, max_conversations=1)), Code.LIMIT_REACHED)
        self.get(self.change(add, max_members=3, max_conversations=1))
        self.leave(group, carol)
        self.get(self.change(GroupChange(Action.CREATED, carol, 0, "x", (), None), max_conversations=1))

    def test_memberships(self) -> None:
        """Memberships come in pages by id, with the peers of the direct ones."""
        alice, bob = self.account("alice"), self.account("bob")
        ids = sorted([self.direct(alice, bob), *(self.group(alice) for _ in range(4))])
        self.group(bob)
        device = self.device(alice)
        page = self.get(self.store.memberships(alice, device, 0, 3, False))
        rest = self.get(self.store.memberships(alice, device, page[-1].conversation.id, 3, False))
        self.assertEqual([m.conversation.id for m in page + rest], ids)
        self.assertEqual([m for m in page + rest if m.conversation.peers],
                         [self.get(self.store.membership(alice, device, self.direct(alice, bob)))])  # fmt: skip

    def test_only_behind(self) -> None:
        """The conversations in which the device lacks visible messages: not those it has, nor what came after leaving."""
        alice, bob = self.account("alice"), self.account("bob")
        phone, tablet = self.device(alice, "phone"), self.device(alice, "tablet")
        direct, empty, left = self.direct(alice, bob), self.group(alice), self.group(alice, bob)
        self.get(self.store.save_cursors([(d, empty, 1) for d in (phone, tablet)], []))
        self.leave(left, alice)
        self.get(self.store.save_cursors([(d, left, 2) for d in (phone, tablet)], []))
        self.send(left, bob)
        self.send(direct, bob, 2)
        self.get(self.store.save_cursors([(phone, direct, 1), (tablet, direct, 2)], []))
        behind = self.get(self.store.memberships(alice, phone, 0, 9, True))
        self.assertEqual([(m.conversation.id, m.delivered_seq, m.last_seq) for m in behind], [(direct, 1, 2)])
        self.assertEqual(self.get(self.store.memberships(alice, tablet, 0, 9, True)), [])

    def test_members(self) -> None:
        """Present members come in pages by number."""
        alice, bob, carol = (self.account(name) for name in ("alice", "bob", "carol"))
        group = self.group(carol, alice, bob)
        self.assertEqual([m.account.number for m in self.get(self.store.members(group, 0, 2))], [alice, bob])
        self.assertEqual([m.account.number for m in self.get(self.store.members(group, bob, 2))], [carol])
        self.leave(group, bob)
        self.assertEqual(
            [m.account.number for m in self.get(self.store.members(group, 0, 9))], [alice, carol]
        )

    # -- cursors ---------------------------------------------------------------------------------------

    def test_cursors_never_go_back(self) -> None:
        """A cursor is the highest ever told, also within one call; cursors of revoked devices are dropped."""
        alice, bob = self.account("alice"), self.account("bob")
        device, direct = self.device(alice), self.direct(alice, bob)
        self.get(self.store.save_cursors([(device, direct, 5), (device, direct, 3)], [(alice, direct, 4)]))
        self.get(
            self.store.save_cursors(
                [(device, direct, 4), (999, direct, 4)], [(alice, direct, 2), (9, direct, 2)]
            )
        )
        membership = self.get(self.store.membership(alice, device, direct))
        self.assertEqual((membership.delivered_seq, membership.read_seq), (5, 4))
        self.assertEqual(self.get(self.store.membership(bob, 0, direct)).read_seq, 0)

    def test_receipt_counts(self) -> None:
        """Counted are present members other than the sender, who could see it: any device has it, or it is read."""
        alice, bob, carol, dave = (self.account(name) for name in ("alice", "bob", "carol", "dave"))
        group = self.group(alice, bob, carol)
        self.send(group, alice, 2)
        self.add(group, alice, dave)
        devices = [self.device(bob, "one"), self.device(bob, "two"), self.device(carol), self.device(alice)]
        self.assertEqual(self.get(self.store.receipt_counts(group, 2)), (0, 0))
        self.get(
            self.store.save_cursors([(devices[1], group, 3), (devices[3], group, 3)], [(carol, group, 2)])
        )
        self.assertEqual(self.get(self.store.receipt_counts(group, 2)), (2, 1))
        self.assertEqual(self.get(self.store.receipt_counts(group, 3)), (1, 0))
        self.assertEqual(self.get(self.store.receipt_counts(group, 99)), (0, 0))
        self.leave(group, carol)
        self.assertEqual(self.get(self.store.receipt_counts(group, 2)), (1, 0))

    # -- the log ---------------------------------------------------------------------------------------

    def test_append(self) -> None:
        """Messages are numbered from 1 in the order of the batch, each conversation by itself, and kept as they came."""
        alice, bob = self.account("alice"), self.account("bob")
        one, two = self.direct(alice, bob), self.direct(alice, self.account("carol"))
        postings = [self.posting(one, alice), self.posting(two, alice), self.posting(one, bob, b"\x00\xff")]
        postings[2].kind, postings[2].content_type = Kind.OPAQUE, "application/é"
        self.get(self.store.append(postings, NOW))
        self.assertEqual([fate(p) for p in postings], [(1, NOW, True), (1, NOW, True), (2, NOW, True)])
        self.assertEqual([p.outcomes for p in postings], [[]] * 3)
        last = self.history(one)[-1]
        self.assertEqual((last.conversation, last.seq, last.sender, last.sender_name), (one, 2, bob, "bob"))
        self.assertEqual((last.client_id, last.kind, last.content_type, last.body, last.time_ms),
                         (postings[2].client_id(0), Kind.OPAQUE, "application/é", b"\x00\xff", NOW))  # fmt: skip

    def test_retry(self) -> None:
        """The same client id gives the same seq and time again, and nothing is stored; the batch goes on without gaps."""
        alice, bob = self.account("alice"), self.account("bob")
        direct = self.direct(alice, bob)
        self.get(self.store.append([self.posting(direct, alice, client_id=b"a")], NOW))
        batch = [
            self.posting(direct, bob),
            self.posting(direct, alice, client_id=b"a"),
            self.posting(direct, bob),
        ]
        self.get(self.store.append(batch, NOW + 9))
        self.assertEqual([fate(p) for p in batch],
                         [(2, NOW + 9, True), (1, NOW, False), (3, NOW + 9, True)])  # fmt: skip
        self.assertEqual(self.seqs(direct), [1, 2, 3])
        self.assertEqual(fate(self.send(direct, alice)[0]), (4, NOW, True))

    def test_retry_within_a_batch(self) -> None:
        """A retry in the same batch joins its first."""
        alice, bob = self.account("alice"), self.account("bob")
        direct = self.direct(alice, bob)
        batch = [self.posting(direct, alice, client_id=b"a") for _ in range(3)]
        self.get(self.store.append(batch, NOW))
        self.assertEqual([fate(p) for p in batch], [(1, NOW, True)] + [(1, NOW, False)] * 2)
        self.assertEqual(self.seqs(direct), [1])

    def test_client_id_reused(self) -> None:
        """Other content under a known id is refused, whatever differs, in a later batch and in the same."""
        alice, bob = self.account("alice"), self.account("bob")
        direct, group = self.direct(alice, bob), self.group(alice)

        def variations() -> list[Posting]:
            same = [self.posting(direct, alice, client_id=b"a") for _ in range(4)]
            same[0].bodies[0], same[1].kind, same[2].content_type, same[3].conversation = (
                b"other",
                Kind.RICH,
                "x",
                group,
            )
            return same

        first = self.posting(direct, alice, client_id=b"a")
        batch = [first, *variations()]
        self.get(self.store.append(batch, NOW))
        later = variations()
        self.get(self.store.append(later, NOW))
        self.assertEqual(fate(first), (1, NOW, True))
        for posting in batch[1:] + later:
            self.assertEqual(fate(posting), Code.CLIENT_ID_REUSED)
        self.assertEqual((self.seqs(direct), self.seqs(group)), ([1], [1]))

    def test_client_ids_are_the_senders_own(self) -> None:
        """Two senders may choose the same id."""
        alice, bob = self.account("alice"), self.account("bob")
        direct = self.direct(alice, bob)
        batch = [self.posting(direct, alice, client_id=b"a"), self.posting(direct, bob, client_id=b"a")]
        self.get(self.store.append(batch, NOW))
        self.assertEqual([fate(p) for p in batch], [(1, NOW, True), (2, NOW, True)])

    def test_stranger(self) -> None:
        """Who is not a member is refused, without a gap for the others."""
        alice, bob, eve = self.account("alice"), self.account("bob"), self.account("eve")
        direct = self.direct(alice, bob)
        batch = [
            self.posting(direct, alice),
            self.posting(direct, eve),
            self.posting(7, eve),
            self.posting(direct, bob),
        ]
        self.get(self.store.append(batch, NOW))
        refused = [Code.NOT_MEMBER] * 2
        self.assertEqual([fate(p) for p in batch], [(1, NOW, True), *refused, (2, NOW, True)])
        self.assertEqual(self.seqs(direct), [1, 2])

    def test_stranger_repeats(self) -> None:
        """A stranger is refused as often as he asks, also in one batch."""
        alice, bob, eve = self.account("alice"), self.account("bob"), self.account("eve")
        direct = self.direct(alice, bob)
        batch = [self.posting(direct, eve, client_id=b"e"), self.posting(direct, eve, client_id=b"e")]
        self.get(self.store.append(batch, NOW))
        self.assertEqual([fate(p) for p in batch], [Code.NOT_MEMBER] * 2)

    def test_retry_after_leaving(self) -> None:
        """What was stored stays stored: a retry gets its seq even when the sender has left."""
        alice, bob = self.account("alice"), self.account("bob")
        group = self.group(alice, bob)
        self.get(self.store.append([self.posting(group, bob, client_id=b"a")], NOW))
        self.leave(group, bob)
        retry = self.posting(group, bob, client_id=b"a")
        self.get(self.store.append([retry], NOW))
        self.assertEqual(fate(retry), (2, NOW, False))

    def test_barred(self) -> None:
        """Of a posting that is barred nothing new is stored, and what was stored before is answered with its seq."""
        alice, bob = self.account("alice"), self.account("bob")
        direct = self.direct(alice, bob)
        self.get(self.store.append([posting_of(direct, alice, b"stem", 2, [b"2", b"3"])], NOW))
        retry = posting_of(direct, alice, b"stem", 1, [b"1", b"2", b"3", b"4"])
        new = posting_of(direct, alice, b"other", 1, [b"1"])
        for posting in (retry, new):
            posting.barred = ChatError(Code.FORBIDDEN, "not now")
        self.get(self.store.append([retry, new, posting_of(direct, bob, b"stem", 1, [b"1"])], NOW + 9))
        self.assertEqual(fates(retry), [Code.FORBIDDEN, (1, NOW, False), (2, NOW, False), Code.FORBIDDEN])
        self.assertEqual((fate(new), self.seqs(direct)), (Code.FORBIDDEN, [1, 2, 3]))

    def test_gapless_among_changes(self) -> None:
        """Notices and messages share one sequence."""
        alice, bob, carol = self.account("alice"), self.account("bob"), self.account("carol")
        group = self.group(alice, bob)
        self.send(group, bob, 2)
        self.add(group, alice, carol)
        self.send(group, carol, 2)
        self.leave(group, bob)
        self.send(group, alice)
        self.assertEqual(self.seqs(group), list(range(1, 9)))

    def test_history(self) -> None:
        """A page is the oldest or the newest between two seqs, ascending, within both limits but never empty."""
        alice, bob = self.account("alice"), self.account("bob")
        direct = self.direct(alice, bob)
        self.get(self.store.append([self.posting(direct, alice, b"x" * 100) for _ in range(9)], NOW))
        self.assertEqual(self.seqs(direct, after=2, before=8), [3, 4, 5, 6, 7])
        self.assertEqual(self.seqs(direct, after=2, before=8, limit=2), [3, 4])
        self.assertEqual(self.seqs(direct, after=2, before=8, limit=2, newest=True), [6, 7])
        self.assertEqual(self.seqs(direct, max_bytes=350), [1, 2, 3])
        self.assertEqual(self.seqs(direct, max_bytes=300, newest=True), [7, 8, 9])
        self.assertEqual(self.seqs(direct, max_bytes=1), [1])
        self.assertEqual(self.seqs(direct, after=9), [])

    # -- runs of messages --------------------------------------------------------------------------------

    def talk(self) -> tuple[int, int, int]:
        """Alice, Bob and their conversation, in which Alice has said 0 ... 9 under the ids s/100 ... s/109."""
        alice, bob = self.account("alice"), self.account("bob")
        direct = self.direct(alice, bob)
        self.append(posting_of(direct, alice, b"s/", 100, self.said(10)))
        return alice, bob, direct

    def said(self, count: int, start: int = 0) -> list[bytes]:
        return [b"%d" % n for n in range(start, start + count)]

    def append(self, *postings: Posting, now_ms: int = NOW) -> list[Any]:
        """-> the fates of all their messages."""
        self.get(self.store.append(postings, now_ms))
        return [fate for posting in postings for fate in fates(posting)]

    def old(self, *seqs: int) -> list[Any]:
        return [(seq, NOW, False) for seq in seqs]

    def new(self, *seqs: int) -> list[Any]:
        return [(seq, NOW + 1, True) for seq in seqs]

    def test_run(self) -> None:
        """Messages in a row have consecutive seqs and their own ids, and come back as they were."""
        _, bob, direct = self.talk()
        posting = posting_of(direct, bob, b"", 2**63 - 3, [b"", b"x" * 70_000, b"\x00"])
        self.assertEqual(self.append(posting, now_ms=NOW + 1), self.new(11, 12, 13))
        self.assertEqual((posting.first_seq, posting.last_seq, posting.outcomes), (11, 13, []))
        history = self.history(direct)
        self.assertEqual([m.body for m in history], [*self.said(10), *posting.bodies])
        self.assertEqual([m.seq for m in history], list(range(1, 14)))
        self.assertEqual(history[9].client_id, b"s/" + (109).to_bytes(8))
        self.assertEqual([m.client_id for m in history[10:]], [posting.client_id(n) for n in range(3)])
        self.assertEqual(self.get(self.store.membership(bob, 0, direct)).last_seq, 13)

    def test_receipts_of_what_is_withheld(self) -> None:
        """Nobody has it, however far the cursors are."""
        alice, bob = self.account("alice"), self.account("bob")
        conversation = self.direct(alice, bob)
        self.send(conversation, alice)
        self.get(self.store.block(bob, alice, NOW, 9))
        self.send(conversation, alice)
        self.get(self.store.save_cursors([(self.device(bob), conversation, 2)], [(bob, conversation, 2)]))
        counts = [self.get(self.store.receipt_counts(conversation, seq)) for seq in (1, 2)]
        self.assertEqual(counts, [(1, 1), (0, 0)])

    def test_withheld(self) -> None:
        """What somebody who is blocked says is marked as withheld, and hides nothing here; a retry changes nothing."""
        alice, bob, direct = self.talk()
        self.get(self.store.block(bob, alice, NOW, 9))
        withheld = posting_of(direct, alice, b"s/", 110, self.said(2))
        answered = posting_of(direct, bob, b"s/", 110, self.said(2))
        longer = posting_of(direct, alice, b"s/", 110, self.said(3))
        for posting in (withheld, answered, longer):
            self.append(posting)
        self.get(self.store.unblock(bob, alice))
        again, later = (posting_of(direct, alice, b"s/", number, self.said(2)) for number in (110, 120))
        for posting in (again, later):
            self.append(posting)
        marks = [posting.withheld for posting in (withheld, answered, longer, later)]
        self.assertEqual(marks, [True, False, True, False])
        runs = self.get(self.store.history(direct, 0, MANY, False, 99, MANY))
        self.assertEqual(
            [(run.first_seq, run.withheld) for run in runs],
            [(1, False), (11, True), (13, False), (15, True), (16, False)],
        )
        self.assertEqual(runs[1].bodies, self.said(2))

    def test_withheld_in_direct_conversations_only(self) -> None:
        """What is said in a group is said to everybody."""
        alice, bob = self.account("alice"), self.account("bob")
        group = self.group(alice, bob)
        self.get(self.store.block(bob, alice, NOW, 9))
        self.assertFalse(self.send(group, alice)[0].withheld)

    def test_deleted_reader(self) -> None:
        """A direct conversation of which one account has ended takes nothing new, and answers for what it has."""
        alice, bob, direct = self.talk()
        known = posting_of(direct, alice, b"known", 1, self.said(2))
        self.append(known)
        self.get(self.store.delete_account(bob, NOW))
        retry = posting_of(direct, alice, b"known", 1, self.said(3))
        self.append(retry)
        self.assertEqual(fates(retry), [(11, NOW, False), (12, NOW, False), Code.NOT_FOUND])
        self.assertEqual(len(self.seqs(direct)), 12)

    def test_runs_cut_by_a_page(self) -> None:
        """A page begins and ends within runs, as its bounds and limits say."""
        alice, bob, direct = self.talk()
        self.append(posting_of(direct, bob, b"s/", 100, [b"x" * 100] * 10))
        self.append(posting_of(direct, alice, b"s/", 110, [b"x" * 100] * 10))
        for after, before, newest, limit, max_bytes, expected in (
            (0, MANY, False, 99, MANY, range(1, 31)),
            (3, 8, False, 99, MANY, range(4, 8)),
            (3, 8, True, 99, MANY, range(4, 8)),
            (9, 12, False, 99, MANY, range(10, 12)),
            (9, 21, True, 99, MANY, range(10, 21)),
            (9, 22, True, 99, MANY, range(10, 22)),
            (10, 20, False, 99, MANY, range(11, 20)),
            (10, 21, False, 99, MANY, range(11, 21)),
            (5, MANY, False, 7, MANY, range(6, 13)),
            (0, 25, True, 7, MANY, range(18, 25)),
            (0, MANY, True, 1, MANY, range(30, 31)),
            (12, MANY, False, 99, 950, range(13, 22)),
            (0, 25, True, 99, 950, range(16, 25)),
            (12, MANY, False, 99, 1, range(13, 14)),
            (0, MANY, True, 99, 1, range(30, 31)),
            (5, 6, False, 99, MANY, ()),
            (30, MANY, True, 99, MANY, ()),
            (0, 1, True, 99, MANY, ()),
        ):
            page = self.history(
                direct, after=after, before=before, newest=newest, limit=limit, max_bytes=max_bytes
            )
            self.assertEqual([m.seq for m in page], list(expected), (after, before, newest, limit, max_bytes))
            self.assertEqual(
                [m.client_id[-1] for m in page],
                [100 + (m.seq - 1) % 10 + (10 if m.seq > 20 else 0) for m in page],
            )

    def test_retried_run(self) -> None:
        """A run that comes again is answered with its seqs, as one piece, and nothing is stored."""
        alice, _, direct = self.talk()
        retry = posting_of(direct, alice, b"s/", 100, self.said(10))
        self.assertEqual(self.append(retry, now_ms=NOW + 1), self.old(*range(1, 11)))
        self.assertEqual(len(retry.outcomes), 1)
        self.assertEqual(len(self.seqs(direct)), 10)

    def test_retry_of_a_part(self) -> None:
        """A retry may be cut otherwise than what was stored, and go on with something new."""
        alice, bob, direct = self.talk()
        retry = posting_of(direct, alice, b"s/", 107, self.said(5, 7))
        self.assertEqual(
            self.append(posting_of(direct, bob, b"", 1, [b"bob"]), retry, now_ms=NOW + 1),
            [*self.new(11), *self.old(8, 9, 10), *self.new(12, 13)],
        )
        self.assertEqual(len(retry.outcomes), 2)
        wide = posting_of(direct, alice, b"s/", 98, [b"-2", b"-1", *self.said(13)])
        fates = self.append(wide, now_ms=NOW + 1)
        self.assertEqual(fates[:12], [*self.new(14, 15), *self.old(*range(1, 11))])
        self.assertEqual(fates[12:], [(12, NOW + 1, False), (13, NOW + 1, False), (16, NOW + 1, True)])
        self.assertEqual(self.seqs(direct), list(range(1, 17)))

    def test_overlapping_retries_in_a_batch(self) -> None:
        """The same ids over two connections, cut differently, are stored once."""
        alice, _, direct = self.talk()
        one = posting_of(direct, alice, b"s/", 110, self.said(4, 10))
        other = posting_of(direct, alice, b"s/", 108, self.said(8, 8))
        fates = self.append(one, other, now_ms=NOW + 1)
        self.assertEqual(fates[:6], [*self.new(11, 12, 13, 14), *self.old(9, 10)])
        self.assertEqual(fates[6:], [(seq, NOW + 1, False) for seq in range(11, 15)] + self.new(15, 16))
        self.assertEqual(self.seqs(direct), list(range(1, 17)))

    def test_other_content_in_the_middle(self) -> None:
        """Other content under a known id is refused by itself; what is around it is answered."""
        alice, _, direct = self.talk()
        bodies = self.said(12)
        bodies[3] = bodies[4] = b"other"
        posting = posting_of(direct, alice, b"s/", 100, bodies)
        reused = [Code.CLIENT_ID_REUSED] * 2
        self.assertEqual(
            self.append(posting, now_ms=NOW + 1),
            [*self.old(1, 2, 3), *reused, *self.old(*range(6, 11)), *self.new(11, 12)],
        )
        self.assertEqual(len(posting.outcomes), 4)
        self.assertEqual([m.body for m in self.history(direct)], self.said(12))

    def test_retried_run_after_leaving(self) -> None:
        """Of a run from one who has left, what is stored is answered, and the rest is refused."""
        alice, bob = self.account("alice"), self.account("bob")
        group = self.group(alice, bob)
        self.append(posting_of(group, bob, b"s/", 1, self.said(3)))
        self.leave(group, bob)
        self.assertEqual(
            self.append(posting_of(group, bob, b"s/", 2, self.said(4, 1))),
            [*self.old(3, 4), Code.NOT_MEMBER, Code.NOT_MEMBER],
        )

    def test_nothing_is_left_of_a_first_try(self) -> None:
        """What some postings of a batch were given before one turned out to be a retry is not what they get."""
        alice, bob, direct = self.talk()
        eve = self.account("eve")
        batch = [
            posting_of(direct, bob, b"b", 1, self.said(2)),
            posting_of(direct, alice, b"s/", 100, self.said(1)),
            posting_of(direct, eve, b"e", 1, self.said(2)),
            posting_of(direct, bob, b"b", 3, self.said(2)),
        ]
        self.assertEqual(
            self.append(*batch, now_ms=NOW + 1),
            [*self.new(11, 12), *self.old(1), Code.NOT_MEMBER, Code.NOT_MEMBER, *self.new(13, 14)],
        )
        self.assertEqual([(p.first_seq, p.time_ms) for p in batch[1:3]], [(0, 0)] * 2)
        self.assertEqual([p.outcomes for p in (batch[0], batch[3])], [[], []])

    def test_ids_of_every_shape(self) -> None:
        """Of 1 to 64 bytes, with and without a number, each is its own, and is known again."""
        alice, bob = self.account("alice"), self.account("bob")
        direct = self.direct(alice, bob)
        ids = [
            b"\0", b"abcdefg", b"abcdefgh", b"abcdefghi", bytes(7), bytes(8), bytes(9), b"\xff" * 8, b"\xff" * 64,
            bytes(64), b"s" * 64, (2**63 - 1).to_bytes(8), (2**63).to_bytes(8), b"abcdefg" + bytes(8),
            b"abcdefgh" + bytes(8), b"abcdefg" + (2**63).to_bytes(8), b"\xff" * 8 + bytes(8),
        ]  # fmt: skip
        for id in ids:
            self.assertTrue(fate(self.posted(direct, alice, id, id))[2], id)
        self.assertEqual([m.client_id for m in self.history(direct)], ids)
        for n, id in enumerate(ids, 1):
            self.assertEqual(fate(self.posted(direct, alice, id, id)), (n, NOW, False), id)
            self.assertEqual(fate(self.posted(direct, alice, id, b"other")), Code.CLIENT_ID_REUSED, id)
        self.assertEqual(len(self.seqs(direct)), len(ids))

    def posted(self, conversation: int, sender: int, client_id: bytes, body: bytes) -> Posting:
        posting = self.posting(conversation, sender, body, client_id)
        self.append(posting)
        return posting

    def test_the_last_numbers(self) -> None:
        """Ids count up to 2**63 - 1; overlaps at both ends are found."""
        alice, bob = self.account("alice"), self.account("bob")
        direct = self.direct(alice, bob)
        top = 2**63 - 1
        self.append(posting_of(direct, alice, b"s", top - 2, self.said(3)))
        self.assertEqual(self.append(posting_of(direct, alice, b"s", top, [b"2"])), self.old(3))
        self.append(posting_of(direct, alice, b"s", 0, self.said(3, 10)))
        self.assertEqual(self.append(posting_of(direct, alice, b"s", 2, [b"12"])), self.old(6))
        self.assertEqual(
            self.append(posting_of(direct, alice, b"s", top - 4, self.said(4, -2)), now_ms=NOW + 1),
            [*self.new(7, 8), *self.old(1, 2)],
        )
        self.assertEqual(
            self.append(posting_of(direct, alice, b"s", 2, self.said(3, 12)), now_ms=NOW + 1),
            [*self.old(6), *self.new(9, 10)],
        )

    def test_one_count_for_several_conversations(self) -> None:
        """A client may count over all its conversations, and out of order; every id is known again."""
        alice, bob, direct = self.talk()
        group = self.group(alice, bob)
        places = {
            n: (direct, group)[n % 3 == 0] for n in (*range(110, 130), *range(90, 100), *range(60, 80, 2))
        }
        first = [self.posted(place, alice, b"s/" + n.to_bytes(8), b"%d" % n) for n, place in places.items()]
        for posting, (n, place) in zip(first, places.items(), strict=True):
            again = self.posted(place, alice, b"s/" + n.to_bytes(8), b"%d" % n)
            self.assertEqual(fate(again), (posting.first_seq, NOW, False), n)
        other = self.posted(group, alice, b"s/" + (110).to_bytes(8), b"110")
        self.assertEqual(fate(other), Code.CLIENT_ID_REUSED)

    def test_receipts_within_a_run(self) -> None:
        """The sender of a message is found wherever it is in its run."""
        alice, bob, direct = self.talk()
        self.append(posting_of(direct, bob, b"s/", 1, self.said(5)))
        self.get(self.store.save_cursors([], [(alice, direct, 15), (bob, direct, 15)]))
        for seq in (1, 5, 10, 11, 15):
            self.assertEqual(self.get(self.store.receipt_counts(direct, seq)), (1, 1))
        self.get(self.store.save_cursors([], [(alice, direct, 20)]))
        self.assertEqual(self.get(self.store.receipt_counts(direct, 16)), (0, 0))
        self.assertEqual(self.get(self.store.receipt_counts(direct, 0)), (0, 0))

    def test_empty_batch(self) -> None:
        """Nothing to append is nothing wrong."""
        self.get(self.store.append([], NOW))

    def test_log_epoch(self) -> None:
        """The epoch is a number of 63 bits that stays."""
        self.assertEqual(self.store.log_epoch(), self.store.log_epoch())
        self.assertTrue(0 <= self.store.log_epoch() < 2**63)

    # -- requests with effects ---------------------------------------------------------------------------

    def once(self, device: int, epoch: int, n: int, fingerprint: bytes = b"f") -> GroupChange:
        recorded = Recorded(device, Once(epoch, n), fingerprint)
        return GroupChange(Action.CREATED, self.alice, 0, f"group {n}", (), recorded)

    def test_once(self) -> None:
        """The same request has one effect and the same outcome, without its notice; another under its id is refused."""
        self.alice = self.account("alice")
        device = self.device(self.alice)
        first = self.get(self.change(self.once(device, 1, 1)))
        again = self.get(self.change(self.once(device, 1, 1)))
        self.assertEqual((again.conversation, again.seq, again.notice), (first.conversation, first.seq, None))
        self.assertEqual(len(self.get(self.store.memberships(self.alice, device, 0, 9, False))), 1)
        self.assertEqual(self.refusal(self.change(self.once(device, 1, 1, b"g"))), Code.REQUEST_ID_REUSED)

    def test_too_old(self) -> None:
        """The last 64 outcomes are kept; an older request is refused and not done again."""
        self.alice = self.account("alice")
        device = self.device(self.alice)
        for n in range(1, 67):
            self.get(self.change(self.once(device, 1, n)))
        self.assertEqual(self.refusal(self.change(self.once(device, 1, 2))), Code.REQUEST_TOO_OLD)
        self.assertIsNone(self.get(self.change(self.once(device, 1, 3))).notice)

    def test_fenced(self) -> None:
        """A newer epoch starts to count anew; requests of an older one are refused; devices do not meet."""
        self.alice = self.account("alice")
        device, other = self.device(self.alice), self.device(self.alice, "other")
        self.get(self.change(self.once(device, 1, 5)))
        self.assertIsNotNone(self.get(self.change(self.once(device, 2, 5))).notice)
        self.assertEqual(self.refusal(self.change(self.once(device, 1, 6))), Code.FENCED)
        self.assertIsNotNone(self.get(self.change(self.once(other, 1, 5))).notice)

    def test_refused_request_is_not_recorded(self) -> None:
        """A refusal had no effect: the same id may be tried again, also after later ones."""
        self.alice = self.account("alice")
        device = self.device(self.alice)
        refused = self.change(self.once(device, 1, 1), max_conversations=0)
        self.assertEqual(self.refusal(refused), Code.LIMIT_REACHED)
        self.get(self.change(self.once(device, 1, 2)))
        self.assertIsNotNone(self.get(self.change(self.once(device, 1, 1))).notice)

    def test_recorded_for_a_revoked_device(self) -> None:
        """A request whose device was revoked meanwhile is done; there is nobody to retry it."""
        self.alice = self.account("alice")
        device = self.device(self.alice)
        self.get(self.store.revoke_device(self.alice, "phone"))
        self.assertIsNotNone(self.get(self.change(self.once(device, 1, 1))).notice)

    # -- what operators ask ------------------------------------------------------------------------------

    def test_accounts(self) -> None:
        """Accounts come in pages by number; deleted ones are left out."""
        numbers = [self.account(name) for name in ("alice", "bob", "carol", "4711")]
        self.get(self.store.delete_account(numbers[1], NOW))
        pages = [self.get(self.store.accounts(after, 2)) for after in (0, numbers[0])]
        self.assertEqual(
            [[record.account.name for record in page] for page in pages], [["4711", "alice"], ["carol"]]
        )

    def test_frozen(self) -> None:
        """Freezing changes nothing else, and can be undone; a deleted account is not frozen."""
        alice = self.account("alice")
        before = self.get(self.store.account_numbered(alice))
        self.assertFalse(before.frozen)
        self.get(self.store.freeze(alice, NOW))
        self.assertEqual(self.get(self.store.account_numbered(alice)), replace(before, frozen=True))
        self.assertTrue(self.get(self.store.account_named("alice")).frozen)
        self.get(self.store.unfreeze(alice))
        self.assertEqual(self.get(self.store.account_numbered(alice)), before)
        self.get(self.store.delete_account(alice, NOW))
        self.get(self.store.freeze(alice, NOW))
        self.assertFalse(self.get(self.store.account_numbered(alice)).frozen)

    def test_administrator(self) -> None:
        """The role is given, taken, and ends with the account."""
        alice = self.account("alice")
        self.assertFalse(self.get(self.store.account_numbered(alice)).administrator)
        self.get(self.store.set_administrator(alice, True))
        self.assertTrue(self.get(self.store.account_named("alice")).administrator)
        self.get(self.store.set_administrator(alice, False))
        self.assertFalse(self.get(self.store.account_numbered(alice)).administrator)
        self.get(self.store.set_administrator(alice, True))
        self.get(self.store.delete_account(alice, NOW))
        self.assertFalse(self.get(self.store.account_numbered(alice)).administrator)

    def test_groups(self) -> None:
        """Groups come in pages by number, with members and messages; direct conversations are not among them."""
        alice, bob = self.account("alice"), self.account("bob")
        self.direct(alice, bob)
        club, left = self.group(alice, bob), self.group(bob)
        self.send(club, bob, 2)
        self.leave(left, bob)
        found = self.get(self.store.groups(0, 9))
        self.assertEqual(
            found,
            [
                GroupSummary(LOBBY, "lobby", 0, 0),
                GroupSummary(2, "Club", 2, self.seqs(club)[-1]),
                GroupSummary(3, "Club", 0, self.seqs(left)[-1]),
            ],
        )
        self.assertEqual(self.get(self.store.groups(1, 9)), found[1:])
        self.assertEqual(self.get(self.store.groups(0, 1)), found[:1])

    def test_open_directs(self) -> None:
        """The same conversations as opened one by one, in their order; who has been deleted is left out."""
        alice, bob, carol, dave = map(self.account, ("alice", "bob", "carol", "dave"))
        known = self.direct(bob, alice)
        self.get(self.store.delete_account(dave, NOW))
        opened = self.get(self.store.open_directs(alice, [carol, dave, bob], NOW))
        self.assertEqual([conversation.id for conversation in opened], [self.direct(alice, carol), known])
        self.assertEqual({peer.number for peer in opened[0].peers}, {alice, carol})

    def test_invitations(self) -> None:
        """An invitation is good for so many accounts, until it expires or is withdrawn."""
        code, other = b"c" * 32, b"o" * 32
        invitation = self.get(self.store.invite(code, 2, NOW + 10, NOW))
        self.assertEqual((invitation.uses_left, invitation.expires_ms), (2, NOW + 10))
        self.assertEqual(
            [
                self.get(self.store.is_invited(each, now))
                for each, now in ((code, NOW), (other, NOW), (code, NOW + 10))
            ],
            [True, False, False],
        )
        self.get(self.store.create_account("alice", "", "", NOW, invitation_sha256=code))
        self.assertEqual(self.get(self.store.invitations(0, 9, NOW)), [replace(invitation, uses_left=1)])
        self.get(self.store.create_account("bob", "", "", NOW, invitation_sha256=code))
        self.assertEqual(self.get(self.store.invitations(0, 9, NOW)), [])
        self.assertFalse(self.get(self.store.is_invited(code, NOW)))
        self.assertEqual(
            self.refusal(self.store.create_account("carol", "", "", NOW, invitation_sha256=code)),
            Code.REGISTRATION_CLOSED,
        )
        self.assertIsNone(self.get(self.store.account_named("carol")))

    def test_invitation_of_a_refused_registration(self) -> None:
        """A name that is taken does not use the invitation up."""
        self.account("alice")
        self.get(self.store.invite(b"c" * 32, 1, NOW + 10, NOW))
        self.assertEqual(
            self.refusal(self.store.create_account("alice", "", "", NOW, invitation_sha256=b"c" * 32)),
            Code.NAME_TAKEN,
        )
        self.assertTrue(self.get(self.store.is_invited(b"c" * 32, NOW)))

    def test_withdrawn_invitation(self) -> None:
        """What is withdrawn is not valid; what is not valid cannot be withdrawn; ids are not used again."""
        first = self.get(self.store.invite(b"c" * 32, 1, NOW + 10, NOW))
        self.assertTrue(self.get(self.store.withdraw_invitation(first.id, NOW)))
        self.assertFalse(self.get(self.store.withdraw_invitation(first.id, NOW)))
        self.assertFalse(self.get(self.store.is_invited(b"c" * 32, NOW)))
        second = self.get(self.store.invite(b"d" * 32, 1, NOW + 10, NOW))
        self.assertNotEqual(second.id, first.id)
        self.assertFalse(self.get(self.store.withdraw_invitation(second.id, NOW + 10)))

    def test_statistics(self) -> None:
        """Messages are counted."""
        alice, bob = self.account("alice"), self.account("bob")
        before = self.store.statistics().messages
        self.send(self.direct(alice, bob), alice, 3)
        self.assertEqual(self.store.statistics().messages, before + 3)
