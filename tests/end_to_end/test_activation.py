"""Under systemd: sockets that are passed on from daemon to daemon, signs of life, and what a watchdog's kill shows."""

import signal
import socket
from threading import Event, Thread
from time import monotonic

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.events import Pong
from imserver.core.requests import Ping
from tests.end_to_end.crowd import Crowd
from tests.end_to_end.drill import CONFIG, DEEP, Drill
from tests.end_to_end.peer import Address, Gone, Peer
from tests.end_to_end.systemd import Systemd
from tests.end_to_end.test_start import REQUEST
from tests.history import Acked

ROUNDS = 50 if DEEP else 5
TALK_SECONDS = 0.4
STOP_SECONDS = 45.0
ACKED = 20  # in each round, otherwise little was tried
PATIENCE_SECONDS = 120.0
KNOCK_EVERY_SECONDS = 0.02
# Where it listens is not known to be local.
OPEN = "[registration]\nopen = true\n"


class Knocker:
    """Somebody who comes again and again, asks one thing and goes; used as a context, in a thread of its own."""

    def __init__(self, address: Address) -> None:
        self.served = 0
        self.cut = 0
        self.refused: list[OSError] = []
        self._address = address
        self._ended = Event()
        self._thread = Thread(target=self._knock)

    def __enter__(self) -> "Knocker":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _knock(self) -> None:
        while not self._ended.wait(KNOCK_EVERY_SECONDS):
            try:
                with Peer(self._address, seconds=PATIENCE_SECONDS) as peer:
                    peer.expect(Ping(), Pong)
            except Gone:
                self.cut += 1  # it came just before the end
            except OSError as error:
                self.refused.append(error)
            else:
                self.served += 1


class RestartTests(Drill):
    """Single node, rolling: the sockets are handed from one daemon to the next."""

    def test_restarts_under_load(self) -> None:
        """Nobody is refused, nothing lost, nothing twice; nobody waits for ever."""
        systemd = Systemd(self)
        self.daemon = systemd.daemon(CONFIG + OPEN)
        self.daemon.start()
        self.crowd = Crowd(self.seed, think_seconds=0.05)
        self.crowd.found(self.address, 20, 4)
        self.crowd.connect(self.address)
        with Knocker(self.address) as knocker:
            for _ in range(ROUNDS):
                enough = self.count(Acked) + ACKED
                self.crowd.talk(TALK_SECONDS)
                self.crowd.talk_until(lambda enough=enough: self.count(Acked) >= enough, PATIENCE_SECONDS)
                self.daemon.signal(signal.SIGTERM)
                self.crowd.talk(STOP_SECONDS)
                self.has_stopped()
                self.assertEqual(self.daemon.wait(), 0)
                self.restart()
                for expected in ("READY", "STOPPING"):
                    self.assertIn(expected, systemd.heard())
            self.crowd.talk(TALK_SECONDS)
        self.assertEqual(knocker.refused, [])
        self.assertLessEqual(knocker.cut, ROUNDS)
        self.assertGreater(knocker.served, ROUNDS)
        self.nothing_is_amiss()

    def test_restart_without_sockets(self) -> None:
        """Whoever knocks at a daemon that has bound its port itself is refused meanwhile, and that is noticed."""
        self.prepare()
        self.daemon.start()
        with Knocker(self.address) as knocker:
            self.daemon.stop()
            self.daemon.start()
        self.assertIn(ConnectionRefusedError, map(type, knocker.refused))


class ActivatedTests(SynchronousTestCase):
    """A daemon that was given sockets and is listened to."""

    def setUp(self) -> None:
        self.systemd = Systemd(self)

    def test_early(self) -> None:
        """Who came before the daemon was there is served when it is."""
        with Peer(self.systemd.address(), seconds=PATIENCE_SECONDS) as early:
            tag = early.tell(Ping())
            self.systemd.daemon().start()
            self.assertEqual(early.answer(tag), Pong())

    def test_datagrams(self) -> None:
        """So is a datagram."""
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            client.settimeout(PATIENCE_SECONDS)
            client.sendto(REQUEST, self.systemd.address("status"))
            self.systemd.daemon().start()
            self.assertEqual(client.recv(100)[:4], b"IMSA")

    def test_life(self) -> None:
        """systemd hears READY, each reload's beginning and end, and STOPPING with the time that it may take."""
        daemon = self.systemd.daemon().start()
        ready = self.systemd.heard()
        self.assertEqual(ready["READY"], "1")
        self.assertRegex(ready["STATUS"], r"^ready, 0 sessions, 0 connections, messages wait \d+ ms$")
        before = monotonic()
        daemon.signal(signal.SIGHUP)
        reloading = self.systemd.heard()
        self.assertEqual(reloading["RELOADING"], "1")
        self.assertTrue(before <= int(reloading["MONOTONIC_USEC"]) / 1e6 <= monotonic())
        self.assertEqual(self.systemd.heard()["READY"], "1")
        daemon.stop()
        self.assertEqual(self.systemd.heard(), {"STOPPING": "1", "EXTEND_TIMEOUT_USEC": "45000000"})
        daemon.assert_clean()

    def test_watchdog(self) -> None:
        """Signs of life come with the status, again and again."""
        self.systemd.daemon(watchdog_seconds=0.3).start()
        self.assertEqual(self.systemd.heard()["READY"], "1")
        for _ in range(3):
            self.assertEqual(list(self.systemd.heard()), ["WATCHDOG", "STATUS"])

    def test_killed_by_the_watchdog(self) -> None:
        """At SIGABRT it writes where each of its threads was."""
        daemon = self.systemd.daemon().start()
        daemon.signal(signal.SIGABRT)
        self.assertEqual(daemon.wait(), -signal.SIGABRT)
        self.assertIn("Current thread", daemon.text)
        self.assertIn("in startReactor", daemon.text)
