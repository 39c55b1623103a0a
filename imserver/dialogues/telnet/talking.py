"""Saying something, and reading what was said."""

from typing import TYPE_CHECKING

from imserver.core.errors import ChatError, Code, UnreadableRequest
from imserver.core.events import History
from imserver.core.names import fold
from imserver.core.requests import FetchHistory, SendTo
from imserver.core.values import Conversation, ConversationKind, Kind
from imserver.dialogues.telnet.groups import memberships
from imserver.dialogues.telnet.news import message_lines, other, time_of
from imserver.net.projection import group_name, is_withheld

if TYPE_CHECKING:
    from imserver.dialogues.telnet.dialogue import TelnetDialogue

_NEWEST = 2**53  # beyond every seq
_HISTORY, _LONGEST_HISTORY = "20", 200


def message(dialogue: "TelnetDialogue", whom: str, text: str) -> None:
    """To somebody, who need not be there, or to a group."""
    dialogue.send(whom, SendTo(whom, dialogue.client_id(), Kind.TEXT, "", text.encode()))


async def history(dialogue: "TelnetDialogue", whom: str, count: str = _HISTORY) -> None:
    """The last messages, the newest last."""
    if not count.isdecimal() or not 0 < int(count) <= _LONGEST_HISTORY:
        raise UnreadableRequest(0, f"COUNT is a number from 1 to {_LONGEST_HISTORY}")
    conversation = await _conversation(dialogue, whom)
    page = await dialogue.ask(FetchHistory(conversation.id, 0, _NEWEST, int(count)), History)
    reader = dialogue.session.account
    shown = [each for each in page.messages if not is_withheld(each)]
    for each in shown:
        shown_here = dialogue.projection.message(each, conversation)
        first, *others = message_lines(shown_here, conversation, reader)
        dialogue.say(f"{time_of(each)} {first}", *others)
    if not shown:
        dialogue.say("Nothing was said yet.")


async def _conversation(dialogue: "TelnetDialogue", whom: str) -> Conversation:
    """The one with somebody, or the group, among those there are; raises ChatError."""
    name, reader = fold(whom), dialogue.session.account
    async for membership in memberships(dialogue):
        conversation = membership.conversation
        if conversation.kind is ConversationKind.GROUP:
            called = group_name(conversation)
        else:
            called = other(conversation, reader).name if reader else ""
        if called == name:
            return conversation
    raise ChatError(Code.NOT_FOUND, f"you have not talked with {whom} yet")
