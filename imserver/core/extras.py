"""What a message may have beside its body: see values.Extra."""

from imserver.core.errors import ChatError, Code
from imserver.core.limits import Limits
from imserver.core.values import Extra, Kind

MAX_SEQ = 2**62  # beyond every seq

_BURNABLE = frozenset((int(Kind.TEXT), int(Kind.RICH), int(Kind.OPAQUE)))


def check_extra(kind: int, extra: Extra, limits: Limits) -> None:
    """Raises BAD_REQUEST."""
    if extra.origin:
        raise ChatError(Code.BAD_REQUEST, "who has said it first is for the server to say; use Forward")
    if not 0 <= extra.about < MAX_SEQ:
        raise ChatError(Code.BAD_REQUEST, "about is the seq of a message")
    if len(extra.mentions) > limits.max_mentions:
        raise ChatError(Code.BAD_REQUEST, f"a message mentions at most {limits.max_mentions} members")
    if not 0 <= extra.burn_seconds <= limits.max_burn_seconds:
        raise ChatError(Code.BAD_REQUEST, f"burn_seconds is at most {limits.max_burn_seconds}")
    if extra.burn_seconds and kind not in _BURNABLE:
        raise ChatError(Code.BAD_REQUEST, "only what says something can be burnt")
    if kind in (Kind.RECALL, Kind.ATTENTION) and extra.mentions:
        raise ChatError(Code.BAD_REQUEST, "what says nothing mentions nobody")
