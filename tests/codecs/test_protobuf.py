"""The native wire's codec: the .proto is the core's requests and events; any bytes give a value or a clear error."""

import dataclasses
import types
import typing
from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from imserver.codecs.interfaces import IRuns
from imserver.codecs.mapping import snake_case
from imserver.codecs.protobuf import ProtobufCodec
from imserver.core import client_ids
from imserver.core import events as e
from imserver.core import requests as r
from imserver.core import values as v
from imserver.core.errors import UnreadableRequest, WireError
from imserver.core.run import Run
from imserver.interfaces import ICodec
from imserver.proto import native_pb2 as pb
from tests import native_page

CODEC = ProtobufCodec()
REQUESTS: tuple[type, ...] = typing.get_args(r.Request)
# MessageArrived is for wires that show one message at a time; this one has RunArrived.
EVENTS: tuple[type, ...] = tuple(kind for kind in typing.get_args(e.Event) if kind is not e.MessageArrived)
EDGES = (0, 1, 2**31 - 1, 2**31, 2**53 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1)

# -- the .proto against the core ---------------------------------------------------------------------

_SCALARS = {
    FieldDescriptor.TYPE_UINT64: int,
    FieldDescriptor.TYPE_UINT32: int,
    FieldDescriptor.TYPE_STRING: str,
    FieldDescriptor.TYPE_BYTES: bytes,
    FieldDescriptor.TYPE_BOOL: bool,
}


def of_core(kind: type) -> dict[str, object]:
    """Field -> (repeated, type), as the core has it."""
    hints = typing.get_type_hints(kind)
    if kind is e.RunArrived:
        del hints["conversation"]  # the run names it
    if kind is Run:
        for name in ("stem", "number", "withheld"):  # the first two are the client id of the first message
            del hints[name]
        hints["client_id"] = bytes
    return {name: _shape(hint) for name, hint in hints.items()}


def _shape(hint: Any) -> tuple[bool, object]:
    if typing.get_origin(hint) in (list, tuple, Sequence):
        return True, _shape(typing.get_args(hint)[0])[1]
    if isinstance(hint, types.UnionType):
        return False, next(one.__name__ for one in typing.get_args(hint) if one is not type(None))
    if dataclasses.is_dataclass(hint):
        return False, hint.__name__
    return False, int if issubclass(hint, IntEnum) else hint


def of_proto(descriptor: Any) -> dict[str, object]:
    """The same, as the .proto has it."""
    return {
        field.name: (
            field.is_repeated,
            field.message_type.name if field.message_type else _SCALARS[field.type],
        )
        for field in descriptor.fields
    }


class SchemaTests(SynchronousTestCase):
    """imserver/proto/native.proto says nothing but what the core has, and all of it."""

    def frame(self, name: str, oneof: str) -> dict[str, Any]:
        descriptor = pb.DESCRIPTOR.message_types_by_name[name]
        return {field.name: field.message_type for field in descriptor.oneofs_by_name[oneof].fields}

    def test_frames(self) -> None:
        """ClientFrame has every request under its name, ServerFrame every event, and neither anything else."""
        for name, oneof, kinds in (("ClientFrame", "request", REQUESTS), ("ServerFrame", "event", EVENTS)):
            found = self.frame(name, oneof)
            self.assertEqual(
                {field: kind.name for field, kind in found.items()},
                {snake_case(kind.__name__): kind.__name__ for kind in kinds},
            )

    def test_fields(self) -> None:
        """Each request, event and value has the same fields of the same types on both sides."""
        described = pb.DESCRIPTOR.message_types_by_name
        kinds = [*REQUESTS, *EVENTS, Run, *(getattr(v, name) for name in self.values())]
        for kind in kinds:
            self.assertEqual(of_proto(described[kind.__name__]), of_core(kind), kind.__name__)

    def values(self) -> set[str]:
        frames = {"ClientFrame", "ServerFrame", "Run"}
        named = {kind.__name__ for kind in (*REQUESTS, *EVENTS)}
        return set(pb.DESCRIPTOR.message_types_by_name) - named - frames

    def test_nothing_else(self) -> None:
        """Every other message of the .proto is a value of the core."""
        self.assertEqual([name for name in self.values() if not hasattr(v, name)], [])

    def test_interface(self) -> None:
        """The codec provides ICodec, and IRuns."""
        self.assertTrue(verifyObject(ICodec, CODEC))
        self.assertTrue(verifyObject(IRuns, CODEC))


