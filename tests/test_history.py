"""The oracle finds each kind of broken promise in hand-made histories, and nothing in good ones."""

from collections.abc import Sequence
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from tests.history import (
    Acked,
    Entry,
    Failed,
    Fault,
    InSync,
    Invoked,
    Received,
    Record,
    Span,
    Started,
    Stopped,
    check,
)

ALICE, BOB, CAROL = 1, 2, 3
CHAT = 77
SPANS = (Span(CHAT, ALICE), Span(CHAT, BOB))


def sent(client_id: bytes, connection: int = 1, at: float = 0.0, body: bytes = b"") -> Invoked:
    return Invoked(at, connection, CHAT, ALICE, client_id, body or b"body of " + client_id)


def acked(client_id: bytes, seq: int, at: float = 0.0) -> Acked:
    return Acked(at, CHAT, ALICE, client_id, seq)


def seen(client_id: bytes, seq: int, connection: int = 2, account: int = BOB, body: bytes = b"") -> Received:
    text = body or b"body of " + client_id
    return Received(0.0, connection, account, "phone", CHAT, seq, ALICE, client_id, text)


def entry(client_id: bytes, seq: int, body: bytes = b"") -> Entry:
    return Entry(CHAT, seq, ALICE, client_id, body or b"body of " + client_id)


IN_SYNC = InSync(0.0, BOB, "phone")
GOOD: tuple[Record, ...] = (
    sent(b"a"),
    sent(b"b"),
    acked(b"a", 1),
    acked(b"b", 2),
    seen(b"a", 1),
    seen(b"b", 2),
    IN_SYNC,
)
LOG = (entry(b"a", 1), entry(b"b", 2))


class OracleTests(SynchronousTestCase):
    def flagged(
        self,
        fault: Fault,
        history: Sequence[Record],
        log: Sequence[Entry] = LOG,
        spans: Sequence[Span] = SPANS,
    ) -> None:
        """The history shows that fault and no other."""
        self.assertEqual({finding.fault for finding in check(history, log, spans)}, {fault})

    def clean(
        self, history: Sequence[Record], log: Sequence[Entry] = LOG, spans: Sequence[Span] = SPANS
    ) -> None:
        self.assertEqual(check(history, log, spans), [])


class GoodHistoryTests(OracleTests):
    def test_plain(self) -> None:
        """Sent, acknowledged, delivered: nothing to find."""
        self.clean(GOOD)

    def test_nothing(self) -> None:
        """No history and no log are in order."""
        self.clean((), ())

    def test_unanswered_is_stored(self) -> None:
        """A send without an answer may be in the log ..."""
        self.clean((sent(b"a"), sent(b"b"), acked(b"a", 1)))

    def test_unanswered_is_not_stored(self) -> None:
        """... or not."""
        self.clean((sent(b"a"), acked(b"a", 1), sent(b"b")), LOG[:1])

    def test_refused(self) -> None:
        """A refused send is not in the log."""
        self.clean((sent(b"a"), acked(b"a", 1), sent(b"b"), Failed(0.0, ALICE, b"b")), LOG[:1])

    def test_retry_after_a_kill(self) -> None:
        """The same id again over a new connection, the same seq in both answers."""
        kill = (Stopped(1.0), Started(2.0))
        self.clean(
            (sent(b"a"), acked(b"a", 1), sent(b"b"), *kill, sent(b"a", 5), sent(b"b", 5), acked(b"a", 1))
        )

    def test_redelivery_on_a_new_connection(self) -> None:
        """A device whose cursor was not yet written is shown messages again, on another connection."""
        self.clean((*GOOD, seen(b"a", 1, connection=3), seen(b"b", 2, connection=3)))

    def test_retry_does_not_set_the_order(self) -> None:
        """An earlier message repeated after a later one keeps its lower seq."""
        self.clean((sent(b"a"), sent(b"b"), sent(b"a"), acked(b"a", 1)))

    def test_first_try_was_shed(self) -> None:
        """A send that was put off and repeated may come after what overtook it."""
        self.clean((sent(b"b"), sent(b"a"), sent(b"b")))

    def test_a_late_member(self) -> None:
        """Who joins later starts at the first message for him."""
        self.clean((*GOOD[:4], seen(b"b", 2), IN_SYNC), spans=(SPANS[0], Span(CHAT, BOB, joined_seq=1)))

    def test_a_former_member(self) -> None:
        """Who has left is owed nothing after that."""
        self.clean((*GOOD[:5], IN_SYNC), spans=(SPANS[0], Span(CHAT, BOB, left_seq=1)))

    def test_the_servers_own(self) -> None:
        """A notice has no client id and nobody sent it."""
        notice = Entry(CHAT, 3, ALICE, b"", b"{}")
        shown = Received(0.0, 2, BOB, "phone", CHAT, 3, ALICE, b"", b"{}")
        self.clean((*GOOD[:6], shown, IN_SYNC), (*LOG, notice))

    def test_waiting_while_the_server_is_down(self) -> None:
        """Only the time in which the server is up counts as waiting."""
        down = (Stopped(20.0), Started(200.0))
        self.clean((Started(0.0), sent(b"a"), *down, sent(b"a", 5, 201.0), acked(b"a", 1, 225.0)), LOG[:1])


