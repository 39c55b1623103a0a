"""What a power cut leaves: 1,500 images of a recorded run, each opened, and each ack and each answer looked for.

Between two syncs of a file the disk may have any of the writes, in any sectors; the images are drawn from
that with a fixed seed.  Mutants of the store show that the checks can fail.
"""

import random
import shutil
from pathlib import Path
from typing import Any

import apsw
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imserver.core import client_ids
from imserver.core.posting import Posting, Terms
from imserver.core.values import Extra
from imserver.store import database, wal
from imserver.store.group_commit import GroupCommit
from imserver.store.log import between_seqs
from tests.store.disk import Disk, Sync, Truncate, Write
from tests.store.fakes import HandWorker, Rig
from tests.store.fates import fates, messages, posting_of

NOW = 1_700_000_000_000
SECTOR = 512
DATABASE, WAL = "imserver.db", "imserver.db-wal"
ROUNDS = 150
Key = tuple[int, int]  # conversation, seq
Seen = tuple[int, int, bytes, frozenset[bytes]]  # conversation, seq, client id, what may be its body
GONE = b""  # what a tombstone says


class Recorder:
    """The log of a run: writes and syncs, and between them what clients were told."""

    def __init__(self) -> None:
        self.entries: list[Write | Truncate | Sync | Seen] = []

    def call(self, kind: str, file: str, what: Any) -> None:
        if file in (DATABASE, WAL) and what is not None:
            self.entries.append(what)

    def sync(self, descriptor: int) -> None:
        self.entries.append(Sync(WAL))

    def told(self, seen: Seen) -> None:
        self.entries.append(seen)


class Recording:
    """A store over a recorder: batches, retries and fetches in every window between commit and sync."""

    def __init__(self, folder: Path, sync: Any = None) -> None:
        self.recorder = Recorder()
        self.vfs = Disk(f"recording-{folder}", self.recorder.call)
        self.rig = Rig(folder, sync=sync or self.recorder.sync, vfs=self.vfs.name)
        self.rig.store.open()
        self.random = random.Random(7)
        self.accounts = [
            self.get(self.rig.store.create_account(f"u{n}", "", "", NOW)).number for n in range(4)
        ]
        pairs = [(0, 1), (1, 2), (2, 3)]
        self.pairs = [(self.accounts[a], self.accounts[b]) for a, b in pairs]
        self.conversations = [self.get(self.rig.store.open_direct(a, b, NOW, 100)).id for a, b in self.pairs]
        self.rig.settle()
        self.base = {name: (folder / name).read_bytes() for name in (DATABASE, WAL)}
        self.recorder.entries.clear()
        self.sent: list[Posting] = []
        self.counts: dict[int, int] = {}
        self.recalling: set[Key] = set()
        self.recalled: set[Key] = set()

    def get(self, coroutine: Any) -> Any:
        results: list[Any] = []
        Deferred.fromCoroutine(coroutine).addCallback(results.append)
        self.rig.settle()
        return results[0]

    def go(self) -> None:
        for _ in range(ROUNDS):
            postings = [self.posting() for _ in range(self.random.randint(1, 4))]
            appended = Deferred.fromCoroutine(self.rig.store.append(postings, NOW))
            appended.addCallback(lambda _, postings=postings: self.acked(postings))
            self.fetch()
            self.rig.turn()
            self.fetch()
            self.rig.settle()
            self.fetch()

    def posting(self) -> Posting:
        if self.sent and self.random.random() < 0.2:
            return self.retry(self.random.choice(self.sent[-10:]))
        if self.random.random() < 0.2 and (stored := [one for one in self.sent if one.first_seq]):
            return self.recall(self.random.choice(stored[-10:]))
        n = self.random.randrange(3)
        sender, count = self.random.choice(self.pairs[n]), self.random.choice((1, 1, 2, 5))
        bodies = [self.random.randbytes(self.random.choice((20, 200, 3000))) for _ in range(count)]
        stem, number = self.random.randbytes(8), self.random.getrandbits(62)
        if self.random.random() < 0.7:
            stem, number = b"device", self.counts.get(sender, 0)
            self.counts[sender] = number + count
        self.sent.append(posting_of(self.conversations[n], sender, stem, number, bodies))
        return self.sent[-1]

    def retry(self, old: Posting) -> Posting:
        """A part of it again."""
        start = self.random.randrange(len(old.bodies))
        return posting_of(old.conversation, old.sender, old.stem, old.number + start, old.bodies[start:])

    def recall(self, old: Posting) -> Posting:
        """Of one of its messages; refused if it is gone already."""
        index = self.random.randrange(len(old.bodies))
        seq = old.first_seq + index
        self.recalling.add((old.conversation, seq))
        self.told(old.conversation, seq, old.client_id(index), old.bodies[index])
        client_id = self.random.randbytes(16)
        extra, terms = Extra(about=seq), Terms(since_ms=0, moderates=False, burn_by_ms=0)
        return Posting(old.conversation, old.sender, "", client_id, 7, "", b"", extra=extra, terms=terms)

    def acked(self, postings: list[Posting]) -> None:
        for posting in postings:
            if posting.extra is not None and posting.outcomes == []:
                self.recalled.add((posting.conversation, posting.extra.about))
        for posting in postings:
            for index, fate in enumerate(fates(posting)):
                if isinstance(fate, tuple):
                    self.told(posting.conversation, fate[0], posting.client_id(index), posting.bodies[index])

    def told(self, conversation: int, seq: int, client_id: bytes, body: bytes) -> None:
        """A message that is being recalled may be there or gone; one that was recalled is gone."""
        key = conversation, seq
        bodies = {GONE} if key in self.recalled else {body, GONE} if key in self.recalling else {body}
        self.recorder.told((conversation, seq, client_id, frozenset(bodies)))

    def fetch(self) -> None:
        """What a client reads must stay, like what it was acknowledged."""
        conversation = self.random.choice(self.conversations)
        page = Deferred.fromCoroutine(self.rig.store.history(conversation, 0, 2**53, True, 3, 2**20))
        page.addCallback(
            lambda page: [self.told(m.conversation, m.seq, m.client_id, m.body) for m in messages(page)]
        )

    def close(self) -> None:
        self.rig.close()
        self.vfs.unregister()


