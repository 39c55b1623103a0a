"""etc/*.service and etc/*.socket, as systemd's own tools judge them; none of it needs a running systemd."""

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase

import imserver.wires
from imserver.interfaces import IWire
from tests.architecture import ROOT

UNITS = sorted((ROOT / "etc").glob("imserver*.s*e*"))
SERVICE = "imserver.service"
PROGRAM = "/opt/imserver/bin/twistd"
HIGHEST_EXPOSURE = 1.5


def analyze(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """systemd-analyze with these."""
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


class UnitTests(SynchronousTestCase):
    """Copies of the units, which start a program that is there."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        for unit in UNITS:
            text = unit.read_text("utf-8")
            (self.folder / unit.name).write_text(text.replace(PROGRAM, sys.executable))

    def paths(self) -> list[str]:
        return [str(self.folder / unit.name) for unit in UNITS]

    def exposure(self, unit: str) -> "subprocess.CompletedProcess[str]":
        threshold = f"--threshold={HIGHEST_EXPOSURE * 10:.0f}"
        return analyze("security", "--offline=true", "--no-pager", threshold, unit)

    def test_verify(self) -> None:
        """systemd finds nothing wrong, not even to warn about."""
        self.assertIn(PROGRAM, (ROOT / "etc" / SERVICE).read_text("utf-8"))
        verdict = analyze("verify", *self.paths())
        self.assertEqual((verdict.returncode, verdict.stderr), (0, ""))

    def test_verify_finds_mistakes(self) -> None:
        """A misspelt key would have been found."""
        service = self.folder / SERVICE
        service.write_text(service.read_text().replace("WatchdogSec=", "WatchdogSecs="))
        self.assertIn("WatchdogSecs", analyze("verify", *self.paths()).stderr)

    def test_exposure(self) -> None:
        """The service may do as little as systemd's score of 1.5 or less says."""
        self.assertEqual(self.exposure(str(self.folder / SERVICE)).returncode, 0)

    def test_exposure_of_the_careless(self) -> None:
        """A unit without the restrictions would have failed."""
        service = self.folder / SERVICE
        kept = [
            line for line in service.read_text().splitlines() if not line.startswith(("Protect", "Private"))
        ]
        service.write_text("\n".join(kept))
        self.assertNotEqual(self.exposure(str(service)).returncode, 0)


class SocketTests(SynchronousTestCase):
    """Each wire has a socket of its own, for Twisted keeps one socket for each name."""

    def test_sockets(self) -> None:
        """It bears the wire's name, listens where the wire does by default, and starts the service."""
        wires = {wire.name: wire for wire in getPlugins(IWire, imserver.wires) if wire.default_endpoint}
        self.assertIn("native", wires)
        for name, wire in wires.items():
            unit = read(ROOT / "etc" / f"imserver-{name}.socket")["Socket"]
            kind, _, address = wire.default_endpoint.partition(":")
            listen = {"tcp": "ListenStream", "udp": "ListenDatagram"}[kind]
            self.assertEqual(
                (unit["FileDescriptorName"], unit["Service"], unit[listen]), (name, SERVICE, address)
            )

    def test_one_name_each(self) -> None:
        """The file says which wire, and so does the name of the descriptor."""
        sockets = [path for path in UNITS if path.suffix == ".socket"]
        self.assertEqual(
            [path.stem.removeprefix("imserver-") for path in sockets],
            [read(path)["Socket"]["FileDescriptorName"] for path in sockets],
        )


def read(unit: Path) -> ConfigParser:
    """A unit without repeated keys."""
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read(unit)
    return parser
