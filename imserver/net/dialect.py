"""What makes a framed wire: how its frames are cut, what they mean, what its clients can do."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from imserver.codecs.interfaces import IRuns
from imserver.core.burst import Burst
from imserver.core.capabilities import Capabilities
from imserver.core.events import Event, RunArrived, Sent
from imserver.core.run import Run
from imserver.core.singly import singly
from imserver.interfaces import ICodec
from imserver.net.framing import Framing
from imserver.net.projection import ProjectingCodec, Projection


@dataclass(slots=True, frozen=True, eq=False)
class Dialect:
    """Compared by identity, because it is the key under which a burst keeps its frames.

    `login_seconds` overrides the limit of that name for clients of people who type, and `idle_seconds` those of
    frames and signs of life.  A codec that provides IRuns encodes messages in a row at once; the others get a
    MessageArrived, or a Sent, for each.
    """

    framing: type[Framing]
    codec: ICodec
    capabilities: Capabilities
    login_seconds: float = 0.0
    idle_seconds: float = 0.0
    runs: IRuns | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "runs", IRuns(self.codec, None))

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

    def acknowledgements(self, run: Run, tags: Sequence[int]) -> bytes:
        """What answers the sends of these messages, as bytes."""
        if self.runs and (len(tags) == 1 or tags == list(range(tags[0], tags[0] + len(tags)))):
            return self.framing.pack(self.runs.encode_sent(run, tags[0]))
        sent = singly(Sent(run.conversation, run.first_seq, run.time_ms, len(tags) - 1), 0)
        return b"".join([self.frame(one, tag) for tag, (one, _) in zip(tags, sent, strict=True)])

    def _encode(self, burst: Burst) -> bytes:
        if self.runs:
            return self.framing.pack(self.runs.encode_run(burst.run))
        arrived = RunArrived(burst.run, burst.conversation)
        return b"".join([self.frame(one, 0) for one, _ in singly(arrived, 0)])