class Image:
    """The files as they may be after a power cut: `durable`, and writes of which the disk has some."""

    def __init__(self, base: dict[str, bytes]) -> None:
        self.durable = {name: bytearray(content) for name, content in base.items()}
        self.pending: dict[str, list[Write | Truncate]] = {name: [] for name in base}

    def add(self, entry: Write | Truncate | Sync) -> None:
        if isinstance(entry, Sync):
            for change in self.pending[entry.file]:
                apply(self.durable[entry.file], change)
            self.pending[entry.file].clear()
        else:
            self.pending[entry.file].append(entry)

    def cut(self, dice: random.Random, folder: Path) -> None:
        """Write one of the possible outcomes to `folder`."""
        share = dice.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        for name, content in self.durable.items():
            result = bytearray(content)
            for change in self.pending[name]:
                if dice.random() < share:
                    apply(result, change)
                elif isinstance(change, Write) and dice.random() < 0.3:
                    tear(result, change, dice)
            (folder / name).unlink(missing_ok=True)  # writing over it would make ext4 sync it
            (folder / name).write_bytes(result)
        (folder / "imserver.db-shm").unlink(missing_ok=True)


def apply(content: bytearray, change: Write | Truncate) -> None:
    if isinstance(change, Truncate):
        del content[change.size :]
        return
    content.extend(bytes(max(0, change.offset - len(content))))
    content[change.offset : change.offset + len(change.data)] = change.data


def tear(content: bytearray, write: Write, dice: random.Random) -> None:
    """Some sectors of a write."""
    for start in range(0, len(write.data), SECTOR):
        if dice.random() < 0.5:
            apply(content, Write(write.file, write.offset + start, write.data[start : start + SECTOR]))


def faults(run: Recording, folder: Path, count: int) -> list[str]:
    """Cut the power `count` times; -> what was lost or damaged."""
    dice = random.Random(11)
    cuts = sorted(dice.randrange(len(run.recorder.entries) + 1) for _ in range(count))
    found: list[str] = []
    image, told, position = Image(run.base), {}, 0
    for cut in cuts:
        for entry in run.recorder.entries[position:cut]:
            if isinstance(entry, tuple):
                told[entry[:2]] = entry[2:]
            else:
                image.add(entry)
        position = cut
        image.cut(dice, folder)
        found += [f"cut at {cut}: {fault}" for fault in verdict(folder, told)]
    return found


def verdict(folder: Path, told: dict[Key, tuple[bytes, frozenset[bytes]]]) -> list[str]:
    """Open an image as a daemon would and compare."""
    connection = apsw.Connection(str(folder / DATABASE))
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # the image is not needed any more
    try:
        if (check := connection.execute("PRAGMA integrity_check(1)").get) != "ok":
            return [f"damaged: {check}"]
        stored, numbered = stored_in(connection), numbered_in(connection)
    except apsw.Error as error:
        return [f"damaged: {error}"]
    finally:
        connection.close()
    found = [
        f"lost or changed: {key}"
        for key, (client_id, bodies) in told.items()
        if key not in stored or stored[key][0] != client_id or stored[key][1] not in bodies
    ]
    for conversation in {conversation for conversation, _ in stored}:
        seqs = [seq for c, seq in stored if c == conversation]
        if sorted(seqs) != list(range(1, len(seqs) + 1)):
            found.append(f"gap in {conversation}")
    if numbered != {place: client_id for place, (client_id, _) in stored.items()}:
        found.append("the index of client ids is not that of the messages")
    return found


