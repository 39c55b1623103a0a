"""T40: after a full run nobody else can read, write or enter anything that the daemon has made."""

import socket
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.events import Sent
from imserver.core.requests import SendTo
from imserver.core.values import Kind
from tests.end_to_end.daemon import TWISTD, Daemon
from tests.end_to_end.peer import Peer

# As the most careless of units would start it.
CARELESS = ("sh", "-c", 'umask 000; exec "$@"', "sh", *TWISTD)
SECONDS = 60.0


def open_to_others(folder: Path) -> list[str]:
    """What in the folder, or the folder itself, others have any right to; links, whose modes mean nothing, aside."""
    command = ("find", folder, "-perm", "/077", "!", "-type", "l")
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()


class PermissionTests(SynchronousTestCase):
    def test_full_run(self) -> None:
        """Folders, database, log of it, socket: while it runs, after a kill, after a restart, and when it has stopped."""
        daemon = Daemon(self, command=CARELESS)
        native = daemon.data / "native.socket"
        daemon.listen = [*daemon.listen, f"native=unix:{native}"]
        daemon.listen.reverse()  # the harness takes the last one of a wire for its address
        daemon.start()
        with Peer(daemon.address()) as alice, Peer(daemon.address()) as bob:
            for peer, name in ((alice, "alice"), (bob, "bob")):
                peer.register(name)
                peer.log_in(name)
            alice.expect(SendTo("bob", b"1", Kind.TEXT, "", b"hello"), Sent)
            bob.hear()
        self.assertTrue(native.is_socket())
        self.assertEqual(open_to_others(daemon.data), [])
        daemon.kill()
        self.assertEqual(open_to_others(daemon.data), [])
        daemon.start()
        self.assertEqual(open_to_others(daemon.data), [])
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(open_to_others(daemon.data), [])
        (daemon.data / "imserver.db").chmod(0o604)
        self.assertEqual(open_to_others(daemon.data), [str(daemon.data / "imserver.db")])

    def test_log_file(self) -> None:
        """A log in a file is as private, even that of a start that failed."""
        daemon = Daemon(self, command=CARELESS)
        log = daemon.folder / "imserver.log"
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            command = (*CARELESS, "-n", "--pidfile=", f"--logfile={log}", "imserver", f"--data={daemon.data}")
            ended = subprocess.run(
                (*command, f"--listen=native=tcp:127.0.0.1:{port}"),
                env=daemon.environment,
                capture_output=True,
                timeout=SECONDS,
            )
        self.assertEqual(ended.returncode, 1)
        self.assertIn("Address already in use", log.read_text())
        self.assertEqual(open_to_others(log), [])
