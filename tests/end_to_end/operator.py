"""An operator for tests: imadmin in a process of its own, as it is called from a shell."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from unittest import TestCase

from tests.end_to_end.daemon import ROOT

IMADMIN = (sys.executable, "-c", "from imserver.admin.imadmin import main; main()")
SECONDS = 120.0
DONE, REFUSED, USAGE, NO_DAEMON = 0, 1, 2, 3


class Operator:
    """`data` is the daemon's folder."""

    def __init__(self, case: TestCase, data: Path, environment: Mapping[str, str]) -> None:
        self._case = case
        self.data = data
        self._environment = {**environment, "PYTHONPATH": str(ROOT)}

    def run(self, *words: str, said: str = "") -> "subprocess.CompletedProcess[str]":
        """What becomes of a command line; `said` is its standard input."""
        command = (*IMADMIN, "--data", str(self.data), *words)
        return subprocess.run(
            command, input=said, capture_output=True, text=True, timeout=SECONDS, env=self._environment
        )

    def do(self, *words: str, said: str = "") -> list[str]:
        """The lines of a command that is done."""
        ended = self.run(*words, said=said)
        self._case.assertEqual((ended.returncode, ended.stderr), (DONE, ""), ended.stdout)
        return ended.stdout.splitlines()

    def refused(self, *words: str, status: int = REFUSED) -> str:
        """What is said about a command that ends with that status."""
        ended = self.run(*words)
        self._case.assertEqual(ended.returncode, status, ended.stdout + ended.stderr)
        self._case.assertNotIn("Traceback", ended.stderr)
        return ended.stderr
