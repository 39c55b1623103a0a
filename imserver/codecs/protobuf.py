"""The native wire's codec: protobuf ClientFrame and ServerFrame (imserver/proto/native.proto).

Requests and events are found by name, so a new one needs a message in the .proto and nothing here.  What
flows with every message (Send, MarkDelivered, Sent, MessageArrived) goes by hand, and the frames that are
encoded most are kept and refilled, which is four times as cheap as making them anew.  A refilled message keeps
the memory of all strings it ever held (its arena only grows), so it is replaced after ARENA_BYTES of them.
"""

import typing
from typing import Any

from google.protobuf.message import DecodeError
from google.protobuf.message import Message as Protobuf
from zope.interface import implementer

from imserver.codecs import mapping
from imserver.core.errors import UnreadableRequest, WireError
from imserver.core.events import Event, MessageArrived, Sent
from imserver.core.requests import MarkDelivered, Request, Send
from imserver.core.values import Conversation, ConversationKind, Message
from imserver.interfaces import ICodec
from imserver.proto.native_pb2 import ClientFrame, ServerFrame

REQUESTS: dict[str, type] = {mapping.snake_case(kind.__name__): kind for kind in typing.get_args(Request)}
EVENTS: dict[str, type] = {mapping.snake_case(kind.__name__): kind for kind in typing.get_args(Event)}
ARENA_BYTES = 64 * 1024
_FIELDS = {kind: name for name, kind in (*REQUESTS.items(), *EVENTS.items())}


@implementer(ICodec)
class ProtobufCodec:
    """Both halves of the native wire; one instance serves any number of connections."""

    def __init__(self) -> None:
        self._sent = ServerFrame()
        self._sent_fields = self._sent.sent
        self._renew_arrived()

    def _renew_arrived(self) -> None:
        self._arrived = ServerFrame()
        self._arrived_fields = self._arrived.message_arrived.message
        self._arrived_bytes = 0

    # -- the server's half

    def decode(self, frame: bytes) -> tuple[int, Request]:
        """A ClientFrame's bytes -> (tag, request)."""
        message = _parse(ClientFrame, frame)
        name = message.WhichOneof("request")
        if name == "send":
            send = message.send
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
        if type(event) is Sent:
            fields = self._sent_fields
            fields.conversation, fields.seq, fields.time_ms = event.conversation, event.seq, event.time_ms
            self._sent.tag = tag
            return self._sent.SerializeToString()
        if type(event) is MessageArrived:
            _fill(self._arrived_fields, event.message)
            self._arrived.tag = tag
            frame = self._arrived.SerializeToString()
            self._arrived_bytes += len(frame)
            if self._arrived_bytes > ARENA_BYTES:
                self._renew_arrived()
            return frame
        return _envelope(ServerFrame(), event, tag)

    # -- the client's half

    def encode_request(self, request: Request, tag: int) -> bytes:
        """A request -> a ClientFrame's bytes."""
        return _envelope(ClientFrame(), request, tag)

    def decode_event(self, frame: bytes) -> tuple[int, Event | None]:
        """A ServerFrame's bytes -> (tag, event); the event is None if this version does not know it."""
        message = _parse(ServerFrame, frame)
        name = message.WhichOneof("event")
        if name is None:
            return message.tag, None
        try:
            if name == "message_arrived":
                return message.tag, _arrived(message)
            event: Event = mapping.read(EVENTS[name], getattr(message, name))
        except mapping.OutOfRange as error:
            raise WireError(f"{name}: {error}") from None
        return message.tag, event


def _parse(kind: Any, frame: bytes) -> Any:
    try:
        return kind.FromString(frame)
    except DecodeError:
        raise WireError(f"not a {kind.__name__}") from None


def _envelope(frame: Any, value: Request | Event, tag: int) -> bytes:
    frame.tag = tag
    inner: Protobuf = getattr(frame, _FIELDS[type(value)])
    inner.SetInParent()
    mapping.write(inner, value)
    encoded: bytes = frame.SerializeToString()
    return encoded


def _fill(fields: Any, message: Message) -> None:
    fields.conversation = message.conversation
    fields.seq = message.seq
    fields.sender = message.sender
    fields.sender_name = message.sender_name
    fields.client_id = message.client_id
    fields.kind = message.kind
    fields.content_type = message.content_type
    fields.body = message.body
    fields.time_ms = message.time_ms


def _arrived(frame: ServerFrame) -> MessageArrived:
    """The wire carries the message; of its conversation a client knows the rest."""
    message: Message = mapping.read(Message, frame.message_arrived.message)
    return MessageArrived(message, Conversation(message.conversation, ConversationKind.GROUP, "", ()))
