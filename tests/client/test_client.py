"""A device as a program sees it: messages, requests, events, cursors, the end."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.client import Client, register
from imserver.client.device import SAVE_SECONDS
from imserver.client.errors import NotConnected, RequestRefused, StateError
from imserver.client.inbox import MAX_EVENTS
from imserver.client.incoming import ROOM
from imserver.client.state import DeviceState
from imserver.core.errors import ChatError, Code
from imserver.core.events import (
    BlockChanged,
    Closing,
    ConversationOpened,
    Done,
    Event,
    GoAway,
    GroupChanged,
    GroupFound,
    MessageArrived,
    PresenceChanged,
    PrivacySettings,
    Refused,
    RemarkChanged,
    RunArrived,
    Sent,
    TypingChanged,
)
from imserver.core.requests import (
    CreateGroup,
    DissolveGroup,
    FetchHistory,
    FindGroup,
    Forward,
    JoinGroup,
    ListConversations,
    MarkDelivered,
    MarkRead,
    Request,
    Send,
    SetTyping,
    Synchronise,
)
from imserver.core.run import Run
from imserver.core.turns import Turns
from imserver.core.values import AccountPresence, Extra, Kind, Membership, Once, Presence, Privacy
from tests.client.fake_server import ALICE, BOB, DIRECT, GROUP, PASSWORD, FakeServer, direct, group


class Base(SynchronousTestCase):
    """Bob's client on a server in memory."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.server = FakeServer(self.clock)
        self.events: list[Event] = []
        self.saved: list[DeviceState] = []

    def client(self, state: DeviceState | None = None, **options: Any) -> Client:
        """A client, logged in."""
        self.state = state or DeviceState()
        client = Client(
            self.clock, self.server, self.events.append,
            state=self.state, save=self.saved.append, random_float=lambda: 0.5, wall_seconds=lambda: 1.0, **options,
        )  # fmt: skip
        login = client.log_in_again() if self.state.token else client.log_in(BOB.name, PASSWORD)
        self.result(login)
        return client

    def result(self, call: Any) -> Any:
        """What a call gives."""
        answer = Deferred.fromCoroutine(call)
        self.server.settle()
        return self.successResultOf(answer)

    def reconnect(self) -> None:
        """Lose the connection and come back."""
        self.server.connection.cut()
        self.clock.advance(60)
        self.server.settle()

    def close(self, client: Client) -> None:
        """Close it and see that nothing is left."""
        closed = Deferred.fromCoroutine(client.close())
        self.clock.advance(0)
        self.successResultOf(closed)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def texts(self) -> list[str]:
        """What the application was given."""
        return [event.message.body.decode() for event in self.events if isinstance(event, MessageArrived)]

    def heard(self, kind: type[Request]) -> list[Any]:
        """The requests of a kind."""
        return [request for request in self.server.heard if type(request) is kind]


class ActionsTests(Base):
    """What is said about messages."""

    def sent(self, call: Any) -> Send:
        """What a call has sent."""
        self.result(call)
        request: Send = self.heard(Send)[-1]
        return request

    def test_edit_recall_shake(self) -> None:
        """Each is a message of its kind, about another one."""
        client = self.client()
        edit = self.sent(client.edit(DIRECT, 7, "better"))
        self.assertEqual((edit.kind, edit.body, edit.extra), (Kind.EDIT, b"better", Extra(about=7)))
        recall = self.sent(client.recall(DIRECT, 7))
        self.assertEqual((recall.kind, recall.body, recall.extra), (Kind.RECALL, b"", Extra(about=7)))
        call = self.sent(client.shake(DIRECT))
        self.assertEqual((call.conversation, call.kind, call.body, call.extra), (DIRECT, 8, b"", None))

    def test_mention(self) -> None:
        """By name."""
        mention = self.sent(self.client().mention(GROUP, ["alice"], "look"))
        self.assertEqual((mention.kind, mention.body, mention.extra), (1, b"look", Extra(mentions=[1])))

    def test_forward(self) -> None:
        """It is repeated under its id until it is answered, like a message."""
        answers = [None, Sent(GROUP, 1, 0)]
        self.server.override = lambda request: answers.pop(0) if isinstance(request, Forward) else None
        self.server._Forward = lambda connection, request: None  # type: ignore[attr-defined]
        forwarded = Deferred.fromCoroutine(self.client().forward(DIRECT, 7, GROUP))
        self.server.settle()
        self.assertNoResult(forwarded)
        self.reconnect()
        self.assertEqual(self.successResultOf(forwarded).seq, 1)
        first, second = self.heard(Forward)
        self.assertEqual(first, second)
        self.assertEqual((first.conversation, first.seq, first.to), (DIRECT, 7, GROUP))


