"""Orders about the own account: what it shows of itself, and its password."""

from imserver.client.screen.order import Desk, Misuse, Order, account_name
from imserver.client.screen.people import People
from imserver.core import requests
from imserver.core.values import Account


async def _profile(desk: Desk, rest: str) -> None:
    name = account_name(rest) or desk.exchange.chats.own.name
    account = await desk.exchange.client.look_up(name)
    desk.sheet(name, _lines(account, desk.exchange.people))


def _lines(account: Account, people: People) -> list[str]:
    contact = people.contact(account.number)
    lines = [
        ("number", str(account.number)),
        ("display name", account.display_name),
        ("signature", account.signature),
        ("presence", people.presence(account.number)),
        ("your remark", contact.remark if contact is not None else ""),
        ("category", contact.category if contact is not None else ""),
    ]
    return [f"{what:14}{text}" for what, text in lines if text]


async def _set_name(desk: Desk, rest: str) -> None:
    own = await _own(desk)
    await desk.exchange.client.ask(requests.UpdateProfile(rest or own.name, own.signature))
    desk.notice(f"Your display name is {rest or own.name}.")


async def _set_signature(desk: Desk, rest: str) -> None:
    own = await _own(desk)
    await desk.exchange.client.ask(requests.UpdateProfile(own.display_name, rest))
    desk.notice(f"Your signature is {rest}" if rest else "You have no signature.")


async def _own(desk: Desk) -> Account:
    """As it is now, because another device may have changed it."""
    return await desk.exchange.client.look_up(desk.exchange.chats.own.name)


async def _change_password(desk: Desk, rest: str) -> None:
    if rest:
        raise Misuse("write /password alone; it is asked for where nobody reads along")
    desk.change_password()


ACCOUNT_ORDERS: tuple[Order, ...] = (
    Order("/profile", "[NAME]", "what an account shows of itself", _profile, "names"),
    Order("/name", "[TEXT]", "your display name", _set_name),
    Order("/signature", "[TEXT]", "what stands beside your name", _set_signature),
    Order("/password", "", "change your password; it is asked for", _change_password, asks=False),
)
