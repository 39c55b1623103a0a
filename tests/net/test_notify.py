"""imserver.net.notify"""

import socket

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imserver.net.notify import Notify


class NotifyTests(SynchronousTestCase):
    """What systemd hears."""

    def setUp(self) -> None:
        self.path = f"{self.mktemp()[-60:].replace('/', '-')}"
        self.systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.systemd.bind(f"\0{self.path}")
        self.systemd.setblocking(False)
        self.addCleanup(self.systemd.close)
        self.clock = Clock()
        self.alive = True

    def status(self) -> str:
        return "fine"

    def is_alive(self) -> bool:
        return self.alive

    def notify(self, **environment: str) -> Notify:
        return Notify({"NOTIFY_SOCKET": f"@{self.path}", **environment}, self.clock, process=7)

    def heard(self) -> list[str]:
        lines = []
        while True:
            try:
                lines.append(self.systemd.recv(1000).decode())
            except BlockingIOError:
                return lines

    def test_life(self) -> None:
        """Ready, reloading and ready again, stopping with the time it may take."""
        self.clock.advance(2.0)
        notify = self.notify()
        notify.ready("fine")
        notify.reloading()
        notify.stopping(45.0)
        self.assertEqual(
            self.heard(),
            [
                "READY=1\nSTATUS=fine",
                "RELOADING=1\nMONOTONIC_USEC=2000000",
                "STOPPING=1\nEXTEND_TIMEOUT_USEC=45000000",
            ],
        )

    def test_watchdog(self) -> None:
        """Signs of life come three times as often as asked for."""
        self.notify(WATCHDOG_USEC="30000000", WATCHDOG_PID="7").start_watchdog(self.status, self.is_alive)
        self.assertEqual(self.heard(), ["WATCHDOG=1\nSTATUS=fine"])
        self.clock.pump([10.0] * 3)
        self.assertEqual(len(self.heard()), 3)

    def test_hanging(self) -> None:
        """What hangs gives no sign of life, and gives it again when it hangs no more."""
        self.notify(WATCHDOG_USEC="30000000", WATCHDOG_PID="7").start_watchdog(self.status, self.is_alive)
        self.heard()
        self.alive = False
        self.clock.advance(10.0)
        self.assertEqual(self.heard(), [])
        self.alive = True
        self.clock.advance(10.0)
        self.assertEqual(self.heard(), ["WATCHDOG=1\nSTATUS=fine"])

    def test_watchdog_of_others(self) -> None:
        """Without a watchdog, or with that of another process, there are none."""
        self.notify().start_watchdog(self.status, self.is_alive)
        others = self.notify(WATCHDOG_USEC="30000000", WATCHDOG_PID="8")
        others.start_watchdog(self.status, self.is_alive)
        self.assertEqual((self.heard(), self.clock.getDelayedCalls()), ([], []))

    def test_without_systemd(self) -> None:
        """Nothing is sent where nobody asked."""
        Notify({}, self.clock, process=7).ready("fine")
        self.assertEqual(self.heard(), [])

    def test_supervisor_that_does_not_read(self) -> None:
        """When its queue is full the daemon goes on after a moment."""
        notify = self.notify()
        for _ in range(1000):
            notify.ready("fine")
            if self.flushLoggedErrors(TimeoutError):
                return
        self.fail("the queue has no end")

    def test_socket_gone(self) -> None:
        """A supervisor that does not listen any more is no reason to fail."""
        self.systemd.close()
        self.notify().ready("fine")
        self.assertEqual(len(self.flushLoggedErrors(ConnectionRefusedError)), 1)
