"""Orders about messages: correct, take back, answer and forward one, call for attention, say what is to be burnt."""

from imserver.client.errors import RequestRefused
from imserver.client.screen.chat import SAID, Chat
from imserver.client.screen.order import (
    Desk,
    Misuse,
    Order,
    account_name,
    chat_with,
    needed,
    open_chat,
)
from imserver.client.screen.shown import Shown, shown
from imserver.core.errors import Code
from imserver.core.events import Sent
from imserver.core.values import Extra, Kind, Message


def _own_newest(chat: Chat) -> Message:
    """What is meant by an order that names no message.  Raises Misuse."""
    if chat.waiting:
        raise Misuse("what you have said last is not on the server; try again when it is")
    own = None if chat.newer else chat.last_own()
    if own is None:
        raise Misuse("no message of yours is in sight here")
    return own


async def _edit(desk: Desk, rest: str) -> None:
    text, chat = needed(rest), open_chat(desk)
    own = _own_newest(chat)
    sent = await desk.exchange.client.edit(chat.id, own.seq, text)
    desk.exchange.saying.was_sent(
        chat, chat.own_message(sent, Kind.EDIT, text.encode(), Extra(about=own.seq))
    )


async def _recall(desk: Desk, rest: str) -> None:
    chat = open_chat(desk)
    own = _own_newest(chat)
    sent = await desk.exchange.client.recall(chat.id, own.seq)
    desk.exchange.saying.was_sent(chat, chat.own_message(sent, Kind.RECALL, b"", Extra(about=own.seq)))


async def _shake(desk: Desk, rest: str) -> None:
    chat = open_chat(desk)
    sent = await desk.exchange.client.shake(chat.id)
    desk.exchange.saying.was_sent(chat, chat.own_message(sent, Kind.ATTENTION, b""))


async def _burn(desk: Desk, rest: str) -> None:
    seconds, *text = needed(rest).split(None, 1)
    if not (seconds.isascii() and seconds.isdigit() and int(seconds) and text):
        raise Misuse
    desk.exchange.saying.say(open_chat(desk), text[0], int(seconds))


async def _reply(desk: Desk, rest: str) -> None:
    chat = open_chat(desk)
    words, text = _quoted(needed(rest))
    desk.exchange.saying.say(chat, needed(text), about=_chosen(chat, words).message.seq)


def _quoted(rest: str) -> tuple[str, str]:
    """`'the words' text` -> the words, text; without quotation marks at its beginning: nothing, and all."""
    if rest[0] not in "'\"":
        return "", rest
    words, mark, text = rest[1:].partition(rest[0])
    if not mark:
        raise Misuse("a quotation mark is not closed")
    return words, text.strip()


async def _forward(desk: Desk, rest: str) -> None:
    whom, *words = needed(rest).split(None, 1)
    chat = open_chat(desk)
    chosen = _chosen(chat, words[0] if words else "")
    target = _group(desk, whom) if whom.startswith("*") else await chat_with(desk, account_name(whom))
    sent = await desk.exchange.client.forward(chat.id, chosen.source, target.id)
    desk.exchange.saying.was_sent(target, _forwarded(target, chosen.message, sent))
    desk.notice(f"Forwarded to {target.title}.")


def _forwarded(target: Chat, message: Message, sent: Sent) -> Message:
    said_by = (message.extra.origin if message.extra is not None else 0) or message.sender
    return target.own_message(sent, message.kind, message.body, Extra(origin=said_by), message.content_type)


def _chosen(chat: Chat, words: str) -> Shown:
    """The newest message that has the words in it; without words the newest of others.  Raises Misuse."""
    for each in shown(chat, newest_first=True):
        message = each.message
        burns = message.extra is not None and message.extra.burn_seconds
        is_meant = words.lower() in _text(message) if words else message.sender != chat.own.number
        if is_meant and message.kind in SAID and not burns:
            return each
    raise Misuse(f"no message here says {words}" if words else "nobody else has said anything here")


def _text(message: Message) -> str:
    return message.body.decode("utf-8", "replace").lower() if message.kind == Kind.TEXT else ""


def _group(desk: Desk, word: str) -> Chat:
    digits = word.removeprefix("*")
    number = int(digits) if digits.isascii() and digits.isdigit() else 0
    chat = desk.exchange.chats.numbered(number)
    if chat is None:
        raise RequestRefused(Code.NOT_FOUND, f"you are in no group {word}")
    return chat


ACTION_ORDERS: tuple[Order, ...] = (
    Order("/edit", "TEXT", "say this instead of your newest message", _edit),
    Order("/recall", "", "take your newest message back", _recall),
    Order("/reply", "['WORDS'] TEXT", "answer the newest, or what has WORDS", _reply, asks=False),
    Order("/forward", "NAME|*N [WORDS]", "pass on the newest, or what has WORDS", _forward, "names"),
    Order("/shake", "", "call for attention", _shake),
    Order("/burn", "SECONDS TEXT", "say what is gone so long after it was read", _burn, asks=False),
)
