"""The command line of imadmin: the daemon's table of commands, and those that need no daemon."""

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from imserver.operator.command import Command
from imserver.operator.table import COMMANDS

DAYS = 825  # what most clients accept at the most
_EPILOG = "Exit status: 0 done, 1 refused or something is wrong, 2 wrong usage, 3 no daemon runs."


@dataclass(slots=True, frozen=True)
class Options:
    """What was asked for.  `line` is for the daemon; without one, `command` is imadmin's own."""

    command: str
    line: str = ""
    data: str = ""
    config: str = ""
    password_file: str = ""
    prompt: bool = False
    file: Path = Path()
    names: Sequence[str] = field(default_factory=tuple)
    days: int = DAYS
    cert: Path = Path("imserver.crt")
    key: Path = Path("imserver.key")


def parse(arguments: Sequence[str]) -> Options:
    """The arguments after the program's name; a mistake ends the program with status 2 and says what is wrong."""
    values = _parser().parse_args(arguments)
    given = {each.name: getattr(values, each.name) for each in fields(Options) if hasattr(values, each.name)}
    if values.command in COMMANDS:
        given["line"] = _line(COMMANDS[values.command], values)
    return Options(**given)


def _line(command: Command, values: argparse.Namespace) -> str:
    words: list[str] = []
    for parameter in command.parameters:
        value = getattr(values, parameter, None)
        words += value if isinstance(value, list) else [value] if value is not None else []
    return f"{command.name} {' '.join(words) if command.takes_text else shlex.join(words)}".rstrip()


def _whole_days(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) <= 36_500:
        raise argparse.ArgumentTypeError("a number of days from 1 to 36500")
    return int(text)


def _argument(*flags: str, **settings: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    return flags, settings


_OPTIONS = (
    _argument("--data", metavar="DIR", help="the data folder, as the daemon has it"),
    _argument("--config", metavar="FILE", help="the daemon's configuration, which may name the data folder"),
)
_PASSWORD = (
    _argument("--password-file", metavar="FILE", help="take the password from its first line; - is stdin"),
    _argument("--prompt", action="store_true", help="ask for the password"),
)
_FILE = _argument("file", type=Path, metavar="FILE")
_OWN = (
    ("backup", "copy the database into FILE, while people chat or while the daemon is stopped", (_FILE,)),
    ("verify", "look at every byte of a backup", (_FILE,)),
    ("restore", "make a backup the database of an empty data folder; the daemon must not run", (_FILE,)),
    ("doctor", "look at a data folder and a configuration, and say what is wrong and what to do", ()),
    (
        "certificate",
        "make a key and a self-signed certificate for these names and addresses",
        (
            _argument("names", nargs="+", metavar="NAME"),
            _argument(
                "--days", type=_whole_days, metavar="N", help=f"how long it is valid (default: {DAYS})"
            ),
            _argument("--cert", type=Path, metavar="FILE", help="default: imserver.crt"),
            _argument("--key", type=Path, metavar="FILE", help="default: imserver.key"),
        ),
    ),
)


def _parser() -> argparse.ArgumentParser:
    """Options are accepted before and after the command; what is not given has no attribute."""
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    _add(options, _OPTIONS)
    every: dict[str, Any] = {
        "parents": [options],
        "allow_abbrev": False,  # --password is not --password-file
        "argument_default": argparse.SUPPRESS,
    }
    parser = argparse.ArgumentParser("imadmin", description="Operate imserver.", epilog=_EPILOG, **every)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, help_text, arguments in _OWN:
        own = commands.add_parser(name, help=help_text, description=help_text, **every)
        own.set_defaults(command=name)
        _add(own, arguments)
    _add_table(commands, every)
    return parser


def _add_table(commands: Any, every: dict[str, Any]) -> None:
    """Commands of two words are grouped under the first."""
    groups: dict[str, Any] = {}
    for command in COMMANDS.values():
        first, _, second = command.name.partition(" ")
        if second and first not in groups:
            group = commands.add_parser(first, help=f"see imadmin {first} --help", **every)
            groups[first] = group.add_subparsers(metavar="COMMAND", required=True)
        parser = groups.get(first, commands).add_parser(
            second or first, help=command.help, description=command.help, **every
        )
        parser.set_defaults(command=command.name)
        for parameter in command.parameters:
            parser.add_argument(parameter, nargs=_count(parameter), metavar=parameter.strip("[]."))
        _add(parser, _PASSWORD if command.takes_password else ())


def _count(parameter: str) -> str | None:
    if parameter.endswith("..."):
        return "+"
    return "?" if parameter.startswith("[") else None


def _add(
    parser: argparse.ArgumentParser, arguments: Sequence[tuple[tuple[str, ...], dict[str, Any]]]
) -> None:
    for flags, settings in arguments:
        parser.add_argument(*flags, **settings)