class ReceivingTests(Base):
    """What arrives."""

    def test_a_message_with_its_conversation(self) -> None:
        """The wire carries the message; the client adds what it knows of the conversation."""
        self.client()
        self.server.say(DIRECT, "hello")
        self.server.say(GROUP, "hello all")
        self.server.settle()
        self.assertEqual(
            [event.conversation for event in self.events if isinstance(event, MessageArrived)],
            [direct(), group()],
        )

    def test_a_conversation_that_opens_later(self) -> None:
        """It is an event of its own, and its messages follow."""
        self.client()
        self.server.add(group(30, "new"))
        opened = ConversationOpened(Membership(group(30, "new"), 1, 0, 0, 0, 0))
        self.server.connection.tell(opened)
        self.server.say(30, "welcome")
        self.server.settle()
        self.assertEqual(self.events[0], opened)
        self.assertEqual(self.texts(), ["welcome"])
        self.assertEqual(self.heard(FetchHistory), [])

    def test_a_conversation_that_nobody_announced(self) -> None:
        """The client asks, and shows its messages with their title."""
        self.client()
        self.server.add(group(30, "new"))
        self.server.say(30, "welcome")
        self.server.settle()
        self.assertEqual(self.texts(), ["welcome"])

    def test_who_joins_late_sees_what_comes(self) -> None:
        """A conversation starts after joined_seq; what was before is neither shown nor asked for."""
        for number in range(5):
            self.server.say(GROUP, f"old {number}")
        self.server.add(group(), joined=4)
        self.client()
        self.assertEqual(self.texts(), ["old 4"])

    def test_joining_again_skips_what_was_said_meanwhile(self) -> None:
        """The cursor of an earlier stay moves up to where the new one begins."""
        self.client(DeviceState(token=b"token", log_epoch=7, cursors={GROUP: 1}))
        for number in range(5):
            self.server.say(GROUP, f"meanwhile {number}")
        self.server.connection.to_deliver.clear()
        self.server.add(group(), joined=5)
        self.server.connection.tell(ConversationOpened(Membership(group(), 5, 5, 0, 5, 5)))
        self.server.connection.pushed[GROUP] = 5
        self.server.say(GROUP, "again")
        self.server.settle()
        self.assertEqual(self.texts(), ["again"])

    def test_a_gap_is_fetched(self) -> None:
        """A push that skips something makes the client ask for what is between."""
        self.client()
        self.server.say(DIRECT, "one")
        self.server.settle()
        for text in ("two", "three"):
            self.server.say(DIRECT, text)
        self.server.connection.to_deliver.popleft()
        self.server.settle()
        self.assertEqual(self.heard(FetchHistory), [FetchHistory(DIRECT, 1, 0, 0)])
        self.assertEqual(self.texts(), ["one", "two", "three"])

    def test_a_duplicate_is_acknowledged_again(self) -> None:
        """It says that the acknowledgement was lost."""
        self.client()
        self.server.say(DIRECT, "one")
        self.server.settle()
        self.clock.advance(1)
        self.server.repeat(DIRECT, 1)
        self.server.settle()
        self.clock.advance(1)
        self.assertEqual(self.heard(MarkDelivered), [MarkDelivered(DIRECT, 1)] * 2)
        self.assertEqual(self.texts(), ["one"])

    def test_a_lost_acknowledgement_after_a_reconnect(self) -> None:
        """The server learns how far the device is, and can push again."""
        self.client()
        self.server.say(DIRECT, "one")
        self.server.settle()
        self.reconnect()
        self.clock.advance(1)
        self.server.settle()
        self.assertEqual(self.server.delivered, {DIRECT: 1})
        self.server.say(DIRECT, "two")
        self.server.settle()
        self.assertEqual(self.texts(), ["one", "two"])
        self.assertEqual(len(self.heard(FetchHistory)), 1)

    def test_what_was_missed(self) -> None:
        """After an absence each conversation is fetched page by page, all of it, before anything newer."""
        self.client()
        self.server.connection.cut()
        for number in range(10):
            self.server.say(DIRECT, f"d{number}")
            self.server.say(GROUP, f"g{number}")
        self.clock.advance(60)
        self.server.settle()
        self.assertEqual(
            [text for text in self.texts() if text[0] == "d"], [f"d{number}" for number in range(10)]
        )
        self.assertEqual(
            [text for text in self.texts() if text[0] == "g"], [f"g{number}" for number in range(10)]
        )

    def test_nothing_is_fetched_without_need(self) -> None:
        """A device that is where the server is asks which conversations there are, once, and what it lacks, each time."""
        self.client()
        self.reconnect()
        self.assertEqual(self.heard(FetchHistory), [])
        self.assertEqual(len(self.heard(Synchronise)), 2)
        self.assertEqual(len({request.after for request in self.heard(ListConversations)}), 2)
        self.assertEqual(len(self.heard(ListConversations)), 2)

    def test_a_list_that_was_cut_off(self) -> None:
        """Is asked for again on the next connection."""
        client = Client(self.clock, self.server, self.events.append, random_float=lambda: 0.5)
        login = Deferred.fromCoroutine(client.log_in(BOB.name, PASSWORD))
        for _ in range(2):
            self.server.connection.serve(1)
            self.server.connection.deliver(1)
        self.successResultOf(login)
        self.assertEqual(self.heard(ListConversations), [ListConversations(0, 0)])
        self.reconnect()
        self.assertEqual(
            self.heard(ListConversations)[1:], [ListConversations(0, 0), ListConversations(DIRECT, 0)]
        )

    def test_a_refused_page(self) -> None:
        """A conversation that cannot be read does not stop the others; a rate limit is waited for."""
        refusals = iter((Refused("RATE_LIMITED", "", 500), Refused("NOT_FOUND", "")))
        self.server.override = lambda request: (
            next(refusals, None)
            if isinstance(request, FetchHistory) and request.conversation == DIRECT
            else None
        )
        self.server.say(DIRECT, "lost")
        self.server.say(GROUP, "kept")
        self.client()
        self.assertEqual(self.texts(), [])
        self.clock.advance(0.5)
        self.server.settle()
        self.assertEqual(self.texts(), ["kept"])

    def test_signals_pass_through(self) -> None:
        """Typing and the like."""
        self.client()
        self.server.connection.tell(TypingChanged(DIRECT, ALICE.number, True))
        self.server.settle()
        self.assertEqual(self.events, [TypingChanged(DIRECT, ALICE.number, True)])

    def test_what_other_devices_set(self) -> None:
        """Reaches the program as it is."""
        self.client()
        told: list[Event] = [
            RemarkChanged(ALICE.number, "tall", "friends"),
            BlockChanged(ALICE.number, True),
            PrivacySettings(Privacy(False, True)),
            PresenceChanged([AccountPresence(BOB.number, Presence(2, "lunch"))]),
        ]
        for event in told:
            self.server.connection.tell(event)
        self.server.settle()
        self.assertEqual(self.events, told)

    def test_a_refused_acknowledgement(self) -> None:
        """Is repeated when the server says, for otherwise its window would stay full."""
        self.client()
        self.server.override = lambda request: (
            Refused("RATE_LIMITED", "", 2000) if isinstance(request, MarkDelivered) else None
        )
        self.server.say(DIRECT, "one")
        self.server.settle()
        self.clock.advance(0.05)
        self.server.settle()
        self.server.override = lambda request: None
        self.clock.advance(2.0)
        self.server.settle()
        self.assertEqual(self.server.delivered, {DIRECT: 1})

    def test_a_group_renamed(self) -> None:
        """After a notice the titles are asked for anew."""
        self.client()
        self.server.conversations[GROUP] = group(GROUP, "other")
        message = self.server.say(GROUP, "{}")
        message.kind = Kind.NOTICE
        self.server.connection.to_deliver.clear()
        self.server.connection.tell(RunArrived(Run.of(message), group()))
        self.server.settle()
        self.server.say(GROUP, "hello")
        self.server.settle()
        arrived = self.events[-1]
        assert isinstance(arrived, MessageArrived)
        self.assertEqual(arrived.conversation.title, "other")


class SlowTests(Base):
    """An application that takes its time."""

    def setUp(self) -> None:
        super().setUp()
        self.untaken: list[Deferred[None]] = []
        self.slow = True

    def listen(self, event: Event) -> Deferred[None] | None:
        """Take it, at once or some time."""
        self.events.append(event)
        if self.slow:
            self.untaken.append(Deferred())
            return self.untaken[-1]
        return None

    def log_in(self) -> None:
        """A client for it."""
        client = Client(self.clock, self.server, self.listen)
        self.result(client.log_in(BOB.name, PASSWORD))

    def hurry(self) -> None:
        """Take everything from now on."""
        self.slow = False
        self.untaken[0].callback(None)
        self.server.settle()

    def test_closed_meanwhile(self) -> None:
        """What the application takes after the end is not acknowledged, and starts no timer."""
        self.server.say(DIRECT, "one")
        client = Client(self.clock, self.server, self.listen)
        self.result(client.log_in(BOB.name, PASSWORD))
        self.close(client)
        self.hurry()
        self.assertEqual((self.clock.getDelayedCalls(), self.heard(MarkDelivered)), ([], []))

    def test_a_long_absence(self) -> None:
        """Pages are asked for as far as there is room, and the rest when there is room again."""
        for number in range(2 * MAX_EVENTS):
            self.server.say(DIRECT, str(number))
        self.log_in()
        pages = len(self.heard(FetchHistory))
        self.assertTrue(ROOM <= 3 * pages <= ROOM + 6, pages)
        self.hurry()
        self.assertEqual(self.texts(), [str(number) for number in range(2 * MAX_EVENTS)])

    def test_a_server_without_a_window(self) -> None:
        """What is pushed beyond all measure is not kept, and fetched when there is room."""
        self.server.window = 10 * MAX_EVENTS
        self.log_in()
        for number in range(2 * MAX_EVENTS):
            self.server.say(DIRECT, str(number))
        self.server.settle()
        self.assertEqual(self.heard(FetchHistory), [])
        self.hurry()
        self.assertEqual(self.texts(), [str(number) for number in range(2 * MAX_EVENTS)])
        self.assertTrue(MAX_EVENTS - 3 <= 3 * len(self.heard(FetchHistory)) <= MAX_EVENTS + 3)


