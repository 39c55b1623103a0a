"""imserver.process"""

import os
import resource
import signal
from typing import Any

from twisted.python import log
from twisted.trial.unittest import SynchronousTestCase

from imserver import process


class LibrariesTests(SynchronousTestCase):
    """check_libraries"""

    def test_good(self) -> None:
        """What the tests run with is good enough."""
        process.check_libraries()

    def test_old_twisted(self) -> None:
        """An older Twisted is refused in one sentence."""
        for version in ("22.4.0", "26.9.1rc1"):
            self.patch(process, "twisted_version", version)
            sentence = self.assertRaises(SystemExit, process.check_libraries).code
            self.assertIn(f"Twisted {version}", sentence)

    def test_slow_protobuf(self) -> None:
        """So is a protobuf without its C parser."""
        self.patch(process.api_implementation, "Type", lambda: "python")
        self.assertIn("upb", self.assertRaises(SystemExit, process.check_libraries).code)


class PrepareTests(SynchronousTestCase):
    """prepare"""

    def test_prepared(self) -> None:
        """New files are private, and all descriptors that may be had are."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        self.addCleanup(os.umask, os.umask(0o022))
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
        self.assertEqual(process.prepare(), hard)
        self.assertEqual(resource.getrlimit(resource.RLIMIT_NOFILE)[0], hard)
        self.assertEqual(os.umask(0o022), 0o077)


class DispatchTests(SynchronousTestCase):
    """dispatch_lightly"""

    def setUp(self) -> None:
        self.patch(log, "callWithLogger", log.callWithLogger)
        process.dispatch_lightly()

    def test_called(self) -> None:
        """What a socket's event asks for is called with its arguments."""
        self.assertEqual(log.callWithLogger(None, max, 1, 2), 2)

    def test_failed(self) -> None:
        """What it raises is logged and goes no further."""
        log.callWithLogger(None, divmod, 1, 0)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_interrupted(self) -> None:
        """Ctrl-C ends the reactor all the same."""

        def interrupt() -> None:
            raise KeyboardInterrupt

        self.assertRaises(KeyboardInterrupt, log.callWithLogger, None, interrupt)


class SignalTests(SynchronousTestCase):
    """on_signals"""

    def test_handlers(self) -> None:
        """Each signal has its call made by the reactor, not in the midst of something else."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        calls: list[Any] = []

        class Reactor:
            def callFromThread(self, call: Any) -> None:
                calls.append(call)

        process.on_signals(Reactor(), "stop", "reload")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.raise_signal(number)
        self.assertEqual(calls, ["stop", "stop", "reload"])
