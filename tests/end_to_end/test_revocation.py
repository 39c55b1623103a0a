"""T21: a right that ends, ends at once: on live connections, in tokens, and for what is still on its way."""

import sys
from collections.abc import Iterable

from imserver.core.errors import Code
from imserver.core.events import (
    Behind,
    Closing,
    ConversationLeft,
    ConversationOpened,
    Done,
    Event,
    GroupChanged,
    History,
    LoggedIn,
    MessageArrived,
    Refused,
    Sent,
)
from imserver.core.requests import (
    ChangePassword,
    CreateGroup,
    DeleteAccount,
    FetchHistory,
    LeaveGroup,
    LogIn,
    LogInWithToken,
    LogOut,
    MarkDelivered,
    OpenDirect,
    Ping,
    Register,
    RenameGroup,
    Request,
    Resume,
    RevokeDevice,
    Send,
    SendTo,
    SetTyping,
)
from imserver.core.values import Kind
from tests.end_to_end.daemon import TWISTD
from tests.end_to_end.peer import PASSWORD, Peer
from tests.end_to_end.siege import Siege, rest

# What ends, has ended when alice is answered next; the rest is for the machine.
ENDED_SECONDS = 10.0
NEW_PASSWORD = "a better battery"
PIPELINED = 40  # within the burst of an account
MAX_DEVICES = 3
LIMITS = f"max_devices = {MAX_DEVICES}"
# Nothing that the server wants to end does.
UNENDING = (
    sys.executable,
    "-c",
    "from imserver.core.session import Session; Session.close = lambda *_: None;" + TWISTD[-1],
)