class EpochTests(Base):
    """A server that was restored from a backup."""

    def test_cursors_are_dropped(self) -> None:
        """Its numbers mean other messages, which are all new to this device."""
        client = self.client()
        for text in ("one", "two"):
            self.server.say(DIRECT, text)
        self.server.settle()
        self.server.log_epoch, self.server.log[DIRECT], self.server.delivered = 8, [], {}
        self.server.say(DIRECT, "uno")
        self.events.clear()
        self.reconnect()
        self.assertEqual(self.texts(), ["uno"])
        self.assertEqual(self.state.log_epoch, 8)
        self.close(client)
        self.assertEqual(self.saved[-1].cursors, {DIRECT: 1, GROUP: 0})

    def test_own_messages_of_the_old_log(self) -> None:
        """Their numbers say nothing about the new one."""
        client = self.client()
        self.server.say(DIRECT, "lost on the way")
        self.server.connection.to_deliver.clear()
        self.result(client.send(DIRECT, "mine"))
        self.server.log_epoch, self.server.log[DIRECT], self.server.delivered = 8, [], {}
        for text in ("uno", "dos"):
            self.server.say(DIRECT, text)
        self.reconnect()
        self.assertEqual(self.texts(), ["uno", "dos"])

    def test_cursors_of_the_same_log_are_kept(self) -> None:
        """The state of an earlier run says where to go on, also when the server knows less."""
        for text in ("one", "two", "three"):
            self.server.say(DIRECT, text)
        self.client(DeviceState(token=b"token", log_epoch=7, cursors={DIRECT: 2}))
        self.assertEqual(self.texts(), ["three"])

    def test_cursors_of_another_log(self) -> None:
        """Say nothing."""
        self.server.say(DIRECT, "one")
        self.client(DeviceState(token=b"token", log_epoch=6, cursors={DIRECT: 2}))
        self.assertEqual(self.texts(), ["one"])


