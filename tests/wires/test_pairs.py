"""Whoever comes in by one wire talks with everyone on every other: each ordered pair of stream wires."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.values import LOBBY
from imserver.net.dialect import Dialect
from imserver.net.dialogue import Dialogues
from imserver.wires.gogotalk import gogotalk
from imserver.wires.native import native
from imserver.wires.telnet import telnet
from tests.contracts.gogotalk_client import GoGoTalkClient
from tests.contracts.native_client import NativeClient
from tests.contracts.telnet_client import TelnetClient
from tests.contracts.wire import WireClient
from tests.core.client import account, group, logged_in, result
from tests.fakes import Peer, World
from tests.wires.test_slate import SlateClient, example

SENDER, RECEIVER = "alice", "bob"
TEXT = "grüße, 漢字 🙂 {\\b} <b> %s"


@dataclass(slots=True, frozen=True)
class Wire:
    """How a wire's clients are tested: what speaks it, and how it shows who said what in group N."""

    dialect: Dialect | Dialogues
    client: Callable[[], WireClient]
    in_group: Callable[[int, str, str], tuple[str, str]]
    tells_sent: bool = True


WIRES = {
    "native": Wire(native.dialect, NativeClient, lambda number, name, text: (name, text)),
    "telnet": Wire(telnet.dialect, TelnetClient, lambda number, name, text: (f"*{number} {name}", text)),
    "gogotalk": Wire(
        gogotalk.dialect, GoGoTalkClient, lambda number, name, text: (name, text), tells_sent=False
    ),
    "slate": Wire(
        example()["slate"].dialect,
        SlateClient,
        lambda number, name, text: (f"*{number}", f"{name}: {text}"),
    ),
}


class PairTests(SynchronousTestCase):
    """In memory; every pair has a world of its own."""

    def for_every_pair(self, test: Callable[["Pair"], None]) -> None:
        for one, other in product(WIRES, repeat=2):
            pair = Pair(WIRES[one], WIRES[other])
            try:
                test(pair)
            except AssertionError as error:
                raise AssertionError(f"{one} to {other}: {error}") from error
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_one_to_one(self) -> None:
        """What one says arrives at the other, once and as it was, and is acknowledged."""

        def talk(pair: "Pair") -> None:
            _, he = pair.connect(RECEIVER)
            self.assertEqual(pair.say(RECEIVER).acknowledged, int(pair.sender.tells_sent))
            self.assertEqual(he.arrived, [(SENDER, TEXT)])

        self.for_every_pair(talk)

    def test_offline(self) -> None:
        """Who was away finds everything, in order and once."""

        def talk(pair: "Pair") -> None:
            peer, _ = pair.connect(RECEIVER)
            peer.transport.lose()
            for text in ("one", "two", "three"):
                pair.say(RECEIVER, text)
            _, he = pair.connect(RECEIVER)
            pair.world.pass_seconds(3)
            self.assertEqual(he.arrived, [(SENDER, text) for text in ("one", "two", "three")])

        self.for_every_pair(talk)

    def test_group(self) -> None:
        """What one says in a group arrives with its number, or at least with the name of who said it."""

        def talk(pair: "Pair") -> None:
            founder = logged_in(pair.world, SENDER, "elsewhere")
            group(founder, pair.numbers[RECEIVER], title="Club")
            self.assert_heard(pair, 2)

        self.for_every_pair(talk)

    def test_lobby(self) -> None:
        """Likewise in the lobby."""

        def talk(pair: "Pair") -> None:
            for number in pair.numbers.values():
                result(pair.world.core.groups.enter_lobby(number))
            self.assert_heard(pair, LOBBY)

        self.for_every_pair(talk)

    def assert_heard(self, pair: "Pair", number: int) -> None:
        _, he = pair.connect(RECEIVER)
        pair.world.pass_seconds(2)
        before = len(he.arrived)
        self.assertEqual(pair.say(f"*{number}").refused, [])
        self.assertEqual(he.arrived[before:], [pair.receiver.in_group(number, SENDER, TEXT)])


class Pair:
    """A world in which the sender and the receiver have accounts, and each its wire."""

    def __init__(self, sender: Wire, receiver: Wire) -> None:
        self.sender, self.receiver = sender, receiver
        self.world = World()
        self.numbers = {name: account(self.world, name) for name in (SENDER, RECEIVER)}
        self._sender: tuple[Peer, Any] | None = None

    def connect(self, name: str) -> tuple[Peer, Any]:
        """Log in by the wire that is his."""
        wire = self.sender if name == SENDER else self.receiver
        client: Any = wire.client()
        peer = Peer(self.world, wire.dialect, client)
        peer.send(client.log_in(name, "secret"))
        assert client.logged_in, client.refused
        return peer, client

    def say(self, whom: str, text: str = TEXT) -> Any:
        """The sender says it; -> the sender's client, without what it had heard of its own login."""
        if self._sender is None:
            self._sender = self.connect(SENDER)
        peer, client = self._sender
        client.refused.clear()
        peer.send(client.send_to(whom, text))
        return client
