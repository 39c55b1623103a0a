"""Who may ask what in which state: every request in every state of a session (threats.md T6)."""

import re
import typing
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.rules import RULES
from imserver.core.values import JoinPolicy, Role
from tests.core.client import (
    PASSWORD,
    Client,
    Hesitant,
    Turnstile,
    account,
    befriend,
    group,
    logged_in,
    text,
    text_to,
)
from tests.fakes import World

REQUESTS: tuple[type, ...] = typing.get_args(r.Request)
BEFORE_LOGIN = {r.Hello, r.Ping, r.Register, r.LogIn, r.LogInWithToken, r.Resume}
LOGINS = {r.Register, r.LogIn, r.LogInWithToken, r.Resume}

# A good example of each request, for somebody who is a member of the conversation, whom carol has asked to be his
# contact, and whose contact dave is.
EXAMPLES: dict[type, Callable[[int], r.Request]] = {
    r.Hello: lambda _: r.Hello("test"),
    r.Ping: lambda _: r.Ping(),
    r.Register: lambda _: r.Register("newcomer", PASSWORD, "New"),
    r.LogIn: lambda _: r.LogIn("alice", PASSWORD, ""),
    r.LogInWithToken: lambda _: r.LogInWithToken(b"no token"),
    r.Resume: lambda _: r.Resume(b"no token"),
    r.LogOut: lambda _: r.LogOut(),
    r.ChangePassword: lambda _: r.ChangePassword(PASSWORD, "another"),
    r.DeleteAccount: lambda _: r.DeleteAccount(PASSWORD),
    r.UpdateProfile: lambda _: r.UpdateProfile("Alice", "hello"),
    r.ListDevices: lambda _: r.ListDevices(),
    r.RevokeDevice: lambda _: r.RevokeDevice("test-1"),
    r.LookUp: lambda _: r.LookUp("bob", 0),
    r.RequestContact: lambda _: r.RequestContact(100_002, "hello"),
    r.AnswerContact: lambda _: r.AnswerContact(100_003, True),
    r.RemoveContact: lambda _: r.RemoveContact(100_002),
    r.Block: lambda _: r.Block(100_002),
    r.Unblock: lambda _: r.Unblock(100_002),
    r.ListBlocked: lambda _: r.ListBlocked(0, 0),
    r.SetRemark: lambda _: r.SetRemark(100_004, "my friend", "friends"),
    r.ListContacts: lambda _: r.ListContacts(0, 0),
    r.ListContactRequests: lambda _: r.ListContactRequests(0, 0),
    r.Search: lambda _: r.Search("b", 0, 0),
    r.SetPresence: lambda _: r.SetPresence(2, "at lunch"),
    r.SetPrivacy: lambda _: r.SetPrivacy(False, True),
    r.FetchPrivacy: lambda _: r.FetchPrivacy(),
    r.OpenDirect: lambda _: r.OpenDirect(100_002),
    r.CreateGroup: lambda _: r.CreateGroup("new", [100_002]),
    r.AddMembers: lambda group: r.AddMembers(group, [100_003]),
    r.LeaveGroup: lambda group: r.LeaveGroup(group),
    r.RenameGroup: lambda group: r.RenameGroup(group, "renamed"),
    r.FindGroup: lambda _: r.FindGroup(2),
    r.JoinGroup: lambda _: r.JoinGroup(2, ""),
    r.AnswerJoin: lambda group: r.AnswerJoin(group, 100_003, True),
    r.ListJoinRequests: lambda group: r.ListJoinRequests(group, 0, 0),
    r.RemoveMember: lambda group: r.RemoveMember(group, 100_002),
    r.SetRole: lambda group: r.SetRole(group, 100_002, Role.ADMIN),
    r.HandOver: lambda group: r.HandOver(group, 100_002),
    r.Mute: lambda group: r.Mute(group, 100_002, 60),
    r.SetJoinPolicy: lambda group: r.SetJoinPolicy(group, JoinPolicy.OPEN),
    r.SetAnnouncement: lambda group: r.SetAnnouncement(group, "News"),
    r.DissolveGroup: lambda group: r.DissolveGroup(group),
    r.ListConversations: lambda _: r.ListConversations(0, 0),
    r.ListMembers: lambda group: r.ListMembers(group, 0, 0),
    r.Send: lambda group: text(group, "hello"),
    r.SendTo: lambda _: text_to("bob", "hello"),
    r.Forward: lambda group: r.Forward(group, 2, group, b"forwarded"),
    r.MarkDelivered: lambda group: r.MarkDelivered(group, 1),
    r.MarkRead: lambda group: r.MarkRead(group, 1),
    r.SetTyping: lambda group: r.SetTyping(group, True),
    r.CountReceipts: lambda group: r.CountReceipts(group, 1),
    r.FetchHistory: lambda group: r.FetchHistory(group, 0, 0, 0),
    r.Synchronise: lambda _: r.Synchronise(0),
}


def promised(kind: type) -> type | None:
    """The answer that the request's docstring names; None: no answer."""
    named = re.match(r"-> (\w+)", kind.__doc__ or "")
    assert named, f"{kind.__name__} does not say what answers it"
    return None if named[1] == "no" else getattr(e, named[1])