# -- there and back ----------------------------------------------------------------------------------

NUMBERS = st.one_of(st.sampled_from([n for n in EDGES if n < 2**63]), st.integers(0, 2**63 - 1))
SMALL = st.integers(0, 2**32 - 1)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
_UINT32 = {"limit", "kind", "role", "policy", "join_policy", "more", "state"}


def values_of(kind: type) -> st.SearchStrategy[Any]:
    """Any value of a dataclass that the wire can carry."""
    if kind is Run:
        return runs()
    if kind is e.RunArrived:
        return runs().map(arrived)
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{name: field_of(name, hint) for name, hint in hints.items()})


@st.composite
def runs(draw: st.DrawFn) -> Run:
    stem, number = client_ids.split(draw(st.binary(max_size=30)))
    bodies = draw(st.lists(st.binary(max_size=30), max_size=3))
    conversation, first_seq, sender, time_ms = (draw(NUMBERS) for _ in range(4))
    name, content_type, kind = draw(TEXTS), draw(TEXTS), draw(SMALL)
    extra = draw(st.none() | values_of(v.Extra))
    return Run(
        conversation, first_seq, sender, name, stem, number, kind, content_type, bodies, time_ms, extra=extra
    )


def field_of(name: str, hint: Any) -> st.SearchStrategy[Any]:
    if typing.get_origin(hint) is list:
        return st.lists(field_of(name, typing.get_args(hint)[0]), max_size=3)
    if typing.get_origin(hint) is tuple:
        return st.lists(field_of(name, typing.get_args(hint)[0]), max_size=2).map(tuple)
    if isinstance(hint, types.UnionType):
        return st.none() | values_of(next(one for one in typing.get_args(hint) if one is not type(None)))
    if dataclasses.is_dataclass(hint):
        return values_of(hint)
    if issubclass(hint, IntEnum):
        return st.sampled_from(list(hint))
    if hint is int:
        return SMALL if name in _UINT32 else NUMBERS
    return {str: TEXTS, bytes: st.binary(max_size=30), bool: st.booleans()}[hint]


def arrived(run: Run) -> e.RunArrived:
    """As a client has it: of the conversation only the id travels."""
    return e.RunArrived(run, v.Conversation(run.conversation, v.ConversationKind.GROUP, "", ()))


