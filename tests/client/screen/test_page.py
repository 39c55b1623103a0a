"""The rows of a conversation."""

import os
import time
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.screen.chat import Chat, Waiting
from imserver.client.screen.page import MAX_ROWS, Page
from imserver.core.values import Extra, Gone, Kind, Message
from tests.client.fake_server import BOB, direct, group
from tests.client.screen.values import DAY_MS, edit, message, recall, tombstone

BOBS = BOB.number


class PageCase(SynchronousTestCase):
    """Bob's page, in UTC."""

    def setUp(self) -> None:
        before = os.environ.get("TZ")
        self.addCleanup(self.set_zone, before)
        self.set_zone("UTC")
        self.chat = Chat(direct(), BOB)
        self.chat.older = False
        self.page = Page(Console())

    def set_zone(self, name: str | None) -> None:
        """What time it is here."""
        os.environ.pop("TZ", None)
        if name is not None:
            os.environ["TZ"] = name
        time.tzset()

    def rows(self, width: int = 40) -> list[str]:
        """As plain text."""
        return [row.text.plain for row in self.page.rows(self.chat, width)]


class RowsTest(PageCase):
    def test_days(self) -> None:
        """A line where a new one begins; the time before each message."""
        self.chat.put_page([message(1, "one"), message(2, "two"), message(3, "x", time_ms=DAY_MS)], True)
        first, *said, second, last = self.rows()
        self.assertRegex(first, "^── Thursday, 1 January 1970 ─+$")
        self.assertRegex(second, "^── Friday, 2 January 1970 ─+$")
        self.assertEqual([*said, last], ["00:00 alice: one", "00:00 alice: two", "00:00 alice: x"])

    def test_wrapped(self) -> None:
        """Under the text, by cells and not by letters; the time goes where there is no room for it."""
        self.chat.put(message(1, "世界" * 12))
        self.assertEqual(
            self.rows(30)[1:],
            ["00:00 alice:", "      世界世界世界世界世界世界", "      世界世界世界世界世界世界"],
        )
        self.assertEqual(self.rows(12)[1:3], ["alice:", "世界世界世界"])

    @given(st.text(max_size=200), st.integers(1, 90))
    def test_never_too_wide(self, text: str, width: int) -> None:
        """Whatever is said, and however narrow it is."""
        chat = Chat(direct(), BOB)
        chat.put(message(1, text))
        for row in Page(Console()).rows(chat, width):
            self.assertLessEqual(row.text.cell_len, width)

    def test_nobody_draws(self) -> None:
        """Escape sequences and textual's markup stay text."""
        self.chat.put(message(1, "\x1b[31mred[/] [bold]x[/bold] [@click=app.quit]y[/]"))
        self.assertEqual(
            "".join(row.strip() for row in self.rows(200)[1:]),
            r"00:00 alice: \x1b[31mred[/] [bold]x[/bold] [@click=app.quit]y[/]",
        )

    def test_marks(self) -> None:
        """The last own message of each state tells for those before it."""
        self.chat.put_page([message(seq, str(seq), BOBS) for seq in range(1, 7)], True)
        self.chat.delivered_to, self.chat.read_by = 4, 2
        self.assertEqual(
            [row[6:] for row in self.rows()[1:]],
            ["bob: 1", "bob: 2  read", "bob: 3", "bob: 4  delivered", "bob: 5", "bob: 6  sent"],
        )

    def test_marks_in_groups(self) -> None:
        """Of the last own message only."""
        self.chat = Chat(group(), BOB)
        self.chat.older = False
        self.chat.put_page([message(1, "1", BOBS), message(2, "2", BOBS), message(3, "3")], True)
        self.chat.counted = 2, 5, 3
        self.assertEqual([row[6:] for row in self.rows()[1:]], ["bob: 1", "bob: 2  read by 3", "alice: 3"])

    def test_waiting(self) -> None:
        """What is on its way, and what was refused and why, behind everything else."""
        self.chat.put(message(1, "one"))
        self.chat.waiting = [Waiting(b"2", "two", 2), Waiting(b"3", "three", 3, "too\x1blong")]
        self.assertEqual(
            self.rows()[2:], ["00:00 bob: two  sending", r"00:00 bob: three  not sent: too\x1blong"]
        )

    def test_new(self) -> None:
        """A line before the first unread one, if something was read before."""
        for seq in (1, 2, 3):
            self.chat.put(message(seq, str(seq)))
        self.chat.read_before = 2
        self.assertTrue(self.rows()[3].startswith("── new ──"))
        self.chat.read_before = 0
        self.assertFalse(any("new" in row for row in self.rows()))

    def test_more(self) -> None:
        """One sees that there is more on either side, or nothing at all."""
        self.assertEqual(self.rows()[0].strip(), "Nothing has been said here yet.")
        self.chat.put(message(1))
        self.chat.older = self.chat.newer = True
        rows = self.rows()
        self.assertEqual((rows[0].strip(), rows[-1].strip()), ("... more above", "... more below"))

    def test_long_messages(self) -> None:
        """Are cut, so that one cannot push away all others."""
        self.chat.put(message(1, "x\n" * 5_000))
        self.assertEqual(len(self.rows()), 1 + MAX_ROWS + 1)

    def test_long_lines(self) -> None:
        """Likewise."""
        self.chat.put(message(1, "x" * 60_000))
        self.assertEqual(len(self.rows(20)), 1 + MAX_ROWS + 1)

    def test_notices(self) -> None:
        """Speak for themselves."""
        body = b'{"action":"left","actor":"alice","accounts":[],"title":""}'
        self.chat.put(Message(17, 1, 1, "alice", b"", Kind.NOTICE, "", body, 1))
        self.assertEqual(self.rows()[1], "00:00 * alice left")

    def test_edited(self) -> None:
        """The newest text in its place, with a mark; an edit is no message of its own."""
        self.chat.put_page([message(1, "helo"), message(2, "x"), edit(3, 1, "hello")], True)
        self.assertEqual(self.rows()[1:], ["00:00 alice: hello  edited", "00:00 alice: x"])
        self.chat.put(edit(4, 1, "hello!"))
        self.assertEqual(self.rows()[1:], ["00:00 alice: hello!  edited", "00:00 alice: x"])

    def test_gone(self) -> None:
        """What is left stands in its place, and nothing else is said of it."""
        self.chat.put_page([message(1, "one"), message(2, "two"), edit(3, 1, "1"), recall(4, 1)], True)
        self.chat.lose(2, Gone.BURNT)
        self.assertEqual(self.rows()[1:], ["00:00 alice: [recalled]", "00:00 alice: [burnt]"])

    def test_gone_when_it_was_fetched(self) -> None:
        """As above: the tombstones of edits are not shown."""
        self.chat.put_page([tombstone(1), message(2, "two"), tombstone(3), recall(4, 1)], True)
        self.assertEqual(self.rows()[1:], ["00:00 alice: [recalled]", "00:00 alice: two"])

    def test_where_it_comes_from_and_how_long_it_lasts(self) -> None:
        """Stands before it; nobody's name commands the terminal."""
        self.chat.origins = {7: "ca\x1brol"}
        for seq, extra in ((1, Extra(origin=7)), (2, Extra(origin=8)), (3, Extra(burn_seconds=5))):
            self.chat.put(replace(message(seq, "news"), extra=extra))
        self.assertEqual(
            self.rows(80)[1:],
            [
                r"00:00 alice: (forwarded from ca\x1brol) news",
                "00:00 alice: (forwarded from somebody) news",
                "00:00 alice: (burns 5 s after reading) news",
            ],
        )

    def test_replies(self) -> None:
        """Quote what they answer, as it is now; a reply to the reader has a sign before it."""
        self.chat.put_page([message(1, "one " * 20, BOBS), message(2, "two"), edit(3, 2, "2")], True)
        for seq, about in ((4, 1), (5, 2)):
            self.chat.put(replace(message(seq, "yes"), extra=Extra(about=about)))
        self.chat.put(replace(message(6, "yes", BOBS), extra=Extra(about=1)))
        self.assertEqual(
            self.rows(80)[4:],
            [
                "00:00 (!) alice: > bob: one one one one one one one one …",
                "      yes",
                "00:00 alice: > alice: 2",
                "      yes",
                "00:00 bob: > bob: one one one one one one one one …",
                "      yes  sent",
            ],
        )

    def test_replies_to_what_is_not_here(self) -> None:
        """Say that much."""
        self.chat.put(replace(message(6, "yes"), extra=Extra(about=1)))
        self.assertEqual(self.rows()[1:], ["00:00 alice: > an earlier message", "      yes"])

    def test_attention(self) -> None:
        """A line of its own."""
        self.chat.put(replace(message(1, ""), kind=Kind.ATTENTION))
        self.assertEqual(self.rows()[1], "00:00 * alice calls for your attention")

    def test_mentioned(self) -> None:
        """One sees it also where the name is not in the text; who is not mentioned sees nothing."""
        for seq, numbers in ((1, [BOBS]), (2, [7])):
            self.chat.put(replace(message(seq, "come"), extra=Extra(mentions=numbers)))
        self.assertEqual(self.rows()[1:], ["00:00 (!) alice: come", "00:00 alice: come"])

    def test_mentions(self) -> None:
        """Who is named sees it."""
        self.chat.put(message(1, "come, @Bob!"))
        row = self.page.rows(self.chat, 40)[1].text
        self.assertIn("reverse", [str(span.style) for span in row.spans])

    def test_kept(self) -> None:
        """What was wrapped once is not wrapped again until it changes."""
        self.chat.put_page([message(1, "one"), message(2, "two", BOBS)], True)
        before = self.page.rows(self.chat, 40)
        self.chat.read_by = 2
        after = self.page.rows(self.chat, 40)
        self.assertIs(before[1], after[1])
        self.assertNotEqual(before[2].text.plain, after[2].text.plain)
        self.assertIsNot(self.page.rows(self.chat, 41)[1], after[1])
