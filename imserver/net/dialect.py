"""What makes a framed wire: how its frames are cut, what they mean, what its clients can do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    frames and signs of life.  `runs`: the codec shows everything, and that as RunArrived and Sent with `more`; the
    others get MessageArrived and Sent for each message.
    """

    framing: type[Framing]
    codec: ICodec
    capabilities: Capabilities
    login_seconds: float = 0.0
    idle_seconds: float = 0.0
    runs: bool = False

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
        more = len(tags) - 1
        sent = Sent(run.conversation, run.first_seq, run.time_ms, more)
        if not more or (self.runs and tags == list(range(tags[0], tags[0] + more + 1))):
            return self.frame(sent, tags[0])
        return b"".join([self.frame(one, tag) for tag, (one, _) in zip(tags, singly(sent, 0), strict=True)])

    def _encode(self, burst: Burst) -> bytes:
        arrived = RunArrived(burst.run, burst.conversation)
        if self.runs:
            return self.frame(arrived, 0)
        return b"".join([self.frame(one, 0) for one, _ in singly(arrived, 0)])