class RevocationTests(Siege):
    def begin_with(self, command: Iterable[str] = TWISTD) -> None:
        """Carol with a phone and a laptop, both connected, in a conversation with alice."""
        self.begin(LIMITS, command=command)
        self.phone, self.laptop = self.peer(self.plain), self.peer(self.plain)
        self.carol = self.phone.register("carol").account.number
        self.phone_login = self.phone.log_in("carol", "phone")
        self.laptop_login = self.laptop.log_in("carol", "laptop")
        self.alice = self.bystanders.alice
        opened = self.alice.expect(OpenDirect(self.carol), ConversationOpened)
        self.conversation = opened.membership.conversation.id
        self.sent = 0

    # -- passwords

    def test_changed_password(self) -> None:
        """The other device's connection ends, and so do its tokens; whoever changed it goes on."""
        self.begin_with()
        self.revoke(ChangePassword(PASSWORD, NEW_PASSWORD))
        self.assert_ended(self.laptop, Code.REVOKED)
        self.assert_void(self.laptop_login)
        self.assert_refused(LogIn("carol", PASSWORD, "laptop"), Code.WRONG_CREDENTIALS)
        self.assertIsInstance(self.phone.ask(self.text()), Sent)
        self.assert_no_errors()

    def test_changed_password_while_away(self) -> None:
        """What a connection lost a moment ago left behind does not bring it back."""
        self.begin_with()
        self.laptop.close()
        self.revoke(ChangePassword(PASSWORD, NEW_PASSWORD))
        self.assert_void(self.laptop_login)

    # -- devices

    def test_revoked_device(self) -> None:
        """Its connection ends, and so do its tokens; the other device goes on."""
        self.begin_with()
        self.revoke(RevokeDevice("laptop"))
        self.assert_ended(self.laptop, Code.REVOKED)
        self.assert_void(self.laptop_login)
        self.assertIsInstance(self.phone.ask(self.text()), Sent)
        self.assert_no_errors()

    def test_revoked_itself(self) -> None:
        """A device can end itself; it hears that it is done, and nothing else."""
        self.begin_with()
        self.revoke(RevokeDevice("phone"))
        self.assert_ended(self.phone, Code.REVOKED)
        self.assert_void(self.phone_login)

    def test_revoked_while_writing(self) -> None:
        """Of what a device sends without pause nothing comes after what was said after its end."""
        self.begin_with()
        self.laptop.tell(*[self.text() for _ in range(PIPELINED)])
        self.phone.tell(RevokeDevice("laptop"))
        self.laptop.tell(*[self.text() for _ in range(PIPELINED)])
        while not isinstance(self.phone.hear()[1], Done):
            pass
        # More of its sends may arrive now; none may be taken on.
        last = self.alice.expect(self.text(), Sent).seq
        self.assert_ended(self.laptop, Code.REVOKED)
        # This one is stored after everything that was taken on before it.
        self.assertEqual(self.alice.expect(self.text(), Sent).seq, last + 1)

    def test_displaced(self) -> None:
        """One device more than there may be: the one that was unseen the longest is out."""
        self.begin_with()
        self.laptop.close()
        # It is unseen from here on.
        self.assertIsInstance(self.phone.ask(self.text()), Sent)
        for n in range(MAX_DEVICES - 1):
            self.peer(self.plain).log_in("carol", f"new{n}")
        self.assert_void(self.laptop_login)
        self.assertIsInstance(self.phone.ask(self.text()), Sent)

    def test_logged_out(self) -> None:
        """The connection ends, and nothing of it is left."""
        self.begin_with()
        self.revoke(LogOut())
        self.assert_ended(self.phone, Code.LOGGED_OUT)
        self.assert_void(self.phone_login)
        self.assertIsInstance(self.laptop.ask(self.text()), Sent)

    # -- accounts

    def test_deleted_account(self) -> None:
        """All its connections end; neither password nor tokens work; nobody can write to it or take its name."""
        self.begin_with()
        self.revoke(DeleteAccount(PASSWORD), last_word=False)
        for peer, login in ((self.phone, self.phone_login), (self.laptop, self.laptop_login)):
            self.assert_ended(peer, Code.REVOKED)
            self.assert_void(login)
        self.assert_refused(LogIn("carol", PASSWORD, ""), Code.WRONG_CREDENTIALS)
        self.assert_refused(Register("carol", PASSWORD, ""), Code.NAME_TAKEN)
        late = SendTo("carol", b"late", Kind.TEXT, "", b"are you there?")
        self.assertEqual(self.bystanders.bob.expect(late, Refused).code, Code.NOT_FOUND)
        self.assert_no_errors()

    # -- groups

    def test_left_group(self) -> None:
        """Nothing of a group is shown after one's own notice of leaving, and nothing can be done in it."""
        self.begin_with()
        group = self.alice.expect(CreateGroup("group", [self.carol]), ConversationOpened).membership
        self.conversation = group.conversation.id
        self.alice.expect(self.text(), Sent)
        left = self.phone.expect(LeaveGroup(self.conversation), GroupChanged).seq
        after = self.alice.expect(self.text(), Sent)
        for peer in (self.phone, self.laptop):
            page = peer.expect(FetchHistory(self.conversation, 0, 0, 0), History)
            self.assertLessEqual(max(message.seq for message in page.messages), left)
            for request in (self.text(), RenameGroup(self.conversation, "mine")):
                self.assertIsInstance(peer.ask(request), Refused)
            peer.tell(SetTyping(self.conversation, True), MarkDelivered(self.conversation, after.seq))
        self.assertEqual(self.alice.expect(self.text(), Sent).seq, after.seq + 1)
        for peer in (self.phone, self.laptop):
            heard = self.heard(peer)
            self.assertIn(ConversationLeft(self.conversation), heard)
            self.assertEqual([event for event in heard if self.is_beyond(event, left)], [])
        self.assert_no_errors()

    # -- can it fail?

    def test_unending(self) -> None:
        """A server that ends no connection is found out."""
        self.begin_with(UNENDING)
        self.revoke(RevokeDevice("laptop"))
        self.assertRaises(self.failureException, self.assert_ended, self.laptop, Code.REVOKED)

    # -- steps

    def revoke(self, request: Request, last_word: bool = True) -> None:
        """The phone ends a right; then alice writes, which nobody whose right has ended may see."""
        self.phone.expect(request, Done)
        if last_word:
            self.alice.expect(self.text(), Sent)

    def text(self) -> Send:
        """Another message to the conversation."""
        self.sent += 1
        return Send(self.conversation, b"%d" % self.sent, Kind.TEXT, "", b"a word")

    def assert_ended(self, peer: Peer, code: Code) -> None:
        """The connection is closed, and has not seen the last word."""
        peer.socket.settimeout(ENDED_SECONDS)
        try:
            events = rest(peer)
        except TimeoutError:
            self.fail(f"not closed within {ENDED_SECONDS} s")
        closing = events[-1]
        assert isinstance(closing, Closing)
        self.assertEqual(closing.code, code)
        last_word = b"%d" % self.sent
        arrived = [event.message for event in events if isinstance(event, MessageArrived)]
        self.assertNotIn(last_word, [message.client_id for message in arrived])

    def assert_void(self, login: LoggedIn) -> None:
        """Neither of its tokens logs anybody in."""
        self.assert_refused(LogInWithToken(login.token), Code.WRONG_CREDENTIALS)
        self.assert_refused(Resume(login.resume_token), Code.WRONG_CREDENTIALS)

    def assert_refused(self, request: Request, code: Code) -> None:
        """On a connection of its own."""
        with Peer(self.plain) as peer:
            self.assertEqual(peer.expect(request, Refused).code, code)

    def heard(self, peer: Peer) -> list[Event]:
        """What the peer was told by itself until now: the answer to a Ping comes after all of it."""
        tag = peer.tell(Ping())
        events: list[Event] = []
        while (pair := peer.hear())[0] != tag:
            events.append(pair[1])
        return events

    def is_beyond(self, event: Event, seq: int) -> bool:
        """Whether it tells of the conversation beyond that seq."""
        match event:
            case MessageArrived():
                return event.message.conversation == self.conversation and event.message.seq > seq
            case Behind():
                return event.conversation == self.conversation and event.last_seq > seq
        return False
