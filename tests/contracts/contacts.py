"""What every store promises about contacts, requests, blocks and the directory; part of StoreContract."""

from typing import Any

from imserver.core.contacting import ContactBounds, ContactOutcome
from imserver.core.errors import Code
from imserver.core.values import Account, ContactRequest, Privacy

NOW = 1_700_000_000_000
BOUNDS = ContactBounds(max_contacts=5, max_requests=3, again_before_ms=NOW - 1000)
ADDED, WAITS, UNCHANGED = ContactOutcome.ADDED, ContactOutcome.WAITS, ContactOutcome.UNCHANGED


class ContactsContract:
    """Mixed into StoreContract, whose words it uses."""

    store: Any
    get: Any
    refusal: Any
    account: Any
    assertEqual: Any
    direct: Any

    # -- words for the tests

    def asking(self, asker: int, target: int, text: str = "hello", bounds: ContactBounds = BOUNDS) -> Any:
        return self.store.request_contact(asker, target, text, NOW, bounds)

    def request(self, asker: int, target: int, text: str = "hello") -> ContactOutcome:
        return self.get(self.asking(asker, target, text))

    def answering(self, account: int, asker: int, accept: bool, now_ms: int = NOW) -> Any:
        return self.store.answer_contact(account, asker, accept, now_ms, BOUNDS)

    def befriend(self, one: int, other: int) -> None:
        self.assertEqual(self.request(one, other), WAITS)
        self.assertEqual(self.get(self.answering(other, one, True)), ADDED)

    def numbers(self, account: int) -> list[int]:
        return [number for number, _ in self.get(self.store.contact_numbers(account))]

    def waiting(self, account: int) -> list[int]:
        return [one.account.number for one in self.get(self.store.contact_requests(account, 0, 99))]

    def people(self, *names: str) -> list[int]:
        return [self.account(name) for name in names]

    # -- requests and answers

    def test_contact_request(self) -> None:
        """A request waits, with its text, until it is accepted; then both are contacts and nothing waits."""
        alice, bob = self.people("alice", "bob")
        self.assertEqual(self.request(alice, bob, "it is me"), WAITS)
        expected = ContactRequest(Account(alice, "alice", "Alice", ""), "it is me", NOW)
        self.assertEqual(self.get(self.store.contact_requests(bob, 0, 9)), [expected])
        self.assertEqual((self.waiting(alice), self.numbers(alice), self.numbers(bob)), ([], [], []))
        self.assertEqual(self.get(self.answering(bob, alice, True)), ADDED)
        self.assertEqual((self.waiting(bob), self.numbers(alice), self.numbers(bob)), ([], [bob], [alice]))

    def test_contact_request_repeated(self) -> None:
        """What waits already, and who is a contact already, changes nothing; nor does an answer given again."""
        alice, bob = self.people("alice", "bob")
        self.request(alice, bob)
        self.assertEqual(self.request(alice, bob, "again"), UNCHANGED)
        self.get(self.answering(bob, alice, True))
        self.assertEqual(self.request(alice, bob), UNCHANGED)
        self.assertEqual(self.request(bob, alice), UNCHANGED)
        self.assertEqual(self.get(self.answering(bob, alice, True)), UNCHANGED)
        self.assertEqual(self.waiting(bob), [])

    def test_contact_requests_cross(self) -> None:
        """Who asks somebody that has asked him has a contact."""
        alice, bob = self.people("alice", "bob")
        self.request(alice, bob)
        self.assertEqual(self.request(bob, alice), ADDED)
        self.assertEqual((self.numbers(alice), self.waiting(bob)), ([bob], []))

    def test_contact_refused(self) -> None:
        """A refusal ends the request; asking again comes to nothing until the refusal is forgotten."""
        alice, bob = self.people("alice", "bob")
        self.request(alice, bob)
        for _ in range(2):
            self.assertEqual(self.get(self.answering(bob, alice, False)), UNCHANGED)
        self.assertEqual(self.request(alice, bob), UNCHANGED)
        self.assertEqual(self.refusal(self.answering(bob, alice, True)), Code.NOT_FOUND)
        self.get(self.store.remove_contact(alice, bob))  # withdrawing it is no way round
        self.assertEqual(self.request(alice, bob), UNCHANGED)
        later = ContactBounds(5, 3, NOW + 1)
        self.assertEqual(self.get(self.asking(alice, bob, bounds=later)), WAITS)
        self.assertEqual(self.waiting(bob), [alice])

    def test_refuser_asks(self) -> None:
        """Who has refused somebody and then asks him is answered anew; of the refusal nothing is left."""
        alice, bob = self.people("alice", "bob")
        self.request(alice, bob)
        self.get(self.answering(bob, alice, False))
        self.assertEqual(self.request(bob, alice), WAITS)
        self.assertEqual(self.get(self.answering(alice, bob, True)), ADDED)
        self.get(self.store.remove_contact(alice, bob))
        self.assertEqual(self.request(alice, bob), WAITS)

    def test_contact_request_withdrawn(self) -> None:
        """Who removes somebody whom he has only asked asks no more."""
        alice, bob = self.people("alice", "bob")
        self.request(alice, bob)
        self.assertEqual(self.get(self.store.remove_contact(alice, bob)), False)
        self.assertEqual(self.waiting(bob), [])
        self.assertEqual(self.refusal(self.answering(bob, alice, True)), Code.NOT_FOUND)

    def test_open_to_contacts(self) -> None:
        """Where the asked one is open, from the beginning or later, contacts are made at once."""
        alice = self.account("alice")
        bob = self.get(self.store.create_account("bob", "Bob", "", NOW, open_to_contacts=True)).number
        self.assertEqual(self.request(alice, bob), ADDED)
        carol = self.account("carol")
        self.get(self.store.set_privacy(bob, Privacy(True, False)))
        self.assertEqual(self.request(carol, bob), WAITS)
        self.get(self.store.set_privacy(alice, Privacy(True, True)))
        self.assertEqual(self.request(carol, alice), ADDED)

    def test_contact_nobody(self) -> None:
        """Neither oneself nor who does not exist, or not any more; and nobody answers what was not asked."""
        alice, bob = self.people("alice", "bob")
        self.assertEqual(self.refusal(self.asking(alice, alice)), Code.FORBIDDEN)
        self.assertEqual(self.refusal(self.asking(alice, 7)), Code.NOT_FOUND)
        self.assertEqual(self.refusal(self.answering(alice, bob, True)), Code.NOT_FOUND)
        self.assertEqual(self.refusal(self.answering(alice, bob, False)), Code.NOT_FOUND)
        self.get(self.store.delete_account(bob, NOW))
        self.assertEqual(self.refusal(self.asking(alice, bob)), Code.NOT_FOUND)

    def test_contacts_full(self) -> None:
        """An account has so many contacts and waiting requests; beyond that asking or accepting is refused."""
        alice, *others = self.people("alice", *(f"other{n}" for n in range(9)))
        for other in others[:5]:
            self.befriend(other, alice)
        for other in others[5:8]:
            self.request(other, alice)
        self.assertEqual(self.refusal(self.asking(others[8], alice)), Code.LIMIT_REACHED)
        self.assertEqual(self.refusal(self.asking(alice, others[8])), Code.LIMIT_REACHED)
        self.assertEqual(self.refusal(self.answering(alice, others[5], True)), Code.LIMIT_REACHED)
        self.assertEqual(self.waiting(alice), others[5:8])
        self.get(self.store.remove_contact(alice, others[0]))
        self.assertEqual(self.get(self.answering(alice, others[5], True)), ADDED)

    def test_other_full(self) -> None:
        """Nor is anybody the contact of somebody who has no room, whoever asked and whoever accepts."""
        alice, bob, *others = self.people("alice", "bob", *(f"other{n}" for n in range(5)))
        self.request(alice, bob)
        for other in others:
            self.befriend(other, alice)
        self.assertEqual(self.refusal(self.answering(bob, alice, True)), Code.LIMIT_REACHED)
        self.assertEqual(self.refusal(self.asking(bob, alice)), Code.LIMIT_REACHED)
        self.assertEqual((self.numbers(bob), self.waiting(bob)), ([], [alice]))

    def test_open_and_full(self) -> None:
        """Who is open but has no room gets a request instead."""
        alice, *others = self.people("alice", *(f"other{n}" for n in range(6)))
        self.get(self.store.set_privacy(alice, Privacy(True, True)))
        self.assertEqual([self.request(other, alice) for other in others], [ADDED] * 5 + [WAITS])
        self.assertEqual(self.refusal(self.answering(alice, others[5], True)), Code.LIMIT_REACHED)

    # -- the list

    def test_contacts(self) -> None:
        """In pages by number, with the own remarks, which are not the other's."""
        alice, bob, carol = self.people("alice", "bob", "carol")
        self.befriend(alice, bob)
        self.befriend(carol, alice)
        self.get(self.store.set_remark(alice, carol, "from work", "office"))
        (first,) = self.get(self.store.contacts(alice, 0, 1))
        (second,) = self.get(self.store.contacts(alice, bob, 9))
        self.assertEqual(first.account, Account(bob, "bob", "Bob", ""))
        self.assertEqual((first.remark, first.category, first.is_silent), ("", "", False))
        self.assertEqual(
            (second.account.number, second.remark, second.category), (carol, "from work", "office")
        )
        (other,) = self.get(self.store.contacts(carol, 0, 9))
        self.assertEqual((other.remark, other.category), ("", ""))
        self.assertEqual(self.refusal(self.store.set_remark(bob, carol, "", "")), Code.NOT_FOUND)

    def test_remove_contact(self) -> None:
        """It ends for both, and can begin anew."""
        alice, bob = self.people("alice", "bob")
        self.befriend(alice, bob)
        self.get(self.store.set_remark(alice, bob, "old", ""))
        self.assertEqual(self.get(self.store.remove_contact(bob, alice)), True)
        self.assertEqual(self.get(self.store.remove_contact(bob, alice)), False)
        self.assertEqual((self.numbers(alice), self.numbers(bob)), ([], []))
        self.befriend(alice, bob)
        self.assertEqual(self.get(self.store.contacts(alice, 0, 9))[0].remark, "")

    # -- blocks

    def blocking(self, owner: int, account: int, max_blocked: int = 9) -> Any:
        return self.store.block(owner, account, NOW, max_blocked)

    def test_block(self) -> None:
        """A block has a direction and an end, shows between contacts, and in their conversation."""
        alice, bob = self.people("alice", "bob")
        conversation = self.direct(alice, bob)
        self.assertEqual(self.get(self.blocking(alice, bob)), False)
        self.assertEqual(self.get(self.store.blocked_between(bob, alice)), frozenset([bob]))
        self.assertEqual(self.get(self.store.conversation(conversation))[3].blocked, frozenset([bob]))
        self.assertEqual([a.name for a in self.get(self.store.blocked(alice, 0, 9))], ["bob"])
        self.assertEqual(self.get(self.store.blocked(bob, 0, 9)), [])
        self.get(self.blocking(bob, alice))
        self.assertEqual(self.get(self.store.blocked_between(alice, bob)), frozenset([alice, bob]))
        for one, other in ((alice, bob), (bob, alice)):
            self.assertEqual(self.get(self.store.unblock(one, other)), False)
        self.assertEqual(self.get(self.store.conversation(conversation))[3].blocked, frozenset())

    def test_blocked_contact(self) -> None:
        """Contacts stay contacts, silently, in both lists."""
        alice, bob = self.people("alice", "bob")
        self.befriend(alice, bob)
        self.assertEqual(self.get(self.blocking(alice, bob)), True)
        for one, other in ((alice, bob), (bob, alice)):
            self.assertEqual(self.get(self.store.contact_numbers(one)), [(other, True)])
            self.assertEqual([c.is_silent for c in self.get(self.store.contacts(one, 0, 9))], [True])
        self.assertEqual(self.get(self.store.unblock(alice, bob)), True)
        self.assertEqual(self.get(self.store.contact_numbers(bob)), [(alice, False)])

    def test_blocked_asker(self) -> None:
        """His requests come to nothing, also one that waits and at an open account; unblocked he may ask anew."""
        alice, bob = self.people("alice", "bob")
        self.request(bob, alice)
        self.get(self.blocking(alice, bob))
        self.get(self.store.set_privacy(alice, Privacy(True, True)))
        self.assertEqual(self.request(bob, alice), UNCHANGED)
        self.assertEqual((self.waiting(alice), self.numbers(alice)), ([], []))
        self.assertEqual(self.refusal(self.asking(alice, bob)), Code.FORBIDDEN)
        self.get(self.store.unblock(alice, bob))
        self.assertEqual(self.request(bob, alice), ADDED)

    def test_blocked_for_long(self) -> None:
        """Asking again after the time of a refusal comes to nothing either."""
        alice, bob = self.people("alice", "bob")
        self.get(self.blocking(alice, bob))
        for again_before_ms in (NOW - 1000, NOW + 1, NOW + 1):
            bounds = ContactBounds(5, 3, again_before_ms)
            self.assertEqual(self.get(self.asking(bob, alice, bounds=bounds)), UNCHANGED)
        self.assertEqual(self.waiting(alice), [])

    def test_blocker_asked(self) -> None:
        """Blocking somebody withdraws what one has asked him."""
        alice, bob = self.people("alice", "bob")
        self.request(alice, bob)
        self.get(self.blocking(alice, bob))
        self.assertEqual(self.waiting(bob), [])
        self.assertEqual(self.refusal(self.answering(bob, alice, True)), Code.NOT_FOUND)

    def test_block_nobody(self) -> None:
        """Neither oneself, nor nobody, nor too many; once more the same one is fine."""
        alice, bob, carol = self.people("alice", "bob", "carol")
        self.assertEqual(self.refusal(self.blocking(alice, alice)), Code.FORBIDDEN)
        self.assertEqual(self.refusal(self.blocking(alice, 7)), Code.NOT_FOUND)
        for _ in range(2):
            self.get(self.blocking(alice, bob, 1))
        self.assertEqual(self.refusal(self.blocking(alice, carol, 1)), Code.LIMIT_REACHED)
        self.assertEqual(self.get(self.store.unblock(alice, carol)), False)

    def test_deleted_account_is_unknown(self) -> None:
        """Contacts, requests and blocks of a deleted account are gone, from both sides."""
        alice, bob, carol, dave = self.people("alice", "bob", "carol", "dave")
        self.befriend(alice, bob)
        self.befriend(bob, carol)
        self.request(alice, dave)
        self.request(carol, alice)
        self.get(self.blocking(carol, alice))
        self.get(self.blocking(alice, carol))
        self.get(self.store.delete_account(alice, NOW))
        self.assertEqual((self.numbers(alice), self.numbers(bob)), ([], [carol]))
        self.assertEqual((self.waiting(alice), self.waiting(dave)), ([], []))
        self.assertEqual(self.get(self.store.blocked(carol, 0, 9)), [])
        self.assertEqual(self.get(self.store.blocked(alice, 0, 9)), [])

    # -- the directory

    def found(self, text: str, after: int = 0, limit: int = 99) -> list[str]:
        return [account.name for account in self.get(self.store.search(text, after, limit))]

    def test_search(self) -> None:
        """By the beginning of the name or by number, in the order of names; all for an empty text."""
        self.people("bob", "alice", "bobby", "100", "b.b", "b-b", "10077", "zoe")
        alice = self.get(self.store.account_named("alice")).account.number
        self.assertEqual(self.found("bob"), ["bob", "bobby"])
        self.assertEqual(self.found("b"), ["b-b", "b.b", "bob", "bobby"])
        self.assertEqual(self.found(str(alice)), ["alice"])
        self.assertEqual(self.found("100"), ["100", "10077"])
        self.assertEqual(self.found(""), ["100", "10077", "alice", "b-b", "b.b", "bob", "bobby", "zoe"])
        for nobody in ("x", "%", "_", "b%", "B", "bobbyy", "ob", "é", "\U0010ffff", "9" * 40):
            self.assertEqual(self.found(nobody), [], nobody)

    def test_search_in_pages(self) -> None:
        """Each page begins after the account that the one before ended with; together they are everything, once."""
        self.people("bob", "alice", "bobby", "100", "10077", "zoe")
        for text in ("", "b", "1", "100"):
            names: list[str] = []
            after = 0
            for _ in range(10):
                page = self.get(self.store.search(text, after, 2))
                names += [account.name for account in page]
                after = page[-1].number if page else after
            self.assertEqual(names, self.found(text))

    def test_search_by_number_in_pages(self) -> None:
        """The account with that number has its place among the names."""
        bob, _ = self.people("bob", "1000019")
        self.assertEqual(bob, 100001)
        self.assertEqual(self.found("100001"), ["1000019", "bob"])
        self.assertEqual(
            [self.found("100001", after, 1) for after in (0, 1000019, bob)], [["1000019"], ["bob"], []]
        )

    def test_hidden(self) -> None:
        """Who does not want to be found is not, nor who was deleted; and can change that."""
        alice, bob = self.people("alice", "bob")
        self.get(self.store.set_privacy(alice, Privacy(False, False)))
        self.get(self.store.delete_account(bob, NOW))
        self.assertEqual((self.found(""), self.found(str(alice))), ([], []))
        self.get(self.store.set_privacy(alice, Privacy(True, False)))
        self.assertEqual((self.found(""), self.found(str(alice))), (["alice"], ["alice"]))

    def test_privacy(self) -> None:
        """It is as it was set last: at first findable, and open only if the account was made so; each has its own."""
        alice, _ = self.people("alice", "bob")
        dave = self.get(self.store.create_account("dave", "", "", NOW, open_to_contacts=True)).number
        for privacy in (Privacy(True, False), Privacy(False, True), Privacy(False, False)):
            if privacy != Privacy(True, False):
                self.get(self.store.set_privacy(alice, privacy))
            self.assertEqual(self.get(self.store.privacy(alice)), privacy)
            self.assertEqual(self.get(self.store.privacy(dave)), Privacy(True, True))

    def test_privacy_of_a_deleted_account(self) -> None:
        """It stays as it was."""
        (alice,) = self.people("alice")
        self.get(self.store.set_privacy(alice, Privacy(False, False)))
        self.get(self.store.delete_account(alice, NOW))
        self.get(self.store.set_privacy(alice, Privacy(True, True)))
        self.assertEqual(self.get(self.store.privacy(alice)), Privacy(False, False))
