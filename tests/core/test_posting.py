"""What may join a run, and what it is made of afterwards."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.posting import MAX_BYTES, Posting
from imserver.core.requests import Send
from imserver.core.run import Run
from imserver.core.values import Gone, Kind, Message

ALICE, BOB = 1, 2


def numbered(n: int, stem: bytes = b"stem") -> bytes:
    return stem + n.to_bytes(8)


def send(n: int, body: bytes = b"text") -> Send:
    return Send(7, numbered(n), Kind.TEXT, "", body)


def posting(n: int) -> Posting:
    return Posting(7, ALICE, "alice", numbered(n), Kind.TEXT, "", b"text", None, n)


class PostingTests(SynchronousTestCase):
    def test_what_continues(self) -> None:
        """The next id, for the same conversation, of the same kind and type; and only as long as no batch has it."""
        run = posting(1)
        self.assertTrue(run.continues_with(send(2)))
        for other in (
            send(1), send(3), replace(send(2), conversation=8), replace(send(2), kind=Kind.RICH),
            replace(send(2), content_type="a/b"), replace(send(2), client_id=numbered(2, b"meat")),
            replace(send(2), client_id=b"\0" + numbered(2)),
        ):  # fmt: skip
            self.assertFalse(run.continues_with(other), other)
        run.is_open = False
        self.assertFalse(run.continues_with(send(2)))

    def test_size(self) -> None:
        """Several bodies together have at most MAX_BYTES; one alone is bounded by the limits only."""
        run = posting(1)
        self.assertTrue(run.continues_with(send(2, b"x" * (MAX_BYTES - 4))))
        self.assertFalse(run.continues_with(send(2, b"x" * (MAX_BYTES - 3))))
        large = Posting(7, ALICE, "alice", numbered(1), Kind.TEXT, "", b"x" * (MAX_BYTES + 1))
        self.assertFalse(large.continues_with(send(2, b"")))

    def test_what_cannot_be_continued(self) -> None:
        """Ids without a number, and the last numbers of a stem."""
        short = Posting(7, ALICE, "alice", b"\1", Kind.TEXT, "", b"text")
        self.assertFalse(short.continues_with(replace(send(1), client_id=b"\2")))
        last = posting(2**63 - 1)
        self.assertFalse(last.continues_with(replace(send(0), client_id=b"stem\x80" + bytes(7))))

    def test_messages(self) -> None:
        """Added messages have the tags, ids and seqs that follow."""
        run = posting(1)
        for n in (2, 3):
            self.assertTrue(run.continues_with(send(n)))
            run.add(n, b"%d" % n)
        run.first_seq = 11
        self.assertEqual((run.tags, run.waiting_bytes, run.last_seq, run.size), ([1, 2, 3], 6, 13, 6))
        found = [(one.seq, one.client_id, one.body) for one in run.messages()]
        self.assertEqual(
            found, [(11, numbered(1), b"text"), (12, numbered(2), b"2"), (13, numbered(3), b"3")]
        )
        part = run.part(1, 3)
        self.assertEqual(part.messages(), run.messages()[1:])


class RunTests(SynchronousTestCase):
    def test_one(self) -> None:
        """A message is a run of one."""
        for client_id in (b"id", numbered(5)):
            message = Message(7, 3, ALICE, "alice", client_id, Kind.OPAQUE, "a/b", b"body", 99)
            self.assertEqual(Run.of(message).messages(), [message])

    def test_withheld(self) -> None:
        """What is withheld is there for its sender, and tombstones of the same seqs for anybody else."""
        run = posting(1)
        run.add(2, b"more")
        run.first_seq, run.withheld = 11, True
        self.assertIs(run.seen_by(ALICE), run)
        hidden = run.seen_by(BOB)
        self.assertEqual((hidden.first_seq, hidden.last_seq, hidden.size), (11, 12, 0))
        self.assertEqual((hidden.kind, hidden.content_type), (Kind.TOMBSTONE, Gone.WITHHELD))
        self.assertEqual(run.bodies, [b"text", b"more"])
