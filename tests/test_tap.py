"""imserver.tap: the command line, and what follows from the configuration.  The daemon itself: end_to_end/."""

import os
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imserver import tap
from imserver.config import Config, Listener, parse
from imserver.tap import Options

CONFIGURED = """
data = "configured"
[[listeners]]
wire = "native"
endpoint = "tcp:127.0.0.1:1"
allow_plain = true
"""
PASSED = "systemd:domain=INET6:name=native"


class OptionsTests(SynchronousTestCase):
    """Options"""

    def setUp(self) -> None:
        self.patch(os, "environ", {})

    def parse(self, *arguments: str, config: str = "") -> Config:
        if config:
            path = Path(self.mktemp())
            path.write_text(config)
            arguments = (*arguments, "--config", str(path))
        options = Options()
        options.parseOptions(arguments)
        return options.configuration

    def test_nothing(self) -> None:
        """Without options: both wires on loopback, the data in this folder."""
        config = self.parse()
        self.assertEqual(config.data, "imserver-data")
        endpoints = {each.wire: each.endpoint for each in config.listeners}
        self.assertEqual(endpoints["native"], "tcp:127.0.0.1:8890")
        self.assertEqual(endpoints["status"], "udp:127.0.0.1:8007")

    def test_other_folder(self) -> None:
        """The configuration is found again when twistd has gone to another folder meanwhile (--rundir)."""
        path = Path(self.mktemp())
        path.write_text(CONFIGURED)
        options = Options()
        options.parseOptions(["--config", os.path.relpath(path)])
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir("/")
        self.assertEqual(options.load(), options.configuration)

    def test_data(self) -> None:
        """--data, then the configuration, then $STATE_DIRECTORY."""
        os.environ["STATE_DIRECTORY"] = "/state"
        self.assertEqual(self.parse().data, "/state")
        self.assertEqual(self.parse(config=CONFIGURED).data, "configured")
        self.assertEqual(self.parse("--data", "/given", config=CONFIGURED).data, "/given")

    def test_listeners(self) -> None:
        """--listen replaces the configured listeners, which replace the default ones."""
        configured = (Listener("native", "tcp:127.0.0.1:1", allow_plain=True),)
        self.assertEqual(self.parse(config=CONFIGURED).listeners, configured)
        given = ("--listen", "native=tcp:127.0.0.1:2", "--listen", "native=unix:/x=y")
        self.assertEqual(
            self.parse(*given, config=CONFIGURED).listeners,
            (Listener("native", "tcp:127.0.0.1:2"), Listener("native", "unix:/x=y")),
        )

    def test_default_endpoint(self) -> None:
        """A listener without endpoint listens where its wire does by default."""
        config = self.parse(config='[[listeners]]\nwire = "native"')
        self.assertEqual(config.listeners, (Listener("native", "tcp:127.0.0.1:8890"),))

    def test_sockets_of_systemd(self) -> None:
        """A wire for which systemd passed a socket listens there, unless its listener says otherwise."""
        self.patch(tap, "passed_names", lambda _: ["native"])
        self.patch(tap, "passed", lambda name: f"systemd:domain=INET6:name={name}")
        endpoints = {each.wire: each.endpoint for each in self.parse().listeners}
        self.assertEqual((endpoints["native"], endpoints["status"]), (PASSED, "udp:127.0.0.1:8007"))
        config = self.parse(config='[[listeners]]\nwire = "native"')
        self.assertEqual(config.listeners, (Listener("native", PASSED),))
        self.assertEqual(self.parse("--listen", f"native={PASSED}").listeners, config.listeners)

    def test_idle_socket(self) -> None:
        """A socket that no listener serves, or that two want, is a mistake: its clients would wait for ever."""
        self.patch(tap, "passed_names", lambda _: ["native"])
        self.patch(tap, "passed", lambda name: f"systemd:domain=INET6:name={name}")
        for given in (["native=tcp:127.0.0.1:1"], [f"native={PASSED}"] * 2):
            arguments = [f"--listen={each}" for each in given]
            sentence = self.assertRaises(SystemExit, self.parse, *arguments).code
            self.assertIn("imserver-native.socket", sentence)

    def test_refusals(self) -> None:
        """What is wrong is one sentence and the end, without twistd's own options above it."""
        for arguments, words in (
            (("--listen", "native"), "WIRE=ENDPOINT"),
            (("--listen", "=tcp:1"), "WIRE=ENDPOINT"),
            (("--listen", "pigeon=tcp:1"), 'no wire "pigeon"; there are: gogotalk, native, status'),
            (("--config", "/nonexistent"), "/nonexistent"),
        ):
            sentence = self.assertRaises(SystemExit, self.parse, *arguments).code
            self.assertIn(words, sentence)
            self.assertTrue(sentence.startswith("imserver: "))
            self.assertNotIn("\n", sentence)


class RegistrationTests(SynchronousTestCase):
    """Whether strangers may register."""

    def is_open(self, *listeners: str, configured: str = '"auto"') -> bool:
        tables = [f'[[listeners]]\nwire = "native"\n{listener}' for listener in listeners]
        return tap._is_open(parse("\n".join([*tables, f"[registration]\nopen = {configured}"]), "f"))

    def test_auto(self) -> None:
        """Open while every listener is local and no proxy brings strangers in."""
        local = 'endpoint = "tcp:127.0.0.1:1"'
        self.assertTrue(self.is_open(local, 'endpoint = "unix:/x"', 'endpoint = "tcp:[::1]:1"'))
        self.assertFalse(self.is_open(local, 'endpoint = "tcp:0.0.0.0:1"'))
        self.assertFalse(self.is_open(local, 'endpoint = "systemd:domain=INET:name=native"'))
        self.assertFalse(self.is_open(local + '\nproxy_from = ["127.0.0.1/32"]'))

    def test_configured(self) -> None:
        """What is written down holds wherever it listens."""
        self.assertTrue(self.is_open('endpoint = "tcp:0.0.0.0:1"', configured="true"))
        self.assertFalse(self.is_open('endpoint = "unix:/x"', configured="false"))


class ClockTests(SynchronousTestCase):
    """T41"""

    def test_monotonic(self) -> None:
        """The daemon's timers follow the monotonic clock, from before its first timer."""

        class Reached(Exception):
            """The libraries are checked next."""

        class Reactor:
            seconds = time.time

        def check_libraries() -> None:
            raise Reached

        self.patch(tap, "reactor", Reactor())
        self.patch(tap.process, "check_libraries", check_libraries)
        self.assertRaises(Reached, tap.makeService, Options())
        self.assertIs(tap.reactor.seconds, time.monotonic)
