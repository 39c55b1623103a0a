"""Dialogues: commands that take several requests, one after another, beside sends that do not wait."""

from collections.abc import Hashable
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.burst import Burst
from imserver.core.capabilities import Capabilities
from imserver.core.errors import UnreadableRequest, WireError
from imserver.core.events import (
    AccountFound,
    Closing,
    Done,
    Event,
    LoggedIn,
    MessageArrived,
    Refused,
    Sent,
)
from imserver.core.requests import LogIn, LookUp, SendTo
from imserver.core.values import Kind
from imserver.net.dialogue import Dialogue, Dialogues
from imserver.net.framing import LineFraming
from imserver.store.memory import MemoryStore
from tests.core.client import Hesitant, Turnstile, account, logged_in, text_to
from tests.fakes import LIMITS, Peer, World


class Lines(Dialogue):
    """A toy: its commands are the methods below, its sends `> NAME TEXT`."""

    shown = 0  # messages made into bytes

    def received(self, frame: bytes) -> None:
        match frame.decode().split(" "):
            case [">", name, text]:
                self.session.ask(7, SendTo(name, text.encode(), Kind.TEXT, "", text.encode()))
            case ["rubbish"]:
                raise UnreadableRequest(3, "what?")
            case ["violence"]:
                raise WireError("ouch")
            case [word, *words]:
                self.run(getattr(self, word)(*words))

    async def login(self, name: str) -> None:
        answer = await self.ask(LogIn(name, "secret", ""), LoggedIn)
        self.write(f"hello {answer.account.number}\n".encode())

    async def enter(self, name: str, *others: str) -> None:
        await self.login(name)
        await self.find(*others)

    async def find(self, *names: str) -> None:
        found = [await self.ask(LookUp(name, 0), AccountFound) for name in names]
        self.write(b"%s\n" % " ".join(f"{each.account.number}" for each in found).encode())

    async def send(self, name: str, text: str) -> None:
        sent = await self.ask(SendTo(name, text.encode(), Kind.TEXT, "", text.encode()), Sent)
        self.write(b"stored as %d\n" % sent.seq)

    async def bug(self) -> None:
        raise ZeroDivisionError

    async def surprise(self) -> None:
        await self.ask(LookUp("bob", 0), Done)

    async def grumble(self) -> None:
        raise UnreadableRequest(0, "what now?")

    def happened(self, event: Event, tag: int) -> bytes:
        match event:
            case MessageArrived(message=message):
                type(self).shown += 1
                return b"%s: %s\n" % (message.sender_name.encode(), message.body)
            case Sent():
                return b"sent %d\n" % tag
            case Refused(code=code) | Closing(code=code):
                return f"{code} {tag}\n".encode()
        return b""

    def view(self, burst: Burst) -> Hashable:
        return Lines


DIALOGUES = Dialogues(LineFraming, Lines, Capabilities("lines", acknowledges=False, fetches=False))


class DialogueTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.turnstile = Turnstile()
        self.store = MemoryStore()
        store = Hesitant(self.store, self.turnstile, ["account_named"])
        self.world = World(replace(LIMITS, enabled=False), store)
        self.alice, self.bob = account(self.world, "alice"), account(self.world, "bob")

    def log_in(self, name: str = "alice") -> Peer:
        peer = Peer(self.world, DIALOGUES)
        peer.send(b"login %s\n" % name.encode())
        self.assertTrue(peer.received.startswith(b"hello"))
        peer.received.clear()
        return peer

    def assert_hears(self, peer: Peer, *lines: str) -> None:
        self.assertEqual(peer.received.decode().splitlines(), list(lines))
        peer.received.clear()

    def test_several_requests(self) -> None:
        """A command may ask as often as it likes, and goes on with each answer."""
        peer = self.log_in()
        peer.send(b"find bob alice bob\n")
        self.assert_hears(peer, f"{self.bob} {self.alice} {self.bob}")

    def test_the_turn_of_an_answer(self) -> None:
        """A command goes on once the core is done with its last request: after a login it may ask at once."""
        peer = Peer(self.world, DIALOGUES)
        self.world.passwords.holding = True
        peer.send(b"enter alice bob\n")
        self.world.passwords.release()
        self.world.settle()
        self.assert_hears(peer, f"hello {self.alice}", f"{self.bob}")

    def test_refused(self) -> None:
        """A refusal ends the command, is shown, and the next one goes on."""
        peer = self.log_in()
        peer.send(b"find bob nobody bob\nfind bob\n")
        self.assert_hears(peer, "NOT_FOUND 0", f"{self.bob}")

    def test_one_after_another(self) -> None:
        """Frames wait in the connection while a command waits for its answer."""
        peer = self.log_in()
        self.turnstile.closed = True
        peer.send(b"find bob\nfind alice\n> bob hello\n")
        self.assert_hears(peer)
        self.assertFalse(peer.transport.reading)
        self.turnstile.let_one_pass()
        self.turnstile.let_one_pass()
        self.world.settle()
        self.assert_hears(peer, f"{self.bob}")
        self.turnstile.open()
        self.world.settle()
        self.assert_hears(peer, f"{self.alice}", "sent 7")
        self.assertTrue(peer.transport.reading)

    def test_sends_do_not_wait(self) -> None:
        """Sends go on without their answers, which come with the tag they were asked under; beyond 128 frames wait."""
        peer = self.log_in()
        peer.write(b"".join(b"> bob %d\n" % n for n in range(1000)))
        self.assertEqual(peer.protocol.session.sends_in_flight, 128)
        self.world.pass_seconds(2)
        self.assert_hears(peer, *["sent 7"] * 1000)

    def test_a_send_that_is_waited_for(self) -> None:
        """A command may wait for a message to be safe."""
        peer = self.log_in()
        peer.send(b"send bob hello\nsend bob again\n")
        self.assert_hears(peer, "stored as 1", "stored as 2")

    def test_messages_are_made_once(self) -> None:
        """Whoever sees a burst alike is given the same bytes."""
        peers = [self.log_in("bob") for _ in range(3)]
        before = Lines.shown
        alice = logged_in(self.world, "alice")
        alice.ask(text_to("bob", "hello"))
        for peer in peers:
            self.assert_hears(peer, "alice: hello")
        self.assertEqual(Lines.shown - before, 1)

    def test_what_cannot_be_read(self) -> None:
        """It is refused under its tag and counted, in a frame and in a command; too often, and the connection ends."""
        peer = self.log_in()
        peer.send(b"rubbish\ngrumble\n")
        self.assert_hears(peer, "BAD_REQUEST 3", "BAD_REQUEST 0")
        self.world.limits = self.world.core.limits = LIMITS
        for _ in range(60):
            peer.send(b"rubbish\ngrumble\n")
        self.assertFalse(peer.open)

    def test_a_broken_peer(self) -> None:
        """WireError ends the connection with its code."""
        peer = self.log_in()
        peer.send(b"violence\nfind bob\n")
        self.world.pass_seconds(2)
        self.assert_hears(peer, "PROTOCOL_ERROR 0")
        self.assertFalse(peer.open)

    def test_our_bugs(self) -> None:
        """An exception in a command, and an answer of a kind it did not expect, cost this connection only."""
        other = self.log_in("bob")
        for command in (b"bug", b"surprise"):
            peer = self.log_in()
            with self.assertLogs("imserver.core.session", "ERROR"):
                peer.send(command + b"\nfind bob\n")
            self.world.pass_seconds(2)
            self.assertFalse(peer.open)
            self.assert_hears(peer, "INTERNAL 0", "INTERNAL 0")
        other.send(b"find alice\n")
        self.assert_hears(other, f"{self.alice}")

    def test_the_last_refusal(self) -> None:
        """A refusal that ends the connection is shown before the end."""
        peer = Peer(self.world, DIALOGUES)
        peer.send(b"find bob\n" * 4)
        self.world.pass_seconds(2)
        self.assert_hears(peer, *["NOT_AUTHENTICATED 0"] * 3, "TOO_MANY_REFUSALS 0")
        self.assertFalse(peer.open)

    def test_gone_in_the_middle(self) -> None:
        """A command whose client has gone gets no further answers and does nothing more."""
        peer = self.log_in()
        self.turnstile.closed = True
        peer.send(b"find bob bob\n")
        peer.transport.lose()
        self.turnstile.open()
        self.world.settle()
        self.assertEqual((peer.received, self.world.core.session_count()), (b"", 0))
        self.assertEqual(self.flushLoggedErrors(), [])
