"""imserver.dialogues.gogotalk.chats: what is recognised by its beginning is what parsing would have found."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.codecs.gogotalk import Command, decode
from imserver.core.errors import UnreadableRequest, WireError
from imserver.core.requests import Request
from imserver.dialogues.gogotalk.chats import Chats
from imserver.net.zinx import HEADER_BYTES, LTV, TLV, Packing
from imserver.proto import gogotalk_pb2 as pb

LENGTHS = st.sampled_from((0, 1, 2, 126, 127, 128, 129, 130, 300, 16_383, 16_384, 16_385, 40_000))
CHATS = st.tuples(
    st.sampled_from(("", "alice", "Alice")), st.sampled_from(("bob", "carol", "")), LENGTHS
)  # from, to, length
# What may follow a body, or stand in it: fields again, fields that nobody knows, other ends of lengths.
ENDS = st.sampled_from(
    (b"", b"", b"", b"\x1a\x01z", b"\x1a\0", b"\x12\x05carol", b"\x20\x01", b"\x80", b"\x1a", b"x")
)
COMMANDS = st.sampled_from((Command.CHAT, Command.CHAT, Command.CHAT, Command.HEARTBEAT, 13 << 8, 13 << 24))


class Session:
    """Keeps what it was asked."""

    def __init__(self) -> None:
        self.account: object = "somebody"
        self.asked: list[tuple[int, Request]] = []

    def ask(self, tag: int, request: Request) -> None:
        self.asked.append((tag, request))


def begin() -> tuple[Session, Chats]:
    session: Any = Session()
    return session, Chats(session, bytes)


def take(chats: Chats, packet: bytes, packing: Packing, alike: bool = False) -> str:
    """As the dialogue does, or without a look at how it begins; -> what was wrong."""
    try:
        if alike and chats.take_alike(packet, packing):
            return ""
        if packing.command(packet) != Command.CHAT:
            return "another command"
        chats.take(decode(Command.CHAT, packet[HEADER_BYTES:]))
    except (UnreadableRequest, WireError) as error:
        return str(error)
    return ""


class ChatsTests(SynchronousTestCase):
    """Chats"""

    @settings(max_examples=500)
    @given(st.sampled_from((LTV, TLV)), st.lists(st.tuples(COMMANDS, CHATS, ENDS), max_size=8))
    def test_as_parsed(self, packing: Packing, packets: list[tuple[int, Any, bytes]]) -> None:
        """Whatever comes, what is sent is what sending every parsed packet would have sent."""
        (quick, alike), (slow, parsed) = begin(), begin()
        for command, (sender, to, length), end in packets:
            chat = pb.FriendChatRequest(FromUserID=sender, ToUserID=to, Content=b"c" * length)
            packet = packing.pack(command, chat.SerializeToString() + end)
            self.assertEqual(take(alike, packet, packing, True), take(parsed, packet, packing))
        self.assertEqual(quick.asked, slow.asked)

    def test_alike(self) -> None:
        """From the second one to the same partner on, chats of up to 16 KiB are recognised by their beginning."""
        for packing in (LTV, TLV):
            session, chats = begin()
            for n, length in enumerate((5, 1, 127, 128, 16_383)):
                chat = pb.FriendChatRequest(FromUserID="alice", ToUserID="bob", Content=b"c" * length)
                packet = packing.pack(Command.CHAT, chat.SerializeToString())
                self.assertEqual(chats.take_alike(packet, packing), n > 0)
                if n == 0:
                    take(chats, packet, packing)
            self.assertEqual([len(request.body) for _, request in session.asked], [5, 1, 127, 128, 16_383])

    def test_before_the_login(self) -> None:
        """Nothing is taken for granted of what came before."""
        session, chats = begin()
        session.account = None
        chat = pb.FriendChatRequest(FromUserID="alice", ToUserID="bob", Content=b"hi")
        packet = LTV.pack(Command.CHAT, chat.SerializeToString())
        take(chats, packet, LTV)
        session.account = "bob"
        self.assertFalse(chats.take_alike(packet, LTV))
