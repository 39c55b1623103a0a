"""imadmin doctor: a sound installation is found sound, and each fault is found and named with its remedy."""

import os
import resource
import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw

from imserver.admin import certificate, doctor, folder_checks, machine_checks
from imserver.admin.errors import NoDaemon
from imserver.admin.finding import Finding, Verdict
from imserver.core.limits import Limits
from imserver.store import schema
from imserver.store.schema import Migration
from tests.store.test_opening import OpeningCase


class DoctorCase(OpeningCase):
    def setUp(self) -> None:
        super().setUp()
        self.config = Path(self.mktemp())
        self.config.parent.mkdir(parents=True, exist_ok=True)
        # This machine's own disk and limits are not what is tested.
        self.patch(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100 * 2**30, 0, 50 * 2**30))
        self.patch(resource, "getrlimit", lambda _: (10**6, 10**6))

    def examine(self, config: str = "") -> list[Finding]:
        self.config.write_text(config)
        return doctor.examine(str(self.config), str(self.folder), {})

    def faults(self, config: str = "") -> list[Finding]:
        """All that is not fine."""
        return [finding for finding in self.examine(config) if finding.verdict is not Verdict.FINE]

    def fault(self, verdict: Verdict, *words: str, config: str = "") -> None:
        """There is one fault, and it says this."""
        faults = self.faults(config)
        self.assertEqual([fault.verdict for fault in faults], [verdict], faults)
        for word in words:
            self.assertIn(word, faults[0].sentence)

    def stopped(self) -> None:
        self.successResultOf(self.with_messages().close())


class FolderTests(DoctorCase):
    def test_sound(self) -> None:
        """A folder that is in use, and one whose daemon has stopped."""
        rig = self.with_messages()
        self.assertEqual(self.faults(), [])
        self.assertIn("a daemon uses", " ".join(map(str, self.examine())))
        self.successResultOf(rig.close())
        self.assertEqual(self.faults(), [])
        self.opened()  # looking has left nothing that would be in the way

    def test_new(self) -> None:
        """A folder that the first start will make, or fill."""
        self.fault(Verdict.WARNING, "first start makes it")
        self.folder.mkdir(mode=0o700)
        self.fault(Verdict.WARNING, "first start makes it")

    def test_permissions(self) -> None:
        """The folder, or a file in it, that others can read."""
        self.stopped()
        for path in (self.folder, self.database):
            mode = path.stat().st_mode
            path.chmod(0o755)
            self.fault(Verdict.WRONG, str(path), "chmod -R go=")
            path.chmod(mode)

    def test_ownership(self) -> None:
        """A file of another user's in the folder."""
        self.stopped()
        real = Path.lstat

        def lstat(path: Path) -> Any:
            found = real(path)
            return os.stat_result((*found[:4], 4711, *found[5:])) if path == self.database else found

        self.patch(Path, "lstat", lstat)
        self.fault(Verdict.WRONG, str(self.database), "chown -R")

    def test_disk(self) -> None:
        """A disk that will soon be full, or on which an upgrade has no room for its copy."""
        self.stopped()
        self.patch(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2**40, 0, 2**31))
        self.fault(Verdict.WARNING, "2048 MiB are free", "make room")

    def test_network_disk(self) -> None:
        """A network file system."""
        self.stopped()
        self.patch(folder_checks, "filesystem_of", lambda path, mounts: "nfs4")
        self.fault(Verdict.WRONG, "nfs4", "local disk")

    def test_unclean(self) -> None:
        """A daemon that was killed."""
        self.with_messages()
        self.folder = self.killed_copy()
        self.fault(Verdict.WARNING, "not clean")

    def test_lost_log(self) -> None:
        """A killed daemon's log that somebody has removed."""
        self.with_messages()
        self.folder = self.killed_copy()
        (self.folder / "imserver.db-wal").unlink()
        self.fault(Verdict.WRONG, "damaged or missing", "restore a backup")

    def test_lost_database(self) -> None:
        """A database that is gone, empty, or none."""
        self.stopped()
        (self.folder / "running").touch(mode=0o600)
        content = self.database.read_bytes()
        self.database.unlink()
        self.fault(Verdict.WRONG, "is missing")
        (self.folder / "running").unlink()
        for rest, words in ((b"", "is empty"), (b"x" * 8192, "not a database")):
            self.database.touch(mode=0o600)
            self.database.write_bytes(rest)
            self.fault(Verdict.WRONG, words)
        self.database.write_bytes(content)
        self.assertEqual(self.faults(), [])

    def test_damaged(self) -> None:
        """A database that SQLite's check finds damaged."""
        self.stopped()
        connection = apsw.Connection(str(self.database))
        root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'runs'").get
        connection.close()
        with self.database.open("r+b") as file:
            file.seek((root - 1) * 4096)
            file.write(b"\xff" * 4096)
        faults = self.faults()
        self.assertEqual([fault.verdict for fault in faults], [Verdict.WRONG], faults)

    def test_schema(self) -> None:
        """A database of a newer imserver."""
        self.stopped()
        version = schema.migrations()[-1].version + 1
        connection = apsw.Connection(str(self.database))
        schema.apply(connection, Migration(version, version, "CREATE TABLE new (x)"))
        connection.close()
        self.fault(Verdict.WRONG, f"schema {version}", "newer imserver")

    def test_unreadable(self) -> None:
        """A folder that this user may not read."""
        self.stopped()

        def refuse(path: Path) -> Any:
            raise PermissionError(13, "Permission denied")

        self.patch(Path, "iterdir", refuse)
        self.fault(Verdict.WRONG, "cannot be read", "as root")


