"""How the daemon starts, refuses to start, reloads and stops."""

import os
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
from time import monotonic, sleep

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.events import Welcome
from imserver.core.requests import Hello
from tests.end_to_end.daemon import TWISTD, Daemon
from tests.end_to_end.peer import PATIENCE_SECONDS, Peer
from tests.net.certificates import make_certificate

REQUEST = (b"IMSQ\x01" + b"nonce123").ljust(64, b"\0")


class StartTests(SynchronousTestCase):
    """What works."""

    def test_start_and_stop(self) -> None:
        """One log line for each listener says how to try it; SIGTERM ends with 0 and leaves nothing open."""
        daemon = Daemon(self).start()
        where = daemon.addresses["native"]
        daemon.wait_for(f"native listens on {where}; try: imchat --server {where}")
        daemon.wait_for("status listens on")
        socket.create_connection(daemon.address()).close()
        self.assertEqual(daemon.stop(), 0)
        daemon.assert_clean()
        self.assertRaises(ConnectionRefusedError, socket.create_connection, daemon.address())

    def test_connected_client(self) -> None:
        """A client that is connected and silent does not hold up the end."""
        daemon = Daemon(self).start()
        with socket.create_connection(daemon.address()) as client:
            client.settimeout(PATIENCE_SECONDS)
            self.assertEqual(daemon.stop(), 0)
            try:
                while client.recv(1000):
                    pass
            except ConnectionResetError:
                pass  # aborted, which is an end as well
        daemon.assert_clean()

    def test_restart(self) -> None:
        """It starts again on the same data, also after a kill."""
        daemon = Daemon(self).start()
        first = daemon.address()
        daemon.kill()
        daemon.start()
        self.assertEqual(daemon.address(), first)
        self.assertEqual(daemon.stop(), 0)

    def test_private_files(self) -> None:
        """T40: nobody else can read anything in the data folder."""
        daemon = Daemon(self).start()
        paths = [daemon.data, *daemon.data.rglob("*")]
        self.assertGreater(len(paths), 1)
        self.assertEqual([path for path in paths if path.stat().st_mode & 0o077], [])

    def test_state_directory(self) -> None:
        """Without --data the data is kept where systemd says, else in ./imserver-data."""
        for environment, expected in (({"STATE_DIRECTORY": "state"}, "state"), ({}, "imserver-data")):
            daemon = WithoutData(self, environment=environment).start()
            daemon.stop()
            self.assertTrue((daemon.folder / expected / "imserver.db").exists())

    def test_root_is_warned(self) -> None:
        """Running as root is a warning."""
        if os.geteuid() != 0:
            return
        Daemon(self).start().wait_for("running as root")

    def test_lifted_limits_are_warned_of(self) -> None:
        """Whoever forgot that rates are lifted reads it at each start."""
        Daemon(self, config="[limits]\nenabled = false\n").start().wait_for("for load tests only")

    def test_memory(self) -> None:
        """Without connections it costs at most 70 MB."""
        daemon = Daemon(self)
        daemon.environment.pop("COVERAGE_PROCESS_CONFIG", None)  # what measures coverage takes memory, too
        self.assertLess(daemon.start().resident_bytes(), 70_000_000)

    def test_status(self) -> None:
        """The status wire answers with the state, the uptime and the sessions."""
        daemon = Daemon(self).start()
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            client.settimeout(PATIENCE_SECONDS)
            client.sendto(REQUEST, daemon.address("status"))
            magic, version, nonce, state, uptime, sessions = struct.unpack("!4sB8sBII", client.recv(100))
        self.assertEqual((magic, version, nonce, state, sessions), (b"IMSA", 1, b"nonce123", 0, 0))
        self.assertLess(uptime, 60)

    def test_second_sigterm(self) -> None:
        """Signals that come while it stops do no harm."""
        daemon = Daemon(self).start()
        for _ in range(3):
            daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), 0)
        daemon.assert_clean()

    def test_interrupt(self) -> None:
        """Ctrl-C is a SIGTERM."""
        daemon = Daemon(self).start()
        daemon.signal(signal.SIGINT)
        self.assertEqual(daemon.wait(), 0)

    def test_help(self) -> None:
        """--help says what can be given."""
        daemon = WithHelp(self)
        daemon.launch()
        self.assertEqual(daemon.wait(), 0)
        for option in ("--config", "--data", "--listen", "native=tcp:127.0.0.1:8890"):
            self.assertIn(option, daemon.text)


class WithoutData(Daemon):
    """Started without --data."""

    @property
    def arguments(self) -> list[str]:
        return [each for each in super().arguments if not each.startswith("--data")]


class WithHelp(Daemon):
    """Asked for help."""

    @property
    def arguments(self) -> list[str]:
        return [*super().arguments, "--help"]


