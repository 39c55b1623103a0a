"""T26 to T28: every string of every request, with SQL in it, a little too long, and as long and costly as frames can be."""

import typing
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import count
from typing import Any

import apsw
from twisted.trial.unittest import SynchronousTestCase

from imserver.core import requests as r
from imserver.core.errors import Code
from imserver.core.events import AccountFound, ConversationOpened, Done, Event, GroupChanged, Pong, Refused
from imserver.core.limits import Limits
from imserver.core.names import MAX_NAME_CHARS
from imserver.core.rules import RULES
from imserver.core.values import JoinPolicy, Kind, State
from tests.end_to_end.peer import PASSWORD, Peer
from tests.end_to_end.siege import Siege

LIMITS = Limits()
# A login tells nobody how long passwords and tokens can be, nor a search how long names.
UNKNOWN = 0
QUOTES = ("' OR 1=1 --", "'; DROP TABLE accounts; --", '"; DELETE FROM messages; --')
# What normalising, folding, cutting and searching like least.
WORST = (" ", "@", "e\u0301\u0316", "\u202e", "\ufdfa", "%_*")
RUNS = 3  # of which the cheapest counts
# What is too long begins with this, and is nowhere to be found afterwards.
MARK = "zqxjk"
# For the rest of the request; a frame before login must leave something of the whole.
FRAME_ROOM_BYTES = 1024
# The allocator may keep Argon2's 19 MiB for each of the threads that have just hashed.
HASHES_BYTES = 40 * 1024 * 1024


@dataclass(slots=True, frozen=True)
class Row:
    """A field: `most` as accepted (0: nobody is told), the refusal of more, the one of quotes; None: accepted."""

    most: int
    too_long: Code | None
    quotes: Code | None


def _lookup(code: Code) -> Row:
    return Row(UNKNOWN, code, code)


NAME = Row(MAX_NAME_CHARS, Code.BAD_NAME, Code.BAD_NAME)
DISPLAY_NAME = Row(LIMITS.max_display_name_chars, Code.BAD_REQUEST, None)
TITLE = Row(LIMITS.max_title_chars, Code.BAD_REQUEST, None)
CLIENT_ID = Row(LIMITS.max_client_id_bytes, Code.BAD_REQUEST, None)
CONTENT_TYPE = Row(LIMITS.max_content_type_chars, Code.BAD_REQUEST, None)
BODY = Row(LIMITS.max_body_bytes, Code.BODY_TOO_LARGE, None)
# A password is looked at even if it cannot be right.
HASHING = (r.Register, r.LogIn, r.ChangePassword, r.DeleteAccount)
CREDENTIALS, NOT_FOUND = _lookup(Code.WRONG_CREDENTIALS), _lookup(Code.NOT_FOUND)

ROWS: dict[tuple[type, str], Row] = {
    (r.Hello, "client"): Row(UNKNOWN, None, None),  # not looked at
    (r.Register, "name"): NAME,
    (r.Register, "password"): Row(LIMITS.max_password_bytes, Code.BAD_PASSWORD, None),
    (r.Register, "display_name"): DISPLAY_NAME,
    (r.Register, "invitation"): Row(UNKNOWN, None, None),  # not looked at, because registration is open
    (r.Register, "signature"): Row(LIMITS.max_signature_chars, Code.BAD_REQUEST, None),
    (r.LogIn, "name"): CREDENTIALS,
    (r.LogIn, "password"): CREDENTIALS,
    (r.LogIn, "device"): Row(LIMITS.max_device_name_chars, Code.BAD_REQUEST, None),
    (r.LogInWithToken, "token"): CREDENTIALS,
    (r.Resume, "token"): CREDENTIALS,
    (r.ChangePassword, "old_password"): CREDENTIALS,
    # With a wrong old one, so that it is not changed.
    (r.ChangePassword, "new_password"): Row(
        LIMITS.max_password_bytes, Code.BAD_PASSWORD, Code.WRONG_CREDENTIALS
    ),
    (r.DeleteAccount, "password"): CREDENTIALS,
    (r.UpdateProfile, "display_name"): DISPLAY_NAME,
    (r.UpdateProfile, "signature"): Row(LIMITS.max_signature_chars, Code.BAD_REQUEST, None),
    (r.RevokeDevice, "device"): NOT_FOUND,
    (r.LookUp, "name"): NOT_FOUND,
    (r.RequestContact, "text"): Row(LIMITS.max_contact_text_chars, Code.BAD_REQUEST, None),
    (r.SetRemark, "remark"): Row(LIMITS.max_remark_chars, Code.BAD_REQUEST, None),
    (r.SetRemark, "category"): Row(LIMITS.max_category_chars, Code.BAD_REQUEST, None),
    (r.Search, "text"): Row(UNKNOWN, None, None),  # too long for a name, it finds nobody
    (r.SetPresence, "text"): Row(LIMITS.max_presence_text_chars, Code.BAD_REQUEST, None),
    (r.CreateGroup, "title"): TITLE,
    (r.RenameGroup, "title"): TITLE,
    (r.JoinGroup, "text"): Row(LIMITS.max_join_text_chars, Code.BAD_REQUEST, None),
    (r.SetAnnouncement, "text"): Row(LIMITS.max_announcement_chars, Code.BAD_REQUEST, None),
    (r.Send, "client_id"): CLIENT_ID,
    (r.Send, "content_type"): CONTENT_TYPE,
    (r.Send, "body"): BODY,
    (r.SendTo, "name"): NOT_FOUND,
    (r.SendTo, "client_id"): CLIENT_ID,
    (r.SendTo, "content_type"): CONTENT_TYPE,
    (r.SendTo, "body"): BODY,
    # The quotes are ids of what was sent.
    (r.Forward, "client_id"): Row(LIMITS.max_client_id_bytes, Code.BAD_REQUEST, Code.CLIENT_ID_REUSED),
}


