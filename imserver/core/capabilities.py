"""What the clients of a wire can do, and what it can show them."""

from dataclasses import dataclass

from imserver.core.events import NEWS
from imserver.core.values import Kind


@dataclass(slots=True, frozen=True)
class Capabilities:
    """Declared by each wire.

    `wire` names it.  `acknowledges`: its clients keep account of messages: they send MarkDelivered, and what
    was refused for now again under its id; otherwise the connection judges when messages have arrived.  `fetches`: they ask for what they missed; otherwise the core feeds it to them.
    `lobby`: who logs in over this wire becomes a member of the built-in group "lobby".
    `open_contacts`: they expect that who is asked is a contact, so accounts registered over it begin open to contacts.
    `groups`: it shows in which group something is said; otherwise a group's messages come as if said by *N.
    `extras`: it shows what a message may have beside its body (values.Extra).
    `kinds` of messages and `events` among NEWS are what it can show; the rest is put in other words
    (net/projection.py).
    """

    wire: str
    acknowledges: bool = True
    fetches: bool = True
    lobby: bool = False
    open_contacts: bool = False
    groups: bool = True
    extras: bool = True
    kinds: frozenset[int] = frozenset(Kind)
    events: frozenset[type] = NEWS
