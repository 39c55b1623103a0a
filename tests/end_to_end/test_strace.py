"""The order of system calls: a message is written, the log is synced, and only then does anybody hear of it."""

import signal
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imserver.codecs.protobuf import ProtobufCodec
from imserver.core.events import Event, Pong, RunArrived, Sent
from imserver.core.requests import Ping
from imserver.core.run import Run
from imserver.core.values import Conversation, ConversationKind, Kind, Message
from imserver.net.framing import Int32Framing
from tests.end_to_end.drill import Drill
from tests.end_to_end.flow import Flow, Person, text
from tests.end_to_end.peer import Peer
from tests.end_to_end.trace import STRACE, calls, told_too_early

MESSAGES = 500
BODY_BYTES = 100
WINDOW = 5  # so that there are many syncs


class StraceTests(Drill):
    def test_synced_before_told(self) -> None:
        """Between the write of a message and the first byte of its ack or delivery a sync begins and ends."""
        self.prepare()
        self.daemon.start()
        writer, reader = Person(self.address, "writer"), Person(self.address, "reader")
        flow = Flow(self.address, writer, reader, [])
        self.addCleanup(flow.close)
        conversation = flow.group()
        output = self.trace()
        flow.pump(conversation, MESSAGES, BODY_BYTES, WINDOW)
        # By a further call of the same thread strace has seen the end of the one before.
        with Peer(self.address) as last:
            last.expect(Ping(), Pong)
        self.strace.send_signal(signal.SIGINT)
        self.strace.communicate()
        self.daemon.stop()
        bodies = [text(n, BODY_BYTES) for n in range(1, MESSAGES + 1)]
        with output.open() as lines:
            self.assertEqual(told_too_early(calls(lines), bodies), [])

    def trace(self) -> Path:
        """Attach strace; -> its output, complete when it has ended."""
        output = self.daemon.folder / "trace"
        command = [*STRACE, "-o", str(output), "-p", str(self.daemon.pid)]
        self.strace = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.strace.kill)
        assert self.strace.stderr is not None
        self.assertIn("attached", self.strace.stderr.readline())
        return output


class TraceTests(SynchronousTestCase):
    """The reader of traces finds what it is for."""

    def lines(self, *order: str) -> list[str]:
        message = Message(7, 1, 1, "alice", b"id", Kind.TEXT, "", b"hello", 0)
        arrived = RunArrived(Run.of(message), Conversation(7, ConversationKind.GROUP, "", ()))
        known = {
            "write": f'10 pwrite64(5<{_hex(b"/data/imserver.db-wal")}>, "{_hex(b"..hello..")}", 9, 0) = 9',
            "sync": f"11 fdatasync(5<{_hex(b'/data/imserver.db-wal')}>) = 0",
            "sync begins": f"11 fdatasync(5<{_hex(b'/data/imserver.db-wal')}> <unfinished ...>",
            "sync ends": "11 <... fdatasync resumed>) = 0",
            "sync fails": "11 <... fdatasync resumed>) = -1 EIO (Input/output error)",
            "other sync": f"11 fdatasync(6<{_hex(b'/data/imserver.db')}>) = 0",
            "ack": _send(8, Sent(7, 1, 0)),
            "delivery": _send(9, arrived),
        }
        return [known[step] for step in order]

    def early(self, *order: str) -> int:
        return len(told_too_early(calls(self.lines(*order)), [b"hello"]))

    def test_good(self) -> None:
        """Written, synced, told."""
        self.assertEqual(self.early("write", "sync", "ack", "delivery"), 0)
        self.assertEqual(self.early("write", "sync begins", "sync ends", "delivery", "ack"), 0)

    def test_told_before_the_sync(self) -> None:
        """An ack or a delivery without a sync, or before it, is found."""
        self.assertEqual(self.early("write", "ack", "delivery"), 2)
        self.assertEqual(self.early("write", "ack", "sync", "delivery"), 1)
        self.assertEqual(self.early("write", "delivery", "sync", "ack"), 1)

    def test_told_during_the_sync(self) -> None:
        """A sync that has not returned is none."""
        self.assertEqual(self.early("write", "sync begins", "ack", "sync ends", "delivery"), 1)

    def test_written_during_the_sync(self) -> None:
        """A sync that began before the write does not cover it."""
        self.assertEqual(self.early("sync begins", "write", "sync ends", "ack", "delivery"), 2)

    def test_failed_sync(self) -> None:
        """A sync that failed is none."""
        self.assertEqual(self.early("write", "sync begins", "sync fails", "ack", "delivery"), 2)

    def test_other_file(self) -> None:
        """Only the log's sync counts."""
        self.assertEqual(self.early("write", "other sync", "ack", "delivery"), 2)

    def test_never_told(self) -> None:
        """A trace without the deliveries proves nothing."""
        self.assertEqual(self.early("write", "sync", "ack"), 1)


def _send(descriptor: int, event: Event) -> str:
    frame = Int32Framing(1000).pack(ProtobufCodec().encode(event, 1))
    to = f"TCP:[127.0.0.1:1->127.0.0.1:{descriptor}]"
    return f'10 sendto({descriptor}<{to}>, "{_hex(frame)}", {len(frame)}, 0, NULL, 0) = {len(frame)}'


def _hex(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)