def stored_in(connection: apsw.Connection) -> dict[tuple[int, int], tuple[bytes, bytes]]:
    """Client id and body by conversation and seq."""
    conversations = [row[0] for row in connection.execute("SELECT id FROM conversations")]
    runs = [run for id in conversations for run in between_seqs(connection, id, 0, 2**53, False, 2**53)]
    return {(m.conversation, m.seq): (m.client_id, m.body) for m in messages(runs)}


def numbered_in(connection: apsw.Connection) -> dict[tuple[int, int], bytes]:
    """Client id by conversation and seq, as the index has it."""
    entries = connection.execute("SELECT stem, first, last, conversation, first_seq FROM client_ids")
    return {
        (conversation, first_seq + n): client_ids.joined(stem, first + n)
        for stem, first, last, conversation, first_seq in entries
        for n in range(last - first + 1)
    }


class CrashImageTests(SynchronousTestCase):
    """P1 and P6, and the mutants that break them."""

    def setUp(self) -> None:
        self.patch(wal, "PASSIVE_BYTES", 100_000)
        self.patch(wal, "RESTART_BYTES", 300_000)
        self.folder = Path(self.mktemp())
        self.image = Path(self.mktemp())
        self.image.mkdir()

    def recorded(self, sync: Any = None) -> Recording:
        run = Recording(self.folder, sync)
        self.addCleanup(run.close)
        run.go()
        return run

    def test_nothing_lost(self) -> None:
        """Of 1,500 power cuts none loses or changes what was acknowledged or shown, damages the file or leaves a gap."""
        run = self.recorded()
        told = sum(isinstance(entry, tuple) for entry in run.recorder.entries)
        syncs = sum(entry == Sync(DATABASE) for entry in run.recorder.entries)
        self.assertTrue(told > 500 and syncs > 5, (told, syncs))
        self.assertEqual(faults(run, self.image, 1500), [])

    def test_store_opens_an_image(self) -> None:
        """The store itself opens what a power cut leaves, and goes on where it was."""
        run = self.recorded()
        image = Image(run.base)
        for entry in run.recorder.entries[:-1]:
            if not isinstance(entry, tuple):
                image.add(entry)
        image.cut(random.Random(1), self.image)
        (self.image / "running").touch()
        rig = Rig(self.image)
        self.image.chmod(0o700)
        rig.store.open()
        self.addCleanup(rig.close)
        last = max(
            run.sent, key=lambda posting: (posting.conversation == run.conversations[0], posting.first_seq)
        )
        retry = posting_of(last.conversation, last.sender, last.stem, last.number, last.bodies)
        Deferred.fromCoroutine(rig.store.append([retry], NOW))
        rig.settle()
        self.assertEqual(fates(retry), [(last.first_seq + n, NOW, False) for n in range(len(last.bodies))])

    def test_mutant_no_sync(self) -> None:
        """Flagged: the log is never synced."""
        self.assertNotEqual(faults(self.recorded(sync=lambda descriptor: None), self.image, 200), [])

    def test_mutant_ack_before_sync(self) -> None:
        """Flagged: the ack goes out when the sync begins."""

        def step_early(worker: HandWorker) -> None:
            blocking, done = worker.waiting.popleft()
            done.callback(None)
            blocking()

        mutant = self.patch(HandWorker, "step", step_early)
        run = self.recorded()
        mutant.restore()
        self.assertNotEqual(faults(run, self.image, 400), [])

    def test_mutant_read_while_syncing(self) -> None:
        """Flagged: a fetch sees what is not yet synced."""

        async def read_now(commits: GroupCommit, question: Any) -> Any:
            return question()

        self.patch(GroupCommit, "read", read_now)
        self.assertNotEqual(faults(self.recorded(), self.image, 400), [])

    def test_mutant_synchronous_off(self) -> None:
        """Flagged: checkpoints do not sync the database file."""
        self.patch(database, "_WANTED", {**database._WANTED, "synchronous": 0})
        self.assertNotEqual(faults(self.recorded(), self.image, 400), [])

    def tearDown(self) -> None:
        shutil.rmtree(self.image)
