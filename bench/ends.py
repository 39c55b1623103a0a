"""The two ends of a stream on each wire: who sees what, and checks it."""

from time import monotonic

from bench.frames import CODEC, Compose, body, client_id, pack, tag
from bench.load import BrokenPromise, Line, Load, Stream
from imserver.client.acknowledgements import MAX_DELAY_SECONDS, MAX_UNACKNOWLEDGED
from imserver.core.requests import FetchHistory, MarkDelivered, Ping, Request
from imserver.net.framing import Int32Framing
from imserver.proto.native_pb2 import Run, ServerFrame

MAX_FRAME_BYTES = 512 * 1024


class RelayReceiver:
    """Gets the frames exactly as they were composed, and answers nothing."""

    def __init__(self, line: Line, stream: Stream, compose: Compose) -> None:
        self._stream = stream
        self._compose = compose
        self._frame_bytes = len(compose(1, 1))
        self._next = 1
        self._rest = b""
        line.received = self._received

    def _received(self, data: bytes) -> None:
        data = self._rest + data
        count, rest = divmod(len(data), self._frame_bytes)
        self._rest = data[len(data) - rest :]
        if not count:
            return
        if data[: len(data) - rest] != self._compose(self._next, count):
            raise BrokenPromise(f"the relay did not pass on {self._next} and the {count - 1} after it")
        self._stream.received(self._next, count, monotonic())
        self._next += count


class NativeEnd:
    """Parses what the server sends; subclasses say what they expect."""

    def __init__(self, line: Line) -> None:
        self._framing = Int32Framing(MAX_FRAME_BYTES)
        self._line = line
        line.received = self._received

    def _received(self, data: bytes) -> None:
        self._framing.receive(data)
        for payload in self._framing.frames():
            frame = ServerFrame.FromString(payload)
            kind = frame.WhichOneof("event")
            if kind == "probe":
                self.tell(Ping())
            elif kind in ("refused", "closing", "go_away"):
                raise BrokenPromise(str(frame))
            else:
                self._event(kind, frame)
        self._segment_ended()

    def tell(self, request: Request) -> None:
        """Send a request; nobody matches its answer by the tag."""
        self._line.write(pack(CODEC.encode_request(request, 1)))

    def _event(self, kind: str | None, frame: ServerFrame) -> None:
        raise NotImplementedError

    def _segment_ended(self) -> None:
        """All events of a segment have been seen."""


class NativeSender(NativeEnd):
    """Sees the answers to its sends, in the order of sending."""

    def __init__(self, line: Line, stream: Stream) -> None:
        super().__init__(line)
        self._stream = stream
        self._next = 1
        self._new = 0
        self._seq = 0

    def _event(self, kind: str | None, frame: ServerFrame) -> None:
        if kind != "sent":
            return
        number, more = self._next + self._new, frame.sent.more
        follows = not self._seq or frame.sent.seq == self._seq + 1
        if frame.tag != tag(number) or frame.tag + more != tag(number + more) or not follows:
            raise BrokenPromise(f"after message {number - 1}, seq {self._seq}: {frame}")
        self._seq = frame.sent.seq + more
        self._new += 1 + more

    def _segment_ended(self) -> None:
        if self._new:
            self._stream.acknowledged(self._next, self._new, monotonic())
            self._next += self._new
            self._new = 0


class NativeReceiver(NativeEnd):
    """Sees the messages, every one once and in order, and says that it has them as the client library does."""

    def __init__(self, line: Line, stream: Stream, load: Load, source: bytes) -> None:
        super().__init__(line)
        self._stream = stream
        self._load = load
        self._source = source
        self._next = 1
        self._new = 0
        self._conversation = 0
        self._seq = 0
        self._marked = 0
        self._timer = False

    def _event(self, kind: str | None, frame: ServerFrame) -> None:
        if kind == "run_arrived":
            self._arrived(frame.run_arrived.run)
        elif kind == "behind":
            self._fetch(frame.behind.conversation)
        elif kind == "history":
            for run in frame.history.runs:
                self._arrived(run)
            if frame.history.more:
                self._fetch(frame.history.conversation)

    def _fetch(self, conversation: int) -> None:
        self.tell(FetchHistory(conversation, self._seq, 0, 0))

    def _arrived(self, run: Run) -> None:
        if not run.client_id.startswith(self._source):
            return
        number, count = self._next + self._new, len(run.bodies)
        bodies = [body(n) for n in range(number, number + count)]
        if run.client_id != client_id(self._source, number) or list(run.bodies) != bodies:
            raise BrokenPromise(f"instead of message {number}: {run}")
        if self._seq and run.first_seq != self._seq + 1:
            raise BrokenPromise(f"after seq {self._seq}: {run}")
        self._conversation, self._seq = run.conversation, run.first_seq + count - 1
        self._new += count

    def _segment_ended(self) -> None:
        if not self._new:
            return
        self._stream.received(self._next, self._new, monotonic())
        self._next += self._new
        self._new = 0
        if self._seq - self._marked >= MAX_UNACKNOWLEDGED:
            self._mark()
        elif not self._timer:
            self._timer = True
            self._load.later.append((monotonic() + MAX_DELAY_SECONDS, self._time_is_up))

    def _time_is_up(self) -> None:
        self._timer = False
        if self._seq > self._marked:
            self._mark()

    def _mark(self) -> None:
        self._marked = self._seq
        self.tell(MarkDelivered(self._conversation, self._seq))
