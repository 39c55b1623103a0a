"""imserver.operator.announcement: everybody finds it, once, whatever happens on the way."""

from dataclasses import replace
from typing import Any

from imserver.core import requests as r
from imserver.core.errors import ChatError, Code
from imserver.operator import announcement
from tests.core.client import Client, account, logged_in, result, text_to
from tests.operator.operated import OperatedCase


class AnnouncementTests(OperatedCase):
    def setUp(self) -> None:
        super().setUp()
        self.patch(announcement, "SLICE", 3)
        self.names = [f"name{n}" for n in range(8)]
        for name in self.names:
            account(self.world, name)

    def heard(self, name: str) -> list[tuple[str, str]]:
        """What the account finds when it comes: (sender, text)."""
        client = logged_in(self.world, name)
        found = []
        for membership in client.ask(r.Synchronise(0)).memberships:
            messages = client.ask(r.FetchHistory(membership.conversation.id, 0, 0, 0)).messages
            found += [(message.sender_name, message.body.decode()) for message in messages]
        return found

    def test_everybody(self) -> None:
        """Every account has it, as a message of the server's own account: who is here at once, others later."""
        here = logged_in(self.world, "name2")
        self.assertEqual(self.ask("announce we move at noon"), ["told 8 accounts"])
        self.assertEqual(here.texts, ["we move at noon"])
        for name in self.names:
            self.assertEqual(self.heard(name), [("imserver", "we move at noon")], name)

    def test_again(self) -> None:
        """The next one comes in the same conversation; the same words are another message."""
        here = logged_in(self.world, "name2")
        for _ in range(2):
            self.ask("announce beware")
        self.assertEqual(here.texts, ["beware", "beware"])
        self.assertEqual(self.heard("name1"), [("imserver", "beware")] * 2)

    def test_who_is_left_out(self) -> None:
        """Deleted accounts and the server's own are; frozen ones are not."""
        self.ask("accounts delete name0")
        self.ask("accounts freeze name1")
        self.assertEqual(self.ask("announce hello"), ["told 7 accounts"])
        self.ask("accounts unfreeze name1")
        self.assertEqual(self.heard("name1"), [("imserver", "hello")])

    def test_limits_do_not_hold(self) -> None:
        """Neither the rates of an account nor the number of its conversations stop the server's own."""
        self.core.set_limits(replace(self.core.limits, max_conversations=2, messages_burst=1))
        self.assertEqual(self.ask("announce hello"), ["told 8 accounts"])

    def test_bad_text(self) -> None:
        """What cannot be a message is refused, and nobody hears of it."""
        self.assertEqual(self.refusal("announce " + "x" * (64 * 1024 + 1)), "BODY_TOO_LARGE")
        self.assertEqual(self.refusal("announce a\0b"), "BAD_REQUEST")
        self.assertEqual(self.heard("name1"), [])

    def test_overload(self) -> None:
        """What is refused for now is tried again, and nobody has it twice."""
        self.core.set_limits(replace(self.core.limits, max_waiting_operations=2))
        asked = self.started("announce hello")
        self.world.settle()
        self.assertNoResult(asked)
        self.world.pass_seconds(60)
        self.assertEqual(self.successResultOf(asked).lines, ["told 8 accounts"])
        for name in self.names:
            self.assertEqual(self.heard(name), [("imserver", "hello")], name)

    def test_unknown_outcome(self) -> None:
        """A batch of which nobody knows what became is sent again under the same ids."""
        append, failures = self.world.store.append, [True]

        async def append_and_fail(postings: Any, now_ms: int) -> None:
            await append(postings, now_ms)
            if failures:
                failures.clear()
                raise ChatError(Code.UNKNOWN_RETRY, "who knows", 1000)

        self.patch(self.world.store, "append", append_and_fail)
        asked = self.started("announce hello")
        self.world.settle()
        self.world.pass_seconds(3)
        self.assertEqual(self.successResultOf(asked).lines, ["told 8 accounts"])
        for name in self.names:
            self.assertEqual(self.heard(name), [("imserver", "hello")], name)

    def test_refused_for_good(self) -> None:
        """An account that is deleted meanwhile is not counted, and does not hold up the others."""
        open_directs = self.world.store.open_directs

        async def open_and_leave(one: int, others: Any, now_ms: int) -> Any:
            opened = await open_directs(one, others, now_ms)
            for conversation in opened[:1]:
                self.world.store._tables.logs[conversation.id].places[one].left_seq = 1
            return opened

        self.patch(self.world.store, "open_directs", open_and_leave)
        self.assertEqual(self.ask("announce hello"), ["told 5 accounts"])

    def test_stopping(self) -> None:
        """A server that stops does not try for ever."""
        self.core.begin_drain(0)
        self.assertEqual(self.refusal("announce hello"), "RETRY_AFTER")

    def test_others_meanwhile(self) -> None:
        """Between the slices the messages of others go through."""
        bob, carol = logged_in(self.world, "name3"), logged_in(self.world, "name4")
        asked = self.started("announce hello")
        bob.ask(text_to("name4", "me too"))
        self.world.settle()
        self.assertEqual(self.successResultOf(asked).lines, ["told 8 accounts"])
        self.assertEqual(sorted(carol.texts), ["hello", "me too"])

    def test_not_in_the_directory(self) -> None:
        """Nobody finds the server's account among those whom one could talk with."""
        self.ask("announce hello")
        found = logged_in(self.world, "name1").ask(r.Search("", 0, 0)).accounts
        self.assertEqual([each.name for each in found if each.name not in self.names], [])

    def test_answer(self) -> None:
        """One can write to the server's account; nobody reads it there, and nothing breaks."""
        self.ask("announce hello")
        self.assertEqual(Client(self.world).code(text_to("imserver", "x")), "NOT_AUTHENTICATED")
        here = logged_in(self.world, "name1")
        self.assertEqual(here.code(text_to("imserver", "thanks")), "")
        self.assertEqual(result(self.core.administration.server_account()).name, "imserver")
