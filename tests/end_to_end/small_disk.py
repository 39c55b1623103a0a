"""A disk that is soon full and has more room later, with the rights that the tests happen to have.

Root makes a filesystem of its own, and everybody else does so in a user namespace.  A container may permit
neither; but it has a small filesystem for shared memory.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import TestCase

SHARED_MEMORY = Path("/dev/shm")
MEBIBYTE = 1024 * 1024
_MOST_BALLAST = 256 * MEBIBYTE  # it takes real memory
_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")


class SmallDisk:
    """`folder`, in whose filesystem a ballast leaves room for so many bytes."""

    def __init__(self, folder: Path, room: int) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"
        with self._ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, _room(folder) - room)

    def enlarge(self) -> None:
        """Make room."""
        self._ballast.unlink()


def small_disk(case: TestCase, folder: Path, room: int, later_room: int) -> SmallDisk | None:
    """One with so much room, and later at least that much; None where only a namespace can have one."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={later_room}", "tmpfs", str(folder)]
    if not subprocess.run(mount, capture_output=True, check=False).returncode:
        case.addCleanup(subprocess.run, ["umount", str(folder)], check=True)
        return SmallDisk(folder, room)
    if not SHARED_MEMORY.is_dir() or not later_room <= _room(SHARED_MEMORY) <= _MOST_BALLAST:
        return None
    shared = TemporaryDirectory(prefix="imserver-", dir=SHARED_MEMORY)
    case.addCleanup(shared.cleanup)
    return SmallDisk(Path(shared.name), room)


def again_in_a_namespace(case: TestCase) -> None:
    """Run the test in a process that may mount; it fails if that fails."""
    command = (
        *_NAMESPACE,
        sys.executable,
        "-m",
        "twisted.trial",
        "--temp-directory=in-a-namespace",
        case.id(),
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    case.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)


def _room(folder: Path) -> int:
    """In its filesystem, in bytes."""
    left = os.statvfs(folder)
    return left.f_bavail * left.f_frsize