class SendingTests(Base):
    """What is sent and asked."""

    def test_own_messages_are_not_given_back(self) -> None:
        """Their Sent stands for them, in the order and for the acknowledgement."""
        client = self.client()
        sent = self.result(client.send(DIRECT, "mine"))
        self.server.say(DIRECT, "yours")
        self.server.settle()
        self.clock.advance(1)
        self.assertEqual((sent.seq, self.texts()), (1, ["yours"]))
        self.assertEqual(self.heard(MarkDelivered), [MarkDelivered(DIRECT, 2)])

    def test_sent_before_the_messages_of_others_arrive(self) -> None:
        """An answer may overtake the pushes of the same moment; nothing is fetched for that."""
        client = self.client()
        self.server.say(DIRECT, "yours")
        push = self.server.connection.to_deliver.popleft()
        sent = Deferred.fromCoroutine(client.send(DIRECT, "mine"))
        self.server.connection.serve()
        self.server.connection.to_deliver.append(push)
        self.server.settle()
        self.assertEqual((self.successResultOf(sent).seq, self.texts()), (2, ["yours"]))
        self.clock.advance(1)
        self.assertEqual(self.heard(MarkDelivered), [MarkDelivered(DIRECT, 2)])
        self.assertEqual(self.heard(FetchHistory), [])

    def test_the_first_message_to_somebody(self) -> None:
        """A conversation that begins with an own message is known from then on."""
        del self.server.conversations[DIRECT]
        client = self.client()
        self.result(client.send_to("alice", "hello"))
        self.clock.advance(1)
        self.assertEqual(self.heard(MarkDelivered), [MarkDelivered(DIRECT, 1)])

    def test_messages_of_an_earlier_start_are_given(self) -> None:
        """This program did not see them before."""
        self.result(self.client(random_bytes=lambda size: b"1" * size).send(DIRECT, "before the crash"))
        self.client(random_bytes=lambda size: b"2" * size)
        self.assertEqual(self.texts(), ["before the crash"])

    def test_a_lost_answer(self) -> None:
        """The message is sent again under its id, stored once, and acknowledged."""
        client = self.client()
        sent = Deferred.fromCoroutine(client.send(DIRECT, "once"))
        self.server.connection.serve()
        self.reconnect()
        self.assertEqual(self.successResultOf(sent).seq, 1)
        first, second = self.heard(Send)
        self.assertEqual(first, second)
        self.assertEqual((self.server.texts(DIRECT, BOB), self.texts()), (["once"], []))

    def test_order_where_some_is_refused_for_now(self) -> None:
        """What follows a message that is refused waits until that has been taken, in flight or not."""
        client = self.client()
        turns, refusals = Turns(), {b"3": ["RATE_LIMITED", "RETRY_AFTER"], b"7": ["TRY_LATER"]}

        def limited(request: Request) -> Refused | None:
            if not isinstance(request, Send):
                return None
            place, now = (request.conversation, request.client_id), self.clock.seconds()
            try:
                turns.check(*place, now)
                if refusals.get(request.body):
                    error = ChatError(Code(refusals[request.body].pop()), "later", 200)
                    turns.refused(*place, error, now)
                    raise error
            except ChatError as error:
                return Refused(error.code, error.text, error.retry_after_ms)
            return None

        self.server.override = limited
        sent = [Deferred.fromCoroutine(client.send(DIRECT, f"{n}")) for n in range(9)]
        self.server.settle()
        self.assertEqual(self.server.texts(DIRECT, BOB), ["0", "1", "2"])
        sent.append(Deferred.fromCoroutine(client.send(DIRECT, "9")))
        for _ in range(20):
            self.clock.advance(0.1)
            self.server.settle()
        self.assertEqual(self.server.texts(DIRECT, BOB), [f"{n}" for n in range(10)])
        self.assertEqual([self.successResultOf(one).seq for one in sent], list(range(1, 11)))

    def test_a_group_is_created_once(self) -> None:
        """However often it is asked, because the request has a number that stays."""
        client = self.client()
        created = Deferred.fromCoroutine(client.create_group("team", ["alice"]))
        self.server.settle()
        self.successResultOf(created)
        again = Deferred.fromCoroutine(client.create_group("team", []))
        self.server.connection.serve()
        self.reconnect()
        self.assertEqual(self.successResultOf(again).conversation.id, 101)
        self.assertEqual(
            self.heard(CreateGroup),
            [CreateGroup("team", [1], Once(1000, 1)), *[CreateGroup("team", [], Once(1000, 2))] * 2],
        )

    def test_groups_are_joined(self) -> None:
        """At once, or when an admin has granted it; whatever is asked carries a number of its own."""
        client = self.client()
        opened = ConversationOpened(Membership(group(30, "new"), 1, 0, 0, 0, 0))
        answers: dict[type, Event] = {
            FindGroup: GroupFound(group(30, "new"), 5),
            JoinGroup: opened,
            DissolveGroup: GroupChanged(30, 2),
        }
        self.server.override = lambda request: answers.get(type(request))
        self.assertEqual(self.result(client.find_group(3)).members, 5)
        self.assertEqual(self.result(client.join_group(3)), opened.membership)
        answers[JoinGroup] = Done()
        self.assertIsNone(self.result(client.join_group(3, "please")))
        self.assertEqual(self.result(client.change_group(DissolveGroup(30))).seq, 2)
        self.assertEqual(
            self.heard(JoinGroup) + self.heard(DissolveGroup),
            [
                JoinGroup(3, "", Once(1000, 1)),
                JoinGroup(3, "please", Once(1000, 2)),
                DissolveGroup(30, Once(1000, 3)),
            ],
        )

    def test_the_epoch_grows(self) -> None:
        """With every start, although the clock may go back."""
        self.client(DeviceState(token=b"token", epoch=5))
        self.assertEqual(self.state.epoch, 1000)
        self.client(self.state)
        self.assertEqual(self.state.epoch, 1001)

    def test_refusals_reach_the_caller(self) -> None:
        """With their code."""
        call = Deferred.fromCoroutine(self.client().send_to("nobody", "x"))
        self.server.override = lambda request: Refused("NOT_FOUND", "")
        self.server.settle()
        self.assertEqual(self.failureResultOf(call, RequestRefused).value.code, "NOT_FOUND")

    def test_signals(self) -> None:
        """Are told when there is a connection, and forgotten otherwise."""
        client = self.client()
        client.mark_read(DIRECT, 3)
        client.set_typing(DIRECT, True)
        self.server.connection.to_serve.clear()
        self.server.connection.cut()
        client.set_typing(DIRECT, False)
        self.assertEqual(self.server.heard[-2:], [MarkRead(DIRECT, 3), SetTyping(DIRECT, True)])

    def test_lists_are_read_to_their_end(self) -> None:
        """However many pages they have."""
        client = self.client()
        for number in range(7):
            self.server.say(DIRECT, str(number))
        self.assertEqual(len(self.result(client.conversations())), 2)
        messages = self.result(client.newest(DIRECT, 5))
        self.assertEqual([message.body for message in messages], [b"2", b"3", b"4", b"5", b"6"])
        self.assertEqual(self.result(client.newest(DIRECT, 100))[0].body, b"0")
        self.assertEqual(self.result(client.open_direct("alice")).conversation, direct())

    def test_register(self) -> None:
        """On a connection of its own, which is closed."""
        self.assertEqual(self.result(register(self.clock, self.server, "bob", PASSWORD)), BOB)
        self.clock.advance(0)
        self.assertFalse(self.server.connected)


