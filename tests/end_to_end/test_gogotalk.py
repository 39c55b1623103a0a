"""The gogotalk wire with the habits of its original client, over real sockets."""

import socket
import time
from struct import pack

from twisted.trial.unittest import TestCase

from imserver.codecs.gogotalk import Command
from imserver.core.events import DeliveredUpTo, LoggedIn
from imserver.core.requests import LogIn, Ping
from imserver.proto import gogotalk_pb2 as pb
from tests.end_to_end.daemon import ANY_PORTS, Daemon
from tests.end_to_end.peer import PASSWORD, Peer
from tests.end_to_end.stock_client import StockClient

LISTEN = ("gogotalk=tcp:127.0.0.1:0",)
FREELY = "[limits]\nenabled = false\n"
PROXY = """
[registration]
open = true

[[listeners]]
wire = "gogotalk"
endpoint = "tcp:127.0.0.1:0"
proxy_from = ["127.0.0.0/8"]
"""
HEADER = b"PROXY TCP4 10.1.2.3 10.1.2.4 4711 8999\r\n"
SMALL_BUFFER_BYTES = 4096
MANY_BEATS = 1000
ENDED_SECONDS = 60.0  # long before the time for logging in is over
MAX_GROWN_BYTES = 20 * 1024 * 1024


