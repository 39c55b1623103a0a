"""Editing, recalling, forwarding and burning over the native wire, with a daemon that is stopped in between."""

from typing import TypeVar

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import requests as r
from imserver.core.events import (
    ConversationOpened,
    Event,
    History,
    MessageArrived,
    MessageBurnt,
    Refused,
    Sent,
)
from imserver.core.values import Extra, Gone, Kind, Message
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.peer import Peer

_T = TypeVar("_T", bound=Event)
ALICE, BOB = 100_001, 100_002


class ActionsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.daemon = Daemon(self).start()
        for name in ("alice", "bob"):
            with Peer(self.daemon.address()) as peer:
                peer.register(name)
        self.alice, self.bob = self.logged_in("alice"), self.logged_in("bob")
        opened = self.alice.expect(r.OpenDirect(BOB), ConversationOpened)
        self.direct = opened.membership.conversation.id
        self.ids = 0

    def logged_in(self, name: str) -> Peer:
        peer = Peer(self.daemon.address())
        self.addCleanup(peer.close)
        peer.log_in(name)
        return peer

    def restart(self) -> None:
        self.alice.close()
        self.bob.close()
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        self.alice, self.bob = self.logged_in("alice"), self.logged_in("bob")

    def say(self, peer: Peer, kind: Kind, body: bytes = b"", extra: Extra | None = None) -> Sent:
        self.ids += 1
        return peer.expect(r.Send(self.direct, b"%d" % self.ids, kind, "", body, extra), Sent)

    def hear(self, kind: type[_T]) -> _T:
        """The next event of that kind that bob gets."""
        while not isinstance(event := self.bob.hear()[1], kind):
            pass
        return event

    def log(self, peer: Peer, conversation: int = 0) -> list[Message]:
        page = peer.expect(r.FetchHistory(conversation or self.direct, 0, 0, 0), History)
        return [message for run in page.runs for message in run.messages()]

    def test_a_slip(self) -> None:
        """Said, corrected, said wrongly, taken back; and all of it is so after a restart."""
        first = self.say(self.alice, Kind.TEXT, b"helo")
        self.say(self.alice, Kind.EDIT, b"hello", Extra(about=first.seq))
        wrong = self.say(self.alice, Kind.TEXT, b"wrong window")
        self.say(self.alice, Kind.RECALL, extra=Extra(about=wrong.seq))
        heard = [self.hear(MessageArrived).message for _ in range(4)]
        self.assertEqual([message.kind for message in heard], [Kind.TEXT, Kind.EDIT, Kind.TEXT, Kind.RECALL])
        self.assertEqual([m.extra and m.extra.about for m in heard], [None, 1, None, 3])
        before = self.log(self.bob)
        self.assertEqual([m.body for m in before], [b"helo", b"hello", b"", b""])
        self.assertEqual((before[2].kind, before[2].content_type), (Kind.TOMBSTONE, Gone.RECALLED))
        self.restart()
        self.assertEqual(self.log(self.bob), before)
        refused = self.bob.expect(
            r.Send(self.direct, b"x", Kind.RECALL, "", b"", Extra(about=first.seq)), Refused
        )
        self.assertEqual(refused.code, "FORBIDDEN")
        self.daemon.assert_clean()

    def test_forward(self) -> None:
        """What alice has said reaches a group, and says that it is hers."""
        seq = self.say(self.alice, Kind.TEXT, b"news").seq
        group = self.bob.expect(r.CreateGroup("team", []), ConversationOpened).membership.conversation.id
        sent = self.bob.expect(r.Forward(self.direct, seq, group, b"forward"), Sent)
        self.assertEqual(self.bob.expect(r.Forward(self.direct, seq, group, b"forward"), Sent), sent)
        message = self.log(self.bob, group)[-1]
        self.assertEqual((message.seq, message.sender, message.body), (sent.seq, BOB, b"news"))
        self.assertEqual(message.extra, Extra(origin=ALICE))

    def test_burnt(self) -> None:
        """Two seconds after it was read, also if the server was away meanwhile; nothing of it stays on the disk."""
        secret = b"the safe is open"
        seq = self.say(self.alice, Kind.TEXT, secret, Extra(burn_seconds=2)).seq
        self.bob.tell(r.MarkRead(self.direct, seq))
        self.restart()
        if self.log(self.bob)[0].kind != Kind.TOMBSTONE:
            self.assertEqual(self.hear(MessageBurnt), MessageBurnt(self.direct, seq))
        (gone,) = self.log(self.alice)
        self.assertEqual((gone.kind, gone.content_type, gone.body), (Kind.TOMBSTONE, Gone.BURNT, b""))
        self.assertEqual(self.daemon.stop(), 0)
        self.assertNotIn(secret, (self.daemon.data / "imserver.db").read_bytes())
        self.daemon.assert_clean()
