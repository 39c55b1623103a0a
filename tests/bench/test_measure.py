"""What is read from the kernel is what the process did."""

import os
import signal
import subprocess
from pathlib import Path
from time import process_time

from twisted.trial.unittest import SynchronousTestCase

from bench.measure import Latencies, cpu_seconds, family, filesystem, rss_bytes


class KernelTests(SynchronousTestCase):
    def test_cpu_seconds(self) -> None:
        """The CPU time is that of the process, to a tick or two."""
        self.assertApproximates(cpu_seconds(os.getpid()), process_time(), 0.05)

    def test_rss(self) -> None:
        """Memory that is touched counts."""
        before = rss_bytes(os.getpid())
        ballast = b"x" * (32 * 1024 * 1024)
        grown = rss_bytes(os.getpid()) - before
        self.assertApproximates(grown, len(ballast), 4 * 1024 * 1024)

    def test_family(self) -> None:
        """Children and theirs belong to a process, its parent does not."""
        script = "sleep 60 & echo $!; wait"
        with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            self.assertEqual(family(parent.pid), [parent.pid, child])
            self.assertIn(child, family(os.getpid()))
            self.assertEqual(family(child), [child])
            os.kill(child, signal.SIGKILL)

    def test_filesystem(self) -> None:
        """The nearest mount counts, not the root's."""
        self.assertEqual(filesystem(Path("/proc/self")), "proc")


class LatenciesTests(SynchronousTestCase):
    def test_percentiles(self) -> None:
        """Each thing counts, not each addition."""
        latencies = Latencies()
        latencies.add(3.0, 1)
        latencies.add(1.0, 98)
        latencies.add(2.0, 1)
        self.assertEqual(
            [latencies.percentile(share) for share in (0.5, 0.98, 0.99, 1.0)], [1.0, 1.0, 2.0, 3.0]
        )

    def test_nothing(self) -> None:
        """Without any there is no latency."""
        self.assertEqual(Latencies().percentile(0.5), 0.0)