class GoGoTalkTests(TestCase):
    def begin(self, config: str = FREELY, listen: tuple[str, ...] = LISTEN) -> None:
        self.daemon = Daemon(self, config=config, listen=listen).start()

    def client(
        self, name: str, preface: bytes = b"", receive_buffer_bytes: int = 0, segment_bytes: int = 0
    ) -> StockClient:
        address = self.daemon.address("gogotalk")
        client = StockClient(address, name, preface, receive_buffer_bytes, segment_bytes)
        self.addCleanup(client.close)
        return client

    def test_an_evening(self) -> None:
        """Two original clients register, become friends, chat, change their status and leave."""
        self.begin()
        alice, bob = self.client("alice").enter(), self.client("bob").enter()
        strangers = alice.ask(Command.GET_USERS, pb.GetUserListRequest(UserID="alice"))
        self.assertEqual([user.UserID for user in strangers.UserList], ["bob"])
        added = alice.ask(Command.ADD_FRIENDS, pb.AddFriendsRequest(UserID="alice", UserIDList=["bob"]))
        self.assertEqual(added.Result.Code, 1)
        friends = bob.ask(Command.GET_FRIENDS, pb.GetFriendsRequest(UserID="bob"))
        self.assertEqual([user.UserID for user in friends.Friends], ["alice"])
        alice.chat("bob", "naïve 漢字")
        self.assertEqual(bob.texts(1), ["naïve 漢字"])
        bob.say(Command.SET_STATUS, pb.ChangeStatusRequest(UserID="bob", Status=4))
        while alice.hear_until(Command.STATUS).Status != 4:
            pass
        bob.close()
        self.assertEqual(alice.hear_until(Command.WENT_OFFLINE).UserID, "bob")
        self.assertEqual(alice.hear_until(Command.STATUS).Status, 6)
        self.daemon.assert_clean()

    def test_a_backlog(self) -> None:
        """Hundreds of chats that waited come in order, each body in one receive."""
        self.begin()
        alice, bob = self.client("alice").enter(), self.client("bob").enter()
        bob.close()
        texts = [f"{n} {'x' * (n * 7 % 1000)}" for n in range(300)]
        for text in texts:
            alice.chat("bob", text)
        alice.beat()
        again = self.client("bob")
        again.log_in()
        self.assertEqual(again.texts(len(texts)), texts)

    def test_small_segments(self) -> None:
        """What comes in small segments to somebody who reads slowly is still cut at the ends of frames only."""
        self.begin()
        alice = self.client("alice").enter()
        bob = self.client("bob", b"", SMALL_BUFFER_BYTES, segment_bytes=1000)
        bob.enter()
        texts = [f"{n} {'x' * 600}" for n in range(30)]
        alice.chat("bob", texts[0])
        for text in texts[1:]:
            alice.chat("bob", text)
        alice.beat()
        self.assertEqual(bob.texts(len(texts)), texts)

    def test_after_a_pause(self) -> None:
        """So is more than the kernels hold, once a client that has not read for a while reads on."""
        self.begin()
        alice = self.client("alice").enter()
        bob = self.client("bob", b"", SMALL_BUFFER_BYTES, segment_bytes=1000)
        bob.enter()
        texts = [f"{n} {'x' * 600}" for n in range(1000)]
        for text in texts:
            alice.chat("bob", text)
        alice.beat()
        self.assertEqual(bob.texts(len(texts)), texts)

    def test_death_with_unread_data(self) -> None:
        """A client dies with most of it unread in its socket: all of that comes again, in order, and nothing is lost.

        Its heartbeats go on meanwhile: they say that something was read only when nothing is left in the kernel.
        """
        self.begin()
        alice = self.client("alice").enter()
        self.client("bob").enter().close()
        bob = self.client("bob", receive_buffer_bytes=SMALL_BUFFER_BYTES)
        bob.log_in()
        texts = [f"{n} {'x' * 500}" for n in range(100)]
        for text in texts:
            alice.chat("bob", text)
        seen = bob.texts(5)
        for _ in range(3):
            time.sleep(1.2)  # until the daemon has looked whether anything is left, and then written cursors
            alice.beat()
            bob.say(Command.HEARTBEAT, pb.HeartbeatRequest(UserID="bob"))
        bob.close()
        again = self.client("bob")
        again.log_in()
        self.assertEqual((seen, again.texts(len(texts))), (texts[:5], texts))

    def test_death_without_a_word(self) -> None:
        """A client dies with all of it in its own socket, unread, and has said nothing since: it comes again."""
        self.begin()
        alice, bob = self.client("alice").enter(), self.client("bob").enter()
        alice.chat("bob", "one")
        for _ in range(2):
            time.sleep(
                1.2
            )  # until the daemon has seen that nothing is left, and then would have written cursors
            alice.beat()
        bob.close()
        again = self.client("bob")
        again.log_in()
        self.assertEqual(again.texts(1), ["one"])

    def test_read_and_heard(self) -> None:
        """What was read, and followed by a heartbeat, does not come again."""
        self.begin(listen=(*LISTEN, *ANY_PORTS))
        alice, bob = self.client("alice").enter(), self.client("bob").enter()
        for text in ("one", "two"):
            alice.chat("bob", text)
        self.assertEqual(bob.texts(2), ["one", "two"])
        self.beat_until_delivered(bob, 2)
        alice.chat("bob", "three")
        self.assertEqual(bob.texts(1), ["three"])
        bob.close()
        again = self.client("bob")
        again.log_in()
        self.assertEqual(again.texts(1), ["three"])

    def beat_until_delivered(self, bob: StockClient, seq: int) -> None:
        """The daemon looks now and then whether all of it has left; alice, at another device, is told when it has."""
        with Peer(self.daemon.address()) as alice:
            own = alice.expect(LogIn("alice", PASSWORD, "phone"), LoggedIn).account.number
            for _ in range(MANY_BEATS):
                bob.beat()
                tag = alice.tell(Ping())
                while (pair := alice.hear())[0] != tag:
                    event = pair[1]
                    if isinstance(event, DeliveredUpTo) and event.account != own and event.seq == seq:
                        return
                time.sleep(0.05)
            self.fail("it does not count as delivered")

    def test_behind_a_proxy(self) -> None:
        """There one heartbeat says nothing: the proxy may have died with all of it."""
        self.begin(FREELY + PROXY, listen=())
        alice, bob = self.client("alice", HEADER).enter(), self.client("bob", HEADER).enter()
        alice.chat("bob", "one")
        self.assertEqual(bob.texts(1), ["one"])
        time.sleep(1.2)  # in which it would notice that all has left
        bob.beat()
        bob.close()
        again = self.client("bob", HEADER)
        again.log_in()
        self.assertEqual(again.texts(1), ["one"])

    def test_pictures(self) -> None:
        """T1: registrations whose pictures arrive, many at once, cost no memory; a longer one ends its connection."""
        self.begin()
        before = self.daemon.resident_bytes()
        clients = [self.client(f"user{n}") for n in range(100)]
        body = pb.RegisterRequest(UserID="x" * 40, HeadImageData=b"p" * (512 * 1024)).SerializeToString()
        for client in clients:
            client.socket.sendall(pack("<II", len(body), Command.REGISTER) + body[:-1])
        self.assertLess(self.daemon.resident_bytes() - before, MAX_GROWN_BYTES)
        for client in clients:
            client.socket.sendall(body[-1:])
            self.assertEqual(client.hear()[1].Result.Code, 0)
        clients[0].socket.sendall(pack("<II", 2**31, Command.REGISTER))
        self.assertEqual(clients[0].hear_until(Command.CHAT_ARRIVED).FromUserID, "imserver")
        self.assertEqual(clients[0].socket.recv(1), b"")

    def test_claimed_lengths(self) -> None:
        """T1: a length over the limit ends the connection at once, in both packings."""
        self.begin()
        for length in (8193, 2**24 - 1):
            for header in (pack("<II", length, 1), pack(">II", 1, length)):
                with socket.create_connection(self.daemon.address("gogotalk"), ENDED_SECONDS) as connection:
                    connection.sendall(header)
                    while connection.recv(1000):
                        pass
