"""What the store is told about contacts, and what it answers: bounds, outcomes, and contacts without presence."""

from dataclasses import dataclass
from enum import Enum, auto

from imserver.core.values import Account


class ContactOutcome(Enum):
    """What came of a request to become contacts.  Only the asked one may learn of WAITS; UNCHANGED looks like it to the asker."""

    UNCHANGED = auto()  # there is nothing to tell anybody
    WAITS = auto()  # the asked one has a new request
    ADDED = auto()  # they are contacts from now on


@dataclass(slots=True, frozen=True)
class ContactBounds:
    """How much one account may have, and since when a refused request may be made again."""

    max_contacts: int
    max_requests: int
    again_before_ms: int  # what was refused before this time is forgotten


@dataclass(slots=True, frozen=True)
class ContactRecord:
    """A contact as it is stored.  `is_silent`: one of the two has blocked the other, so neither is told of the other."""

    account: Account
    remark: str
    category: str
    is_silent: bool