def string_fields() -> Iterator[tuple[type, str]]:
    """All there are, by request and name."""
    for kind in typing.get_args(r.Request):
        hints = typing.get_type_hints(kind)
        yield from ((kind, field.name) for field in fields(kind) if hints[field.name] in (str, bytes))


class RowsTest(SynchronousTestCase):
    def test_every_field(self) -> None:
        """No string of any request is left out."""
        self.assertEqual(list(ROWS), list(string_fields()))


class FieldLengthTests(Siege):
    def begin_with(self, limits: str = "") -> None:
        """Somebody with a group, and with a conversation for both ways of sending; rates are lifted."""
        self.begin(f"enabled = false\n{limits}")
        self.ids = count(1)
        self.writer = self.peer(self.plain)
        self.writer.register("writer")
        self.writer.log_in("writer")
        opened = self.writer.expect(r.CreateGroup("group", []), ConversationOpened)
        self.group = opened.membership.conversation.id
        self.alice, self.bob = (
            self.writer.expect(r.LookUp(name, 0), AccountFound).account.number for name in ("alice", "bob")
        )
        self.befriend_bob()
        self.others = self.group_by_request()
        opened = self.writer.expect(r.OpenDirect(self.alice), ConversationOpened)
        self.direct = opened.membership.conversation.id

    def group_by_request(self) -> int:
        """-> the number of a group of alice's in which the writer is not."""
        opened = self.bystanders.alice.expect(r.CreateGroup("others", []), ConversationOpened)
        group = opened.membership.conversation
        self.bystanders.alice.expect(r.SetJoinPolicy(group.id, JoinPolicy.BY_REQUEST), GroupChanged)
        return group.number

    def befriend_bob(self) -> None:
        """The writer has a contact, about whom he can make remarks."""
        with self.peer(self.plain) as bob:
            bob.log_in("bob", "laptop")
            bob.expect(r.SetPrivacy(True, True), Done)
        self.writer.expect(r.RequestContact(self.bob, ""), Done)

    def test_every_field(self) -> None:
        """Quotes are text like any other; what is too long is refused, and nothing of it is stored."""
        self.begin_with()
        self.try_all()  # so that the daemon keeps what it keeps of large frames anyway
        with self.unnoticed(grown_bytes=HASHES_BYTES):
            self.try_all()
        self.writer.expect(r.LookUp("alice", 0), AccountFound)
        self.assertEqual(self.daemon.stop(), 0)
        self.assert_stored()

    def test_without_limit(self) -> None:
        """A field without its limit is found out."""
        self.begin_with(f"max_title_chars = {LIMITS.max_title_chars + 1}")
        self.assertRaises(self.failureException, self.try_lengths, r.RenameGroup, "title")

    def test_cost(self) -> None:
        """Nothing that fits into a frame costs as much as hashing a password does, but for what hashes one itself."""
        self.begin_with()
        hashing = min(self.cost(r.LogIn, "password", "a guess") for _ in range(RUNS))
        for kind, name in ROWS:
            for worst in WORST:
                most = 2 * hashing if kind in HASHING else hashing
                text = worst * ((self.frame_bytes(kind) - FRAME_ROOM_BYTES) // len(worst.encode()))
                costs = (self.cost(kind, name, text) for _ in range(RUNS))
                self.assertTrue(any(cost < most for cost in costs), (kind, name, ascii(worst)))

    # -- steps

    def cost(self, kind: type, name: str, text: str) -> float:
        """-> the CPU seconds of the daemon for a request with that text in that field."""
        before = self.daemon.cpu_seconds()
        self.answer(self.request(kind, name, text))
        return self.daemon.cpu_seconds() - before

    def frame_bytes(self, kind: type) -> int:
        """How long a frame with such a request may be."""
        before_login = RULES[kind].when.value[0]
        return LIMITS.max_frame_bytes_before_login if before_login else LIMITS.max_frame_bytes

    def try_all(self) -> None:
        """Every field; afterwards the connection is as good as before."""
        for kind, name in ROWS:
            self.try_quotes(kind, name)
            self.try_lengths(kind, name)
            self.writer.expect(r.Ping(), Pong)

    def try_quotes(self, kind: type, name: str) -> None:
        """They are refused for what they are, or taken as they are."""
        row = ROWS[kind, name]
        for quotes in QUOTES:
            self.assert_answer(kind, name, quotes, row.quotes)

    def try_lengths(self, kind: type, name: str) -> None:
        """The longest that is allowed, one more, and all that a frame can hold."""
        row = ROWS[kind, name]
        if row.most:
            if row.quotes is None:
                self.assert_answer(kind, name, "a" * row.most, None)
            self.assert_answer(kind, name, MARK.ljust(row.most + 1, "z"), row.too_long)
        self.assert_answer(
            kind, name, MARK.ljust(self.frame_bytes(kind) - FRAME_ROOM_BYTES, "z"), row.too_long
        )

    def assert_answer(self, kind: type, name: str, text: str, code: Code | None) -> None:
        """What a request with that text in that field is refused with; None: it is not."""
        answer = self.answer(self.request(kind, name, text))
        self.assertEqual(answer.code if isinstance(answer, Refused) else None, code, (kind, name, len(text)))

    def request(self, kind: type, name: str, text: str) -> r.Request:
        """With that text in that field."""
        request = self.otherwise_fine(kind)
        value = text if isinstance(getattr(request, name), str) else text.encode()
        return replace(request, **{name: value})

    def answer(self, request: r.Request) -> Event:
        """Of the writer, or on a new connection before its login."""
        if not RULES[type(request)].when.value[0]:
            return self.writer.ask(request)
        with Peer(self.plain) as peer:
            return peer.ask(request)

    def otherwise_fine(self, kind: type) -> Any:
        """A request that is not refused for its other fields, and never the same twice."""
        n = next(self.ids)
        client_id = b"%d" % n
        known: dict[type, r.Request] = {
            r.Hello: r.Hello("drill"),
            r.Register: r.Register(f"person{n}", PASSWORD, ""),
            r.LogIn: r.LogIn("bob", PASSWORD, ""),
            r.LogInWithToken: r.LogInWithToken(b""),
            r.Resume: r.Resume(b""),
            r.ChangePassword: r.ChangePassword("not it", PASSWORD),
            r.DeleteAccount: r.DeleteAccount(""),
            r.UpdateProfile: r.UpdateProfile("Writer", ""),
            r.RevokeDevice: r.RevokeDevice(""),
            r.LookUp: r.LookUp("", 0),
            r.RequestContact: r.RequestContact(self.alice, ""),
            r.SetRemark: r.SetRemark(self.bob, "", ""),
            r.Search: r.Search("", 0, 0),
            r.SetPresence: r.SetPresence(State.AWAY, ""),
            r.CreateGroup: r.CreateGroup("another", []),
            r.RenameGroup: r.RenameGroup(self.group, ""),
            r.JoinGroup: r.JoinGroup(self.others, ""),
            r.SetAnnouncement: r.SetAnnouncement(self.group, ""),
            r.Send: r.Send(self.direct, client_id, Kind.OPAQUE, "text/x", b""),
            r.Forward: r.Forward(self.direct, 1, self.direct, client_id),
            r.SendTo: r.SendTo("alice", client_id, Kind.OPAQUE, "text/x", b""),
        }
        return known[kind]

    def assert_stored(self) -> None:
        """Quotes as they were, nothing that was too long, and nobody is gone."""
        database = self.daemon.data / "imserver.db"
        self.assertNotIn(MARK.encode(), database.read_bytes())
        with apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY) as connection:
            bodies = b"".join(bodies for (bodies,) in connection.execute("SELECT bodies FROM runs"))
            gone = connection.execute("SELECT count(*) FROM accounts WHERE deleted_ms > 0").fetchall()
        self.assertEqual([text for text in QUOTES if text.encode() not in bodies], [])
        self.assertEqual(gone, [(0,)])
