"""SIGHUP while people are connected: new certificates for new connections, and nothing that is weaker (T8, T39)."""

import shutil
import signal
import ssl
from time import sleep

from imserver.core.errors import Code
from imserver.core.events import Closing, Pong, Sent
from imserver.core.requests import Ping, SendTo
from imserver.core.values import Kind
from imserver.logs import LINES_PER_SECOND
from tests.end_to_end.peer import Peer
from tests.end_to_end.siege import Siege, rest
from tests.net.certificates import make_certificate

# So little that it is noticed whether it still holds.
STRICT = "max_frame_bytes_before_login = 100\n"
# Each replaces some words of the configuration by others.
MUTATIONS = (
    ("max_frame_bytes_before_login", "max_frame_byte_before_login"),
    ("max_frame_bytes_before_login", "max_frame_bytes_before_lgoin"),
    ("max_frame_bytes_before_login = 100", "max_frame_bytes_before_login = 0"),
    ("max_frame_bytes_before_login = 100", "max_frame_bytes_before_login = -1"),
    ("max_frame_bytes_before_login = 100", 'max_frame_bytes_before_login = "100"'),
    ("max_frame_bytes_before_login = 100", "max_frame_bytes_before_login = inf"),
    ("max_frame_bytes_before_login = 100", "max_frame_bytes_before_login = true"),
    ("max_frame_bytes_before_login = 100", "max_frame_bytes_before_login ="),
    ("[limits]", "[limit]"),
    ("[limits]", "[[limits]]"),
    ("[limits]", "[limits"),
    ("[tls.office]", "[tls.ofice]"),
    ("[tls.office]", "[tsl.office]"),
    ("[registration]", "[registrations]"),
    ("open = true", 'open = "true"'),
    ('tls = "office"', 'tls = "home"'),
    ('tls = "office"', "tls = false"),
    ('"127.0.0.0/8"', '"127.0.0.0/88"'),
    ('"127.0.0.0/8"', '"everybody"'),
    ("proxy_from", "proxies_from"),
    ('"office.crt"', '""'),
    ('"office.crt"', '"nowhere.crt"'),
    ('"office.key"', '"office.crt"'),
    ('"office.key"', '"nowhere.key"'),
    ('wire = "native"', 'wire = "naive"'),
    ('wire = "native"', 'wires = "native"'),
)


class RenewalTests(Siege):
    def test_certificate(self) -> None:
        """Connections live on with the old certificate; new ones get the new one."""
        self.begin()
        with self.peer(self.tls, tls=True) as old:
            old.log_in("alice", "laptop")
            self.renew("another")
            old.expect(SendTo("bob", b"after", Kind.TEXT, "", b"the renewal"), Sent)
            with self.assertRaises(ssl.SSLCertVerificationError):
                self.peer(self.tls, tls=True)
            self.certificate = self.daemon.folder / "another.crt"
            with self.peer(self.tls, tls=True) as new:
                new.log_in("alice", "tablet")
            old.expect(Ping(), Pong)
        self.assert_no_errors()

    def test_broken_certificate(self) -> None:
        """A file that is broken, missing or readable by everybody is said, and the old certificate stays."""
        self.begin()
        key = self.daemon.folder / "office.key"
        kept = key.read_bytes()
        for spoil in (
            lambda: key.write_bytes(kept[: len(kept) // 2]),
            lambda: key.write_bytes(b""),
            lambda: key.chmod(0o644),
            key.unlink,
        ):
            spoil()
            self.assertIn("office.key", self.reload("not reloaded"))
            with self.peer(self.tls, tls=True) as peer:
                peer.expect(Ping(), Pong)
        self.daemon.assert_clean()

    def test_mutated_configurations(self) -> None:
        """T39: none of many faulty configurations replaces the strict one, not even in part; a whole one does."""
        self.begin(STRICT)
        whole = self.daemon.config.read_text()
        for old, new in MUTATIONS:
            self.assertIn(old, whole)
            self.daemon.config.write_text(whole.replace(old, new, 1))
            self.reload("not reloaded")
            self.assertFalse(self.admits_frame_of(101), new)
        self.daemon.config.unlink()
        self.reload("not reloaded")
        self.assertFalse(self.admits_frame_of(101))
        self.daemon.config.write_text(whole.replace(STRICT, ""))
        self.reload("reloaded limits")
        self.assertTrue(self.admits_frame_of(101))
        self.daemon.assert_clean()

    def renew(self, name: str) -> None:
        """The certificate is replaced by a new one, which our clients do not know yet."""
        self.certificate = shutil.copy(self.certificate, self.daemon.folder / "old.crt")
        certificate, key = make_certificate(self.daemon.folder, name)
        shutil.copy(certificate, self.daemon.folder / "office.crt")
        shutil.copy(key, self.daemon.folder / "office.key")
        self.reload("reloaded limits and certificates")

    def reload(self, expected: str) -> str:
        """SIGHUP -> the line with what is expected of it; not so often that the log leaves lines out."""
        sleep(1.0 / LINES_PER_SECOND)
        lines = len(self.daemon.lines)
        self.daemon.signal(signal.SIGHUP)
        return self.daemon.wait_for(expected, since=lines)

    def admits_frame_of(self, size: int) -> bool:
        """Whether a frame of that size is looked at before login."""
        with Peer(self.plain) as peer:
            peer.socket.sendall(size.to_bytes(4, "big") + b"\xff" * size)
            closing = rest(peer)[-1]
        assert isinstance(closing, Closing)
        return closing.code == Code.PROTOCOL_ERROR
