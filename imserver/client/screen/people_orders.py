"""Orders about other people: contacts, blocks, the directory, and the own presence."""

from dataclasses import replace

from imserver.client.screen.order import Desk, Misuse, Order, name_and_rest, needed
from imserver.client.screen.people import WORDS, in_words
from imserver.core import requests
from imserver.core.choices import PRIVACY, STATES
from imserver.core.values import Contact, Presence


async def _number(desk: Desk, name: str) -> int:
    return (await desk.exchange.client.look_up(name)).number


async def _ask_contact(desk: Desk, rest: str) -> None:
    name, text = name_and_rest(rest)
    await desk.exchange.client.ask(requests.RequestContact(await _number(desk, name), text))
    desk.notice(f"{name} is asked, unless already a contact.")


async def _accept(desk: Desk, rest: str) -> None:
    await _answer(desk, rest, accept=True)


async def _refuse(desk: Desk, rest: str) -> None:
    await _answer(desk, rest, accept=False)


async def _answer(desk: Desk, rest: str, accept: bool) -> None:
    name, _ = name_and_rest(rest)
    number = await _number(desk, name)
    await desk.exchange.client.ask(requests.AnswerContact(number, accept))
    desk.exchange.people.answered(number)
    desk.notice(f"{name} was accepted." if accept else f"{name} was refused, and is not told.")


async def _remove(desk: Desk, rest: str) -> None:
    name, _ = name_and_rest(rest)
    await desk.exchange.client.ask(requests.RemoveContact(await _number(desk, name)))
    desk.notice(f"{name} is no contact any more.")


async def _block(desk: Desk, rest: str) -> None:
    name, _ = name_and_rest(rest)
    await desk.exchange.client.ask(requests.Block(await _number(desk, name)))
    desk.notice(f"Nothing comes from {name} any more; /unblock {name} ends that.")


async def _unblock(desk: Desk, rest: str) -> None:
    name, _ = name_and_rest(rest)
    await desk.exchange.client.ask(requests.Unblock(await _number(desk, name)))
    desk.notice(f"{name} may write to you again.")


async def _blocked(desk: Desk, rest: str) -> None:
    page = await desk.exchange.client.ask(requests.ListBlocked(0, 0))
    more = ["... and more"] if page.next else []
    desk.sheet("Blocked", [*(account.name for account in page.accounts), *more])


async def _remark(desk: Desk, rest: str) -> None:
    name, remark = name_and_rest(rest)
    await _describe(desk, replace(_contact(desk, name), remark=remark))
    desk.notice(f"{name} is listed as {name} ({remark})." if remark else f"{name} is listed as {name}.")


async def _category(desk: Desk, rest: str) -> None:
    name, category = name_and_rest(rest)
    await _describe(desk, replace(_contact(desk, name), category=category))
    desk.notice(f"{name} is among {category}." if category else f"{name} is in no category.")


async def _describe(desk: Desk, contact: Contact) -> None:
    number = contact.account.number
    await desk.exchange.client.ask(requests.SetRemark(number, contact.remark, contact.category))
    desk.exchange.people.added(contact)


async def _contacts(desk: Desk, rest: str) -> None:
    lines: list[str] = []
    contacts = desk.exchange.people.contacts()
    for category in sorted({contact.category for contact in contacts}):
        lines += [f"-- {category or 'in no category'}"]
        lines += [_line(contact) for contact in contacts if contact.category == category]
    desk.sheet("Contacts", lines or ["none; /add NAME asks somebody"])


def _line(contact: Contact) -> str:
    remark = f" ({contact.remark})" if contact.remark else ""
    return f"{contact.account.name}{remark} - {in_words(contact.presence)}"


def _contact(desk: Desk, name: str) -> Contact:
    found = [each for each in desk.exchange.people.contacts() if each.account.name == name]
    if not found:
        raise Misuse(f"{name} is no contact; /add {name} asks")
    return found[0]


async def _search(desk: Desk, rest: str) -> None:
    page = await desk.exchange.client.ask(requests.Search(rest, 0, 0))
    lines = [f"{account.name}  {account.number}  {account.display_name}" for account in page.accounts]
    desk.sheet(f"Accounts {rest}".strip(), [*lines, "... and more"] if page.next else lines or ["none"])


async def _status(desk: Desk, rest: str) -> None:
    word, _, text = needed(rest).partition(" ")
    if word not in STATES:
        raise Misuse(f"say one of {', '.join(STATES)}, and what you like")
    presence = Presence(STATES[word], text.strip())
    await desk.exchange.choose_presence(presence)
    desk.notice(f"You are {WORDS[STATES[word]]} now.")


async def _privacy(desk: Desk, rest: str) -> None:
    words, client = rest.split(), desk.exchange.client
    if not set(words) <= PRIVACY.keys():
        raise Misuse("say found or hidden, and open or ask")
    privacy = (await client.ask(requests.FetchPrivacy())).privacy
    if words:
        privacy = replace(privacy, **dict(PRIVACY[word] for word in words))
        await client.ask(requests.SetPrivacy(privacy.findable, privacy.open_to_contacts))
    found = "A search finds you" if privacy.findable else "No search finds you"
    asked = "whoever asks is a contact at once" if privacy.open_to_contacts else "contacts have to ask"
    desk.notice(f"{found}; {asked}.")


PEOPLE_ORDERS: tuple[Order, ...] = (
    Order("/add", "NAME [TEXT]", "ask to be a contact", _ask_contact, "names"),
    Order("/accept", "NAME", "accept who asks", _accept, "names"),
    Order("/refuse", "NAME", "refuse who asks", _refuse, "names"),
    Order("/remove", "NAME", "end being contacts", _remove, "names"),
    Order("/remark", "NAME [TEXT]", "your own words about a contact", _remark, "names"),
    Order("/category", "NAME [TEXT]", "the heading to list a contact under", _category, "names"),
    Order("/contacts", "", "your contacts, by category", _contacts, asks=False),
    Order("/search", "[TEXT]", "find people by the start of a name", _search),
    Order("/block", "NAME", "hear nothing of somebody", _block, "names"),
    Order("/unblock", "NAME", "hear of somebody again", _unblock, "names"),
    Order("/blocked", "", "who is blocked", _blocked),
    Order("/privacy", "[WORDS]", "found or hidden; open or ask", _privacy),
    Order("/status", "STATE [TEXT]", "online, away, busy, dnd, invisible", _status),
)