class MatrixTests(SynchronousTestCase):
    """Each request with one client in one state; `outcome` is the code of a refusal, or the answer's type."""

    def setUp(self) -> None:
        self.world = World()
        for name in ("alice", "bob", "carol", "dave"):
            account(self.world, name)
        for asker, asked, answered in ((100_003, 100_001, False), (100_004, 100_001, True)):
            befriend(self.world, asker, asked, answered)
        owner = logged_in(self.world, "alice", "owner")
        self.group = group(owner, 100_002)
        owner.ask(text(self.group, "said before"))
        owner.ask(r.SetJoinPolicy(self.group, JoinPolicy.BY_REQUEST))
        carol = logged_in(self.world, "carol")
        carol.ask(r.JoinGroup(2, "please"))
        carol.leave()

    def outcomes(self, client: Callable[[], Client]) -> dict[type, object]:
        """Of every request, each in a world of its own."""
        found: dict[type, object] = {}
        for kind in REQUESTS:
            self.setUp()
            asker = client()
            answer = asker.ask(EXAMPLES[kind](self.group))
            found[kind] = answer.code if isinstance(answer, e.Refused) else answer and type(answer)
        return found

    def test_complete(self) -> None:
        """The matrix has every request of the core, and so has the table of rules."""
        self.assertEqual(set(EXAMPLES), set(REQUESTS))
        self.assertEqual(set(RULES), set(REQUESTS))
        self.assertEqual([kind for kind, make in EXAMPLES.items() if type(make(1)) is not kind], [])

    def expected_before_login(self, kind: type) -> object:
        if kind not in BEFORE_LOGIN:
            return "NOT_AUTHENTICATED"
        return "WRONG_CREDENTIALS" if kind in (r.LogInWithToken, r.Resume) else promised(kind)

    def test_no_login(self) -> None:
        """Before login only the six requests that may come first are looked at."""
        found = self.outcomes(lambda: Client(self.world))
        self.assertEqual(found, {kind: self.expected_before_login(kind) for kind in REQUESTS})

    def test_failed_login(self) -> None:
        """A failed login opens nothing."""

        def client() -> Client:
            failed = Client(self.world)
            self.assertEqual(failed.code(r.LogIn("alice", "wrong", "")), "WRONG_CREDENTIALS")
            return failed

        found = self.outcomes(client)
        self.assertEqual(found, {kind: self.expected_before_login(kind) for kind in REQUESTS})

    def test_during_login(self) -> None:
        """While a password is being checked nothing else of that client is looked at."""

        def client() -> Client:
            self.world.passwords.holding = True
            waiting = Client(self.world)
            waiting.start(r.LogIn("alice", PASSWORD, ""))
            return waiting

        self.assertEqual(self.outcomes(client), dict.fromkeys(REQUESTS, "TRY_LATER"))

    def test_after_logout(self) -> None:
        """After a log-out nothing is answered."""

        def client() -> Client:
            gone = logged_in(self.world, "alice")
            self.assertEqual(gone.ask(r.LogOut()), e.Done())
            self.assertEqual(gone.closed, "LOGGED_OUT")
            gone.closed = ""  # so that any answer would be seen
            return gone

        self.assertEqual(self.outcomes(client), dict.fromkeys(REQUESTS))

    def test_logged_in(self) -> None:
        """Once logged in every request gets the answer its docstring names, but for logging in again."""
        found = self.outcomes(lambda: logged_in(self.world, "alice"))
        expected = {kind: "ALREADY_LOGGED_IN" if kind in LOGINS else promised(kind) for kind in REQUESTS}
        self.assertEqual(found, expected)

    def test_three_strikes(self) -> None:
        """The third request that needs a login ends the connection."""
        for kind in REQUESTS:
            if kind not in BEFORE_LOGIN:
                client = Client(self.world)
                codes = [client.code(EXAMPLES[kind](self.group)) for _ in range(3)]
                self.assertEqual(codes, ["NOT_AUTHENTICATED"] * 3, kind)
                self.assertEqual(client.closed, "TOO_MANY_REFUSALS")

    def test_nothing_happens_before_login(self) -> None:
        """What is refused has no effect: no message, no member, no account."""
        bob = logged_in(self.world, "bob")
        before = bob.ask(r.FetchHistory(self.group, 0, 0, 0)).messages
        for kind in REQUESTS:
            if kind not in BEFORE_LOGIN:
                Client(self.world).ask(EXAMPLES[kind](self.group))
        self.world.pass_seconds(2)
        self.assertEqual(bob.events, [])
        self.assertEqual(bob.ask(r.FetchHistory(self.group, 0, 0, 0)).messages, before)

    def test_two_logins_at_once(self) -> None:
        """A wire that asks for a second login before the first is answered gets one session, not two."""
        self.world.passwords.holding = True
        client = Client(self.world)
        client.start(r.LogIn("alice", PASSWORD, ""))
        client.start(r.LogIn("bob", PASSWORD, ""))
        self.world.passwords.release()
        self.world.settle()
        self.assertEqual(self.world.core.session_count(), 2)  # with the owner
        self.assertEqual(client.session.account.name, "alice")

    def test_another_answer_does_not_end_the_wait(self) -> None:
        """A request answered meanwhile does not open the gate that a deletion has closed."""
        client = logged_in(self.world, "alice")
        turnstile = Turnstile()
        self.world.core.store = Hesitant(self.world.store, turnstile)
        turnstile.closed = self.world.passwords.holding = True
        asked = client.start(r.ListDevices())
        client.start(r.DeleteAccount(PASSWORD))
        turnstile.open()
        self.assertIsInstance(client.answers[asked], e.DeviceList)
        self.assertTrue(client.session.busy)
        self.assertEqual(client.code(r.Ping()), "TRY_LATER")
