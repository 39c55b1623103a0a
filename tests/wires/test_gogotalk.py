"""imserver.wires.gogotalk: the wire contract in both packings, and the bytes that are known from outside."""

import re
from functools import partial
from pathlib import Path
from struct import pack

from twisted.trial.unittest import SynchronousTestCase

from imserver.codecs.gogotalk import Command
from imserver.net.zinx import LTV, TLV
from imserver.wires.gogotalk import gogotalk
from tests.contracts.gogotalk_client import GoGoTalkClient
from tests.contracts.wire import WireContract
from tests.fakes import Peer, World

PAGE = Path(__file__).parents[2] / "docs" / "wires" / "gogotalk.md"


class PageTests(SynchronousTestCase):
    """docs/wires/gogotalk.md"""

    def test_example(self) -> None:
        """The example goes byte by byte as the page shows it."""
        world = World()
        peers = {name: Peer(world, gogotalk.dialect) for name in ("alice", "bob")}
        steps = re.findall(
            r"^(alice|bob) ([<>]) ((?:[0-9a-f]{2} {1,2})+[0-9a-f]{2})\b", PAGE.read_text(), re.M
        )
        self.assertGreater(len(steps), 12)
        for name, direction, digits in steps:
            packet, received = bytes.fromhex(digits), peers[name].received
            if direction == ">":
                peers[name].send(packet)
            else:
                self.assertEqual(received[: len(packet)].hex(" "), packet.hex(" "))
                del received[: len(packet)]
        self.assertEqual([bytes(peer.received) for peer in peers.values()], [b"", b""])

    def test_commands(self) -> None:
        """Every command is there."""
        table = PAGE.read_text().split("## Commands")[1].split("\n\n")[1]
        named = [
            int(number)
            for row in re.findall(r"^\| (\d+) [^|]*\|([^|]*)\|([^|]*)\|", table, re.M)
            for number in re.findall(r"\d+", " ".join(row))
        ]
        self.assertLessEqual(set(Command), set(named))


class LtvTests(WireContract, SynchronousTestCase):
    """The contract, in the packing of the original client."""

    dialect = gogotalk.dialect
    client = GoGoTalkClient
    nonsense = (
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\0" * 8,
        LTV.pack(1, b"\xff"),
        LTV.pack(3, b"\x2a\xff"),
        LTV.pack(13, b"\x0a\x05alice\x12\x03bob\x1a\x02hi"),
        LTV.pack(5, b""),
        LTV.pack(200, b"x"),
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    )
    too_long = pack("<II", 8193, 1)
    tells_sent = False


class TlvTests(LtvTests):
    """The contract, in the packing that is the default of zinx today."""

    client = partial(GoGoTalkClient, TLV)
    nonsense = (
        TLV.pack(1, b"\xff"),
        TLV.pack(13, b"\x0a\x05alice\x12\x03bob\x1a\x02hi"),
        TLV.pack(200, b"x"),
        b"\0\0\0\1" + LTV.pack(1, b""),
    )
    too_long = pack(">II", 1, 8193)
