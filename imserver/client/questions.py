"""What imchat has to know before it starts: as whom, with which password, and which text.

It is on the command line, or piped in, or somebody at the terminal is asked.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from imserver.client import terminal
from imserver.client.arguments import Options
from imserver.client.profile import Profile

MAX_TEXT_BYTES = 1024 * 1024  # far above what a server takes, which refuses the rest in its own words
MAX_PASSWORD_BYTES = 4096
STDIN = "-"
_REGISTER = "Nobody has logged in from here.  Register a new account, or log in? [r/l] "


class UsageError(Exception):
    """The command line does not say enough; the text says what is missing."""


def who(options: Options, known: Sequence[str]) -> tuple[str, bool]:
    """-> the account's name, and whether it is to be registered.  `known` have logged in from here before."""
    if options.command == "register":
        name = options.whom.lower() or options.user
        return name or _ask_name("say which name to register: imchat register NAME"), True
    if options.user:
        return options.user, False
    if len(known) == 1:
        return known[0], False
    if known:
        raise UsageError(f"say as whom: --user {' or --user '.join(known)}")
    registers = (
        options.command == "" and terminal.is_terminal() and terminal.ask(_REGISTER).lower().startswith("r")
    )
    return _ask_name("nobody has logged in from here; use imchat register NAME, or --user NAME"), registers


def _ask_name(missing: str) -> str:
    if not terminal.is_terminal():
        raise UsageError(missing)
    return terminal.ask("Name: ").lower()


def password_for(options: Options, profile: Profile, registers: bool) -> str:
    """The password; empty if the account is logged in here and needs none."""
    if profile.logged_in and not registers:
        return ""
    if options.password_file:
        return password_in(options.password_file)
    if not terminal.is_terminal():
        why = "a new account needs a password" if registers else f"{profile.name} is not logged in here"
        raise UsageError(f"{why}; use --password-file")
    if registers:
        return terminal.ask_new_password()
    return terminal.ask_password(f"Password of {profile.name}: ")


def password_in(file: str) -> str:
    """The first line of a file, or of standard input for -; raises UsageError."""
    try:
        if file == STDIN:
            line = sys.stdin.buffer.readline(MAX_PASSWORD_BYTES)
        else:
            with Path(file).open("rb") as opened:
                line = opened.readline(MAX_PASSWORD_BYTES)
        password = line.decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the password cannot be read from {file}: {error}") from None
    if not password:
        raise UsageError(f"the first line of {file} is empty; it should be the password")
    return password


def text_for(options: Options) -> str:
    """What to send: the words, or all of standard input as one message without the newline at its end."""
    if options.command != "send":
        return ""
    if words := options.words:
        return " ".join(words)
    if sys.stdin.isatty() or options.password_file == STDIN:
        raise UsageError("say what to send: imchat send NAME TEXT, or pipe the text in")
    data = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1)
    if len(data) > MAX_TEXT_BYTES:
        raise UsageError("what is piped in is too long for a message")
    try:
        text = data.decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise UsageError("what is piped in is not UTF-8") from None
    if not text:
        raise UsageError("there is nothing to send")
    return text
