"""What makes a framed wire: how its frames are cut, what they mean, what its clients can do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from imserver.core.burst import Burst
from imserver.core.capabilities import Capabilities
from imserver.core.events import Event, MessageArrived, Sent
from imserver.core.posting import Posting
from imserver.interfaces import ICodec
from imserver.net.framing import Framing
from imserver.net.projection import ProjectingCodec, Projection


@dataclass(slots=True, frozen=True, eq=False)
class Dialect:
    """Compared by identity, because it is the key under which a burst keeps its frames.

    `login_seconds` overrides the limit of that name for clients of people who type, and `idle_seconds` those of
    frames and signs of life.
    """

    framing: type[Framing]
    codec: ICodec
    capabilities: Capabilities
    login_seconds: float = 0.0
    idle_seconds: float = 0.0

    def through(self, projection: Projection) -> "Dialect":
        """The same, of which only what the projection leaves is asked."""
        if projection.changes_nothing:
            return self
        return replace(self, codec=ProjectingCodec(self.codec, projection))

    def frame(self, event: Event, tag: int) -> bytes:
        """The event as bytes; none if this wire cannot show it."""
        payload = self.codec.encode(event, tag)
        return b"" if payload is None else self.framing.pack(payload)

    def frames(self, burst: Burst) -> bytes:
        """The burst as bytes, made when first asked for."""
        frames = burst.encodings.get(self)
        if frames is None:
            frames = burst.encodings[self] = self._encode(burst)
        return frames

    def _encode(self, burst: Burst) -> bytes:
        encode, pack = self.codec.encode, self.framing.pack
        frames = []
        # One event for all: a codec keeps nothing of it.
        event = MessageArrived(burst.messages[0], burst.conversation)
        for message in burst.messages:
            event.message = message
            payload = encode(event, 0)
            if payload is not None:
                frames.append(pack(payload))
        return b"".join(frames)

    def acknowledgements(self, postings: Sequence[Posting]) -> bytes:
        """A Sent for each, as bytes."""
        encode, pack = self.codec.encode, self.framing.pack
        frames = []
        event = Sent(0, 0, 0)
        for posting in postings:
            event.conversation, event.seq, event.time_ms = posting.conversation, posting.seq, posting.time_ms
            payload = encode(event, posting.tag)
            if payload is not None:
                frames.append(pack(payload))
        return b"".join(frames)
