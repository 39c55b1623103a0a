"""A wheel, installed as a stranger would, gives a working `twistd imserver` and `imchat` in any folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.architecture import ROOT

SOURCES = ("imserver", "twisted", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


def _run(folder: Path, *command: str | Path) -> str:
    """What it printed; an AssertionError with it where the command fails."""
    # Without PYTHONPATH and the like, so that the checkout cannot be found.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def _copy_sources(to: Path) -> None:
    to.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__", "dropin.cache"))
        else:
            shutil.copy(source, to / name)


class WheelTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir(parents=True)
        self.bin = self.folder / "venv" / "bin"
        _copy_sources(self.folder / "source")
        _run(self.folder, sys.executable, "-m", "venv", "venv")
        _run(self.folder, self.bin / "pip", "wheel", "--no-deps", "--wheel-dir", "wheels", "./source")
        _run(self.folder, self.bin / "pip", "install", *(self.folder / "wheels").glob("imserver-*.whl"))

    def test_wheel(self) -> None:
        """Its dependencies suffice, its data is in it, twistd knows the plug-in, the daemon and client start."""
        self.assertIn("No broken requirements", _run(self.folder, self.bin / "pip", "check"))
        self.assertIn("imserver", _run(self.folder, self.bin / "twistd", "--help"))
        self.assertIn("--listen", _run(self.folder, self.bin / "twistd", "imserver", "--help"))
        self.assertIn("send", _run(self.folder, self.bin / "imchat", "--help"))
        self.assertIn("backup", _run(self.folder, self.bin / "imadmin", "--help"))
        self.assert_same_files()

    def assert_same_files(self) -> None:
        """The installed package is the checkout's, file by file."""
        (installed,) = self.folder.glob("venv/lib/python3*/site-packages/imserver")
        here, there = _files(self.folder / "source" / "imserver"), _files(installed)
        self.assertEqual(there, here)


def _files(folder: Path) -> set[str]:
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {name for name in files if not name.endswith(".pyc") and not name.endswith("dropin.cache")}