class WithSlip(Daemon):
    """With something that it does not know."""

    slip = ""

    @property
    def arguments(self) -> list[str]:
        return [*super().arguments, self.slip]


class RefusalTests(SynchronousTestCase):
    """What does not start: exit status 1, one sentence that says what to do, no traceback."""

    def refuse(self, daemon: Daemon, *words: str) -> None:
        daemon.launch()
        self.assertEqual(daemon.wait(), 1, daemon.text)
        sentences = [line for line in daemon.lines if line.startswith("imserver: ")]
        self.assertEqual(len(sentences), 1, daemon.text)
        for word in words:
            self.assertIn(word, sentences[0])
        self.assertNotIn("Traceback", daemon.text)
        self.assertNotIn("Usage", daemon.text)

    def test_unknown_option(self) -> None:
        """And what is none."""
        daemon = WithSlip(self)
        for daemon.slip, word in (("--frobnicate", "--frobnicate"), ("start", "arguments")):
            daemon.lines.clear()
            self.refuse(daemon, word, "twistd imserver --help")

    def test_unknown_key(self) -> None:
        """With file, line and key."""
        daemon = Daemon(self, config="[limits]\nmax_devcies = 3")
        self.refuse(daemon, f"{daemon.config}, line 2", "limits.max_devcies", "max_devices")

    def test_no_config(self) -> None:
        """A configuration that is not there."""
        daemon = Daemon(self)
        daemon.config.unlink()
        self.refuse(daemon, f"cannot read the configuration {daemon.config}: No such file or directory")

    def test_unknown_wire(self) -> None:
        """With those that are known."""
        self.refuse(
            Daemon(self, listen=["carrier-pigeon=tcp:127.0.0.1:0"]), "carrier-pigeon", "native, status"
        )

    def test_listen_without_endpoint(self) -> None:
        """With an example of how it is written."""
        self.refuse(Daemon(self, listen=["native"]), "WIRE=ENDPOINT", "native=tcp:127.0.0.1:8890")

    def test_bad_endpoint(self) -> None:
        """With what an endpoint looks like."""
        self.refuse(Daemon(self, listen=["native=tcp:localhost:x"]), "native", "HOST:PORT")

    def test_taken_port(self) -> None:
        """Of streams and of datagrams."""
        for kind, wire, scheme in (
            (socket.SOCK_STREAM, "native", "tcp"),
            (socket.SOCK_DGRAM, "status", "udp"),
        ):
            with socket.socket(type=kind) as other:
                other.bind(("127.0.0.1", 0))
                if kind == socket.SOCK_STREAM:
                    other.listen()
                endpoint = f"{scheme}:127.0.0.1:{other.getsockname()[1]}"
                self.refuse(Daemon(self, listen=[f"{wire}={endpoint}"]), endpoint, "in use", "--listen")

    def test_next_start(self) -> None:
        """A refused start leaves the data folder as a clean stop does."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            daemon = Daemon(self, listen=[f"native=tcp:127.0.0.1:{other.getsockname()[1]}"])
            self.refuse(daemon, "in use")
        daemon.start()
        self.assertNotIn("not clean", daemon.text)

    def test_daemonised(self) -> None:
        """Without -n, too, the command ends with 1 and says why, and leaves no pid file."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            listen = f"--listen=native=tcp:127.0.0.1:{other.getsockname()[1]}"
            daemon = Daemon(self)
            ended = subprocess.run(
                [*TWISTD, "imserver", "--data=data", listen],
                cwd=daemon.folder,
                env=daemon.environment,
                capture_output=True,
                timeout=PATIENCE_SECONDS,
                check=False,
            )
        self.assertEqual(ended.returncode, 1)
        self.assertIn(b"native cannot listen", ended.stderr)
        self.assertIn("Address already in use", (daemon.folder / "twistd.log").read_text())
        pid_file, end = daemon.folder / "twistd.pid", monotonic() + PATIENCE_SECONDS
        while pid_file.exists() and monotonic() < end:
            sleep(0.05)  # what has daemonised removes it, a moment after the command has ended
        self.assertFalse(pid_file.exists())

    def test_open_to_the_network(self) -> None:
        """A plain listener for other machines, unless it says allow_plain; then it is a warning."""
        self.refuse(
            Daemon(self, listen=["native=tcp:0.0.0.0:0"]), "native", "without encryption", "allow_plain"
        )
        listener = '[[listeners]]\nwire = "native"\nendpoint = "tcp:0.0.0.0:0"\nallow_plain = true'
        Daemon(self, config=listener, listen=[]).start().wait_for("is not encrypted")

    def test_bad_certificate(self) -> None:
        """Missing, not PEM, of another key, readable for others."""
        config = '[[listeners]]\nwire = "native"\nendpoint = "tcp:127.0.0.1:0"\ntls = "a"\n'
        config += '[tls.a]\ncert = "a.crt"\nkey = "a.key"'
        daemon = Daemon(self, config=config, listen=[])
        self.refuse(daemon, "a.key", "No such file")
        make_certificate(daemon.folder, "a")
        make_certificate(daemon.folder, "b")
        for change, words in (
            (lambda folder: (folder / "a.crt").write_text("nonsense"), ("a.crt", "PEM")),
            (lambda folder: shutil.copy(folder / "b.crt", folder / "a.crt"), ("a.key", "mismatch")),
            (lambda folder: (folder / "a.key").chmod(0o644), ("a.key", "chmod 600")),
        ):
            change(daemon.folder)
            daemon.lines.clear()
            self.refuse(daemon, *words)

    def test_second_daemon(self) -> None:
        """On a data folder that is in use."""
        first = Daemon(self).start()
        second = Daemon(self, folder=first.folder)
        self.refuse(second, str(first.data))
        self.assertEqual(first.stop(), 0)

    def test_newer_schema(self) -> None:
        """Data of a later version."""
        daemon = Daemon(self).start()
        daemon.stop()
        with sqlite3.connect(daemon.data / "imserver.db") as database:
            database.execute("PRAGMA user_version = 1000000")
            database.execute("UPDATE meta SET value = 1000000 WHERE name = 'readable_by'")
        database.close()
        self.refuse(daemon, "newer")


