"""The command line of imchat."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from imserver.client.tls import Server, parse_address, parse_fingerprint

DEFAULT_SERVER = "127.0.0.1:8890"
MAX_MESSAGES = 10_000


@dataclass(slots=True, frozen=True)
class Options:
    """What was asked for.  `command` is empty for the prompt; `whom` is the account or group it is about, `words` the rest."""

    command: str
    server: Server
    user: str = ""
    password_file: str = ""
    whom: str = ""
    words: Sequence[str] = ()
    group: bool = False
    tabs: bool = False
    count: int = 0
    limit: int = 0
    lines: bool = False
    invitation: str = ""


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """The arguments after the program's name; a mistake ends the program with status 2 and says what is wrong."""
    parser = _parser()
    values = parser.parse_args(arguments)
    try:
        server = _server(values, environment.get("IMCHAT_SERVER") or DEFAULT_SERVER)
    except ValueError as error:
        parser.error(str(error))
    given = {each.name: getattr(values, each.name) for each in fields(Options) if hasattr(values, each.name)}
    return Options(**{**given, "command": values.command or "", "server": server})


def _server(values: argparse.Namespace, default: str) -> Server:
    host, port = parse_address(getattr(values, "server", default))
    authorities, fingerprint = getattr(values, "ca", None), getattr(values, "fingerprint", "")
    has_tls = bool(getattr(values, "tls", False) or authorities or fingerprint)
    if authorities and fingerprint:
        raise ValueError("--ca and --fingerprint exclude each other")
    if has_tls and host.startswith("/"):
        raise ValueError("a UNIX socket needs no --tls, --ca or --fingerprint")
    return Server(
        host,
        port,
        has_tls,
        Path(authorities) if authorities else None,
        parse_fingerprint(fingerprint) if fingerprint else b"",
    )


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) <= MAX_MESSAGES:
        raise argparse.ArgumentTypeError(f"a number from 1 to {MAX_MESSAGES}")
    return int(text)


def _argument(*flags: str, **settings: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    return flags, settings


_OPTIONS = (
    _argument(
        "--server",
        metavar="HOST[:PORT]",
        help=f"or /PATH of a UNIX socket; default: $IMCHAT_SERVER or {DEFAULT_SERVER}",
    ),
    _argument("--tls", action="store_true", help="use TLS and the system's certificate authorities"),
    _argument("--ca", metavar="FILE", help="use TLS and the authorities of this PEM file"),
    _argument("--fingerprint", metavar="HEX", help="use TLS and trust just this certificate (SHA-256)"),
    _argument(
        "--user", metavar="NAME", type=str.lower, help="which account; may be left out if only one is here"
    ),
    _argument("--password-file", metavar="FILE", help="take the password from its first line; - is stdin"),
)
_LINES = _argument(
    "--lines", action="store_true", help="a prompt with lines, also where the screen could be shown"
)
_TARGET = (
    _argument("-g", "--group", action="store_true", help="WHOM is the title or id of a group"),
    _argument("whom", metavar="WHOM"),
)
_NAMES = _argument("words", nargs="+", metavar="NAME")
_COMMANDS = (
    (
        "register",
        "make an account and log in",
        (
            _argument("whom", nargs="?", default="", metavar="NAME"),
            _argument(
                "--invitation",
                default="",
                metavar="CODE",
                help="from the operator, where registration is closed",
            ),
        ),
    ),
    (
        "send",
        "send one message, of the words or of what is piped in, and wait until it is safe on disk",
        (*_TARGET, _argument("words", nargs="*", metavar="TEXT")),
    ),
    (
        "listen",
        "print messages as they arrive, from where it was left the last time",
        (
            _argument("--count", type=_natural, default=0, metavar="N", help="end after so many messages"),
            _argument(
                "--tabs", action="store_true", help="between tabs: time, conversation, seq, sender, text"
            ),
        ),
    ),
    (
        "history",
        "print the newest messages of a conversation",
        (
            *_TARGET,
            _argument("--limit", type=_natural, default=20, metavar="N", help="how many (default: 20)"),
        ),
    ),
    ("group create", "make a group with these people", (_argument("whom", metavar="TITLE"), _NAMES)),
    ("group add", "add these people", (_argument("whom", metavar="GROUP"), _NAMES)),
    ("group leave", "leave a group", (_argument("whom", metavar="GROUP"),)),
    ("group list", "list the groups", ()),
    ("logout", "end this device's login", ()),
)


def _parser() -> argparse.ArgumentParser:
    """Options are accepted before and after the command; what is not given has no attribute."""
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    for flags, settings in _OPTIONS:
        options.add_argument(*flags, **settings)
    every: dict[str, Any] = {"parents": [options], "allow_abbrev": False}  # --password is not --password-file
    parser = argparse.ArgumentParser(
        "imchat",
        description="Chat from a terminal.  Without a command: the screen (F1 helps), or a prompt where there is none.",
        epilog="Exit status: 0 done, 1 refused, 2 wrong usage, 3 server not reachable.",
        **every,
    )
    parser.add_argument(*_LINES[0], **_LINES[1])
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    group = commands.add_parser("group", help="create, add to, leave and list groups", **every)
    actions = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, help_text, arguments in _COMMANDS:
        parent, _, word = name.rpartition(" ")
        command = (actions if parent else commands).add_parser(
            word, help=help_text, description=help_text, **every
        )
        command.set_defaults(command=name)
        for flags, settings in arguments:
            command.add_argument(*flags, **settings)
    return parser
