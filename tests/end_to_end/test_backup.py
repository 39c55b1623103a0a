"""A backup taken while people chat, and the server that is restored from it: nothing acknowledged before it is missing."""

import threading
from time import monotonic, sleep

from imserver.core.events import ConversationOpened, History, Sent
from imserver.core.requests import FetchHistory, OpenDirect, Send
from imserver.core.values import Kind
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.operator import Operator
from tests.end_to_end.peer import Peer
from tests.end_to_end.test_imadmin import OperatedDaemon
from tests.end_to_end.test_imchat import Imchat
from tests.end_to_end.test_permissions import open_to_others

CONFIG = "[limits]\nenabled = false\n"
WINDOW = 32
PATIENCE_SECONDS = 120.0


class Writer:
    """Sends numbered messages in a thread of its own until it is stopped; knows which were acknowledged, and as what."""

    def __init__(self, peer: Peer, conversation: int) -> None:
        self.acknowledged: dict[bytes, int] = {}  # body -> seq
        self._peer = peer
        self._conversation = conversation
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def stop(self) -> None:
        """When everything is acknowledged."""
        self._stopped.set()
        self._thread.join(PATIENCE_SECONDS)

    def until(self, count: int) -> None:
        """So many are acknowledged."""
        end = monotonic() + PATIENCE_SECONDS
        while len(self.acknowledged) < count and monotonic() < end:
            sleep(0.005)
        assert len(self.acknowledged) >= count

    def _write(self) -> None:
        number, waiting = 0, dict[int, bytes]()
        while waiting or not self._stopped.is_set():
            while len(waiting) < WINDOW and not self._stopped.is_set():
                number += 1
                body = b"message %d" % number
                waiting[self._peer.tell(Send(self._conversation, body, Kind.TEXT, "", body))] = body
            tag, event = self._peer.hear()
            if isinstance(event, Sent):
                self.acknowledged[waiting.pop(tag)] = event.seq


class BackupTests(OperatedDaemon):
    def begin_writing(self) -> Writer:
        """Alice writes to bob all the time."""
        self.begin(CONFIG)
        alice, bob = self.peer(), self.peer()
        number = bob.register("bob").account.number
        alice.register("alice")
        self.epoch = alice.log_in("alice").log_epoch
        opened = alice.expect(OpenDirect(number), ConversationOpened)
        self.conversation = opened.membership.conversation.id
        writer = Writer(alice, self.conversation)
        self.addCleanup(writer.stop)
        return writer

    def messages(self, peer: Peer) -> dict[bytes, int]:
        """body -> seq of the whole conversation."""
        found: dict[bytes, int] = {}
        more, last = True, 0
        while more:
            page = peer.expect(FetchHistory(self.conversation, last, 0, 0), History)
            found |= {message.body: message.seq for message in page.messages}
            last, more = page.messages[-1].seq, page.more
        return found

    def test_under_load(self) -> None:
        """Whatever was acknowledged before the backup began is in the restored server, which has another log epoch."""
        writer = self.begin_writing()
        writer.until(200)
        before = dict(writer.acknowledged)
        file = self.daemon.folder / "backup.db"
        self.operator.do("backup", str(file))
        writer.until(len(writer.acknowledged) + 200)
        self.operator.do("verify", str(file))
        writer.stop()
        self.assertEqual(open_to_others(file), [])

        elsewhere = self.daemon.folder / "elsewhere"
        restored = Daemon(self, folder=self.daemon.folder, config=CONFIG)
        restored.data = elsewhere
        Operator(self, elsewhere, self.daemon.environment).do("restore", str(file))
        self.assertEqual(open_to_others(elsewhere), [])
        restored.start()
        with Peer(restored.address()) as alice:
            login = alice.log_in("alice")
            self.assertNotEqual(login.log_epoch, self.epoch)
            found = self.messages(alice)
        self.assertEqual({body: found.get(body) for body in before}, before)
        self.assertEqual(found, {body: writer.acknowledged[body] for body in found})
        self.assertLess(len(found), len(writer.acknowledged))
        self.assertEqual(sorted(found.values()), list(range(1, len(found) + 1)))

    def test_stopped(self) -> None:
        """Without a daemon a backup is taken, too, and is everything."""
        writer = self.begin_writing()
        writer.until(100)
        writer.stop()
        self.daemon.kill()
        file = self.daemon.folder / "backup.db"
        self.operator.do("backup", str(file))
        self.daemon.start()
        with Peer(self.daemon.address()) as alice:
            alice.log_in("alice")
            self.assertEqual(self.messages(alice), writer.acknowledged)
        self.daemon.stop()
        self.daemon.assert_clean()

    def test_refused(self) -> None:
        """No backup of nothing, none over a running server, none into a folder that holds one."""
        self.begin()
        file = str(self.daemon.folder / "backup.db")
        nothing = Operator(self, self.daemon.folder / "none", self.daemon.environment)
        self.assertIn("no database", nothing.refused("backup", file))
        self.operator.do("backup", file)
        self.assertIn("in use", self.operator.refused("restore", file))
        self.daemon.stop()
        self.assertIn("not empty", self.operator.refused("restore", file))
        self.assertIn("not there", self.operator.refused("verify", file + "x"))
        self.assertIn("not a database", self.operator.refused("verify", str(self.daemon.config)))
        self.assertIn("cannot be copied", self.operator.refused("backup", "/proc/none/backup.db"))


class EpochTests(Imchat):
    """Clients of a restored server."""

    def test_anew(self) -> None:
        """They forget what they had and fetch anew, so that numbers given out again hide nothing."""
        operator = Operator(self, self.daemon.data, self.daemon.environment)
        for number in range(2):
            self.run_as("alice", "send", "bob", f"message {number}")
        operator.do("backup", str(self.folder / "backup.db"))
        for number in range(2, 5):
            self.run_as("alice", "send", "bob", f"message {number}")
        heard = self.run_as("bob", "listen", "--count", "5").splitlines()
        self.assertEqual(heard, [f"alice: message {number}" for number in range(5)])
        self.daemon.stop()
        self.daemon.data.rename(self.daemon.folder / "old")
        operator.do("restore", str(self.folder / "backup.db"))
        self.daemon.start()
        self.run_as("alice", "send", "bob", "after the restore")
        heard = self.run_as("bob", "listen", "--count", "3").splitlines()
        self.assertEqual(heard, ["alice: message 0", "alice: message 1", "alice: after the restore"])
