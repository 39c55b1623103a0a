"""The native wire's codec: protobuf ClientFrame and ServerFrame (imserver/proto/native.proto).

Requests and events are found by name, so a new one needs a message in the .proto and nothing here.  What
flows with every message (Send, MarkDelivered, Sent, RunArrived) goes by hand, as do runs in history, and the frames that are
encoded most are kept and refilled, which is four times as cheap as making them anew.  A refilled message keeps
the memory of all strings it ever held (its arena only grows), so it is replaced after ARENA_BYTES of them.
"""

import typing
from typing import Any

from google.protobuf.message import DecodeError
from google.protobuf.message import Message as Protobuf
from zope.interface import implementer

from imserver.codecs import mapping
from imserver.codecs.interfaces import IRuns
from imserver.core import client_ids
from imserver.core.errors import UnreadableRequest, WireError
from imserver.core.events import Event, History, RunArrived
from imserver.core.requests import MarkDelivered, Request, Send
from imserver.core.run import Run
from imserver.core.values import Conversation, ConversationKind, Extra
from imserver.interfaces import ICodec
from imserver.proto.native_pb2 import ClientFrame, ServerFrame
from imserver.proto.native_pb2 import Run as Fields

REQUESTS: dict[str, type] = {mapping.snake_case(kind.__name__): kind for kind in typing.get_args(Request)}
EVENTS: dict[str, type] = {mapping.snake_case(kind.__name__): kind for kind in typing.get_args(Event)}
ARENA_BYTES = 64 * 1024
_FIELDS = {kind: name for name, kind in (*REQUESTS.items(), *EVENTS.items())}


@implementer(ICodec, IRuns)
class ProtobufCodec:
    """Both halves of the native wire; one instance serves any number of connections."""

    def __init__(self) -> None:
        self._sent = ServerFrame()
        self._sent_fields = self._sent.sent
        self._renew_arrived()

    def _renew_arrived(self) -> None:
        self._arrived = ServerFrame()
        self._arrived_fields = self._arrived.run_arrived.run
        self._arrived_bytes = 0

    # -- the server's half

    def decode(self, frame: bytes) -> tuple[int, Request]:
        """A ClientFrame's bytes -> (tag, request)."""
        try:
            message = ClientFrame.FromString(frame)
        except DecodeError:
            raise WireError("not a ClientFrame") from None
        name = message.WhichOneof("request")
        if name == "send" and not (send := message.send).HasField("extra"):
            return message.tag, Send(
                send.conversation, send.client_id, send.kind, send.content_type, send.body
            )
        if name == "mark_delivered":
            mark = message.mark_delivered
            return message.tag, MarkDelivered(mark.conversation, mark.seq)
        return message.tag, self._other_request(message, name)

    def _other_request(self, message: ClientFrame, name: str | None) -> Request:
        if name is None:
            raise UnreadableRequest(message.tag, "this server does not know that request")
        try:
            request: Request = mapping.read(REQUESTS[name], getattr(message, name))
        except mapping.OutOfRange as error:
            raise UnreadableRequest(message.tag, f"{name}: {error}") from None
        return request

    def encode(self, event: Event, tag: int) -> bytes:
        """An event -> a ServerFrame's bytes."""
        if type(event) is RunArrived:
            return self.encode_run(event.run)
        if type(event) is History:
            return _history(event, tag)
        return _envelope(ServerFrame(), event, tag)

    def encode_sent(self, run: Run, tag: int) -> bytes:
        """See IRuns: a Sent."""
        fields = self._sent_fields
        fields.conversation, fields.seq, fields.time_ms = run.conversation, run.first_seq, run.time_ms
        fields.more = len(run.bodies) - 1
        self._sent.tag = tag
        return self._sent.SerializeToString()

    def encode_run(self, run: Run) -> bytes:
        """See IRuns: a RunArrived."""
        if run.extra is not None:
            return _run_with_extra(run)
        _fill(self._arrived_fields, run)
        frame = self._arrived.SerializeToString()
        self._arrived_bytes += len(frame)
        if self._arrived_bytes > ARENA_BYTES:
            self._renew_arrived()
        return frame

    # -- the client's half

    def encode_request(self, request: Request, tag: int) -> bytes:
        """A request -> a ClientFrame's bytes."""
        return _envelope(ClientFrame(), request, tag)

    def decode_event(self, frame: bytes) -> tuple[int, Event | None]:
        """A ServerFrame's bytes -> (tag, event); the event is None if this version does not know it."""
        try:
            message = ServerFrame.FromString(frame)
        except DecodeError:
            raise WireError("not a ServerFrame") from None
        name = message.WhichOneof("event")
        if name is None:
            return message.tag, None
        try:
            if name == "run_arrived":
                return message.tag, _arrived(message.run_arrived.run)
            if name == "history":
                page = message.history
                return message.tag, History(page.conversation, [_run(run) for run in page.runs], page.more)
            event: Event = mapping.read(EVENTS[name], getattr(message, name))
        except mapping.OutOfRange as error:
            raise WireError(f"{name}: {error}") from None
        return message.tag, event


def _envelope(frame: Any, value: Request | Event, tag: int) -> bytes:
    frame.tag = tag
    inner: Protobuf = getattr(frame, _FIELDS[type(value)])
    inner.SetInParent()
    mapping.write(inner, value)
    encoded: bytes = frame.SerializeToString()
    return encoded


def _run_with_extra(run: Run) -> bytes:
    frame = ServerFrame()
    _fill(frame.run_arrived.run, run)
    return frame.SerializeToString()


def _history(event: History, tag: int) -> bytes:
    frame = ServerFrame(tag=tag)
    page = frame.history
    page.conversation, page.more = event.conversation, event.more
    for run in event.runs:
        _fill(page.runs.add(), run)
    return frame.SerializeToString()


def _fill(fields: Fields, run: Run) -> None:
    fields.conversation = run.conversation
    fields.first_seq = run.first_seq
    fields.sender = run.sender
    fields.sender_name = run.sender_name
    fields.client_id = client_ids.joined(run.stem, run.number)
    fields.kind = run.kind
    fields.content_type = run.content_type
    fields.bodies[:] = run.bodies
    fields.time_ms = run.time_ms
    if run.extra is not None:
        mapping.write(fields.extra, run.extra)


def _run(fields: Fields) -> Run:
    """Raises OutOfRange."""
    integers = fields.conversation, fields.first_seq, fields.sender, fields.time_ms
    conversation, first_seq, sender, time_ms = map(mapping.integer, integers)
    bodies = list(mapping.bounded(fields.bodies))
    stem, number = client_ids.split(fields.client_id)
    return Run(
        conversation,
        first_seq,
        sender,
        fields.sender_name,
        stem,
        number,
        fields.kind,
        fields.content_type,
        bodies,
        time_ms,
        extra=mapping.read(Extra, fields.extra) if fields.HasField("extra") else None,
    )


def _arrived(fields: Fields) -> RunArrived:
    """The wire carries the messages; of their conversation a client knows the rest."""
    run = _run(fields)
    return RunArrived(run, Conversation(run.conversation, ConversationKind.GROUP, "", ()))
