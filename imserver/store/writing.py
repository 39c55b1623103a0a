"""Who may write in a conversation, and whether what he says is withheld, the same in every store.

It is looked at in the transaction that stores the message: so nothing of somebody follows the change that has ended
his right to it, whatever had been taken on before.
"""

from dataclasses import dataclass

from imserver.core.errors import muted, nobody_left
from imserver.store.outcomes import not_member


@dataclass(slots=True, frozen=True)
class Standing:
    """Of a present member: until when he is muted, by himself or as everybody who is no admin.

    In a direct conversation `is_ended` if one of the two accounts does not exist any more, and `is_withheld` if the
    other one has blocked him.
    """

    muted_until_ms: int
    is_ended: bool
    is_withheld: bool


def check_may_write(standing: Standing | None, now_ms: int) -> None:
    """Raises NOT_MEMBER, NOT_FOUND or FORBIDDEN."""
    if standing is None:
        raise not_member()
    if standing.is_ended:
        raise nobody_left()
    if standing.muted_until_ms > now_ms:
        raise muted(standing.muted_until_ms)
