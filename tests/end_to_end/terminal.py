"""A real terminal for tests: tmux, with a server of its own, in which a program runs as for a person."""

import os
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import TestCase

SECONDS = 120.0
LOOK_SECONDS = 0.1


class Terminal:
    """Runs one program in a window of that many cells; it stays to be looked at when the program has ended."""

    def __init__(
        self,
        case: TestCase,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        size: tuple[int, int] = (80, 24),
    ) -> None:
        self._case = case
        self._socket = f"imserver-test-{name}-{time.monotonic_ns()}"
        width, height = size
        assignments = [f"{key}={value}" for key, value in environment.items()]
        self._tmux(
            *("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height)),
            shlex.join(("env", *assignments, *command)) + "; echo ended with $?; sleep 600",
        )
        case.addCleanup(self._tmux, "kill-server")

    def keys(self, *names: str) -> None:
        """Press keys, by tmux's names: Enter, M-Enter, PPage, F3."""
        self._tmux("send-keys", *names)

    def type(self, text: str) -> None:
        """Letters as they are."""
        self._tmux("send-keys", "-l", text)

    def say(self, text: str) -> None:
        """A line."""
        self.type(text)
        self.wait_for(text.split()[-1])
        self.keys("Enter")

    def next_field(self, key: str) -> None:
        """Press a key that moves to another field, and wait until it has."""
        before = self.styled
        self.keys(key)
        end = time.monotonic() + SECONDS
        while self.styled == before and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)

    def resize(self, width: int, height: int) -> None:
        """The window is another one."""
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def signal(self, number: int) -> None:
        """Send the program a signal: it is the only child of the shell in the window."""
        shell = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        child = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()[0]
        os.kill(int(child), number)

    @property
    def screen(self) -> str:
        """What is shown."""
        return self._tmux("capture-pane", "-p")

    @property
    def styled(self) -> str:
        """The same, with the sequences for colours and the like."""
        return self._tmux("capture-pane", "-p", "-e")

    def wait_for(self, *texts: str, gone: bool = False) -> str:
        """Wait until all of the texts are shown, or none; -> what is shown."""
        end = time.monotonic() + SECONDS
        while any((text in (seen := self.screen)) is gone for text in texts):
            if time.monotonic() > end:
                self._case.fail(f"{texts} {'still' if gone else 'not'} in\n{seen}")
            time.sleep(LOOK_SECONDS)
        return self.screen

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ("tmux", "-u", "-L", self._socket, *arguments), capture_output=True, text=True, timeout=SECONDS
        )
        self._case.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout
