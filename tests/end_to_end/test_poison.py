"""T25: what is broken in the database keeps nobody, on any wire, from all the rest."""

from random import Random

import apsw
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.events import ConversationOpened, History, Sent
from imserver.core.requests import FetchHistory, OpenDirect, SendTo
from imserver.core.values import Gone, Kind
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.peer import PASSWORD, Peer
from tests.end_to_end.stock_client import StockClient
from tests.end_to_end.test_telnet import Somebody

SEED = 7
MESSAGES = 100
# Each of these makes of a stored run something that was not written.
POISON = (
    "bodies = zeroblob(length(bodies))",
    "bodies = x''",
    "sizes = x'ffffffffffffffff'",
    "sizes = x''",
    "checksum = checksum + 1",
    "kind = 99",
    "stem = randomblob(30)",
    "content_type = 'text/' || hex(randomblob(500))",
    "time_ms = -1",
    "sender = 9223372036854775807",
)
LISTEN = tuple(f"{wire}=tcp:127.0.0.1:0" for wire in ("native", "telnet", "gogotalk"))
BOB = "bob"


class PoisonTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.daemon = Daemon(self, config="[limits]\nenabled = false\n", listen=LISTEN).start()
        self.alice = self.logged_in("alice")
        self.enter_by_gogotalk(register=True).close()
        self.enter_by_telnet().close()
        bob = self.logged_in(BOB)
        self.direct = bob.expect(OpenDirect(self.number), ConversationOpened).membership.conversation.id
        bob.close()

    def logged_in(self, name: str) -> Peer:
        """By native; the account is made at need."""
        peer = Peer(self.daemon.address())
        self.addCleanup(peer.close)
        if name != BOB:
            self.number = peer.register(name).account.number
        peer.log_in(name)
        return peer

    def enter_by_telnet(self) -> Somebody:
        """Bob at a terminal."""
        person = Somebody(self.daemon.address("telnet"))
        self.addCleanup(person.close)
        self.assertEqual(person.say(f"login {BOB} {PASSWORD}"), "You are logged in as bob.")
        return person

    def enter_by_gogotalk(self, register: bool = False) -> StockClient:
        """Bob with the original client."""
        client = StockClient(self.daemon.address("gogotalk"), BOB)
        self.addCleanup(client.close)
        if register:
            self.assertEqual(client.register().Result.Code, 1)
        self.assertEqual(client.log_in().Result.Code, 1)
        return client

    def test_fifty_broken_rows(self) -> None:
        """Of a hundred messages fifty are broken: the others come, in order, by every wire, and what follows."""
        self.write()
        self.daemon.stop()
        broken = self.poison()
        whole = [self.text(seq) for seq in range(1, MESSAGES + 1) if seq not in broken]
        self.daemon.start()
        self.assert_native(broken)
        with_more = [*whole, "and on"]
        self.logged_in_again().expect(SendTo(BOB, b"more", Kind.TEXT, "", b"and on"), Sent)
        self.assertEqual(self.heard_by_telnet(), with_more)
        self.assertEqual(self.heard_by_gogotalk(), with_more)
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.assert_clean()

    def text(self, seq: int) -> str:
        return f"word {seq}"

    def write(self) -> None:
        """Each under an id that follows upon no other, so that it is a row of its own."""
        for seq in range(1, MESSAGES + 1):
            request = SendTo(BOB, b"id" + bytes([seq]) * 9, Kind.TEXT, "", self.text(seq).encode())
            self.assertEqual(self.alice.expect(request, Sent).seq, seq)

    def poison(self) -> set[int]:
        """Fifty rows, behind the daemon's back -> their seqs."""
        broken = Random(SEED).sample(range(1, MESSAGES + 1), MESSAGES // 2)
        with apsw.Connection(str(self.daemon.data / "imserver.db")) as connection:
            connection.pragma("ignore_check_constraints", True)
            for n, seq in enumerate(broken):
                statement = (
                    f"UPDATE runs SET {POISON[n % len(POISON)]} WHERE conversation = ? AND last_seq = ?"
                )
                connection.execute(statement, (self.direct, seq))
                self.assertEqual(connection.changes(), 1)
        connection.close()
        return set(broken)

    def assert_native(self, broken: set[int]) -> None:
        """Tombstones stand for them."""
        bob, seen, last, more = self.logged_in(BOB), dict[int, str](), 0, True
        while more:
            page = bob.expect(FetchHistory(self.direct, last, 0, 0), History)
            seen |= {message.seq: message.body.decode() or message.content_type for message in page.messages}
            last, more = page.messages[-1].seq, page.more
        expected = {seq: Gone.DAMAGED if seq in broken else self.text(seq) for seq in range(1, MESSAGES + 1)}
        self.assertEqual(seen, expected)

    def logged_in_again(self) -> Peer:
        """Alice, after the restart."""
        peer = Peer(self.daemon.address())
        self.addCleanup(peer.close)
        peer.log_in("alice")
        return peer

    def heard_by_telnet(self) -> list[str]:
        """What alice has said, without what stands for the rest."""
        person, heard = self.enter_by_telnet(), list[str]()
        while not heard or heard[-1] != "and on":
            head, _, said = person.hear().partition(": ")
            if head == "alice" and not said.startswith("["):
                heard.append(said)
        return heard

    def heard_by_gogotalk(self) -> list[str]:
        """Likewise."""
        client, heard = self.enter_by_gogotalk(), list[str]()
        while not heard or heard[-1] != "and on":
            heard += [said for said in client.texts(1) if not said.startswith("[")]
        return heard