class MachineTests(DoctorCase):
    def setUp(self) -> None:
        super().setUp()
        self.stopped()

    def test_clock(self) -> None:
        """A clock that is years behind, or behind the files."""
        now = time.time()
        self.patch(time, "time", lambda: 1_000_000.0)
        self.fault(Verdict.WRONG, "years behind")
        self.patch(time, "time", lambda: now - 3600)
        self.fault(Verdict.WARNING, "from the future")

    def test_open_files(self) -> None:
        """Fewer than max_connections needs, with what would be enough."""
        self.patch(resource, "getrlimit", lambda _: (1024, 4096))
        self.fault(Verdict.WARNING, "4096", "LimitNOFILE=10512")
        self.assertEqual(self.faults("[limits]\nmax_connections = 2000\nmax_unauthenticated = 100"), [])

    def test_open_files_of_the_daemon(self) -> None:
        """Of a daemon that runs its own limit counts."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.assertGreater(machine_checks._open_files(os.getpid()), 0)
        self.assertIn("the daemon", machine_checks._descriptors(100, Limits(), 5).sentence)
        self.assertEqual(machine_checks._open_files(0), hard)


class ConfigurationTests(DoctorCase):
    def setUp(self) -> None:
        super().setUp()
        self.stopped()
        self.cert, self.key = self.config.parent / "office.crt", self.config.parent / "office.key"
        self.tls = f'[tls.office]\ncert = "{self.cert}"\nkey = "{self.key}"\n'

    def listener(self, endpoint: str, more: str = "", wire: str = "native") -> str:
        return f'[[listeners]]\nwire = "{wire}"\nendpoint = "{endpoint}"\n{more}\n'

    def make(self, days: int = 400) -> None:
        for path in (self.cert, self.key):
            path.unlink(missing_ok=True)
        certificate.make(["localhost"], days, self.cert, self.key, certificate.now() - timedelta(days=10))

    def test_unknown_key(self) -> None:
        """A configuration that would be refused: file, line and key."""
        self.fault(Verdict.WRONG, f"{self.config}, line 2", "did you mean data?", config='\ndate = "x"')

    def test_options_of_a_wire(self) -> None:
        """What only a wire's own listeners can say is known here, too."""
        self.config.write_text(self.listener("tcp:127.0.0.1:0", "stock_windows = true", "gogotalk"))
        found = doctor.examine(str(self.config), str(self.config.parent), {})
        self.assertFalse([each for each in found if "unknown key" in str(each)])

    def test_folder_of_a_bad_configuration(self) -> None:
        """Without --data nobody knows which folder it would have named."""
        self.config.write_text("nonsense")
        self.assertEqual(len(doctor.examine(str(self.config), "", {})), 1)

    def test_folder(self) -> None:
        """The folder is the configuration's, as for the daemon."""
        self.config.write_text(f'data = "{self.folder}"')
        findings = doctor.examine(str(self.config), "", {})
        self.assertIn(str(self.folder), findings[0].sentence)

    def test_certificate(self) -> None:
        """One that is valid for long is fine, one that is not is not."""
        self.make()
        self.assertEqual(self.faults(self.tls), [])
        self.make(days=20)
        self.fault(Verdict.WARNING, "office", "expires on", "reload", config=self.tls)
        self.make(days=5)
        self.fault(Verdict.WRONG, "office", "expired on", config=self.tls)

    def test_key(self) -> None:
        """A key that is not there, that others can read, that belongs to another certificate."""
        self.make()
        self.key.chmod(0o644)
        self.fault(Verdict.WRONG, "others can read the key", config=self.tls)
        self.key.unlink()
        self.fault(Verdict.WRONG, "cannot read the key", config=self.tls)
        cert = self.cert.read_bytes()
        self.make()
        self.cert.write_bytes(cert)
        self.fault(Verdict.WRONG, "mismatch", config=self.tls)

    def test_key_of_another_user(self) -> None:
        """A key that the daemon's user does not own."""
        self.make()
        real = Path.stat

        def stat(path: Path, **options: Any) -> Any:
            found = real(path, **options)
            return os.stat_result((*found[:4], 4711, *found[5:])) if path == self.key else found

        self.patch(Path, "stat", stat)
        self.fault(Verdict.WRONG, str(self.key), "chown", config=self.tls)

    def test_listeners(self) -> None:
        """On loopback or with TLS; otherwise allowed and warned about, or wrong."""
        self.make()
        fine = (
            self.listener("tcp:127.0.0.1:1"),
            self.listener("unix:/x"),
            '[[listeners]]\nwire = "native"\n',
            self.listener("tcp:0.0.0.0:1", 'tls = "office"') + self.tls,
        )
        for config in fine:
            self.assertEqual(self.faults(config), [], config)
        plain = self.listener("tcp:0.0.0.0:1", "allow_plain = true")
        self.fault(Verdict.WARNING, "allow_plain", "can be read on the way", config=plain)
        self.fault(Verdict.WRONG, "not encrypted", "127.0.0.1", config=self.listener("tcp:[::]:1"))
        systemd = self.listener("systemd:domain=INET:name=native")
        self.fault(Verdict.WARNING, "systemd must bind it", config=systemd)

    def test_unknown_wire(self) -> None:
        """A wire that is not installed."""
        self.fault(Verdict.WRONG, "no such wire", "native", config=self.listener("", wire="pigeon"))

    def test_open_doors(self) -> None:
        """Registration open to the network; limits that are lifted."""
        self.make()
        network = self.listener("tcp:0.0.0.0:1", 'tls = "office"') + self.tls
        opened = "[registration]\nopen = true\n"
        self.fault(Verdict.WARNING, "whoever can connect may register", config=network + opened)
        self.assertEqual(self.faults(self.listener("tcp:127.0.0.1:1") + opened), [])
        self.fault(Verdict.WARNING, "load tests only", config="[limits]\nenabled = false")


class DaemonTests(DoctorCase):
    def test_which(self) -> None:
        """The process that answers at the socket; 0 if none does."""

        class Answering:
            daemon_pid = 4711

            def __enter__(self) -> "Answering":
                return self

            def __exit__(self, *_: object) -> None:
                pass

        self.patch(doctor, "Console", lambda folder: Answering())
        self.assertEqual(doctor._daemon(self.folder), 4711)

        def none(folder: Path) -> Any:
            raise NoDaemon("none")

        self.patch(doctor, "Console", none)
        self.assertEqual(doctor._daemon(self.folder), 0)
