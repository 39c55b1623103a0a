"""Contacts, who of them is there, and how available one is oneself."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING

from imserver.core.choices import PRIVACY, STATES
from imserver.core.errors import UnreadableRequest
from imserver.core.events import ContactList, ContactRequestList, Done, PrivacySettings
from imserver.core.requests import (
    AnswerContact,
    Block,
    FetchPrivacy,
    ListContactRequests,
    ListContacts,
    RemoveContact,
    RequestContact,
    SetPresence,
    SetPrivacy,
    Unblock,
)
from imserver.core.values import Contact, Presence, State
from imserver.dialogues.telnet.news import contact_request
from imserver.dialogues.telnet.visible import visible

if TYPE_CHECKING:
    from imserver.dialogues.telnet.dialogue import TelnetDialogue

_WORDS = {state: word for word, state in STATES.items()} | {
    State.OFFLINE: "offline",
    State.DO_NOT_DISTURB: "not to be disturbed",
}


async def who(dialogue: "TelnetDialogue") -> None:
    """The contacts that are there."""
    there = [each async for each in _contacts(dialogue) if each.presence.state != State.OFFLINE]
    dialogue.say(*(f"{each.account.name} is {_shown(each.presence)}." for each in there))
    if not there:
        dialogue.say("None of your contacts is there.")


async def contacts(dialogue: "TelnetDialogue") -> None:
    """All contacts, and who would like to be one."""
    found = [each async for each in _contacts(dialogue)]
    dialogue.say(*map(_line, found))
    if not found:
        dialogue.say("You have no contacts yet.  Say: add NAME")
    waiting = await dialogue.ask(ListContactRequests(0, 0), ContactRequestList)
    dialogue.say(*map(contact_request, waiting.requests))


async def _contacts(dialogue: "TelnetDialogue") -> AsyncIterator[Contact]:
    after = 0
    while True:
        page = await dialogue.ask(ListContacts(after, 0), ContactList)
        for contact in page.contacts:
            yield contact
        if not page.next:
            return
        after = page.next


def _line(contact: Contact) -> str:
    account = contact.account
    shown = f" ({visible(account.display_name)})" if account.display_name != account.name else ""
    own = "".join(f", {visible(each)}" for each in (contact.category, contact.remark) if each)
    return f"{account.name}{shown}{own} is {_shown(contact.presence)}."


def _shown(presence: Presence) -> str:
    word = _WORDS[State(presence.state)]
    return f"{word} ({visible(presence.text)})" if presence.text else word


async def add(dialogue: "TelnetDialogue", name: str, text: str = "") -> None:
    """Ask, or agree to what was asked; who is a contact by that is told as an event."""
    account = await dialogue.find(name)
    if await _is_contact(dialogue, account.number):
        dialogue.say(f"{account.name} is your contact already.")
        return
    await dialogue.ask(RequestContact(account.number, text), Done)
    if not await _is_contact(dialogue, account.number):
        dialogue.say(f"{account.name} has your request.")


async def _is_contact(dialogue: "TelnetDialogue", number: int) -> bool:
    async for contact in _contacts(dialogue):
        if contact.account.number == number:
            return True
    return False


async def refuse(dialogue: "TelnetDialogue", name: str) -> None:
    """The other one is not told."""
    account = await dialogue.find(name)
    await dialogue.ask(AnswerContact(account.number, False), Done)
    dialogue.say(f"{account.name} will not become your contact.")


async def remove(dialogue: "TelnetDialogue", name: str) -> None:
    """Neither is the other's contact any more."""
    account = await dialogue.find(name)
    await dialogue.ask(RemoveContact(account.number), Done)
    dialogue.say(f"{account.name} is no contact of yours.")


async def block(dialogue: "TelnetDialogue", name: str) -> None:
    """Who is blocked does not learn of it."""
    account = await dialogue.find(name)
    await dialogue.ask(Block(account.number), Done)
    dialogue.say(f"Nothing comes from {account.name} any more.")


async def unblock(dialogue: "TelnetDialogue", name: str) -> None:
    """From now on."""
    account = await dialogue.find(name)
    await dialogue.ask(Unblock(account.number), Done)
    dialogue.say(f"You hear from {account.name} again.")


async def status(dialogue: "TelnetDialogue", state: str = "", text: str = "") -> None:
    """Choose how available one is shown from here, or see what was chosen."""
    if state:
        if state.lower() not in STATES:
            raise UnreadableRequest(0, f"STATE is one of {', '.join(STATES)}")
        presence = Presence(STATES[state.lower()], text)
        await dialogue.ask(SetPresence(presence.state, presence.text), Done)
        dialogue.presence = presence
    dialogue.say(f"You are {_shown(dialogue.presence)}.")


async def privacy(dialogue: "TelnetDialogue", *words: str) -> None:
    """Choose who finds and adds one, or see what was chosen."""
    found = (await dialogue.ask(FetchPrivacy(), PrivacySettings)).privacy
    if words:
        if not {word.lower() for word in words} <= PRIVACY.keys():
            raise UnreadableRequest(0, "say found or hidden, and open or ask")
        found = replace(found, **dict(PRIVACY[word.lower()] for word in words))
        await dialogue.ask(SetPrivacy(found.findable, found.open_to_contacts), Done)
    dialogue.say(
        "A search finds you." if found.findable else "No search finds you.",
        "Whoever asks is your contact at once." if found.open_to_contacts else "Contacts have to ask you.",
    )
