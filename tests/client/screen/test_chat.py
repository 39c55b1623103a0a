"""One conversation of the screen."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.screen.chat import (
    KEPT_MESSAGES,
    MAX_BYTES,
    MAX_MESSAGES,
    MAX_NAMES,
    MAX_SILENT,
    MAX_TYPING,
    TYPING_SECONDS,
    Chat,
    Waiting,
)
from imserver.core.values import Extra, Gone, Kind, Message
from tests.client.fake_server import ALICE, BOB, direct, group
from tests.client.screen.values import edit, membership, message, recall, tombstone


def held(chat: Chat) -> list[int]:
    """The seqs of what is held."""
    return [each.seq for each in chat.messages]


class WithAlice(SynchronousTestCase):
    """Bob's view of what alice and he say."""

    def setUp(self) -> None:
        self.chat = Chat(direct(), BOB)


class TitleTest(WithAlice):
    """What it is."""

    def test_who_it_is_with(self) -> None:
        """A direct conversation is called as the other one, a group by its title."""
        self.assertEqual((self.chat.title, self.chat.peer, self.chat.is_group), ("alice", ALICE, False))
        team = Chat(group(), BOB)
        self.assertEqual((team.title, team.peer, team.is_group), ("team", None, True))


class UnreadTest(WithAlice):
    """What is unread."""

    def test_counted(self) -> None:
        """What lies above the read mark, and above where one joined."""
        self.chat.update(membership(last=7, read=3))
        self.assertEqual(self.chat.unread, 4)
        self.chat.put(message(8))
        self.assertEqual(self.chat.unread, 5)
        self.chat.update(membership(last=8, joined=6))
        self.assertEqual(self.chat.unread, 2)

    def test_what_was_missed_counts_once(self) -> None:
        """The list tells of messages that arrive only then."""
        self.chat.update(membership(last=3))
        for seq in (1, 2, 3):
            self.chat.put(message(seq))
        self.assertEqual(self.chat.unread, 3)

    def test_who_answers_has_read(self) -> None:
        """An own message, from wherever, is a sign of having read what came before; what comes after is not read."""
        self.chat.update(membership(last=5))
        self.chat.put_page([message(4, sender=BOB.number), message(5)], before=True)
        self.assertEqual(self.chat.unread, 1)

    def test_never_back(self) -> None:
        """A list that was made before a mark arrived does not take it back."""
        self.chat.update(membership(last=5, read=5))
        self.chat.update(membership(last=4, read=2))
        self.assertEqual((self.chat.unread, self.chat.last_seq, self.chat.marked_seq), (0, 5, 2))

    def test_what_changes_others_does_not_count(self) -> None:
        """Edits and recalls are not unread, however often they come; a call for attention is."""
        self.chat.update(membership(last=2, read=2))
        for each in (edit(3, 1, "x"), recall(4, 2), message(5), replace(message(6), kind=Kind.ATTENTION)):
            self.chat.put(each)
        self.chat.put_page([edit(3, 1, "x")], before=True)
        self.assertEqual(self.chat.unread, 2)
        self.chat.update(membership(last=6, read=3))
        self.assertEqual(self.chat.unread, 2)
        self.chat.forget()
        self.chat.put(message(7))
        self.assertEqual(self.chat.unread, 7)

    def test_what_does_not_count_is_bounded(self) -> None:
        """What is beyond counts again, so that something is left to read."""
        for seq in range(1, MAX_SILENT + 3):
            self.chat.put(edit(seq, 1, "x"))
        self.assertEqual(self.chat.unread, 2)

    def test_after_leaving(self) -> None:
        """Nothing that is said afterwards counts."""
        self.chat.update(membership(last=9, read=2, left=4))
        self.assertEqual((self.chat.unread, self.chat.left), (2, True))


