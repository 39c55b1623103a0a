"""What the server tells a client about other people: contacts, blocks, presence and the directory (see core/events.py)."""

from dataclasses import dataclass

from imserver.core.values import Account, AccountPresence, Contact, ContactRequest, Privacy

# -- answers -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class AccountList:
    """`next`: ask again after this number; 0 at the end."""

    accounts: list[Account]
    next: int


@dataclass(slots=True)
class ContactList:
    """`next`: ask again after this number; 0 at the end."""

    contacts: list[Contact]
    next: int


@dataclass(slots=True)
class ContactRequestList:
    """`next`: ask again after this number; 0 at the end."""

    requests: list[ContactRequest]
    next: int


@dataclass(slots=True)
class PrivacySettings:
    """Those of this account; by itself: another device of it has set them."""

    privacy: Privacy


# -- what happened by itself -------------------------------------------------------------------------


@dataclass(slots=True)
class ContactRequested:
    """Somebody would like to be a contact; ListContactRequests has it until it is answered."""

    request: ContactRequest


@dataclass(slots=True)
class ContactAdded:
    """Somebody is a contact from now on."""

    contact: Contact


@dataclass(slots=True)
class ContactRemoved:
    """The account is no longer a contact."""

    account: int


@dataclass(slots=True)
class PresenceChanged:
    """How available contacts are now; with the own number, this account, by what another device of it has chosen."""

    changes: list[AccountPresence]


@dataclass(slots=True)
class ProfileChanged:
    """What a contact, or another device of this account, shows of itself now."""

    account: Account


@dataclass(slots=True)
class RemarkChanged:
    """Another device of this account has set the own words about a contact."""

    account: int
    remark: str
    category: str


@dataclass(slots=True)
class BlockChanged:
    """Another device of this account has blocked somebody, or no longer does."""

    account: int
    blocked: bool
