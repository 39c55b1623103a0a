"""A real terminal for tests: tmux, with a server of its own, in which a program runs as for a person."""

import os
import re
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import TestCase

SECONDS = 120.0  # longer than a client waits at most before it connects again
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

    def send(self, data: bytes) -> None:
        """Bytes as they are, as a terminal sends them that is not tmux."""
        self._tmux("send-keys", "-H", *(f"{byte:02x}" for byte in data))

    def say(self, text: str) -> None:
        """A line."""
        self.type(text)
        self.wait_for(text.split()[-1])
        self.keys("Enter")

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
        return self.wait_for_match(*map(re.escape, texts), gone=gone)

    def wait_for_match(self, *patterns: str, gone: bool = False) -> str:
        """The same with regular expressions, in which ^ and $ are the ends of a row."""
        end = time.monotonic() + SECONDS
        while any(
            (re.search(each, (seen := self.screen), re.MULTILINE) is None) is not gone for each in patterns
        ):
            if time.monotonic() > end:
                self._case.fail(f"{patterns} {'still' if gone else 'not'} in\n{seen}")
            time.sleep(LOOK_SECONDS)
        return seen

    def press_until(self, key: str, text: str) -> str:
        """Press a key again and again until the text is shown; -> what is shown."""
        end = time.monotonic() + SECONDS
        while text not in (seen := self.screen):
            if time.monotonic() > end:
                self._case.fail(f"{text} not in\n{seen}")
            self.keys(key)
        return seen

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ("tmux", "-u", "-L", self._socket, *arguments), capture_output=True, text=True, timeout=SECONDS
        )
        self._case.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout
