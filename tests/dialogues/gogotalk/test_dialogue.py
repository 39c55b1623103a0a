"""imserver.dialogues.gogotalk.dialogue: what its clients say and are told, over whole connections in memory."""

from dataclasses import replace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imserver.codecs import rtf
from imserver.codecs.gogotalk import Command
from imserver.core import events as e
from imserver.core import requests as r
from imserver.core.burst import Burst
from imserver.core.run import Run
from imserver.core.values import Gone, Kind, Message
from imserver.dialogues.gogotalk import speech
from imserver.dialogues.gogotalk.options import Options
from imserver.dialogues.gogotalk.routes import MAX_ROUTES, Routes
from imserver.net import arrival
from imserver.net.zinx import LTV, TLV, Packing
from imserver.proto import gogotalk_pb2 as pb
from imserver.wires.gogotalk import dialogues
from tests.contracts.gogotalk_client import GoGoTalkClient
from tests.core.client import PASSWORD, Client, account, logged_in, text_to
from tests.fakes import LIMITS, Peer, World

RICH = rb"{\rtf1\ansi\b bold\b0\par}"


class Person:
    """A client and its connection."""

    def __init__(self, world: World, packing: Packing = LTV, **options: Any) -> None:
        self.client = GoGoTalkClient(packing)
        self.peer = Peer(world, dialogues(Options(**options)), self.client)

    def say(self, data: bytes) -> None:
        self.peer.send(data)

    def ask(self, command: int, message: Any) -> Any:
        """Say it; -> the answer, None if there is none."""
        before = len(self.client.of(command + 1))
        self.say(self.client.pack(command, message))
        answers = self.client.of(command + 1)[before:]
        assert len(answers) <= 1
        return answers[0] if answers else None


class GoGoTalkCase(SynchronousTestCase):
    """Somebody and others."""

    def setUp(self) -> None:
        self.world = World(replace(LIMITS, enabled=False))

    def registered(self, name: str, packing: Packing = LTV, **options: Any) -> Person:
        person = Person(self.world, packing, **options)
        person.say(person.client.register(name, PASSWORD))
        return person

    def entered(self, name: str, packing: Packing = LTV, status: int = 2, **options: Any) -> Person:
        """Registered if necessary, and logged in."""
        person = self.registered(name, packing, **options)
        person.say(person.client.log_in(name, PASSWORD, status))
        self.assertTrue(person.client.logged_in)
        return person

    def befriended(self, *names: str) -> list[Person]:
        """All of them, and each the first one's friend."""
        people = [self.entered(name) for name in names]
        added = people[0].ask(Command.ADD_FRIENDS, pb.AddFriendsRequest(UserIDList=names[1:]))
        self.assertEqual(added.Result.Code, 1)
        self.world.pass_seconds(10)  # until the news of them are told
        for person in people:
            person.client.told.clear()
        return people

    def users(self, answer: Any) -> dict[str, int]:
        return {user.UserID: user.Status for user in answer}


class AccountTests(GoGoTalkCase):
    """Registering, logging in and out, the profile."""

    def test_register(self) -> None:
        """A registration is answered with success, then with 2; its nickname and signature are kept, its picture is not."""
        person = Person(self.world)
        request = pb.RegisterRequest(
            UserID="Alice", Password=PASSWORD, NickName="A.", Signature="hello", HeadImageData=b"\xff" * 99
        )
        self.assertEqual(person.ask(Command.REGISTER, request).Result, pb.Result(Code=1))
        self.assertEqual(person.ask(Command.REGISTER, request).Result, pb.Result(Code=2))
        answer = person.ask(Command.LOG_IN, pb.LoginRequest(UserID="alice", Password=PASSWORD, Status=2))
        expected = pb.UserInfo(UserID="alice", NickName="A.", Signature="hello", Status=2)
        self.assertEqual(answer, pb.LoginResponse(Result=pb.Result(Code=1), User=expected))

    def test_bad_names(self) -> None:
        """A name that breaks the rule of names, or stands for something here, is refused with 0 and words."""
        for name in ("al", "a lice", "*5", "SystemGroupChat", "imserver", ""):
            answer = self.registered(name).client.of(Command.REGISTERED)[0]
            self.assertEqual(answer.Result.Code, 0)
            self.assertIn("name", answer.Result.Msg)

    def test_wrong_password(self) -> None:
        """An unknown name and a wrong password are one answer: 5, and nothing else."""
        self.registered("alice")
        person = Person(self.world)
        for name in ("alice", "nobody"):
            person.say(person.client.log_in(name, "wrong-password"))
            self.assertEqual(bytes(person.peer.received).hex(), "04000000020000000a020805")
            person.peer.received.clear()

    def test_second_login(self) -> None:
        """A second login is a second device, and the first stays; a second one on the same connection is refused with 3."""
        first, second = self.entered("alice"), self.entered("alice")
        self.assertTrue(first.peer.open and second.peer.open)
        self.assertEqual(
            first.ask(Command.LOG_IN, pb.LoginRequest(UserID="alice", Password=PASSWORD)).Result.Code, 3
        )

    def test_log_out(self) -> None:
        """The connection ends without a reply, and friends are told of it with 8 and 10."""
        alice, bob = self.befriended("alice", "bob")
        bob.peer.received.clear()
        bob.say(bob.client.pack(Command.LOG_OUT, pb.LogoutRequest(UserID="bob")))
        self.world.pass_seconds(10)
        self.assertFalse(bob.peer.open)
        self.assertEqual(bytes(bob.peer.received), b"")
        told = [one for one in alice.client.told if one[0] != Command.HEARTBEAT_HEARD]
        offline = pb.ChangeStatusNotice(UserID="bob", Status=6)
        self.assertEqual(told, [(Command.WENT_OFFLINE, offline), (Command.STATUS, offline)])

    def test_profile(self) -> None:
        """Nickname and signature are changed and answered with 12."""
        alice, bob = self.befriended("alice", "bob")
        request = pb.UpdateUserInfoRequest(User=pb.UserInfo(UserID="bob", NickName="Bob!", Signature="x"))
        self.assertEqual(bob.ask(Command.UPDATE_PROFILE, request).Result.Code, 1)
        friend = alice.ask(Command.GET_FRIENDS, pb.GetFriendsRequest()).Friends[0]
        self.assertEqual((friend.NickName, friend.Signature), ("Bob!", "x"))

    def test_before_login(self) -> None:
        """Before the login every command but 1, 3 and 19 is refused; the third of them ends the connection."""
        person = Person(self.world)
        heard = person.ask(Command.HEARTBEAT, pb.HeartbeatRequest())
        self.assertEqual(heard.Result.Code, 1)
        for command, message in (
            (Command.GET_FRIENDS, pb.GetFriendsRequest(UserID="alice")),
            (Command.GET_USERS, pb.GetUserListRequest(UserID="alice")),
        ):
            answer = person.ask(command, message)
            self.assertEqual(answer.Result, pb.Result(Code=0, Msg="log in first"))
        self.assertTrue(person.peer.open)
        person.say(person.client.chat("bob", RICH))
        self.assertIn("not delivered to bob: log in first", person.client.refused)
        self.assertFalse(person.peer.open)


class IdentityTests(GoGoTalkCase):
    """Who somebody is comes from the session."""

    def test_somebody_else(self) -> None:
        """A command in another name does nothing, whatever it is; the own name in any case is right."""
        alice, bob = self.befriended("alice", "bob")
        carol = self.entered("carol")
        with self.assertLogs("imserver.dialogues.gogotalk.dialogue", "WARNING") as logged:
            self.speak_as_alice(bob)
        self.assertEqual(len(logged.output), 8)
        self.assertIn("bob called himself 'alice'", logged.output[0])
        self.assertEqual(carol.client.arrived, [])
        self.assertTrue(bob.peer.open)
        self.assertEqual(alice.ask(Command.GET_FRIENDS, pb.GetFriendsRequest()).Friends[0].Status, 2)
        bob.client.name = "BOB"
        bob.say(bob.client.chat("carol", RICH))
        self.assertEqual(carol.client.arrived, [("bob", "bold")])

    def test_somebody_else_later(self) -> None:
        """Not even after chats in the own name, or after the same chat before the login."""
        self.registered("bob")
        bob, carol = Person(self.world), self.entered("carol")
        bob.client.name = "alice"
        bob.say(bob.client.chat("carol", RICH))
        bob.say(bob.client.log_in("bob", PASSWORD))
        bob.say(bob.client.chat("carol", RICH) * 2)
        bob.client.name = "alice"
        with self.assertLogs("imserver.dialogues.gogotalk.dialogue", "WARNING") as logged:
            bob.say(bob.client.chat("carol", RICH) * 2)
        self.assertEqual(len(logged.output), 2)
        self.assertEqual(carol.client.arrived, [("bob", "bold")] * 2)

    def speak_as_alice(self, bob: Person) -> None:
        bob.client.name = "alice"
        bob.say(bob.client.chat("carol", RICH))
        self.assertIn("not the UserID", bob.client.refused[0])
        for command, message in (
            (Command.GET_FRIENDS, pb.GetFriendsRequest(UserID="alice")),
            (
                Command.UPDATE_PROFILE,
                pb.UpdateUserInfoRequest(User=pb.UserInfo(UserID="alice", NickName="x")),
            ),
            (Command.ADD_FRIENDS, pb.AddFriendsRequest(UserID="alice", UserIDList=["carol"])),
            (Command.GET_USERS, pb.GetUserListRequest(UserID="alice")),
            (Command.UPLOAD_FILE, pb.UploadFileRequest(FromUserID="alice")),
        ):
            self.assertEqual(bob.ask(command, message).Result.Code, 0)
        bob.say(bob.client.pack(Command.LOG_OUT, pb.LogoutRequest(UserID="alice")))
        bob.say(bob.client.pack(Command.SET_STATUS, pb.ChangeStatusRequest(UserID="alice", Status=3)))


class ChatTests(GoGoTalkCase):
    """13 and 14."""

    def test_golden(self) -> None:
        """The bytes of a chat, in each packing, between clients of both."""
        alice, bob = self.entered("alice", LTV), self.entered("bob", TLV)
        bob.peer.received.clear()
        alice.say(bytes.fromhex("100000000d0000000a05616c6963651203626f621a026869"))
        expected = pb.FriendChatNotice(FromUserID="alice", ToUserID="bob", Content=rtf.from_text("hi"))
        self.assertEqual(bytes(bob.peer.received), TLV.pack(14, expected.SerializeToString()))

    def test_rich_text_is_kept(self) -> None:
        """What came as a document goes on as it came, to these clients and into the log; other texts are texts."""
        alice, bob = self.entered("alice"), self.entered("bob")
        dave = logged_in(self.world, "dave")
        alice.say(
            b"".join(alice.client.chat(to, body) for to in ("bob", "dave") for body in (RICH, b"{\\RTF"))
        )
        self.assertEqual(bob.client.of(Command.CHAT_ARRIVED)[0].Content, RICH)
        kept = [(event.message.kind, event.message.body) for event in dave.of(e.MessageArrived)]
        self.assertEqual(kept, [(Kind.RICH, RICH), (Kind.TEXT, b"{\\RTF")])

    def test_text_is_wrapped(self) -> None:
        """What others send as text comes as a document."""
        alice = self.entered("alice")
        bob = logged_in(self.world, "bob")
        bob.ask(text_to("alice", "naïve 漢字"))
        self.assertEqual(alice.client.chats, [("bob", "alice", "naïve 漢字")])
        self.assertTrue(alice.client.of(Command.CHAT_ARRIVED)[0].Content.startswith(b"{\\rtf1"))

    def test_other_kinds(self) -> None:
        """What is no text comes in words; what happened to a group comes from imserver; from the blocked comes nothing."""
        alice, bob = self.entered("alice"), logged_in(self.world, "bob")
        direct = bob.ask(text_to("alice", "x")).conversation
        alice.client.told.clear()
        bob.ask(r.Send(direct, b"1", Kind.OPAQUE, "application/pdf", b"%" * 2048))
        self.assertEqual(alice.client.chats, [("bob", "alice", "[application/pdf, 2 KiB]")])
        bob.ask(r.Block(alice.peer.protocol.session.number))
        alice.say(alice.client.send_to("bob", "hello?"))
        again = Person(self.world)
        again.say(again.client.log_in("bob", PASSWORD))
        self.world.pass_seconds(2)
        self.assertEqual({sender for sender, _, _ in again.client.chats}, {"bob"})  # his own
        alice.client.told.clear()
        bob.ask(r.Unblock(alice.peer.protocol.session.number))
        bob.ask(r.CreateGroup("friends", [alice.peer.protocol.session.number]))
        ((sender, _, text),) = alice.client.chats
        self.assertEqual((sender, text), ("imserver", 'bob created the group "friends"'))

    def test_unknown_sender(self) -> None:
        """Where not even the sender of a damaged message is known, it comes from imserver (T25)."""
        alice, bob = self.entered("alice"), logged_in(self.world, "bob")
        conversation = bob.ask(r.OpenDirect(alice.peer.protocol.session.number)).membership.conversation
        damaged = Message(conversation.id, 1, 0, "", b"", Kind.TOMBSTONE, Gone.DAMAGED, b"", 0)
        alice.client.told.clear()
        alice.peer.protocol.push(Burst(conversation, Run.of(damaged)))
        self.world.settle()
        self.assertEqual(
            [(sender, text) for sender, _, text in alice.client.chats], [("imserver", "[damaged]")]
        )

    def test_refused(self) -> None:
        """A chat that is refused is told by a chat from imserver, and those around it are delivered."""
        alice, bob = self.entered("alice"), self.entered("bob")
        alice.say(b"".join(alice.client.send_to(name, "x") for name in ("bob", "nobody-here", "bob")))
        self.assertEqual(bob.client.arrived, [("alice", "x")] * 2)
        ((sender, to, text),) = alice.client.chats
        self.assertEqual((sender, to), ("imserver", "alice"))
        self.assertIn("not delivered to nobody-here: there is no such account", text)

    def test_nothing_said(self) -> None:
        """A chat without content, however that is written, goes to nobody, which is told."""
        alice, bob = self.entered("alice"), self.entered("bob")
        nothing = bytes.fromhex("0a05616c6963651203626f621a00")
        alice.say(alice.client.chat("bob", b""))
        alice.say(alice.client.chat("bob", RICH) + LTV.pack(Command.CHAT, nothing))
        self.assertEqual(bob.client.arrived, [("alice", "bold")])
        self.assertEqual(alice.client.refused, ["not delivered to bob: it says nothing"] * 2)

    def test_order_to_one(self) -> None:
        """Chats of which the first has to find its way arrive in order, and all but it are plain sends."""
        alice, bob = self.entered("alice"), self.entered("bob")
        asked: list[type] = []
        session = alice.peer.protocol.session
        original = session.ask
        alice.peer.protocol._dialogue._chats._session = _Spy(
            session, lambda tag, request: (asked.append(type(request)), original(tag, request))
        )
        for n in range(3):
            alice.say(alice.client.send_to("bob", f"{n}"))
        self.assertEqual([text for _, text in bob.client.arrived], ["0", "1", "2"])
        self.assertEqual(asked, [r.SendTo, r.Send, r.Send])

    def test_own_devices(self) -> None:
        """What one device sends the other one is shown, from oneself to the partner."""
        alice, other, bob = self.entered("alice"), self.entered("alice"), self.entered("bob")
        alice.say(alice.client.send_to("bob", "x"))
        self.assertEqual(alice.client.chats, [])
        self.assertEqual(other.client.chats, [("alice", "bob", "x")])
        self.assertEqual(bob.client.chats, [("alice", "bob", "x")])

    def test_stock_windows(self) -> None:
        """For stock windows ToUserID is always the partner, and what was sent comes back."""
        alice = self.entered("alice", stock_windows=True)
        bob = self.entered("bob", stock_windows=True)
        plain = self.entered("bob")
        alice.say(alice.client.chat("bob", RICH) + alice.client.chat("bob", b"text"))
        self.assertEqual(alice.client.chats, [("alice", "bob", "bold"), ("alice", "bob", "text")])
        self.assertEqual(bob.client.chats, [("alice", "alice", "bold"), ("alice", "alice", "text")])
        self.assertEqual(plain.client.chats, [("alice", "bob", "bold"), ("alice", "bob", "text")])

    def test_stock_windows_after_return(self) -> None:
        """What both have said meanwhile comes in the partner's window, too."""
        away = self.entered("alice", stock_windows=True)
        away.peer.transport.lose()
        alice, bob = Client(self.world), logged_in(self.world, "bob")
        alice.ask(r.LogIn("alice", PASSWORD, "another"))
        alice.ask(text_to("bob", "one"))
        bob.ask(text_to("alice", "two"))
        again = self.entered("alice", stock_windows=True)
        self.world.pass_seconds(2)
        self.assertEqual(again.client.chats, [("alice", "bob", "one"), ("bob", "bob", "two")])

    def test_stock_windows_refused(self) -> None:
        """A refusal is shown in the window in which somebody wrote."""
        alice = self.entered("alice", stock_windows=True)
        alice.say(alice.client.send_to("nobody-here", "x"))
        self.assertEqual([to for _, to, _ in alice.client.chats], ["nobody-here"])

    def test_encoded_once(self) -> None:
        """However many clients of one packing receive a chat, it is made into bytes once."""
        alice = self.entered("alice")
        bobs = [self.entered("bob", packing) for packing in (LTV, LTV, TLV, TLV)]
        made = []
        bodies = speech.chat_bodies
        self.patch(speech, "chat_bodies", lambda *chats: (made.append(1), bodies(*chats))[1])
        alice.say(alice.client.send_to("bob", "x"))
        self.assertEqual([bob.client.arrived for bob in bobs], [[("alice", "x")]] * 4)
        self.assertEqual(len(made), 2)

    def test_after_a_crash(self) -> None:
        """What was pushed to a client that died with it unread comes again at its next login, in order."""
        alice, bob = self.entered("alice"), self.entered("bob")
        alice.say(alice.client.send_to("bob", "seen"))
        self.world.pass_seconds(3)  # it has left, and heartbeats came after it
        bob.peer.transport.stalled = True
        for n in range(5):
            alice.say(alice.client.send_to("bob", f"{n}"))
        bob.peer.transport.lose()
        again = self.entered("bob")
        self.world.pass_seconds(3)
        self.assertEqual([text for _, text in again.client.arrived], ["0", "1", "2", "3", "4"])


class OwnChatTests(GoGoTalkCase):
    """What a client has sent itself comes back to it in stock windows only, and once."""

    MANY = 3 * LIMITS.window_messages

    def setUp(self) -> None:
        super().setUp()
        self.unsent = 0  # what every kernel still holds
        self.patch(arrival, "unsent_bytes", lambda transport: self.unsent)

    def sent(self, person: Person, to: str, first: int, count: int) -> list[str]:
        """So many chats in one segment; -> their texts."""
        texts = [f"{person.client.name} {n} {'x' * 400}" for n in range(first, first + count)]
        person.peer.write(b"".join(person.client.send_to(to, text) for text in texts))
        return texts

    def settled(self) -> None:
        self.world.settle()
        self.unsent = 0
        self.world.pass_seconds(9)

    def test_many(self) -> None:
        """More of them than a window holds, while nothing makes room there."""
        alice, bob = self.entered("alice"), self.entered("bob")
        self.unsent = 10**9
        texts = self.sent(alice, "bob", 0, self.MANY)
        self.settled()
        self.assertEqual([text for _, text in bob.client.arrived], texts)
        self.assertEqual(alice.client.chats, [])

    def test_many_in_stock_windows(self) -> None:
        """Each comes back once, in order."""
        alice, _ = self.entered("alice", stock_windows=True), self.entered("bob")
        self.unsent = 10**9
        texts = self.sent(alice, "bob", 0, self.MANY)
        self.settled()
        self.assertEqual(alice.client.chats, [("alice", "bob", text) for text in texts])

    def while_not_reading(self, **options: Any) -> tuple[Person, list[str], list[str]]:
        """Alice and Bob talk while Alice's machine takes nothing; then it does.  -> her, what she said, what he did."""
        alice, bob = self.entered("alice", **options), self.entered("bob")
        alice.peer.transport.stalled = True
        his, hers = [], []
        for n in range(8):
            his += self.sent(bob, "alice", 50 * n, 50)
            hers += self.sent(alice, "bob", n, 1)
            self.world.settle()
        alice.peer.transport.read_on()
        self.settled()
        return alice, hers, his

    def test_among_those_that_waited(self) -> None:
        """What was said while much waited is not among it when that comes."""
        alice, _, his = self.while_not_reading()
        self.assertEqual([text for _, text in alice.client.arrived], his)

    def test_among_those_that_waited_in_stock_windows(self) -> None:
        """There it comes back once, although it is in the log among what waited."""
        alice, hers, his = self.while_not_reading(stock_windows=True)
        arrived = alice.client.arrived
        self.assertEqual([text for sender, text in arrived if sender == "alice"], hers)
        self.assertEqual([text for sender, text in arrived if sender == "bob"], his)

    def test_while_catching_up(self) -> None:
        """What is said before all that waited has come, stays away too."""
        alice, bob = self.entered("alice"), self.entered("bob")
        alice.peer.transport.lose()
        his = self.sent(bob, "alice", 0, self.MANY)
        self.settled()
        again = self.registered("alice")
        again.peer.write(again.client.log_in("alice", PASSWORD))
        self.world.settle()
        self.sent(again, "bob", 0, 5)
        self.settled()
        self.assertEqual([text for _, text in again.client.arrived], his)

    def test_after_return(self) -> None:
        """Who has sent something has it: at the next login it is not among what waited."""
        for answered in (False, True):
            name = f"alice{answered:d}"
            alice, bob = self.entered(name), self.entered("bob")
            if answered:
                self.sent(bob, name, 0, 1)
                self.world.settle()
            self.sent(alice, "bob", 0, 3)
            self.world.settle()
            if answered:
                self.world.pass_seconds(2)  # a heartbeat comes after what Bob has said
            alice.peer.transport.lose()
            self.world.pass_seconds(2)  # cursors are written once a second
            again = self.entered(name)
            self.settled()
            self.assertEqual(again.client.chats, [])

    def test_on_other_devices(self) -> None:
        """They show it as before: it was not sent there."""
        alice, other, _ = self.entered("alice"), self.entered("alice"), self.entered("bob")
        texts = self.sent(alice, "bob", 0, self.MANY)
        self.settled()
        self.assertEqual(other.client.chats, [("alice", "bob", text) for text in texts])


class PeopleTests(GoGoTalkCase):
    """Friends, statuses, strangers."""

    def test_added_at_once(self) -> None:
        """Who registered here becomes a friend at once, on both sides, with a status."""
        alice, bob = self.entered("alice"), self.entered("bob", status=4)
        self.world.pass_seconds(3)
        added = alice.ask(Command.ADD_FRIENDS, pb.AddFriendsRequest(UserIDList=["Bob"]))
        self.assertEqual(added.Result, pb.Result(Code=1))
        for person, friend in ((alice, {"bob": 4}), (bob, {"alice": 2})):
            answer = person.ask(Command.GET_FRIENDS, pb.GetFriendsRequest())
            self.assertEqual(answer.Result.Code, 1)
            self.assertEqual(self.users(answer.Friends), friend)
            self.assertEqual(self.users(person.client.of(Command.STATUS)), friend)

    def test_no_friends(self) -> None:
        """Without friends the answer is 6 with success."""
        answer = self.entered("alice").ask(Command.GET_FRIENDS, pb.GetFriendsRequest())
        self.assertEqual(answer, pb.GetFriendsResponse(Result=pb.Result(Code=1)))

    def test_consent(self) -> None:
        """Who registered elsewhere is asked, and is told by whom; adding is the consent."""
        alice = self.entered("alice")
        account(self.world, "carol")
        carol = Person(self.world)
        carol.say(carol.client.log_in("carol", PASSWORD))
        self.assertEqual(
            alice.ask(Command.ADD_FRIENDS, pb.AddFriendsRequest(UserIDList=["carol"])).Result.Code, 1
        )
        self.assertEqual(alice.ask(Command.GET_FRIENDS, pb.GetFriendsRequest()).Friends[:], [])
        self.assertIn("add alice", carol.client.refused[0])
        carol.ask(Command.ADD_FRIENDS, pb.AddFriendsRequest(UserIDList=["alice"]))
        answer = alice.ask(Command.GET_FRIENDS, pb.GetFriendsRequest())
        self.assertEqual([user.UserID for user in answer.Friends], ["carol"])

    def test_consent_later(self) -> None:
        """Who was away when somebody asked is told at the next login."""
        alice = self.entered("alice")
        account(self.world, "carol")
        alice.ask(Command.ADD_FRIENDS, pb.AddFriendsRequest(UserIDList=["carol"]))
        carol = Person(self.world)
        carol.say(carol.client.log_in("carol", PASSWORD))
        self.assertEqual(carol.client.refused, ["alice would like to be your friend: add alice"])

    def test_words_with_a_request(self) -> None:
        """What somebody of another wire says with his request is told with it."""
        number, bob = account(self.world, "carol"), logged_in(self.world, "bob")
        carol = Person(self.world)
        carol.say(carol.client.log_in("carol", PASSWORD))
        bob.ask(r.RequestContact(number, "from the chess club"))
        self.assertEqual(
            carol.client.refused, ['bob would like to be your friend, "from the chess club": add bob']
        )

    def test_nobody_to_add(self) -> None:
        """Unknown names are answered with 4 after the others were added; too many at once with 0."""
        alice, _ = self.entered("alice"), self.entered("bob")
        answer = alice.ask(Command.ADD_FRIENDS, pb.AddFriendsRequest(UserIDList=["nobody-here", "bob"]))
        self.assertEqual(answer.Result.Code, 4)
        friends = alice.ask(Command.GET_FRIENDS, pb.GetFriendsRequest()).Friends
        self.assertEqual([user.UserID for user in friends], ["bob"])
        answer = alice.ask(Command.ADD_FRIENDS, pb.AddFriendsRequest(UserIDList=["bob"] * 51))
        self.assertEqual(answer.Result.Code, 0)

    def test_statuses(self) -> None:
        """Every status a client asks for is told to friends; 6 looks offline and comes with an 8, 1 is online."""
        alice, bob = self.befriended("alice", "bob")
        for asked, seen in ((3, 3), (4, 4), (5, 5), (6, 6), (1, 2)):
            bob.say(bob.client.pack(Command.SET_STATUS, pb.ChangeStatusRequest(UserID="bob", Status=asked)))
            self.world.pass_seconds(10)
            told = [one for one in alice.client.told if one[0] != Command.HEARTBEAT_HEARD]
            notice = pb.ChangeStatusNotice(UserID="bob", Status=seen)
            expected = [(Command.WENT_OFFLINE, notice)] if seen == 6 else []
            self.assertEqual(told, [*expected, (Command.STATUS, notice)])
            alice.client.told.clear()
        bob.say(bob.client.pack(Command.SET_STATUS, pb.ChangeStatusRequest(UserID="bob", Status=7)))
        self.assertIn("1 to 6", bob.client.refused[-1])

    def test_invisible_login(self) -> None:
        """Who logs in with status 6 is told to nobody."""
        alice, bob = self.befriended("alice", "bob")
        bob.peer.transport.lose()
        self.world.pass_seconds(10)
        alice.client.told.clear()
        again = self.entered("bob", status=6)
        self.assertEqual(again.client.of(Command.LOGGED_IN)[0].User.Status, 6)
        self.world.pass_seconds(10)
        self.assertEqual(alice.client.of(Command.STATUS), [])

    def test_coming_and_going(self) -> None:
        """Friends learn with a 10 that somebody has come, with 8 and 10 that the connection was lost."""
        alice, bob = self.befriended("alice", "bob")
        bob.peer.transport.lose()
        self.world.pass_seconds(10)
        self.entered("bob")
        self.world.pass_seconds(10)
        told = [
            (number, one.Status) for number, one in alice.client.told if number != Command.HEARTBEAT_HEARD
        ]
        self.assertEqual(told, [(8, 6), (10, 6), (10, 2)])

    def test_friends_of_other_wires(self) -> None:
        """Whoever becomes a friend elsewhere is told with his status, and who is none any more as offline, once."""
        alice, bob = self.entered("alice"), logged_in(self.world, "bob")
        number = bob.ask(r.LookUp("alice", 0)).account.number
        self.assertEqual(bob.ask(r.RequestContact(number, "")), e.Done())
        self.world.pass_seconds(10)
        self.assertEqual(alice.client.of(Command.STATUS)[-1].Status, 2)
        alice.client.told.clear()
        for _ in range(2):
            bob.ask(r.RemoveContact(number))
        self.world.pass_seconds(10)
        told = [
            (number, one.UserID, one.Status)
            for number, one in alice.client.told
            if number != Command.HEARTBEAT_HEARD
        ]
        self.assertEqual(told, [(Command.WENT_OFFLINE, "bob", 6), (Command.STATUS, "bob", 6)])

    def test_strangers(self) -> None:
        """16 has findable accounts but oneself and friends, all of them offline."""
        alice, _ = self.befriended("alice", "bob")
        self.registered("carol")
        account(self.world, "dave")
        answer = alice.ask(Command.GET_USERS, pb.GetUserListRequest(UserID="alice"))
        self.assertEqual(answer.Result.Code, 1)
        self.assertLessEqual({"carol": 6}.items(), self.users(answer.UserList).items())
        self.assertFalse({"alice", "bob"} & set(self.users(answer.UserList)))

    def test_many_strangers(self) -> None:
        """Two hundred at most, however many friends come before them."""
        alice = self.entered("alice")
        for n in range(240):
            self.registered(f"b{n:04}")
        for start in (0, 15):
            names = [f"b{n:04}" for n in range(start, start + 15)]
            alice.ask(Command.ADD_FRIENDS, pb.AddFriendsRequest(UserIDList=names))
        answer = alice.ask(Command.GET_USERS, pb.GetUserListRequest())
        self.assertEqual(list(self.users(answer.UserList)), [f"b{n:04}" for n in range(30, 230)])


class GroupTests(GoGoTalkCase):
    """Groups as users *N, and the lobby."""

    def setUp(self) -> None:
        super().setUp()
        self.alice, self.bob = self.entered("alice"), self.entered("bob")
        self.carol = logged_in(self.world, "carol")
        numbers = [person.peer.protocol.session.number for person in (self.alice, self.bob)]
        opened = self.carol.ask(r.CreateGroup("friends", numbers))
        self.group = opened.membership.conversation
        self.name = f"*{self.group.number}"
        for person in (self.alice, self.bob):
            person.client.told.clear()

    def test_in_the_list(self) -> None:
        """A group is a friend who is always online; the lobby is none."""
        self.carol.ask(r.SetAnnouncement(self.group.id, "be kind"))
        (friend,) = self.alice.ask(Command.GET_FRIENDS, pb.GetFriendsRequest()).Friends
        self.assertEqual(
            friend, pb.UserInfo(UserID=self.name, NickName="friends", Signature="be kind", Status=2)
        )

    def test_chat(self) -> None:
        """A chat to *N reaches its members, from the sender to the group, in order."""
        self.alice.say(b"".join(self.alice.client.send_to(self.name, f"{n}") for n in range(3)))
        self.carol.ask(r.Send(self.group.id, b"1", Kind.TEXT, "", b"hello"))
        expected = [("alice", self.name, f"{n}") for n in range(3)]
        self.assertEqual(self.bob.client.chats, [*expected, ("carol", self.name, "hello")])
        self.assertEqual(self.alice.client.chats, [("carol", self.name, "hello")])

    def test_stock_windows(self) -> None:
        """In stock windows a group is its own window, also for what was sent."""
        stock = self.entered("bob", stock_windows=True)
        self.world.pass_seconds(2)  # until it has what it missed
        stock.client.told.clear()
        stock.say(stock.client.send_to(self.name, "x"))
        self.alice.say(self.alice.client.send_to(self.name, "y"))
        self.assertEqual(stock.client.chats, [("bob", self.name, "x"), ("alice", self.name, "y")])

    def test_lobby(self) -> None:
        """Everybody who logs in here is in the lobby, whose name is SystemGroupChat."""
        self.alice.say(self.alice.client.send_to("SystemGroupChat", "hello, all"))
        self.assertEqual(self.bob.client.chats, [("alice", "SystemGroupChat", "hello, all")])

    def test_strangers(self) -> None:
        """Who is in no such group is told so, for one that exists and one that does not; what follows is sent."""
        dave = self.entered("dave")
        for name in (self.name, "*99999", "*0", "*x"):
            dave.say(dave.client.send_to(name, "x") + dave.client.send_to("bob", "y"))
        self.assertEqual(len(dave.client.refused), 4)
        self.assertEqual(self.bob.client.arrived, [("dave", "y")] * 4)

    def test_left(self) -> None:
        """Who has left is refused, and may write again after coming back."""
        self.alice.say(self.alice.client.send_to(self.name, "one"))
        number = self.alice.peer.protocol.session.number
        self.carol.ask(r.RemoveMember(self.group.id, number))
        self.alice.say(self.alice.client.send_to(self.name, "two"))
        self.assertIn("not delivered", self.alice.client.refused[-1])
        self.carol.ask(r.AddMembers(self.group.id, [number]))
        self.alice.say(self.alice.client.send_to(self.name, "three"))
        texts = [text for sender, text in self.bob.client.arrived if sender == "alice"]
        self.assertEqual(texts, ["one", "three"])


