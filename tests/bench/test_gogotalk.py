"""The gogotalk end of the comparison checks as strictly as the native one."""

from typing import Any, cast

from twisted.trial.unittest import SynchronousTestCase

from bench.gogotalk import HEARTBEAT_MESSAGES, GoGoTalkReceiver, GoGoTalkSender, composer, content
from bench.load import BrokenPromise, Line, Load, Stream
from imserver.codecs.gogotalk import Command
from imserver.net.zinx import HEADER_BYTES, LTV, LtvFraming
from imserver.proto import gogotalk_pb2 as pb
from tests.bench.test_ends import FakeLine


def packets(data: bytes) -> list[tuple[int, bytes]]:
    """(command, body) of each."""
    framing = LtvFraming(1024)
    framing.receive(data)
    return [(LTV.command(packet), packet[HEADER_BYTES:]) for packet in framing.frames()]


def delivered(number: int) -> bytes:
    """A message as the server passes it on."""
    chat = pb.FriendChatNotice(FromUserID="alice", ToUserID="bob", Content=content(number))
    return LTV.pack(Command.CHAT_ARRIVED, chat.SerializeToString())


class ComposerTests(SynchronousTestCase):
    def test_composed(self) -> None:
        """Each packet is the chat with its number, of 100 bytes."""
        chats = [
            (command, pb.FriendChatRequest.FromString(body))
            for command, body in packets(composer("alice", "bob")(9, 2))
        ]
        expected = [
            (Command.CHAT, pb.FriendChatRequest(FromUserID="alice", ToUserID="bob", Content=content(n)))
            for n in (9, 10)
        ]
        self.assertEqual(chats, expected)
        self.assertEqual(len(content(9)), 100)


class EndTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.line: Any = FakeLine()
        self.load = Load()
        self.addCleanup(self.load.close)
        self.stream = Stream(cast(Line, FakeLine()), composer("alice", "bob"), 1, acks=False)
        self.stream.fill(100, 0.0)

    def arrive(self, *numbers: int) -> None:
        self.line.received(b"".join(map(delivered, numbers)))


class ReceiverTests(EndTests):
    def setUp(self) -> None:
        super().setUp()
        GoGoTalkReceiver(self.line, self.stream, self.load, b"heartbeat ")

    def test_whatever_the_segments(self) -> None:
        """All messages are counted, however they are cut and whatever comes in between."""
        answer = LTV.pack(Command.HEARTBEAT_HEARD, b"")
        data = answer + answer.join(map(delivered, range(1, 101)))
        for start in range(0, len(data), 37):
            self.line.received(data[start : start + 37])
        self.assertEqual(self.stream.completed, 100)

    def test_heartbeats(self) -> None:
        """One at the start, one after sixteen messages, one when two seconds are over."""
        self.assertEqual(self.line.written, b"heartbeat ")
        self.arrive(*range(1, HEARTBEAT_MESSAGES + 1))
        self.assertEqual(self.line.written, b"heartbeat " * 2)
        [(_, beat)] = self.load.later
        beat()
        self.assertEqual(self.line.written, b"heartbeat " * 3)

    def test_lost(self) -> None:
        """A message that is skipped is missed."""
        self.arrive(1)
        self.assertRaises(BrokenPromise, self.arrive, 3)

    def test_repeated(self) -> None:
        """A message that comes twice is noticed."""
        self.assertRaises(BrokenPromise, self.arrive, 1, 1)

    def test_changed(self) -> None:
        """One wrong byte is noticed."""
        self.assertRaises(BrokenPromise, self.line.received, delivered(1).replace(b"1}", b"x}"))


class SenderTests(EndTests):
    def test_a_chat(self) -> None:
        """A chat says that something went wrong, whether the server's or an own one; the answer to a heartbeat does not."""
        GoGoTalkSender(self.line)
        self.line.received(LTV.pack(Command.HEARTBEAT_HEARD, b""))
        for sender in ("imserver", "alice"):
            chat = pb.FriendChatNotice(FromUserID=sender, ToUserID="bob", Content=b"not delivered")
            packet = LTV.pack(Command.CHAT_ARRIVED, chat.SerializeToString())
            self.assertRaises(BrokenPromise, self.line.received, packet)
