"""Runs the suite, or the tests named, and ends with the one line that people and machines count by.

python -m tests.run [tests.core.test_session ...]
"""

import sys
import unittest
from collections.abc import Sequence
from dataclasses import dataclass

from twisted.trial.reporter import TestResult, TreeReporter
from twisted.trial.runner import TestLoader, TrialRunner


@dataclass(slots=True, frozen=True)
class Count:
    """How many tests ended how.  What is marked as a todo has failed, whatever it did."""

    passed: int
    failed: int
    skipped: int

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"

    @property
    def good(self) -> bool:
        """Whether tests ran and none failed."""
        return self.passed > 0 and self.failed == 0


def count(result: TestResult) -> Count:
    """What a trial result holds; a test counts once, however many errors it left behind."""
    troubled = {test.id() for test, _ in [*result.failures, *result.errors]}
    todos = len(result.expectedFailures) + len(result.unexpectedSuccesses)
    return Count(result.successes, len(troubled) + todos, len(result.skips))


def load(names: Sequence[str]) -> unittest.TestSuite:
    """The tests of these dotted names.  What cannot be imported becomes a test that fails."""
    return TestLoader().loadByNames(list(names), recurse=True)


def main(names: Sequence[str]) -> int:
    """Runs the named tests, or all; -> the exit status."""
    outcome = count(TrialRunner(TreeReporter).run(load(names or ["tests"])))
    print(outcome, flush=True)
    return 0 if outcome.good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
