"""T31: requests that are broken off at any moment, on any wire: nobody ever gets what is somebody else's."""

import re
import sys
from collections import Counter
from collections.abc import Iterable
from random import Random
from struct import pack

from imserver.codecs.gogotalk import Command
from imserver.core import requests as r
from imserver.core.events import ConversationOpened, Done, Sent
from imserver.core.values import Kind
from imserver.proto import gogotalk_pb2 as pb
from tests.end_to_end.daemon import TWISTD
from tests.end_to_end.drill import DEEP
from tests.end_to_end.peer import PASSWORD, Address, Peer
from tests.end_to_end.siege import CONFIG, Siege, reset

SEED = 7
PAIRS = 10
REQUESTS = 30  # of one connection
ROUNDS = 20 if DEEP else 4
# The allocator may keep Argon2's 19 MiB for each of the threads that hash, and what large answers took.
KEPT_BYTES = 50 * 1024 * 1024
CANARY = re.compile(rb"canary-(\d+)-")
WIRES = """
[[listeners]]
wire = "telnet"
endpoint = "tcp:127.0.0.1:0"
[[listeners]]
wire = "gogotalk"
endpoint = "tcp:127.0.0.1:0"
[limits]
enabled = false
"""
# Remembers who is in which conversations, but not of whom.
FORGETFUL = (
    sys.executable,
    "-c",
    """
from imserver.store.sqlite import SqliteStore
known = {}
async def memberships(self, account, device, *others, real=SqliteStore.memberships):
    if others not in known:
        known[others] = await real(self, account, device, *others)
    return known[others]
SqliteStore.memberships = memberships
"""
    + TWISTD[-1],
)


class Owner:
    """Somebody whose name and texts hold the canary of a pair; knows what to ask on each wire."""

    def __init__(self, address: Address, pair: int, n: int) -> None:
        self.pair = b"%d" % pair
        self.name = f"canary-{pair}-{n}"
        with Peer(address) as peer:
            self.number = peer.register(self.name).account.number
            self.token = peer.log_in(self.name, self.name).token

    def talk_to(self, address: Address, partner: "Owner") -> None:
        """They are contacts, and have a group and a conversation with some words in it."""
        with Peer(address) as peer:
            peer.log_in_with_token(self.token)
            peer.expect(r.RequestContact(partner.number, f"{self.name} asks"), Done)
            peer.expect(r.CreateGroup(f"{self.name} group", [partner.number]), ConversationOpened)
            opened = peer.expect(r.OpenDirect(partner.number), ConversationOpened)
            self.direct = partner.direct = opened.membership.conversation.id
            for n in range(5):
                text = f"{self.name} says {n}".encode()
                peer.expect(r.Send(self.direct, b"%d" % n, Kind.TEXT, "", text), Sent)

    def asked_by_native(self, peer: Peer) -> bytes:
        """A login, and requests one after the other."""
        asked: tuple[r.Request, ...] = (
            *(r.FetchHistory(self.direct, 0, 0, 0), r.ListConversations(0, 0), r.ListDevices()),
            *(r.Synchronise(0), r.LookUp(self.name, 0), r.ListContacts(0, 0)),
        )
        frames = [peer.frame(asked[n % len(asked)]) for n in range(REQUESTS)]
        return b"".join([peer.frame(r.LogInWithToken(self.token)), *frames])

    def asked_by_telnet(self, _: Peer) -> bytes:
        """Likewise."""
        lines = [f"history {self.name}", "contacts", "group", "who", "status"]
        typed = [f"login {self.name} {PASSWORD}", *(lines[n % len(lines)] for n in range(REQUESTS))]
        return "".join(f"{line}\n" for line in typed).encode()

    def asked_by_gogotalk(self, _: Peer) -> bytes:
        """Likewise."""
        login = pb.LoginRequest(UserID=self.name, Password=PASSWORD, Status=2)
        friends = pb.GetFriendsRequest(UserID=self.name)
        packets = [(Command.LOG_IN, login), *((Command.GET_FRIENDS, friends) for _ in range(REQUESTS))]
        bodies = [(command, message.SerializeToString()) for command, message in packets]
        return b"".join(pack("<II", len(body), command) + body for command, body in bodies)


class CanaryTests(Siege):
    def begin_with_owners(self, command: Iterable[str] = TWISTD) -> None:
        """Pairs of people who know of nobody else."""
        self.begin(config=CONFIG.replace("[limits]\n", WIRES), command=command)
        self.random = Random(SEED)
        self.owners: list[Owner] = []
        for pair in range(PAIRS):
            one, other = (Owner(self.plain, pair, n) for n in range(2))
            one.talk_to(self.plain, other)
            self.owners += one, other
        self.wires = {
            "native": (self.plain, Owner.asked_by_native),
            "telnet": (self.daemon.address("telnet"), Owner.asked_by_telnet),
            "gogotalk": (self.daemon.address("gogotalk"), Owner.asked_by_gogotalk),
        }

    def test_broken_off(self) -> None:
        """Of thousands of requests, each of which may be the last, no answer goes to anybody but who asked."""
        self.begin_with_owners()
        with self.unnoticed(grown_bytes=KEPT_BYTES):
            own = self.break_off()
        self.assertEqual({wire for wire, count in own.items() if count}, set(self.wires))

    def test_forgetful(self) -> None:
        """A daemon that remembers answers, and not whose they are, is caught."""
        self.begin_with_owners(FORGETFUL)
        self.assertRaises(self.failureException, self.break_off)

    def break_off(self) -> Counter[str]:
        """Again and again everybody asks, hears some of the answers and is gone -> how many own canaries each wire gave."""
        own = Counter[str]()
        for _ in range(ROUNDS):
            for wire in self.wires:
                for owner, peer in self.asking(wire):
                    canaries = CANARY.findall(self.hear_some(peer))
                    self.assertEqual(set(canaries) - {owner.pair}, set(), (wire, owner.name))
                    own[wire] += len(canaries)
        return own

    def asking(self, wire: str) -> list[tuple[Owner, Peer]]:
        """Everybody, each on a connection of that wire, in the order in which they will leave."""
        address, asked = self.wires[wire]
        asking = [(owner, Peer(address)) for owner in self.owners]
        for owner, peer in asking:
            data = asked(owner, peer)
            peer.socket.sendall(data[: self.random.randint(len(data) // 2, len(data))])
        self.random.shuffle(asking)
        return asking

    def hear_some(self, peer: Peer) -> bytes:
        """What comes, up to some point at which the connection is closed or reset."""
        heard, enough = b"", self.random.choice((0, 1, 100, 1_000, 10_000))
        try:
            while len(heard) < enough and (data := peer.socket.recv(enough)):
                heard += data
                peer.socket.settimeout(0.05)  # there need not be as much
        except (ConnectionError, TimeoutError):
            pass
        self.random.choice((reset, Peer.close))(peer)
        return heard
