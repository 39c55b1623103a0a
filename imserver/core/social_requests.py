"""What a client can ask for about other people: contacts, blocks, presence and the directory (see core/requests.py)."""

from dataclasses import dataclass


@dataclass(slots=True)
class RequestContact:
    """-> Done, whatever comes of it.  The account becomes a contact at once, or once it has accepted, or never."""

    account: int
    text: str


@dataclass(slots=True)
class AnswerContact:
    """-> Done.  Accept somebody's request, or refuse it without his being told."""

    account: int
    accept: bool


@dataclass(slots=True)
class RemoveContact:
    """-> Done.  Neither is the other's contact any more; an own request that waits is withdrawn."""

    account: int


@dataclass(slots=True)
class Block:
    """-> Done.  From now on nothing comes from that account, which does not learn of it."""

    account: int


@dataclass(slots=True)
class Unblock:
    """-> Done."""

    account: int


@dataclass(slots=True)
class ListBlocked:
    """-> AccountList: a page of at most `limit` (0: 200) blocked accounts with number > after."""

    after: int
    limit: int


@dataclass(slots=True)
class SetRemark:
    """-> Done.  The own words about a contact, and the heading under which to list it."""

    account: int
    remark: str
    category: str


@dataclass(slots=True)
class ListContacts:
    """-> ContactList: a page of at most `limit` (0: 200) contacts with number > after."""

    after: int
    limit: int


@dataclass(slots=True)
class ListContactRequests:
    """-> ContactRequestList: a page of at most `limit` (0: 200) requests that wait for an answer, of accounts with number > after."""

    after: int
    limit: int


@dataclass(slots=True)
class Search:
    """-> AccountList: at most `limit` (0: 200) accounts that may be found, in the order of their names, after the account of number `after`.

    Those whose name begins with the text, and the one whose number it is; all of them for an empty text.
    """

    text: str
    after: int
    limit: int


@dataclass(slots=True)
class SetPresence:
    """-> Done.  How available somebody at this device is (State, but for OFFLINE)."""

    state: int
    text: str


@dataclass(slots=True)
class SetPrivacy:
    """-> Done.  Whether a search finds the account, and whether who asks becomes its contact at once."""

    findable: bool
    open_to_contacts: bool


@dataclass(slots=True)
class FetchPrivacy:
    """-> PrivacySettings."""