class StretchTest(WithAlice):
    """The messages held."""

    def test_in_order_once(self) -> None:
        """By seq, however they come."""
        self.chat.put(message(7))
        self.chat.put_page([message(3), message(4), message(7)], before=True)
        for seq in (5, 6, 4):
            self.chat.put(message(seq))
        self.assertEqual(held(self.chat), [3, 4, 5, 6, 7])

    @given(st.lists(st.integers(1, 40), max_size=60))
    def test_any_order(self, seqs: list[int]) -> None:
        """Ascending, without duplicates, nothing lost."""
        chat = Chat(direct(), BOB)
        for seq in seqs:
            chat.put(message(seq))
        self.assertEqual(held(chat), sorted(set(seqs)))

    def test_reading_upwards_lets_go_of_the_newest(self) -> None:
        """The stretch is bounded; what arrives then belongs behind what was let go of, and is not held."""
        self.chat.put_page([message(seq) for seq in range(101, 101 + MAX_MESSAGES)], before=True)
        self.chat.put_page([message(seq) for seq in range(51, 101)], before=True)
        self.assertEqual((self.chat.messages[0].seq, len(self.chat.messages)), (51, MAX_MESSAGES))
        self.assertTrue(self.chat.newer)
        self.chat.put(message(5_000))
        self.assertEqual((self.chat.messages[-1].seq, self.chat.last_seq), (50 + MAX_MESSAGES, 5_000))

    def test_reading_downwards_lets_go_of_the_oldest(self) -> None:
        """Likewise; then there are older ones again."""
        self.chat.put_page([message(seq) for seq in range(1, 1 + MAX_MESSAGES)], before=True)
        self.chat.older = False
        self.chat.put_page([message(seq) for seq in range(1 + MAX_MESSAGES, 51 + MAX_MESSAGES)], before=False)
        self.assertEqual((self.chat.messages[0].seq, self.chat.older, self.chat.newer), (51, True, False))

    def test_bounded_in_bytes(self) -> None:
        """Long messages push out more; one always stays."""
        text = "x" * (MAX_BYTES // 2)
        self.chat.put_page([message(seq, text) for seq in range(1, 5)], before=False)
        self.assertEqual(held(self.chat), [3, 4])
        self.chat.put_page([message(5, "x" * (2 * MAX_BYTES))], before=False)
        self.assertEqual(held(self.chat), [5])

    def test_closing_keeps_little(self) -> None:
        """The newest, if they are there; a stretch from the middle is of no use then.  What was refused is forgotten."""
        self.chat.put_page([message(seq) for seq in range(1, 500)], before=False)
        self.chat.waiting = [Waiting(b"1", "x", 1, "no"), Waiting(b"2", "y", 2)]
        self.chat.close()
        self.assertEqual((len(self.chat.messages), self.chat.messages[-1].seq), (KEPT_MESSAGES, 499))
        self.assertEqual([each.text for each in self.chat.waiting], ["y"])
        self.chat.newer = True
        self.chat.close()
        self.assertEqual((held(self.chat), self.chat.older, self.chat.newer), ([], True, False))

    def test_names_are_bounded(self) -> None:
        """Who has spoken is known by name, but not for ever more people."""
        for number in range(10, 20 + MAX_NAMES):
            self.chat.put(message(1, sender=number))
        self.assertEqual(len(self.chat.names), MAX_NAMES)


class AmendedTest(WithAlice):
    """What later messages make of those held."""

    def gone(self) -> list[tuple[int, str]]:
        """Where nothing is left, and why."""
        return [(each.seq, each.content_type) for each in self.chat.messages if each.kind == Kind.TOMBSTONE]

    def test_recalled(self) -> None:
        """Nothing of it is held any more, nor of its edits."""
        for each in (message(1), message(2), edit(3, 1, "secret"), recall(4, 1)):
            self.chat.put(each)
        self.assertEqual(self.gone(), [(1, Gone.RECALLED), (3, Gone.RECALLED)])
        self.assertEqual([each.body for each in self.chat.messages], [b"", b"hello", b"", b""])

    def test_burnt(self) -> None:
        """Likewise; of what is not held nothing has to go."""
        self.chat.put(replace(message(1), extra=Extra(burn_seconds=5)))
        self.assertTrue(self.chat.burns)
        self.chat.lose(1, Gone.BURNT)
        self.chat.lose(7, Gone.BURNT)
        self.assertEqual((self.gone(), self.chat.burns), ([(1, Gone.BURNT)], False))

    def test_fetched_again(self) -> None:
        """A tombstone takes the place of what was held; nothing takes that of a tombstone."""
        for page in ([message(1)], [tombstone(1)], [message(1)]):
            self.chat.put_page(page, before=True)
        self.assertEqual(self.gone(), [(1, Gone.RECALLED)])

    def test_the_newest_own_message(self) -> None:
        """Neither an edit, nor a call for attention, nor what is gone."""
        for each in (message(1), message(2), edit(3, 1, "x"), tombstone(4)):
            self.chat.put(replace(each, sender=BOB.number))
        self.chat.put(Message(17, 5, BOB.number, "bob", b"", Kind.ATTENTION, "", b"", 1))
        own = self.chat.last_own()
        assert own is not None
        self.assertEqual((own.seq, self.chat.mark(self.chat.messages[-1])), (2, ""))


class MarkTest(WithAlice):
    """How far own messages are."""

    def test_direct(self) -> None:
        """Sent, then delivered, then read; nothing about what others say."""
        self.chat.delivered_to, self.chat.read_by = 4, 2
        own = [self.chat.mark(message(seq, sender=BOB.number)) for seq in (2, 3, 5)]
        self.assertEqual((own, self.chat.mark(message(1))), (["read", "delivered", "sent"], ""))

    def test_group(self) -> None:
        """By numbers, of the one message that was counted."""
        team = Chat(group(), BOB)
        mine = message(3, sender=BOB.number)
        self.assertEqual(team.mark(mine), "sent")
        team.counted = 3, 2, 0
        self.assertEqual(team.mark(mine), "delivered to 2")
        team.counted = 3, 2, 1
        self.assertEqual(team.mark(mine), "read by 1")
        self.assertEqual(team.mark(message(4, sender=BOB.number)), "sent")

    def test_notices_have_none(self) -> None:
        """What the server writes about somebody's deed is no message of his."""
        notice = Message(17, 2, BOB.number, "bob", b"", Kind.NOTICE, "", b"{}", 1)
        self.chat.put(message(1, sender=BOB.number))
        self.chat.put(notice)
        own = self.chat.last_own()
        assert own is not None
        self.assertEqual((self.chat.mark(notice), own.seq), ("", 1))


class TypingTest(WithAlice):
    """Who types."""

    def test_until_told_or_forgotten(self) -> None:
        """It ends when it is said to, when a message comes, and by itself."""
        for end in (
            lambda: self.chat.typing_changed(ALICE.number, False, 1.0),
            lambda: self.chat.put(message(1)),
        ):
            self.chat.typing_changed(ALICE.number, True, 0.0)
            self.assertEqual(self.chat.who_types(1.0), ["alice"])
            end()
            self.assertEqual(self.chat.who_types(1.0), [])
        self.chat.typing_changed(ALICE.number, True, 0.0)
        self.assertEqual(self.chat.who_types(TYPING_SECONDS), [])

    def test_bounded(self) -> None:
        """However many type."""
        for number in range(1_000):
            self.chat.typing_changed(number, True, 0.0)
        self.assertEqual(len(self.chat.who_types(0.0)), MAX_TYPING)
