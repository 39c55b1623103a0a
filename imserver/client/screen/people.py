"""Whom this account knows: contacts with their presence, and who would like to become one."""

from collections.abc import Iterable
from dataclasses import replace

from imserver.core.values import (
    Account,
    AccountPresence,
    Contact,
    ContactRequest,
    JoinRequest,
    Presence,
    State,
)

OFFLINE = Presence(State.OFFLINE, "")
MARKS = {
    State.OFFLINE: "○",
    State.ONLINE: "●",
    State.AWAY: "◌",
    State.BUSY: "■",
    State.DO_NOT_DISTURB: "■",
    State.INVISIBLE: "○",
}
WORDS = {
    State.OFFLINE: "offline",
    State.ONLINE: "online",
    State.AWAY: "away",
    State.BUSY: "busy",
    State.DO_NOT_DISTURB: "do not disturb",
    State.INVISIBLE: "invisible",
}
UNKNOWN = " "


class People:
    """As the server tells it; how many there are is bounded by the server."""

    def __init__(self) -> None:
        self.own = Presence(State.ONLINE, "")
        self._contacts: dict[int, Contact] = {}
        self._requests: dict[int, ContactRequest] = {}

    # -- what is told

    def replace(self, contacts: Iterable[Contact], requests: Iterable[ContactRequest]) -> None:
        """All of both, after a login."""
        self._contacts = {contact.account.number: contact for contact in contacts}
        self._requests = {request.account.number: request for request in requests}

    def asked(self, request: ContactRequest) -> None:
        """Somebody would like to be a contact."""
        self._requests[request.account.number] = request

    def answered(self, account: int) -> None:
        """That was accepted or refused."""
        self._requests.pop(account, None)

    def added(self, contact: Contact) -> None:
        """Somebody is a contact from now on, or has another remark."""
        self._contacts[contact.account.number] = contact
        self._requests.pop(contact.account.number, None)

    def remark_changed(self, account: int, remark: str, category: str) -> None:
        """Another device of this account has other words for a contact."""
        if (contact := self._contacts.get(account)) is not None:
            self._contacts[account] = replace(contact, remark=remark, category=category)

    def removed(self, account: int) -> None:
        """Somebody is none any more."""
        self._contacts.pop(account, None)

    def presence_changed(self, changes: Iterable[AccountPresence], own: int) -> None:
        """Of contacts, or what another device of this account has chosen."""
        for change in changes:
            if change.account == own:
                self.own = change.presence
            elif (contact := self._contacts.get(change.account)) is not None:
                self._contacts[change.account] = replace(contact, presence=change.presence)

    def profile_changed(self, account: Account) -> None:
        """A contact shows something else of itself."""
        if (contact := self._contacts.get(account.number)) is not None:
            self._contacts[account.number] = replace(contact, account=account)

    # -- what there is to see

    def contact(self, account: int) -> Contact | None:
        """The contact of that number."""
        return self._contacts.get(account)

    def mark(self, account: int) -> str:
        """One cell that says how available a contact is; a space for strangers."""
        contact = self._contacts.get(account)
        return UNKNOWN if contact is None else MARKS[State(contact.presence.state)]

    def presence(self, account: int) -> str:
        """The same in words, with what the contact says about it; empty for strangers."""
        contact = self._contacts.get(account)
        return "" if contact is None else in_words(contact.presence)

    def contacts(self) -> list[Contact]:
        """Those who are there first, then by name."""
        return sorted(
            self._contacts.values(),
            key=lambda contact: (contact.presence.state == State.OFFLINE, contact.account.name),
        )

    def requests(self) -> list[ContactRequest]:
        """Those that wait for an answer, the oldest first."""
        return sorted(self._requests.values(), key=lambda request: request.time_ms)

    def names(self) -> set[str]:
        """Of contacts, and of those who would like to be."""
        contacts = {contact.account.name for contact in self._contacts.values()}
        return contacts | {request.account.name for request in self._requests.values()}


def in_words(presence: Presence) -> str:
    """away: at lunch"""
    word = WORDS[State(presence.state)]
    return f"{word}: {presence.text}" if presence.text else word


def wish(request: ContactRequest) -> str:
    """Who asks, what he says to that, and what one can do."""
    name = request.account.name
    says = f', "{request.text}"' if request.text else ""
    return f"{name} would like to be a contact{says}: /accept {name}, /refuse {name} or /block {name}"


def wish_to_join(request: JoinRequest, title: str) -> str:
    """The same of who would like to join the group of that title."""
    name = request.account.name
    says = f', "{request.text}"' if request.text else ""
    hint = f"/group accept {name} or /group refuse {name}"
    return f"{name} would like to join # {title}{says}: open it and write {hint}"
