"""What every store promises about messages that are about others; part of StoreContract."""

from typing import Any

from imserver.core.errors import Code
from imserver.core.posting import Posting, Terms
from imserver.core.values import Extra, Gone, Kind, Message
from tests.store.fates import fate, fates, posting_of

NOW = 1_700_000_000_000
SECOND = 1000
TERMS = Terms(since_ms=NOW - 60 * SECOND, moderates=False, burn_by_ms=NOW + 1000 * SECOND)
TOO_LATE = Terms(since_ms=NOW + 1, moderates=False, burn_by_ms=0)
MODERATOR = Terms(since_ms=NOW + 1, moderates=True, burn_by_ms=0)


class ActionsContract:
    """Mixed into StoreContract, whose words it uses."""

    store: Any
    get: Any
    account: Any
    device: Any
    direct: Any
    group: Any
    leave: Any
    add: Any
    history: Any
    assertEqual: Any
    assertIsNone: Any

    # -- words for the tests

    def act(
        self,
        conversation: int,
        sender: int,
        kind: int,
        extra: Extra,
        terms: Terms = TERMS,
        body: bytes = b"",
        client_id: bytes = b"",
    ) -> Any:
        """What became of it."""
        self.ids += 1  # type: ignore[attr-defined]
        client_id = client_id or b"act %d" % self.ids
        posting = Posting(conversation, sender, "", client_id, kind, "", body, extra=extra, terms=terms)
        self.get(self.store.append([posting], NOW))
        return fate(posting)

    def edit(self, conversation: int, sender: int, seq: int, body: bytes = b"edited", **more: Any) -> Any:
        return self.act(conversation, sender, Kind.EDIT, Extra(about=seq), body=body, **more)

    def recall(self, conversation: int, sender: int, seq: int, **more: Any) -> Any:
        return self.act(conversation, sender, Kind.RECALL, Extra(about=seq), **more)

    def burnable(self, conversation: int, sender: int, seconds: int = 5) -> Any:
        return self.act(conversation, sender, Kind.TEXT, Extra(burn_seconds=seconds), body=b"secret")

    def run_of(self, conversation: int, sender: int, count: int = 5) -> Posting:
        """Several messages in one run."""
        posting = posting_of(conversation, sender, b"run", 1, [b"%d" % n for n in range(1, count + 1)])
        self.get(self.store.append([posting], NOW))
        return posting

    def bodies(self, conversation: int) -> list[Any]:
        """What each message says, or why it is gone."""
        return [
            Gone(message.content_type) if message.kind == Kind.TOMBSTONE else message.body
            for message in self.history(conversation)
        ]

    def two(self) -> tuple[int, int, int]:
        """-> alice, bob, their conversation."""
        alice, bob = self.account("alice"), self.account("bob")
        return alice, bob, self.direct(alice, bob)

    def read(self, account: int, conversation: int, seq: int) -> None:
        self.get(self.store.save_cursors([], [(account, conversation, seq)]))

    # -- extras

    def test_extra(self) -> None:
        """It comes back with the message as it was sent, and only there; every other message has none."""
        alice, bob, direct = self.two()
        self.run_of(direct, alice)
        extra = Extra(about=2, mentions=[bob, alice], origin=7, burn_seconds=9)
        self.assertEqual(self.act(direct, bob, Kind.TEXT, extra, body=b"reply"), (6, NOW, True))
        self.assertEqual([m.extra for m in self.history(direct)], [None] * 5 + [extra])

    def test_extra_is_content(self) -> None:
        """The same id with another extra is another message."""
        alice, bob, direct = self.two()
        self.run_of(direct, alice)
        first = self.act(direct, bob, Kind.TEXT, Extra(about=2), client_id=b"id")
        self.assertEqual(
            self.act(direct, bob, Kind.TEXT, Extra(about=2), client_id=b"id"), (*first[:2], False)
        )
        for other in (Extra(about=3), Extra(about=2, mentions=[bob])):
            self.assertEqual(self.act(direct, bob, Kind.TEXT, other, client_id=b"id"), Code.CLIENT_ID_REUSED)
        plain = Posting(direct, bob, "", b"id", Kind.TEXT, "", b"")
        self.get(self.store.append([plain], NOW))
        self.assertEqual(fate(plain), Code.CLIENT_ID_REUSED)

    def test_mentions_are_members(self) -> None:
        """Who is no member, or no longer, is not mentioned; a retry of what was right then is answered all the same."""
        alice, bob, carol = (self.account(name) for name in ("alice", "bob", "carol"))
        group = self.group(alice, bob)
        for stranger in (carol, 5, 0, 2**62):
            self.assertEqual(
                self.act(group, alice, Kind.TEXT, Extra(mentions=[bob, stranger])), Code.NOT_FOUND
            )
        mention = Extra(mentions=[bob])
        self.assertEqual(self.act(group, alice, Kind.TEXT, mention, client_id=b"id"), (2, NOW, True))
        self.leave(group, bob)
        self.assertEqual(self.act(group, alice, Kind.TEXT, mention), Code.NOT_FOUND)
        self.assertEqual(self.act(group, alice, Kind.TEXT, mention, client_id=b"id"), (2, NOW, False))

    def test_about_what_is_visible(self) -> None:
        """A message is about one that its sender can see; strangers are about nothing."""
        alice, bob, carol = (self.account(name) for name in ("alice", "bob", "carol"))
        group = self.group(alice)
        self.run_of(group, alice)
        self.add(group, alice, bob)  # sees 7 and what follows
        for kind in (Kind.TEXT, Kind.EDIT, Kind.RECALL):
            for about in (6, 8, 2**61):
                self.assertEqual(
                    self.act(group, bob, kind, Extra(about=about)), Code.NOT_FOUND, (kind, about)
                )
            self.assertEqual(self.act(group, carol, kind, Extra(about=2)), Code.NOT_MEMBER)
        self.assertEqual(self.act(group, bob, Kind.TEXT, Extra(about=7)), (8, NOW, True))

    # -- edits and recalls

    def test_edit(self) -> None:
        """It is a message like others, and what was said first stays."""
        alice, _, direct = self.two()
        self.run_of(direct, alice, 2)
        self.assertEqual(self.edit(direct, alice, 1), (3, NOW, True))
        message = self.history(direct)[-1]
        self.assertEqual((message.kind, message.body, message.extra), (Kind.EDIT, b"edited", Extra(about=1)))
        self.assertEqual(self.bodies(direct), [b"1", b"2", b"edited"])

    def test_recall(self) -> None:
        """Wherever in a run it stands, the message is a tombstone in its place, and all others stay as they are."""
        alice, _, direct = self.two()
        self.run_of(direct, alice)
        before = self.history(direct)
        for done, seq in enumerate((3, 1, 5), 6):
            self.assertEqual(self.recall(direct, alice, seq), (done, NOW, True))
        for message in self.history(direct)[:5]:
            original = before[message.seq - 1]
            if message.seq in (1, 3, 5):
                original.kind, original.content_type, original.body = Kind.TOMBSTONE, Gone.RECALLED, b""
            self.assertEqual(message, original)
        self.assertEqual(self.bodies(direct)[5:], [b"", b"", b""])

    def test_recall_takes_edits_along(self) -> None:
        """What was said first and what was said instead are gone together."""
        alice, _, direct = self.two()
        self.run_of(direct, alice, 2)
        for seq in (1, 2, 1):
            self.edit(direct, alice, seq)
        self.recall(direct, alice, 1)
        self.assertEqual(
            self.bodies(direct), [Gone.RECALLED, b"2", Gone.RECALLED, b"edited", Gone.RECALLED, b""]
        )

    def test_edit_of_what_is_being_recalled(self) -> None:
        """In one batch, too, nothing is said instead of what is gone."""
        alice, _, direct = self.two()
        self.run_of(direct, alice, 1)
        recall, edit = (
            Posting(direct, alice, "", b"%d" % kind, kind, "", b"", extra=Extra(about=1), terms=TERMS)
            for kind in (Kind.RECALL, Kind.EDIT)
        )
        self.get(self.store.append([recall, edit], NOW))
        self.assertEqual([fate(recall), fate(edit)], [(2, NOW, True), Code.NOT_FOUND])

    def test_retries(self) -> None:
        """What was sent has its answer for ever, whatever has become of it and of what it is about (P2)."""
        alice, _, direct = self.two()
        run = self.run_of(direct, alice)
        edit = self.edit(direct, alice, 2, client_id=b"edit")
        recall = self.recall(direct, alice, 2, client_id=b"recall")
        self.get(self.store.append([run], NOW + 1))
        self.assertEqual(fates(run), [(seq, NOW, False) for seq in range(1, 6)])
        late = {"terms": TOO_LATE}
        self.assertEqual(self.edit(direct, alice, 2, client_id=b"edit", **late), (*edit[:2], False))
        self.assertEqual(self.recall(direct, alice, 2, client_id=b"recall", **late), (*recall[:2], False))
        self.assertEqual(self.recall(direct, alice, 3, client_id=b"recall"), Code.CLIENT_ID_REUSED)
        self.assertEqual(len(self.history(direct)), 7)

    def test_who_may(self) -> None:
        """One's own, not too old, and not of any kind; who moderates recalls, but edits nothing of others."""
        alice, bob, direct = self.two()
        self.run_of(direct, alice, 3)
        edit = self.edit(direct, alice, 1)[0]
        recall = self.recall(direct, alice, 2)[0]
        burnable = self.burnable(direct, alice)[0]
        notice_in = self.group(alice, bob)
        cases = [
            (self.edit, direct, bob, 1, TERMS, Code.FORBIDDEN),
            (self.edit, direct, bob, 1, MODERATOR, Code.FORBIDDEN),
            (self.edit, direct, alice, 1, TOO_LATE, Code.FORBIDDEN),
            (self.edit, direct, alice, edit, TERMS, Code.FORBIDDEN),
            (self.edit, direct, alice, recall, TERMS, Code.FORBIDDEN),
            (self.edit, direct, alice, burnable, TERMS, Code.FORBIDDEN),
            (self.edit, direct, alice, 2, TERMS, Code.NOT_FOUND),
            (self.edit, notice_in, alice, 1, TERMS, Code.FORBIDDEN),
            (self.recall, direct, bob, 1, TERMS, Code.FORBIDDEN),
            (self.recall, direct, alice, 1, TOO_LATE, Code.FORBIDDEN),
            (self.recall, direct, alice, edit, TERMS, Code.FORBIDDEN),
            (self.recall, direct, alice, recall, TERMS, Code.FORBIDDEN),
            (self.recall, direct, alice, 2, TERMS, Code.NOT_FOUND),
            (self.recall, notice_in, alice, 1, MODERATOR, Code.FORBIDDEN),
        ]
        before = self.bodies(direct), self.bodies(notice_in)
        for action, conversation, sender, seq, terms, expected in cases:
            found = action(conversation, sender, seq, terms=terms)
            self.assertEqual(found, expected, (action.__name__, sender, seq, terms))
        self.assertEqual((self.bodies(direct), self.bodies(notice_in)), before)
        self.assertEqual(self.recall(direct, bob, 1, terms=MODERATOR)[2], True)
        self.assertEqual(self.recall(direct, alice, burnable)[2], True)

    def test_sent(self) -> None:
        """What is stored under a client id, as it is now."""
        alice, bob, direct = self.two()
        run = self.run_of(direct, alice, 2)
        found: Message = self.get(self.store.sent(alice, run.client_id(1)))
        self.assertEqual((found.seq, found.body), (2, b"2"))
        self.recall(direct, alice, 2)
        self.assertEqual(self.get(self.store.sent(alice, run.client_id(1))).kind, Kind.TOMBSTONE)
        for sender, client_id in ((bob, run.client_id(1)), (alice, b"other")):
            self.assertIsNone(self.get(self.store.sent(sender, client_id)))

    # -- burning

    def test_burn_unread(self) -> None:
        """What nobody reads burns when its time is over, and once."""
        alice, _, direct = self.two()
        self.burnable(direct, alice)
        self.assertEqual(self.get(self.store.burn(TERMS.burn_by_ms - 1, 9)), [])
        self.assertEqual(self.get(self.store.burn(TERMS.burn_by_ms, 9)), [(direct, 1)])
        self.assertEqual(self.bodies(direct), [Gone.BURNT])
        self.assertEqual(self.get(self.store.burn(TERMS.burn_by_ms, 9)), [])

    def test_burn_when_read(self) -> None:
        """So many seconds after the last of the others has read it; own reading and reading again do not count."""
        alice, bob, carol = (self.account(name) for name in ("alice", "bob", "carol"))
        group = self.group(alice, bob, carol)
        self.burnable(group, alice, seconds=5)  # 2
        for n, reader in enumerate((alice, bob)):
            self.read(reader, group, 2)
            self.get(self.store.start_burning([group], NOW + n))
        self.assertEqual(self.get(self.store.burn(NOW + 900 * SECOND, 9)), [])
        self.read(carol, group, 2)
        for later in (100, 102):
            self.get(self.store.start_burning([group, 7], NOW + later * SECOND))
        self.assertEqual(self.get(self.store.burn(NOW + 105 * SECOND - 1, 9)), [])
        self.assertEqual(self.get(self.store.burn(NOW + 105 * SECOND, 9)), [(group, 2)])

    def test_waiting_to_burn(self) -> None:
        """Where something waits to be read, and nowhere else."""
        alice, bob, direct = self.two()
        group = self.group(alice, bob)
        for _ in range(2):
            self.burnable(group, alice)
            self.burnable(direct, alice)
        self.assertEqual(self.get(self.store.waiting_to_burn()), sorted((direct, group)))
        self.read(bob, direct, 2)
        self.get(self.store.start_burning([direct], NOW))
        self.assertEqual(self.get(self.store.waiting_to_burn()), [group])

    def test_burn_who_counts(self) -> None:
        """Who cannot see it, or has left, need not read it."""
        alice, bob, carol = (self.account(name) for name in ("alice", "bob", "carol"))
        group = self.group(alice, bob)
        self.burnable(group, alice, seconds=5)
        self.add(group, alice, carol)
        self.leave(group, bob)
        self.get(self.store.start_burning([group], NOW))
        self.assertEqual(self.get(self.store.burn(NOW + 5 * SECOND, 9)), [(group, 2)])

    def test_burn_in_slices(self) -> None:
        """At most so many, those that are due first."""
        alice, bob, direct = self.two()
        for _ in range(5):
            self.burnable(direct, alice)
        self.read(bob, direct, 3)
        self.get(self.store.start_burning([direct], NOW))
        late = TERMS.burn_by_ms
        self.assertEqual(self.get(self.store.burn(late, 2)), [(direct, 1), (direct, 2)])
        self.assertEqual(self.get(self.store.burn(late, 9)), [(direct, 3), (direct, 4), (direct, 5)])

    def test_recalled_before_burning(self) -> None:
        """What is gone burns no more."""
        alice, _, direct = self.two()
        self.burnable(direct, alice)
        self.recall(direct, alice, 1)
        self.assertEqual(self.get(self.store.burn(2 * NOW, 9)), [])
        self.assertEqual(self.bodies(direct), [Gone.RECALLED, b""])
