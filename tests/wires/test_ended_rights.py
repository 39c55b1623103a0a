"""T21 on every stream wire: what ends a right, ends what is shown on connections that are there already."""

from collections.abc import Callable, Iterable

from twisted.trial.unittest import SynchronousTestCase

from imserver.core import events as e
from imserver.core import requests as r
from tests.contracts.wire import WireClient
from tests.core.client import PASSWORD, Client, account, group, logged_in, result, text, text_to
from tests.fakes import Peer, World
from tests.wires.test_pairs import WIRES, Wire

NEW_PASSWORD = "another secret"


def change_password(world: World) -> None:
    """Bob does, at another device, which afterwards is gone, too."""
    other = Client(world)
    other.log_in("bob", "other")
    assert other.ask(r.ChangePassword(PASSWORD, NEW_PASSWORD)) == e.Done()


# What ends all of bob's connections -> whether his password goes on opening.
ENDINGS: dict[str, tuple[Callable[[World], object], bool]] = {
    "changed password": (change_password, False),
    "reset password": (
        lambda world: result(world.core.administration.reset_password("bob", NEW_PASSWORD)),
        False,
    ),
    "frozen": (lambda world: result(world.core.administration.freeze("bob")), False),
    "deleted": (lambda world: result(world.core.administration.delete("bob")), False),
    "kicked": (lambda world: result(world.core.administration.log_out("bob")), True),
}


class EndedRightsTests(SynchronousTestCase):
    """Alice writes by the core itself, bob is there by the wire in question."""

    def begin(self, wire: Wire) -> None:
        self.world = World()
        self.alice = logged_in(self.world, "alice")
        self.number = account(self.world, "bob")
        self.wire = wire
        self.bob, self.he = self.enter()

    def enter(self) -> tuple[Peer, WireClient]:
        """Bob, with the password that he has had from the beginning."""
        client = self.wire.client()
        peer = Peer(self.world, self.wire.dialect, client)
        peer.send(client.log_in("bob", PASSWORD))
        return peer, client

    def say(self, word: str) -> None:
        """To bob, if he is still there to be written to."""
        self.alice.ask(text_to("bob", word))

    def texts(self, client: WireClient) -> list[str]:
        return [word for _, word in client.arrived]

    def for_every_ending(self, test: Callable[[str], None], endings: Iterable[str] = ENDINGS) -> None:
        for name, wire in WIRES.items():
            for ending in endings:
                self.begin(wire)
                try:
                    test(ending)
                except AssertionError as error:
                    raise AssertionError(f"{name}, {ending}: {error}") from error
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_connected(self) -> None:
        """The connection is gone within a second and shows nothing that came after; the password opens no other."""
        self.for_every_ending(self.end_while_connected)

    def end_while_connected(self, ending: str) -> None:
        self.say("before")
        self.assertEqual(self.texts(self.he), ["before"])
        end, opens = ENDINGS[ending]
        end(self.world)
        self.say("after")
        self.world.pass_seconds(1)
        self.assertFalse(self.bob.open)
        self.assertEqual(self.texts(self.he), ["before"])
        self.assertEqual(self.enter()[1].logged_in, opens)

    def test_not_reading(self) -> None:
        """Who has not read yet what was sent before, is shown no more than that."""
        self.for_every_ending(self.end_while_not_reading)

    def end_while_not_reading(self, ending: str) -> None:
        self.bob.transport.stalled = True
        for n in range(20):
            self.say(f"before {n}")
        ENDINGS[ending][0](self.world)
        self.say("after")
        self.bob.transport.stalled = False
        self.world.pass_seconds(2)
        self.assertFalse(self.bob.open)
        self.assertNotIn("after", self.texts(self.he))

    def test_logging_in(self) -> None:
        """Whose password is just being checked when the right ends, does not come in."""
        # The others hash a password themselves, or leave the one that is checked.
        self.for_every_ending(self.end_while_logging_in, ("frozen", "deleted"))

    def end_while_logging_in(self, ending: str) -> None:
        client = self.wire.client()
        peer = Peer(self.world, self.wire.dialect, client)
        self.world.passwords.holding = True
        peer.send(client.log_in("bob", PASSWORD))
        ENDINGS[ending][0](self.world)
        self.world.passwords.release()
        self.world.settle()
        self.assertFalse(client.logged_in)

    def test_removed_from_a_group(self) -> None:
        """The connection stays, and shows nothing of the group any more."""
        for name, wire in WIRES.items():
            self.begin(wire)
            club = group(self.alice, self.number)
            self.alice.ask(text(club, "before"))
            self.alice.ask(r.RemoveMember(club, self.number))
            self.alice.ask(text(club, "after"))
            self.say("direct")
            self.world.pass_seconds(2)
            shown = " ".join(self.texts(self.he))
            self.assertIn("before", shown, name)
            self.assertIn("direct", shown, name)
            self.assertNotIn("after", shown, name)
            self.assertTrue(self.bob.open, name)