class RoundTripTests(SynchronousTestCase):
    @settings(max_examples=600)
    @given(st.sampled_from(REQUESTS).flatmap(values_of), st.integers(0, 2**64 - 1))
    def test_requests(self, request: r.Request, tag: int) -> None:
        """decode(encode_request(x)) == x, and the tag with it."""
        self.assertEqual(CODEC.decode(CODEC.encode_request(request, tag)), (tag, request))

    @settings(max_examples=600)
    @given(st.sampled_from(EVENTS).flatmap(values_of), st.integers(0, 2**64 - 1))
    def test_events(self, event: e.Event, tag: int) -> None:
        """decode_event(encode(x)) == x, and the tag with it."""
        tag = 0 if isinstance(event, e.RunArrived) else tag  # it happens by itself
        self.assertEqual(CODEC.decode_event(CODEC.encode(event, tag)), (tag, event))

    def test_every_kind(self) -> None:
        """The simplest value of every request and event makes the way, whatever chance chose above."""
        for kind in REQUESTS:
            request = simplest(kind)
            self.assertEqual(CODEC.decode(CODEC.encode_request(request, 7)), (7, request))
        for kind in EVENTS:
            event = simplest(kind)
            self.assertEqual(type(CODEC.decode_event(CODEC.encode(event, 7))[1]), kind)

    def test_nothing_is_left_over(self) -> None:
        """Messages that are kept and refilled carry nothing from one frame into the next."""
        full = Run(1, 2, 3, "alice", b"stem", 7, 3, "a/b", [b"body", b"text"], 4)
        empty = Run(0, 0, 0, "", b"", -1, 0, "", [b""], 0)
        said = dataclasses.replace(empty, extra=v.Extra(about=5, mentions=[6, 7]))
        for run in (full, empty, said, empty, full):
            event = arrived(run)
            self.assertEqual(CODEC.decode_event(CODEC.encode(event, 0)), (0, event))
        for run, tag in ((full, 9), (empty, 0), (full, 2**64 - 1)):
            sent = e.Sent(run.conversation, run.first_seq, run.time_ms, max(0, len(run.bodies) - 1))
            self.assertEqual(CODEC.decode_event(CODEC.encode_sent(run, tag)), (tag, sent))
        for send in (
            r.Send(1, b"id", 3, "a/b", b"body"),
            r.Send(0, b"", 0, "", b"", v.Extra(1)),
            r.Send(0, b"", 0, "", b""),
        ):
            self.assertEqual(CODEC.decode(CODEC.encode_request(send, 0)), (0, send))

    def test_many(self) -> None:
        """Kept messages are renewed now and then: the ten thousandth frame is as good as the first."""
        event = arrived(Run(1, 2, 3, "alice", b"", 7, 3, "a/b", [b"x" * 5000], 4))
        first = CODEC.encode(event, 0)
        self.assertEqual({CODEC.encode(event, 0) for _ in range(10_000)}, {first})


def simplest(kind: Any) -> Any:
    """Zeros, empty strings, no elements."""
    if kind is Run:
        return Run(0, 0, 0, "", b"", -1, 0, "", [], 0)
    arguments = []
    for hint in typing.get_type_hints(kind).values():
        if dataclasses.is_dataclass(hint):
            arguments.append(simplest(hint))
        elif typing.get_origin(hint) in (list, tuple):
            arguments.append(typing.get_origin(hint)())
        elif isinstance(hint, types.UnionType):
            arguments.append(None)
        else:
            arguments.append(hint(1) if issubclass(hint, IntEnum) else hint())
    return kind(*arguments)


# -- rubbish -----------------------------------------------------------------------------------------


class RubbishTests(SynchronousTestCase):
    def decode(self, frame: bytes) -> None:
        try:
            tag, request = CODEC.decode(frame)
        except (UnreadableRequest, WireError):
            return
        self.assertIsInstance(request, REQUESTS)
        self.assertTrue(0 <= tag < 2**64)

    def decode_event(self, frame: bytes) -> None:
        try:
            _, event = CODEC.decode_event(frame)
        except WireError:
            return
        self.assertIsInstance(event, (*EVENTS, type(None)))

    @settings(max_examples=1000)
    @given(st.binary(max_size=200))
    def test_any_bytes(self, frame: bytes) -> None:
        """Any bytes give a request, UnreadableRequest or WireError; and an event, None or WireError."""
        self.decode(frame)
        self.decode_event(frame)

    @settings(max_examples=500)
    @given(st.sampled_from(REQUESTS + EVENTS).flatmap(values_of), st.data())
    def test_damaged_frames(self, value: Any, data: st.DataObject) -> None:
        """So do good frames with one byte changed, or cut."""
        encode = CODEC.encode_request if isinstance(value, REQUESTS) else CODEC.encode
        frame = bytearray(encode(value, 1))
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
        damaged = bytes(frame[: data.draw(st.integers(0, len(frame)))])
        self.decode(damaged)
        self.decode_event(damaged)

    def test_integers(self) -> None:
        """Every integer field of every message at every edge gives a value or the clear error (threats.md T10)."""
        for frame, field in integer_fields():
            for n in EDGES:
                set_integer(frame, field, n)
                data = frame.SerializeToString()
                self.decode(data) if isinstance(frame, pb.ClientFrame) else self.decode_event(data)

    def test_too_large(self) -> None:
        """A number over 2**63 - 1 in a message that has come is the server's fault, and said so."""
        frame = pb.ServerFrame(run_arrived=pb.RunArrived(run=pb.Run(first_seq=2**63)))
        self.assertRaises(WireError, CODEC.decode_event, frame.SerializeToString())

    def test_unknown_request(self) -> None:
        """A request of a later version is refused under its tag, and so is a frame without one."""
        for frame in (b"\x08\x05", b"\x08\x05\xfa\x3f\x00"):
            error = self.assertRaises(UnreadableRequest, CODEC.decode, frame)
            self.assertEqual((error.tag, error.code), (5, "BAD_REQUEST"))

    def test_unknown_event(self) -> None:
        """An event of a later version is None."""
        self.assertEqual(CODEC.decode_event(b"\x08\x05\xfa\x3f\x00"), (5, None))

    def test_unknown_fields(self) -> None:
        """Fields of a later version are ignored, and not passed on."""
        frame = CODEC.encode_request(r.Ping(), 5) + b"\xfa\x3f\x03abc"
        self.assertEqual(CODEC.decode(frame), (5, r.Ping()))

    def test_not_utf8(self) -> None:
        """A string that is not UTF-8 is no protobuf."""
        self.assertRaises(WireError, CODEC.decode, b"\x08\x05\x52\x03\x0a\x01\xff")

    def test_long_lists(self) -> None:
        """Over 1,000 elements are refused under their tag."""
        frame = CODEC.encode_request(r.CreateGroup("title", [1] * 1001), 5)
        self.assertEqual(self.assertRaises(UnreadableRequest, CODEC.decode, frame).tag, 5)

    def test_nested_deeply(self) -> None:
        """Depth costs nothing: protobuf itself stops at a hundred."""
        frame = b""
        for _ in range(10_000):
            frame = (b"\x0b" + frame[:4000] + b"\x0c")[-8000:]
        self.decode(frame)


