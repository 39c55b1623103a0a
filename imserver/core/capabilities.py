"""What the clients of a wire can do, and what it can show them."""

from dataclasses import dataclass

from imserver.core.events import NEWS
from imserver.core.values import Kind


@dataclass(slots=True, frozen=True)
class Capabilities:
    """Declared by each wire.

    `wire` names it.  `acknowledges`: its clients send MarkDelivered; otherwise the connection judges when messages
    have arrived.  `fetches`: they ask for what they missed; otherwise the core feeds it to them.
    `open_contacts`: they expect that who is asked is a contact, so accounts registered over it begin open to contacts.
    `kinds` of messages and `events` among NEWS are what it can show; the rest is put in other words
    (net/projection.py).
    """

    wire: str
    acknowledges: bool = True
    fetches: bool = True
    open_contacts: bool = False
    kinds: frozenset[int] = frozenset(Kind)
    events: frozenset[type] = NEWS
