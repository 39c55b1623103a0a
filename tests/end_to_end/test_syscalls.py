"""The daemon lives with what imserver.service lets it ask of the kernel.  strace plays the filter."""

import signal
import subprocess
from collections.abc import Iterable

from tests.architecture import ROOT
from tests.end_to_end.daemon import TWISTD
from tests.end_to_end.drill import Drill
from tests.end_to_end.flow import Flow, Person

UNIT = ROOT / "etc" / "imserver.service"
FILTER = "SystemCallFilter="
# SQLite gives files it makes to their folder's owner, if it is root; the unit's user is not.
DENIED_TO_ROOT = {"fchown"}


def groups() -> dict[str, list[str]]:
    """@NAME -> what systemd means by it: calls and other groups."""
    command = ["systemd-analyze", "syscall-filter", "--no-pager"]
    found: dict[str, list[str]] = {}
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        word = line.strip()
        if line.startswith("@"):
            members = found.setdefault(word, [])
        elif word and not word.startswith("#"):
            members.append(word)
    return found


def expanded(words: Iterable[str], known: dict[str, list[str]]) -> set[str]:
    """The calls that these words stand for."""
    calls = set()
    for word in words:
        calls |= expanded(known[word], known) if word.startswith("@") else {word}
    return calls


def allowed() -> set[str]:
    """By the unit."""
    lines = [line.removeprefix(FILTER) for line in UNIT.read_text("utf-8").splitlines() if FILTER in line]
    known = groups()
    calls = set[str]()
    for line in lines:
        if line.startswith("~"):
            calls -= expanded(line[1:].split(), known)
        else:
            calls |= expanded(line.split(), known)
    return calls


class FilterTests(Drill):
    def prepare_filtered(self, calls: set[str]) -> None:
        """A daemon to which all other calls fail with EPERM, as SystemCallErrorNumber= says."""
        # "?": strace need not know all that systemd knows.
        others = "!" + ",".join(f"?{call}" for call in sorted(calls))
        self.prepare(
            command=("strace", *("-D", "-f", "--seccomp-bpf", "-o", "denied"), *_denying(others), *TWISTD)
        )

    def denied(self) -> set[str]:
        """What was tried all the same."""
        lines = (self.daemon.folder / "denied").read_text().splitlines()
        return {line.split()[1].partition("(")[0] for line in lines if "(INJECTED)" in line}

    def test_everyday_life(self) -> None:
        """It starts, hashes passwords, stores and delivers messages, reloads and stops without missing anything."""
        self.prepare_filtered(allowed())
        self.daemon.start()
        writer, reader = Person(self.address, "writer"), Person(self.address, "reader")
        flow = Flow(self.address, writer, reader, [])
        flow.pump(flow.group(), 100, 100)
        flow.close()
        self.daemon.signal(signal.SIGHUP)
        self.daemon.wait_for("reloaded limits")
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.assert_clean()
        self.assertEqual(self.denied() - DENIED_TO_ROOT, set())

    def test_missing_call(self) -> None:
        """A filter that lacks something would have been found."""
        self.prepare_filtered(allowed() - {"fdatasync"})
        self.daemon.launch()
        self.assertEqual(self.daemon.wait(), 1)
        self.assertIn("fdatasync", self.denied())


def _denying(calls: str) -> tuple[str, ...]:
    return "-e", f"trace={calls}", "-e", f"inject={calls}:error=EPERM"
