"""All that a line may say: one table, which is also the help."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imserver.core.errors import UnreadableRequest
from imserver.dialogues.telnet import entering, groups, operating, people, talking
from imserver.dialogues.telnet.visible import visible

if TYPE_CHECKING:
    from imserver.dialogues.telnet.dialogue import TelnetDialogue


@dataclass(slots=True, frozen=True)
class Command:
    """One row.

    `usage` is what follows the name: `at_least` to `at_most` words, of which the last takes the rest of the line.
    `run` is given them after the dialogue; what takes requests to the core returns a coroutine.
    """

    name: str
    usage: str
    help: str
    run: Callable[..., Coroutine[Any, Any, None] | None]
    at_least: int = 0
    at_most: int = 0
    before_login: bool = False

    @property
    def whole(self) -> str:
        """How to write it."""
        return f"{self.name} {self.usage}".rstrip()


def show_help(dialogue: "TelnetDialogue", topic: str = "") -> None:
    """All commands that can be used now, or those whose name begins with the topic."""
    is_stranger = dialogue.session.account is None
    known = [each for each in TABLE.values() if each.before_login or not is_stranger]
    found = [each for each in known if topic.lower() in (each.name, each.name.split()[0])] if topic else known
    if not found:
        raise UnreadableRequest(0, f"there is no command {visible(topic)}; say help")
    dialogue.say(*(f"{each.whole:<28}  {each.help}" for each in found))


TABLE = {
    command.name: command
    for command in (
        Command("help", "[COMMAND]", "this list, or a part of it", show_help, 0, 1, before_login=True),
        Command("register", "NAME [PASSWORD]", "make an account, and log in", entering.register, 1, 2, before_login=True),
        Command("login", "NAME [PASSWORD]", "log in; the password can be typed unseen", entering.log_in, 1, 2, before_login=True),
        Command("quit", "", "leave", entering.leave, before_login=True),
        Command("msg", "NAME|*N TEXT", "say something to somebody, or in a group", talking.message, 2, 2),
        Command("history", "NAME|*N [COUNT]", "what was said last", talking.history, 1, 2),
        Command("who", "", "which of your contacts are there", people.who),
        Command("contacts", "", "all of them, and who would like to be one", people.contacts),
        Command("contacts refuse", "NAME", "answer a request with silence", people.refuse, 1, 1),
        Command("contacts remove", "NAME", "end a contact", people.remove, 1, 1),
        Command("contacts block", "NAME", "hear nothing more from somebody", people.block, 1, 1),
        Command("contacts unblock", "NAME", "hear from somebody again", people.unblock, 1, 1),
        Command("add", "NAME [TEXT]", "ask somebody to be your contact, or agree to it", people.add, 1, 2),
        Command("status", "[STATE [TEXT]]", "be online, away, busy, dnd or invisible", people.status, 0, 2),
        Command("privacy", "[WORD [WORD]]", "be found or hidden by searches; open, or ask", people.privacy, 0, 2),
        Command("group", "", "the groups you are in", groups.mine),
        Command("group create", "TITLE", "a new group, of which you are the owner", groups.create, 1, 1),
        Command("join", "*N [TEXT]", "become a member, or ask to", groups.join, 1, 2),
        Command("leave", "*N", "be a member no longer", groups.leave, 1, 1),
        Command("group members", "*N", "who is in it", groups.members, 1, 1),
        Command("group add", "*N NAME ...", "make somebody a member", groups.add, 2, 2),
        Command("group requests", "*N", "who would like to be one", groups.requests, 1, 1),
        Command("group accept", "*N NAME", "let somebody in", groups.accept, 2, 2),
        Command("group refuse", "*N NAME", "let somebody stay outside", groups.refuse, 2, 2),
        Command("group remove", "*N NAME", "put somebody out", groups.remove, 2, 2),
        Command("group mute", "*N NAME MINUTES", "let somebody, or everyone, only read; 0 ends it", groups.mute, 3, 3),
        Command("group rename", "*N TITLE", "give it another title", groups.rename, 2, 2),
        Command("group announce", "*N [TEXT]", "what everybody in it should know", groups.announce, 1, 2),
        Command("group policy", "*N HOW", "people join: open, request or invitation", groups.policy, 2, 2),
        Command("group promote", "*N NAME", "make somebody an admin", groups.promote, 2, 2),
        Command("group demote", "*N NAME", "make an admin a member", groups.demote, 2, 2),
        Command("group owner", "*N NAME", "hand the group over", groups.hand_over, 2, 2),
        Command("group dissolve", "*N", "end the group", groups.dissolve, 1, 1),
        Command("operator", "COMMAND", "for administrators; say: operator help", operating.operate, 1, 1),
    )
}  # fmt: skip


def _has_more(name: str) -> bool:
    """Whether commands of two words begin like this."""
    return any(each.startswith(f"{name} ") for each in TABLE)


def parse(line: str) -> tuple[Command, list[str]]:
    """A line that is not blank -> the command and its words.  Raises UnreadableRequest."""
    name, *rest = line.strip().split(None, 1)
    first, *others = rest[0].split(None, 1) if rest else [""]
    command = TABLE.get(f"{name} {first}".lower().strip())
    if command is not None and first:
        rest = others
    else:
        command = TABLE.get(name.lower())
    if command is None:
        raise UnreadableRequest(0, f"there is no command {visible(name)}; say help")
    words = "".join(rest).split(None, max(0, command.at_most - 1))
    if words and not command.at_most and _has_more(command.name):
        raise UnreadableRequest(
            0, f"there is no command {command.name} {visible(first)}; say: help {command.name}"
        )
    if not command.at_least <= len(words) <= command.at_most:
        raise UnreadableRequest(0, f"say: {command.whole}")
    return command, words