class ReloadTests(SynchronousTestCase):
    """SIGHUP"""

    CONFIG = """
[limits]
max_devices = {devices}
max_body_bytes = {body_bytes}
[[listeners]]
wire = "native"
endpoint = "tcp:127.0.0.1:0"
tls = "office"
[[listeners]]
wire = "native"
endpoint = "tcp:127.0.0.1:0"
[tls.office]
cert = "{name}.crt"
key = "{name}.key"
"""

    def setUp(self) -> None:
        self.daemon = Daemon(self, listen=[])
        for name in ("one", "two"):
            make_certificate(self.daemon.folder, name)
        self.daemon.config.write_text(self.config("one"))
        self.daemon.start()

    def config(self, name: str, devices: int = 10, body_bytes: int = 1000) -> str:
        return self.CONFIG.format(name=name, devices=devices, body_bytes=body_bytes)

    def reload(self, config: str, expected: str) -> None:
        self.daemon.config.write_text(config)
        before = len(self.daemon.lines)
        self.daemon.signal(signal.SIGHUP)
        self.daemon.wait_for(expected, since=before)

    def served_name(self) -> str:
        host, port = self.daemon.listeners()[0]
        shown = subprocess.run(
            ["openssl", "s_client", "-connect", f"{host}:{port}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
        ).stdout.decode()
        return (
            next(line for line in shown.splitlines() if line.startswith("subject")).rpartition("=")[2].strip()
        )

    def body_limit(self) -> int:
        with Peer(self.daemon.listeners()[1]) as peer:
            return peer.expect(Hello("test"), Welcome).max_body_bytes

    def test_limits(self) -> None:
        """New limits hold at once, for those who are connected, too."""
        with Peer(self.daemon.listeners()[1]) as peer:
            self.assertEqual(peer.expect(Hello("test"), Welcome).max_body_bytes, 1000)
            self.reload(self.config("one", body_bytes=2000), "reloaded")
            self.assertEqual(peer.expect(Hello("test"), Welcome).max_body_bytes, 2000)

    def test_certificate(self) -> None:
        """New connections get the new certificate."""
        self.assertEqual(self.served_name(), "one")
        self.reload(self.config("two"), "reloaded")
        self.assertEqual(self.served_name(), "two")
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.assert_clean()

    def test_all_or_nothing(self) -> None:
        """A fault in either part keeps both, and is told in one line."""
        self.reload(self.config("two", devices=0, body_bytes=2000), "not reloaded")
        self.assertEqual((self.served_name(), self.body_limit()), ("one", 1000))
        self.reload(self.config("three", body_bytes=2000), "three.key")
        self.assertEqual((self.served_name(), self.body_limit()), ("one", 1000))
        self.daemon.assert_clean()

    def test_what_takes_a_restart(self) -> None:
        """A change that cannot be made now is told."""
        self.reload("[registration]\nopen = false\n" + self.config("two"), "reloaded")
        self.daemon.wait_for("registration has changed, which takes a restart")

    def test_repeated(self) -> None:
        """Any number of reloads, good and bad, disturb nobody."""
        with socket.create_connection(self.daemon.listeners()[0]) as client:
            for n in range(10):
                self.reload(self.config("two" if n % 2 else "three"), "reloaded")
            client.settimeout(0.1)
            self.assertRaises(TimeoutError, client.recv, 1)