class BadHistoryTests(OracleTests):
    def test_lost_from_the_log(self) -> None:
        """Acknowledged, but not there."""
        self.flagged(Fault.LOST, (*GOOD[:5], IN_SYNC), LOG[:1])

    def test_lost_everything(self) -> None:
        """Acknowledged, and the log is empty: a store made anew."""
        self.flagged(Fault.LOST, GOOD[:4], ())

    def test_lost_in_the_wrong_conversation(self) -> None:
        """Acknowledged here, but stored elsewhere (where nobody sent it)."""
        log = (LOG[0], Entry(78, 1, ALICE, b"b", b"body of b"))
        faults = {finding.fault for finding in check(GOOD[:4], log, SPANS)}
        self.assertEqual(faults, {Fault.LOST, Fault.PHANTOM})

    def test_lost_at_the_end_of_a_resync(self) -> None:
        """The device is in sync but the last message was never shown to it."""
        self.flagged(Fault.LOST, (*GOOD[:5], IN_SYNC))

    def test_lost_from_a_whole_device(self) -> None:
        """The device is in sync and was shown nothing."""
        self.flagged(Fault.LOST, (*GOOD[:4], IN_SYNC))

    def test_lost_on_one_device_of_two(self) -> None:
        """What one device of an account has does not count for the other."""
        self.flagged(Fault.LOST, (*GOOD, InSync(0.0, BOB, "laptop")))

    def test_stored_twice(self) -> None:
        """One client id under two seqs."""
        self.flagged(Fault.DUPLICATE, GOOD[:6], (*LOG, entry(b"b", 3)))

    def test_acknowledged_twice(self) -> None:
        """The retry got another seq than the first try."""
        self.flagged(Fault.DUPLICATE, (*GOOD, acked(b"a", 2)))

    def test_acknowledged_as_another(self) -> None:
        """The acknowledged seq is not the log's."""
        self.flagged(Fault.DUPLICATE, (sent(b"a"), sent(b"b"), acked(b"b", 1)))

    def test_one_seq_two_messages(self) -> None:
        """One place of the log holds two messages."""
        self.flagged(
            Fault.DUPLICATE, (sent(b"a"), sent(b"b"), acked(b"a", 1)), (entry(b"a", 1), entry(b"b", 1))
        )

    def test_gap_in_the_log(self) -> None:
        """The log goes from 1 to 3."""
        self.flagged(Fault.GAP, (sent(b"a"), sent(b"b")), (LOG[0], entry(b"b", 3)))

    def test_log_starts_late(self) -> None:
        """The log has no 1."""
        self.flagged(Fault.GAP, (sent(b"b"),), LOG[1:])

    def test_push_skips(self) -> None:
        """A device is shown 2 before it was ever shown 1."""
        self.flagged(Fault.GAP, (*GOOD[:4], seen(b"b", 2)))

    def test_push_overtakes_the_cursor_after_a_reconnect(self) -> None:
        """A new connection starts beyond what the device has."""
        log = (*LOG, entry(b"c", 3))
        self.flagged(Fault.GAP, (*GOOD[:4], sent(b"c"), seen(b"a", 1), seen(b"c", 3, connection=3)), log)

    def test_push_goes_back(self) -> None:
        """One connection shows 2 and then 1."""
        self.flagged(Fault.GAP, (*GOOD[:6], seen(b"a", 1)))

    def test_push_repeats(self) -> None:
        """One connection shows the same message twice."""
        self.flagged(Fault.GAP, (*GOOD[:6], seen(b"b", 2)))

    def test_divergent_body(self) -> None:
        """A device was shown another body than the log's."""
        self.flagged(Fault.DIVERGENT, (*GOOD[:5], seen(b"b", 2, body=b"forged")))

    def test_divergent_sender(self) -> None:
        """A device was told another sender."""
        self.flagged(Fault.DIVERGENT, (*GOOD[:5], replace(seen(b"b", 2), sender=CAROL)))

    def test_shown_and_gone(self) -> None:
        """A device was shown a message that a crash then undid."""
        self.flagged(Fault.DIVERGENT, (sent(b"a"), sent(b"b"), seen(b"a", 1), seen(b"b", 2)), LOG[:1])

    def test_shown_and_replaced(self) -> None:
        """Two devices saw different messages at one seq."""
        history = (sent(b"a"), sent(b"b"), seen(b"b", 1, connection=3), seen(b"a", 1, account=ALICE))
        self.flagged(Fault.DIVERGENT, history, LOG[:1])

    def test_nobody_sent_it(self) -> None:
        """The log holds what no client sent."""
        self.flagged(Fault.PHANTOM, (sent(b"a"),))

    def test_another_body_than_sent(self) -> None:
        """The log holds an id with a body its sender never gave it."""
        self.flagged(Fault.PHANTOM, (sent(b"a"), sent(b"b", body=b"something else")))

    def test_refused_and_stored(self) -> None:
        """The sender was told no, and it is there."""
        self.flagged(Fault.PHANTOM, (sent(b"a"), sent(b"b"), Failed(0.0, ALICE, b"b")))

    def test_shown_to_a_stranger(self) -> None:
        """Somebody who never was a member was shown a message."""
        self.flagged(Fault.FOREIGN, (*GOOD, seen(b"a", 1, connection=9, account=CAROL)))

    def test_shown_from_before_joining(self) -> None:
        """A late member was shown what was said before."""
        self.flagged(Fault.FOREIGN, GOOD, spans=(SPANS[0], Span(CHAT, BOB, joined_seq=1)))

    def test_shown_after_leaving(self) -> None:
        """A former member was shown what was said afterwards."""
        self.flagged(Fault.FOREIGN, GOOD, spans=(SPANS[0], Span(CHAT, BOB, left_seq=1)))

    def test_reordered(self) -> None:
        """Pipelined a, b; stored b, a."""
        self.flagged(Fault.REORDERED, (sent(b"a"), sent(b"b")), (entry(b"b", 1), entry(b"a", 2)))

    def test_reordered_after_a_reconnect(self) -> None:
        """Both repeated in order on a new connection, stored the other way round."""
        retry = (sent(b"a", 5), sent(b"b", 5))
        self.flagged(Fault.REORDERED, (sent(b"a"), *retry), (entry(b"b", 1), entry(b"a", 2)))

    def test_stuck_at_the_end(self) -> None:
        """No answer until the history ends 31 s later."""
        self.flagged(Fault.STUCK, (Started(0.0), sent(b"a"), Stopped(31.0)), LOG[:1])

    def test_stuck_and_then_answered(self) -> None:
        """An answer after 31 s comes too late."""
        self.flagged(Fault.STUCK, (Started(0.0), sent(b"a"), acked(b"a", 1, at=31.0)), LOG[:1])

    def test_stuck_after_a_restart(self) -> None:
        """A restart starts the clock anew, once."""
        history = (Started(0.0), sent(b"a"), Stopped(5.0), Started(6.0), sent(b"a", 5, 7.0), Stopped(40.0))
        self.flagged(Fault.STUCK, history, LOG[:1])
