"""kill -9 inside the code: at each point, what was acknowledged is there, once, and without gaps."""

import os
import sys
from pathlib import Path
from subprocess import PIPE, run

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

import imserver
from imserver.core.values import Gone, Kind, Message
from tests.store.fakes import Rig
from tests.store.fates import messages

POINTS = ("before-begin", "before-commit", "after-commit", "before-ack", "during-checkpoint")
START = """
import os, sys
from pathlib import Path
from twisted.internet.defer import Deferred
from imserver.core.posting import Posting, Terms
from imserver.core.values import Extra
from imserver.store import wal
from tests.store.fakes import Rig

wal.PASSIVE_BYTES, wal.RESTART_BYTES = 20_000, 60_000
rig = Rig(Path(sys.argv[1]), sync=os.fdatasync)
rig.store.open()
def get(coroutine):
    results = []
    Deferred.fromCoroutine(coroutine).addCallback(results.append)
    rig.settle()
    return results[0]
for name in ("alice", "bob"):
    get(rig.store.create_account(name, "", "", 0))
direct = get(rig.store.open_direct(100001, 100002, 0, 100)).id
print(direct, flush=True)
"""
SENDING = """
for n in range(0, 120, 3):
    posting = Posting(direct, 100001, "", n.to_bytes(8), 1, "", b"%d" % n * 2000)
    posting.add(1, b"%d" % (n + 1))
    posting.add(2, b"%d" % (n + 2))
    appended = Deferred.fromCoroutine(rig.store.append([posting], 0))
    appended.addCallback(lambda _: [print(posting.first_seq + i, n + i, flush=True) for i in range(3)])
    rig.settle()
"""
RECALLING = """
def sent(posting):
    get(rig.store.append([posting], 0))
    return posting.first_seq
for n in range(60):
    said = Posting(direct, 100001, "", (2 * n).to_bytes(8), 1, "", b"%d" % n * 2000)
    said.add(1, b"stays")
    seq = sent(said)
    extra, terms = Extra(about=seq), Terms(0, False, 0)
    sent(Posting(direct, 100001, "", b"recall %d" % n, 7, "", b"", extra=extra, terms=terms))
    print(seq, flush=True)
"""


class KillPointTests(SynchronousTestCase):
    """A process that dies at a named point, and the store opened after it."""

    def killed(self, program: str, point: str, passing: int) -> tuple[list[tuple[int, ...]], list[Message]]:
        """-> what was acknowledged, and what is stored."""
        folder = Path(self.mktemp())
        root = str(Path(imserver.__file__).parent.parent)
        environment = {**os.environ, "IMSERVER_CRASH_AT": f"{point}:{passing}", "PYTHONPATH": root}
        command = [sys.executable, "-c", START + program, str(folder.resolve())]
        ended = run(command, env=environment, stdout=PIPE, check=False)
        self.assertEqual(ended.returncode, 137)
        (direct,), *acked = [tuple(map(int, line.split())) for line in ended.stdout.splitlines()]
        return acked, self.stored(folder, direct)

    def stored(self, folder: Path, direct: int) -> list[Message]:
        rig = Rig(folder)
        rig.store.open()
        self.addCleanup(rig.close)
        page = Deferred.fromCoroutine(rig.store.history(direct, 0, 2**53, False, 999, 2**20))
        rig.settle()
        self.assertEqual(rig.ended, [])
        return messages(self.successResultOf(page))

    def check_sent(self, point: str, passing: int) -> None:
        acked, found = self.killed(SENDING, point, passing)
        stored = [(message.seq, int.from_bytes(message.client_id)) for message in found]
        self.assertGreater(len(acked), 3)
        self.assertEqual(stored[: len(acked)], acked)
        self.assertIn(len(stored), (len(acked), len(acked) + 3))
        self.assertEqual([seq for seq, _ in stored], list(range(1, len(stored) + 1)))

    def check_recalled(self, point: str, passing: int) -> None:
        acked, found = self.killed(RECALLING, point, passing)
        recalled = {seq for (seq,) in acked}
        self.assertGreater(len(recalled), 3)
        self.assertEqual([message.seq for message in found], list(range(1, len(found) + 1)))
        recalls = {m.extra.about for m in found if m.extra}
        self.assertTrue(recalled <= recalls)
        for message in found:
            if message.kind == Kind.TOMBSTONE:
                self.assertEqual(message.content_type, Gone.RECALLED)
            is_gone = message.kind == Kind.TOMBSTONE
            self.assertEqual(is_gone, message.seq in recalls, message.seq)

    def test_every_point(self) -> None:
        """Killed at the 10th and at the 25th passing of each."""
        for point in POINTS:
            for passing in (4, 10) if point == "during-checkpoint" else (10, 25):
                self.check_sent(point, passing)

    def test_during_a_recall(self) -> None:
        """A recall that was acknowledged has happened; of any other, both its message and what it does, or neither."""
        for point in ("before-commit", "after-commit", "before-ack"):
            for passing in (20, 21):
                self.check_recalled(point, passing)
