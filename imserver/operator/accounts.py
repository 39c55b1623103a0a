"""The operator's commands about accounts."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imserver.core.values import AccountRecord
from imserver.operator.command import PAGE, Answer, Arguments, Command, page

if TYPE_CHECKING:
    from imserver.core.core import Core


async def _list(core: "Core", arguments: Arguments) -> Answer:
    found = await core.store.accounts(arguments.number(0, 0, "AFTER"), PAGE)
    last = found[-1].account.number if found else 0
    return page([_line(core, record) for record in found], "accounts list", last)


def _line(core: "Core", record: AccountRecord) -> str:
    account = record.account
    online = len(core.router.sessions_of(account.number))
    marks = (
        "administrator" if record.administrator else "",
        "frozen" if record.frozen else "",
        f"online:{online}" if online else "",
    )
    return f"{account.number:<10} {account.name:<32} {' '.join(filter(None, marks))}".rstrip()


async def _show(core: "Core", arguments: Arguments) -> Answer:
    name = arguments.words[0]
    record = await core.administration.find(name)
    connected = {session.device_id: session for session in core.router.sessions_of(record.account.number)}
    lines = [_line(core, record), f"display name: {record.account.display_name}"]
    for device in await core.administration.devices(name):
        session = connected.get(device.id)
        seen = datetime.fromtimestamp(device.device.last_seen_ms / 1000, UTC).isoformat(" ", "seconds")
        where = f"here by {session.capabilities.wire}" if session else f"last seen {seen}"
        lines.append(f"device: {device.device.name}, {where}")
    return Answer(lines)


async def _create(core: "Core", arguments: Arguments) -> Answer:
    name = arguments.words[0]
    password = await core.administration.create(name, arguments.password)
    return _with_password(f"{name} has an account", password, arguments)


async def _delete(core: "Core", arguments: Arguments) -> Answer:
    await core.administration.delete(arguments.words[0])
    return Answer([f"the account {arguments.words[0]} is deleted; its name and number are never used again"])


async def _freeze(core: "Core", arguments: Arguments) -> Answer:
    await core.administration.freeze(arguments.words[0])
    return Answer([f"{arguments.words[0]} is frozen and cannot log in"])


async def _unfreeze(core: "Core", arguments: Arguments) -> Answer:
    await core.administration.unfreeze(arguments.words[0])
    return Answer([f"{arguments.words[0]} can log in again"])


async def _reset_password(core: "Core", arguments: Arguments) -> Answer:
    name = arguments.words[0]
    password = await core.administration.reset_password(name, arguments.password)
    return _with_password(
        f"{name} has a new password, and has to log in anew on every device", password, arguments
    )


def _with_password(sentence: str, password: str, arguments: Arguments) -> Answer:
    """A generated password is shown this once; the server keeps its hash only."""
    return Answer([sentence] if arguments.password else [sentence, f"password: {password}"])


async def _promote(core: "Core", arguments: Arguments) -> Answer:
    await core.administration.set_administrator(arguments.words[0], True)
    return Answer([f"{arguments.words[0]} is an administrator"])


async def _demote(core: "Core", arguments: Arguments) -> Answer:
    await core.administration.set_administrator(arguments.words[0], False)
    return Answer([f"{arguments.words[0]} is no administrator"])


COMMANDS = (
    Command("accounts list", "[AFTER]", "all accounts, by number", _list),
    Command("accounts show", "NAME", "an account and its devices", _show),
    Command("accounts create", "NAME", "make an account; without a password one is generated", _create, True),
    Command("accounts delete", "NAME", "end an account for ever; its messages stay", _delete),
    Command("accounts freeze", "NAME", "end its sessions and let it in no more", _freeze),
    Command("accounts unfreeze", "NAME", "let it in again", _unfreeze),
    Command(
        "accounts reset-password",
        "NAME",
        "another password, generated if none is given; every device is logged out",
        _reset_password,
        True,
    ),
    Command("accounts promote", "NAME", "make it an administrator, who may give these commands", _promote),
    Command("accounts demote", "NAME", "make it an ordinary account", _demote),
)
