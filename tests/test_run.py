"""The last line of `make test` tells the truth."""

from twisted.trial.reporter import TestResult
from twisted.trial.unittest import SynchronousTestCase

from tests.run import Count, count, load


class Sample:
    """One method for each outcome; mixed into a test case where it is wanted, so that the loader passes it by."""

    def passes(self) -> None:
        pass

    def fails(self) -> None:
        raise AssertionError("on purpose")

    def leaves_two_errors(self) -> None:
        self.addCleanup(self.fails)
        raise ValueError("on purpose")

    def is_skipped(self) -> None:
        pass

    is_skipped.skip = "on purpose"

    def is_todo(self) -> None:
        raise AssertionError("on purpose")

    is_todo.todo = "on purpose"

    def is_todo_and_passes(self) -> None:
        pass

    is_todo_and_passes.todo = "on purpose"


def _count(*methods: str) -> Count:
    sample_case = type("SampleCase", (Sample, SynchronousTestCase), {})
    result = TestResult()
    for method in methods:
        sample_case(method).run(result)
    return count(result)


class CountTest(SynchronousTestCase):
    def test_passed_and_failed_are_counted(self) -> None:
        """Every test is counted as what became of it."""
        self.assertEqual(_count("passes", "passes", "fails"), Count(passed=2, failed=1, skipped=0))

    def test_a_test_counts_once(self) -> None:
        """Two errors of one test are one failed test."""
        self.assertEqual(_count("leaves_two_errors"), Count(passed=0, failed=1, skipped=0))

    def test_todos_have_failed(self) -> None:
        """A test cannot be excused by marking it as a todo."""
        self.assertEqual(_count("is_todo", "is_todo_and_passes"), Count(passed=0, failed=2, skipped=0))

    def test_skips_are_told(self) -> None:
        """A skipped test has neither passed nor failed, and the line says so."""
        self.assertEqual(str(_count("passes", "is_skipped")), "1 passed, 0 failed, 1 skipped")

    def test_the_plain_line(self) -> None:
        """Without skips the line is the two numbers only."""
        self.assertEqual(str(_count("passes", "fails")), "1 passed, 1 failed")

    def test_nothing_run_is_not_good(self) -> None:
        """A run of no test, or of skipped ones only, does not succeed."""
        self.assertFalse(_count().good)
        self.assertFalse(_count("is_skipped").good)

    def test_one_failure_is_not_good(self) -> None:
        """A single failure among many is enough."""
        self.assertTrue(_count("passes").good)
        self.assertFalse(_count("passes", "fails").good)

    def test_an_import_error_fails(self) -> None:
        """A name that cannot be imported is a failed test, never a silent nothing."""
        result = TestResult()
        load(["tests.there_is_no_such_module"]).run(result)
        self.assertEqual(count(result), Count(passed=0, failed=1, skipped=0))