class LifeTests(Base):
    """Beginning and end."""

    def test_state_is_saved(self) -> None:
        """The token at once, cursors at most once a second, everything at the end."""
        client = self.client()
        self.assertEqual((len(self.saved), self.state.token), (1, b"token"))
        for number in range(5):
            self.server.say(DIRECT, str(number))
        self.server.settle()
        self.assertEqual(len(self.saved), 1)
        self.clock.advance(SAVE_SECONDS)
        self.assertEqual((len(self.saved), self.saved[-1].cursors[DIRECT]), (2, 5))
        self.server.say(DIRECT, "6")
        self.server.settle()
        self.close(client)
        self.assertEqual((len(self.saved), self.saved[-1].cursors[DIRECT]), (3, 6))

    def test_close(self) -> None:
        """What was given is acknowledged first; who still waits learns that it is over; a second time does nothing."""
        client = self.client()
        self.server.say(DIRECT, "one")
        self.server.settle()
        waiting = Deferred.fromCoroutine(client.send(DIRECT, "too late"))
        self.close(client)
        self.assertEqual(self.heard(MarkDelivered), [MarkDelivered(DIRECT, 1)])
        self.failureResultOf(waiting, NotConnected)
        self.assertEqual(self.successResultOf(client.ended).code, NotConnected.CLOSED)
        self.close(client)
        self.failureResultOf(Deferred.fromCoroutine(client.send(DIRECT, "x")), NotConnected)
        self.failureResultOf(Deferred.fromCoroutine(client.conversations()), NotConnected)

    def test_close_before_any_login(self) -> None:
        """Is possible."""
        self.close(Client(self.clock, self.server, self.events.append))

    def test_close_while_logging_in(self) -> None:
        """The login fails then, and its connection does not stay."""
        client = Client(self.clock, self.server, self.events.append)
        login = Deferred.fromCoroutine(client.log_in(BOB.name, PASSWORD))
        closing = Deferred.fromCoroutine(client.close())
        self.server.settle()
        self.clock.advance(0)
        self.successResultOf(closing)
        self.failureResultOf(login, NotConnected)
        self.assertFalse(self.server.connected)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_log_out(self) -> None:
        """The token is gone from the state."""
        client = self.client()
        gone = Deferred.fromCoroutine(client.log_out())
        self.server.settle()
        self.clock.advance(0)
        self.successResultOf(gone)
        self.assertEqual(self.saved[-1].token, b"")

    def test_revoked(self) -> None:
        """The token is forgotten; a device that was replaced keeps its token."""
        for code, token in (("REVOKED", b""), ("REPLACED", b"token"), ("FORBIDDEN", b"token")):
            client = self.client()
            self.server.connection.tell(Closing(code, ""))
            self.server.settle()
            self.server.connection.cut()
            self.assertEqual(self.successResultOf(client.ended).code, code)
            self.assertEqual(self.saved[-1].token, token)

    def test_a_token_that_is_not_taken(self) -> None:
        """Is forgotten, so that the next run asks for the password."""
        state = DeviceState(name="bob", token=b"stale")
        client = Client(self.clock, self.server, self.events.append, state=state, save=self.saved.append)
        login = Deferred.fromCoroutine(client.log_in_again())
        self.server.settle()
        self.failureResultOf(login, RequestRefused)
        self.assertEqual(self.saved[-1].token, b"")

    def test_go_away(self) -> None:
        """The server says when to come back."""
        self.client()
        self.server.connection.tell(GoAway(5000))
        self.server.settle()
        self.server.connection.cut()
        self.clock.advance(4.9)
        self.assertEqual(len(self.server.connections), 1)
        self.clock.advance(0.1)
        self.assertEqual(len(self.server.connections), 2)

    def test_who_does_not_receive(self) -> None:
        """Fetches nothing, acknowledges nothing, and gets no events."""
        self.server.say(DIRECT, "one")
        client = self.client(receives=False)
        self.server.say(DIRECT, "two")
        self.result(client.send(DIRECT, "mine"))
        self.clock.advance(1)
        self.server.settle()
        self.assertEqual((self.events, self.heard(MarkDelivered), self.heard(Synchronise)), ([], [], []))

    def test_a_state_that_cannot_be_saved(self) -> None:
        """Is logged; chatting goes on."""

        def full(state: DeviceState) -> None:
            raise StateError("no space left")

        client = Client(self.clock, self.server, self.events.append, save=full)
        self.result(client.log_in(BOB.name, PASSWORD))
        self.assertEqual(self.result(client.send(DIRECT, "hello")).seq, 1)