class FileTests(GoGoTalkCase):
    """21 to 24."""

    def test_no_files(self) -> None:
        """Until there are files, both commands are answered with a failure that says so."""
        alice = self.entered("alice")
        for command, message in (
            (
                Command.UPLOAD_FILE,
                pb.UploadFileRequest(FromUserID="alice", fileName="x", Data=b"x" * 100_000),
            ),
            (Command.GET_FILES, pb.GetFileListRequest(UserID="alice")),
        ):
            result = alice.ask(command, message).Result
            self.assertEqual((result.Code, result.Msg), (0, "this server keeps no files"))

    def test_a_large_file(self) -> None:
        """A file larger than any packet is refused likewise, and the connection goes on; before the login it ends it."""
        for packing in (LTV, TLV):
            alice = self.entered("alice", packing)
            upload = pb.UploadFileRequest(FromUserID="alice", fileName="a.iso", Data=b"x" * 2_000_000)
            data = alice.client.pack(Command.UPLOAD_FILE, upload) + alice.client.every_second()
            for start in range(0, len(data), 60_000):
                alice.say(data[start : start + 60_000])
            (answer,) = alice.client.of(Command.FILE_UPLOADED)
            self.assertEqual(answer.Result, pb.Result(Code=0, Msg="this server keeps no files"))
            self.assertEqual(len(alice.client.of(Command.HEARTBEAT_HEARD)), 1)
            stranger = Person(self.world, packing)
            stranger.say(data[:100])
            self.world.pass_seconds(2)
            self.assertFalse(stranger.peer.open)