def integer_fields() -> list[tuple[Any, list[Any]]]:
    """Every integer field that a frame can hold, as (empty frame, path to it)."""
    found = []
    for make in (pb.ClientFrame, pb.ServerFrame):
        for path in _paths(make.DESCRIPTOR, []):
            found.append((make(), path))
    return found


def _paths(descriptor: Any, before: list[Any]) -> list[list[Any]]:
    paths = []
    for field in descriptor.fields:
        if field.message_type:
            paths += _paths(field.message_type, [*before, field])
        elif _SCALARS[field.type] is int:
            paths.append([*before, field])
    return paths


def set_integer(frame: Any, path: list[Any], n: int) -> None:
    """Put n there; in lists, as their only element."""
    frame.Clear()
    message = frame
    for field in path[:-1]:
        inner = getattr(message, field.name)
        message = inner.add() if field.is_repeated else inner
    last = path[-1]
    n = min(n, 2**32 - 1) if last.type == FieldDescriptor.TYPE_UINT32 else n
    if last.is_repeated:
        getattr(message, last.name).append(n)
    else:
        setattr(message, last.name, n)


class GoldenTests(SynchronousTestCase):
    def test_the_page(self) -> None:
        """The frames printed in docs/wires/native.md are these bytes, both ways, for good."""
        steps = native_page.steps()
        self.assertGreater(len(steps), 10)
        for step in steps:
            payload = step.frame[4:]
            encode = CODEC.encode_request if step.to_server else CODEC.encode
            decode = CODEC.decode if step.to_server else CODEC.decode_event
            self.assertEqual(encode(step.value, step.tag), payload, step)
            self.assertEqual(decode(payload), (step.tag, step.value), step)

    def test_secrets_are_not_shown(self) -> None:
        """Passwords and tokens are not in the repr of what is decoded."""
        for request in (
            r.Register("alice", "s3cret", "A"),
            r.LogIn("alice", "s3cret", ""),
            r.ChangePassword("s3cret", "s3cret"),
            r.DeleteAccount("s3cret"),
            r.LogInWithToken(b"s3cret"),
            r.Resume(b"s3cret"),
        ):
            self.assertNotIn("s3cret", repr(CODEC.decode(CODEC.encode_request(request, 1))))
