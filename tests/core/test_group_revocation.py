"""Who is no longer in a group sees nothing of it beyond the notice of that, whatever was under way (threats.md T21)."""

from collections.abc import Callable
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.capabilities import Capabilities
from imserver.core.values import Role
from tests.core.client import PASSWORD, Client, Hesitant, Turnstile, group, logged_in, text
from tests.fakes import LIMITS, World

ALICE, BOB = 100_001, 100_002
FED = Capabilities("line", acknowledges=False, fetches=False)

# How bob's membership ends: who asks what.
ENDS: dict[str, tuple[str, Callable[[int], r.Request]]] = {
    "removed": ("alice", lambda id: r.RemoveMember(id, BOB)),
    "dissolved": ("alice", lambda id: r.DissolveGroup(id)),
    "left": ("bob", lambda id: r.LeaveGroup(id)),
}


class RevocationTests(SynchronousTestCase):
    """alice and carol write before and after bob's end; bob has a phone, and a laptop that lets him leave."""

    def setUp(self) -> None:
        self.world = World(replace(LIMITS, enabled=False))
        self.turnstile = Turnstile()
        self.alice, self.laptop = logged_in(self.world, "alice"), logged_in(self.world, "bob", "laptop")
        self.carol = logged_in(self.world, "carol")
        self.group = group(self.alice, BOB, self.carol.session.number)
        self.alice.ask(r.SetRole(self.group, self.carol.session.number, Role.ADMIN))
        self.said = 0
        self.say(3)

    def say(self, count: int) -> None:
        """Whoever is still in the group writes."""
        for client in (self.alice, self.carol):
            for _ in range(count):
                self.said += 1
                client.ask(text(self.group, f"{self.said}"))

    def hold(self) -> None:
        """From now on every call of the store waits."""
        self.world.core.store = self.world.core.rosters._store = Hesitant(self.world.store, self.turnstile)
        self.turnstile.closed = True

    def end(self, how: str) -> int:
        """Bob is out, and others go on writing; -> the last seq that he may see."""
        self.turnstile.closed = False
        who, make = ENDS[how]
        asker = {"alice": self.alice, "bob": self.laptop}[who]
        seq = asker.ask(make(self.group)).seq
        self.say(3)
        return seq

    def seen(self, client: Client) -> list[int]:
        """The seqs of the group's messages that reached the client in any way."""
        events = [*client.events, *client.answers.values()]
        found = [event.message.seq for event in events if isinstance(event, e.MessageArrived)]
        for event in events:
            if isinstance(event, e.History):
                found += [message.seq for message in event.messages]
            if isinstance(event, e.Behind) and event.conversation == self.group:
                found.append(event.last_seq)
            if isinstance(event, e.SyncState | e.ConversationList):
                found += [membership.last_seq for membership in event.memberships]
        return found

    def check(self, client: Client, last: int, cell: str) -> None:
        """Not now, not later, and not when it is asked for."""
        self.turnstile.open()
        self.world.settle()
        self.world.pass_seconds(3)
        if not client.closed:
            for request in (r.FetchHistory(self.group, 0, 0, 0), r.FetchHistory(self.group, 0, 2**62, 0),
                            r.FetchHistory(self.group, last, 0, 0), r.Synchronise(0),
                            r.ListConversations(0, 0)):  # fmt: skip
                self.assertNotEqual(type(client.ask(request)), e.Refused, cell)
            for request in (r.ListMembers(self.group, 0, 0), r.CountReceipts(self.group, last + 1)):
                self.assertEqual(client.code(request), "NOT_FOUND", cell)
            self.assertEqual(client.code(text(self.group, "still here")), "NOT_MEMBER", cell)
        self.assertEqual([seq for seq in self.seen(client) if seq > last], [], cell)
        self.assertNotIn("still here", self.alice.texts)

    # -- connected

    def test_connected(self) -> None:
        """A live session hears the notice, and that it is over, in the turn in which it is on disk."""
        for how in ENDS:
            for capabilities in (Capabilities("test"), FED):
                self.setUp()
                phone = logged_in(self.world, "bob", "phone", capabilities=capabilities)
                last = self.end(how)
                self.assertEqual(phone.of(e.ConversationLeft), [e.ConversationLeft(self.group)], how)
                self.check(phone, last, how)
                self.assertIn(last, self.seen(phone), how)

    def test_behind(self) -> None:
        """A session that did not keep up is not shown the rest when it does."""
        for how in ENDS:
            self.setUp()
            phone = logged_in(self.world, "bob", "phone")
            phone.session.client.congested = True
            self.say(2)
            last = self.end(how)
            phone.session.client.congested = False
            self.check(phone, last, how)

    def test_sliced(self) -> None:
        """A fan-out that is under way shows what was said before, and not what comes after."""
        for how in ENDS:
            self.setUp()
            self.world.core.limits = replace(self.world.limits, fanout_per_turn=1)
            phone = logged_in(self.world, "bob", "phone")
            for n in range(5):
                self.alice.start(text(self.group, f"before {n}"))
            self.check(phone, self.end(how), how)

    def test_typing(self) -> None:
        """Neither what others type nor what they have read is told any more."""
        for how in ENDS:
            self.setUp()
            phone = logged_in(self.world, "bob", "phone")
            self.end(how)
            phone.events.clear()
            self.carol.ask(r.SetTyping(self.group, True))
            self.carol.ask(r.MarkRead(self.group, 3))
            self.world.pass_seconds(2)
            self.assertEqual([event for event in phone.events if type(event) is not e.Behind], [], how)

    # -- away

    def test_detached(self) -> None:
        """A device that was away, and comes back by token or by resuming, finds what was until then."""
        for how in ENDS:
            for by_resume in (False, True):
                self.setUp()
                phone = Client(self.world)
                tokens = phone.log_in("bob", "phone")
                phone.leave()
                last = self.end(how)
                phone = Client(self.world)
                token = r.Resume(tokens.resume_token) if by_resume else r.LogInWithToken(tokens.token)
                self.assertIsInstance(phone.ask(token), e.LoggedIn)
                self.check(phone, last, how)
                self.assertIn(last, self.seen(phone), how)

    def test_detached_and_fed(self) -> None:
        """A device that cannot fetch is fed up to there when it comes back, and with other conversations after that."""
        for how in ENDS:
            self.setUp()
            phone = logged_in(self.world, "bob", "phone", capabilities=FED)
            phone.leave()
            last = self.end(how)
            other = group(self.alice, BOB)
            phone = logged_in(self.world, "bob", "phone", capabilities=FED)
            self.check(phone, last, how)
            arrived = [event.message for event in phone.of(e.MessageArrived)]
            self.assertIn(last, [message.seq for message in arrived if message.conversation == self.group])
            self.assertIn(other, [message.conversation for message in arrived])

    # -- under way

    def at_each_await(self, start: Callable[[], Client]) -> None:
        """What `start` begins is stopped at each of its awaits in turn, and there bob's membership ends."""
        for how in ENDS:
            steps, under_way = 0, True
            while under_way:
                self.setUp()
                client = start()
                under_way = all(self.turnstile.let_one_pass() for _ in range(steps))
                self.check(client, self.end(how), f"{how} after {steps} awaits")
                steps += 1
            self.assertGreater(steps, 2, how)

    def test_fetching(self) -> None:
        """A page of history that is being read."""
        for bounds in ((0, 0), (0, 2**62), (2, 0)):

            def start(bounds: tuple[int, int] = bounds) -> Client:
                phone = logged_in(self.world, "bob", "phone")
                self.hold()
                phone.start(r.FetchHistory(self.group, *bounds, 0))
                return phone

            self.at_each_await(start)

    def test_synchronising(self) -> None:
        """A synchronisation that is being read."""

        def start() -> Client:
            phone = logged_in(self.world, "bob", "phone")
            self.hold()
            phone.start(r.Synchronise(0))
            return phone

        self.at_each_await(start)

    def test_logging_in(self) -> None:
        """A login that is under way."""
        for capabilities in (Capabilities("test"), FED):

            def start(capabilities: Capabilities = capabilities) -> Client:
                phone = Client(self.world, capabilities)
                self.hold()
                phone.start(r.LogIn("bob", PASSWORD, "phone"))
                return phone

            self.at_each_await(start)

    def test_fed(self) -> None:
        """A client that cannot fetch and is being fed."""

        def start() -> Client:
            logged_in(self.world, "bob", "phone", capabilities=FED).leave()
            self.say(20)
            phone = logged_in(self.world, "bob", "phone", capabilities=FED)
            phone.congested = True
            phone.session.window.behind[self.group] = self.said
            self.hold()
            phone.congested = False
            phone.session.tell_behind()
            return phone

        self.at_each_await(start)

    def test_coming_back_in_between(self) -> None:
        """A page that was begun before the end and is finished after a return has nothing of what was between."""
        steps, under_way = 0, True
        while under_way:
            self.setUp()
            phone = logged_in(self.world, "bob", "phone")
            self.hold()
            asked = phone.start(r.FetchHistory(self.group, 0, 0, 0))
            under_way = all(self.turnstile.let_one_pass() for _ in range(steps))
            last = self.end("removed")
            back = self.alice.ask(r.AddMembers(self.group, [BOB])).seq
            self.turnstile.open()
            self.world.settle()
            missed = set(range(last + 1, back))
            page = phone.answers[asked]
            self.assertEqual(missed & {message.seq for message in page.messages}, set(), steps)
            steps += 1
        self.assertGreater(steps, 2)