class LifeTests(GoGoTalkCase):
    """How long a connection lives."""

    def test_silence(self) -> None:
        """Before the login three minutes of silence are allowed, after it ten seconds."""
        waiting = Person(self.world)
        silent = self.entered("bob")
        silent.client.every_second = bytes
        alice = self.entered("alice")
        self.world.pass_seconds(9)
        self.assertTrue(silent.peer.open)
        self.world.pass_seconds(2)
        self.assertFalse(silent.peer.open)
        self.world.pass_seconds(168)
        self.assertTrue(waiting.peer.open and alice.peer.open)
        self.world.pass_seconds(2)
        self.assertFalse(waiting.peer.open)
        self.assertEqual(bytes(waiting.peer.received), b"")

    def test_heartbeats_of_zinx(self) -> None:
        """The heartbeat of zinx itself is a sign of life like any other, and is not answered."""
        alice = self.entered("alice")
        alice.client.every_second = lambda: LTV.pack(99_999, b"client heartbeat")
        alice.peer.received.clear()
        self.world.pass_seconds(30)
        self.assertTrue(alice.peer.open)
        self.assertEqual(bytes(alice.peer.received), b"")

    def test_a_large_picture(self) -> None:
        """A registration with a picture of half a megabyte is taken, and the login after it."""
        person = Person(self.world)
        picture = b"\xff" * (512 * 1024)
        data = person.client.register("alice", PASSWORD, HeadImageData=picture)
        for start in range(0, len(data), 60_000):
            person.say(data[start : start + 60_000])
        person.say(person.client.log_in("alice", PASSWORD))
        self.assertTrue(person.client.logged_in)

    def test_too_much_before_login(self) -> None:
        """A picture may be as large as it may be, everything else before the login may not."""
        for extra in ({"HeadImageData": b"x" * (512 * 1024 + 1)}, {"Signature": "x" * 9000}):
            person = Person(self.world)
            person.say(person.client.register("alice", PASSWORD, **extra))
            self.world.pass_seconds(2)
            self.assertFalse(person.peer.open)


class RoutesTests(SynchronousTestCase):
    """Routes"""

    def test_bounded(self) -> None:
        """Whoever writes to very many is remembered the latest of them; a forgotten tag is nobody's."""
        routes = Routes()
        first = routes.to("first")
        self.assertIs(routes.to("first"), first)
        for n in range(MAX_ROUTES):
            routes.to(f"{n}")
        self.assertIsNone(routes.tagged(first.tag))
        self.assertIsNot(routes.to("first"), first)
        self.assertIs(routes.tagged(routes.to("5").tag), routes.to("5"))


class _Spy:
    """A session whose `ask` is watched."""

    def __init__(self, session: Any, ask: Any) -> None:
        self._session = session
        self.ask = ask

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)
