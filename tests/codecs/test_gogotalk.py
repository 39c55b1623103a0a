"""imserver.codecs.gogotalk"""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.codecs import gogotalk as codec
from imserver.codecs.gogotalk import Command, decode
from imserver.core.errors import Code, UnreadableRequest, WireError
from imserver.core.values import State
from imserver.net.zinx import LTV, TLV
from imserver.proto import gogotalk_pb2 as pb


class GoldenTests(SynchronousTestCase):
    """The bytes that are known from outside."""

    def assert_request(self, packet: str, message: object) -> None:
        data = bytes.fromhex(packet)
        self.assertEqual(decode(LTV.command(data), data[8:]), message)

    def test_requests(self) -> None:
        """Requests are read."""
        log_in = pb.LoginRequest(UserID="alice", Password="pw", Status=2)
        self.assert_request("0d000000010000000a05616c696365120270771802", log_in)
        chat = pb.FriendChatRequest(FromUserID="alice", ToUserID="bob", Content=b"hi")
        self.assert_request("100000000d0000000a05616c6963651203626f621a026869", chat)
        self.assert_request("07000000130000000a05616c696365", pb.HeartbeatRequest(UserID="alice"))
        tlv = bytes.fromhex("000000010000000d0a05616c696365120270771802")
        self.assertEqual(decode(TLV.command(tlv), tlv[8:]), log_in)

    def test_an_answer(self) -> None:
        """A refusal whose number says it all has nothing else in it."""
        refused = pb.LoginResponse(Result=codec.failure(Code.WRONG_CREDENTIALS, "name or password is wrong"))
        packet = LTV.pack(Command.LOGGED_IN, refused.SerializeToString())
        self.assertEqual(packet.hex(), "04000000020000000a020805")


class SchemaTests(SynchronousTestCase):
    """imserver/proto/gogotalk.proto"""

    def test_numbers(self) -> None:
        """Messages and fields have the names and numbers of the clients."""
        fields = {
            name: [(field.name, field.number) for field in message.fields]
            for name, message in pb.DESCRIPTOR.message_types_by_name.items()
        }
        self.assertEqual(pb.DESCRIPTOR.package, "pb")
        for name, expected in {
            "Result": [("Code", 1), ("Msg", 2)],
            "UserInfo": [
                *(("UserID", 1), ("NickName", 2), ("Signature", 3), ("HeadImageUrl", 4)),
                *(("CreateTime", 5), ("Status", 6)),
            ],
            "RegisterRequest": [
                *(("UserID", 1), ("Password", 2), ("NickName", 3), ("Signature", 4), ("HeadImageData", 5)),
            ],
            "UpdateUserInfoRequest": [("User", 2)],
            "FriendChatNotice": [("FromUserID", 1), ("ToUserID", 2), ("Content", 3)],
            "ChangeStatusNotice": [("UserID", 1), ("Status", 2)],
            "AddFriendsRequest": [("UserID", 1), ("UserIDList", 2)],
            "UploadFileRequest": [
                *(("FromUserID", 1), ("ToUserID", 2), ("UserType", 3), ("fileName", 4), ("Data", 5)),
            ],
            "DownFileInfo": [("UserID", 1), ("FileSize", 2), ("FileName", 3), ("DownUrl", 4)],
        }.items():
            self.assertEqual(fields[name], expected)


class DecodeTests(SynchronousTestCase):
    """decode"""

    def test_unknown(self) -> None:
        """An unknown command, or an answer, is refused; a body that is none ends the connection."""
        for command in (0, Command.LOGGED_IN, 25, 99999, 2**32 - 1):
            self.assertRaises(UnreadableRequest, decode, command, b"")
        self.assertRaises(WireError, decode, Command.LOG_IN, b"\xff")
        self.assertRaises(WireError, decode, Command.LOG_IN, b"\x0a\x01\xff")

    @given(st.integers(0, 30), st.binary(max_size=100))
    def test_any_bytes(self, command: int, body: bytes) -> None:
        """Any bytes are a message, a refusal or a WireError."""
        try:
            decode(command, body)
        except (UnreadableRequest, WireError):
            return


class ChatTests(SynchronousTestCase):
    """chat_bodies"""

    def test_as_protobuf(self) -> None:
        """Contents of any length are what protobuf would have written."""
        contents = [b"x" * length for length in (1, 2, 127, 128, 129, 16_383, 16_384, 65_536, 2**21)]
        expected = [pb.FriendChatNotice(FromUserID="alice", ToUserID="bob", Content=one) for one in contents]
        self.assertEqual(
            codec.chat_bodies("alice", "bob", contents), [one.SerializeToString() for one in expected]
        )


class ResultTests(SynchronousTestCase):
    """failure"""

    def test_every_code(self) -> None:
        """Each code has its number, and success is none of them."""
        self.assertEqual(set(codec.RESULTS), set(Code))
        self.assertNotIn(codec.SUCCESS, codec.RESULTS.values())

    def test_the_special_ones(self) -> None:
        """What the clients know has their number; everything else says in words what is wrong."""
        numbers = [
            codec.failure(code, "words").Code
            for code in (Code.NAME_TAKEN, Code.ALREADY_LOGGED_IN, Code.NOT_FOUND, Code.WRONG_CREDENTIALS)
        ]
        self.assertEqual(numbers, [2, 3, 4, 5])
        self.assertEqual(codec.failure(Code.BAD_NAME, "words"), pb.Result(Code=0, Msg="words"))


class StatusTests(SynchronousTestCase):
    """status_of and state_of"""

    def test_out(self) -> None:
        """Every state is a status."""
        statuses = {state: codec.status_of(state) for state in State}
        self.assertEqual(list(statuses.values()), [6, 2, 3, 4, 5, 6])

    def test_in(self) -> None:
        """1 to 6 are states, 6 means invisible, and there are no others."""
        states = [codec.state_of(status) for status in range(8)]
        expected = [State.ONLINE, State.ONLINE, State.AWAY, State.BUSY, State.DO_NOT_DISTURB, State.INVISIBLE]
        self.assertEqual(states, [None, *expected, None])
