"""imserver.admin.imadmin: what goes wrong is one sentence, and the status says which kind it is."""

import sys
from io import StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imserver.admin import imadmin


class ForbiddenTests(SynchronousTestCase):
    """What this user may not open; the tests may run as root, who may open everything."""

    def complaint(self, *arguments: str) -> str:
        """What imadmin says when it ends with 1."""
        written = StringIO()
        self.patch(sys, "argv", ["imadmin", *arguments])
        self.patch(sys, "stderr", written)
        for name in ("nice", "umask"):
            self.patch(imadmin.os, name, lambda number: 0)
        self.assertEqual(self.assertRaises(SystemExit, imadmin.main).code, imadmin.REFUSED)
        return written.getvalue()

    def forbid(self, name: str, path: Path) -> None:
        def forbidden(self: Path, *arguments: object) -> None:
            raise PermissionError(13, "Permission denied", str(path))

        self.patch(Path, name, forbidden)

    def test_folder(self) -> None:
        """The data folder of somebody else."""
        self.forbid("exists", Path("/data/imserver.db"))
        said = "imadmin: /data/imserver.db cannot be opened (Permission denied): run imadmin as root, or as the daemon's user\n"
        self.assertEqual(self.complaint("--data", "/data", "backup", "/backup/b.db"), said)

    def test_backup(self) -> None:
        """A backup of somebody else is not damaged because of that."""
        file = Path(self.mktemp())
        file.write_bytes(b"")
        self.forbid("open", file)
        for command in ("verify", "restore"):
            said = self.complaint("--data", self.mktemp(), command, str(file))
            self.assertIn("cannot be opened (Permission denied)", said)
            self.assertNotIn("damaged", said)
