"""Own texts on their way: shown as waiting until the server has them on disk, and kept in a file until then."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IDelayedCall

from imserver.client.errors import ClientError, NotConnected, StateError
from imserver.client.screen.chat import Chat, Waiting
from imserver.client.screen.mentions import mentioned
from imserver.client.screen.unsent import Entry, Unsent
from imserver.core.requests import Send
from imserver.core.values import Extra, Kind, Message

if TYPE_CHECKING:
    from imserver.client.screen.exchange import Exchange

KEEP_SECONDS = 0.5  # what the server has by then is never written to the file


class Saying:
    """What the account of one exchange says."""

    def __init__(self, exchange: "Exchange", wall_ms: Callable[[], int]) -> None:
        self._exchange = exchange
        self._wall_ms = wall_ms
        self._unsent = Unsent()
        self._left_over: list[Entry] = []
        self._keeping: IDelayedCall | None = None

    def keep(self, unsent: Unsent) -> None:
        """Keep what waits there, and go on with what waits there already.  Raises StateError."""
        self._unsent = unsent
        self._left_over = unsent.load()

    def say(self, chat: Chat, text: str, burn_seconds: int = 0, about: int = 0) -> None:
        """Send a text; `about` is the seq of the message that it answers, 0 for none."""
        extra = Extra(about, mentioned(text, chat.members), burn_seconds=burn_seconds)
        client_id = self._exchange.client.new_client_id()
        waiting = Waiting(client_id, text, self._wall_ms(), extra=None if extra == Extra() else extra)
        if not self._unsent.add(chat.id, waiting):
            self._exchange.view.notice("too much waits to be sent: this text is lost if imchat ends")
        self._exchange.said()
        self._begin(chat, waiting)

    def go_on(self) -> None:
        """Say what was not sent when imchat ended last."""
        entries, self._left_over = self._left_over, []
        for conversation, waiting in entries:
            chat = self._exchange.chats.get(conversation)
            if chat is not None:
                self._begin(chat, waiting)
            else:
                self._done(waiting)
                self._exchange.view.notice("a text was not sent: its conversation is gone")

    def was_sent(self, chat: Chat, message: Message) -> None:
        """The server has an own message on disk: from now on it is one like any other."""
        chat.put(message)
        self._exchange.messages_came(chat)

    def end(self) -> None:
        """The client has ended: keep what still waits."""
        if self._keeping is not None:
            self._keeping.cancel()
            self._keep()

    def forget(self) -> None:
        """After the end: the account was left, so nothing is kept."""
        self._unsent.clear()
        self._keep()

    def _begin(self, chat: Chat, waiting: Waiting) -> None:
        chat.waiting.append(waiting)
        self._keep_soon()
        self._exchange.view.changed()
        self._exchange.spawn(self._send(chat, waiting))

    async def _send(self, chat: Chat, waiting: Waiting) -> None:
        body = waiting.text.encode()
        try:
            request = Send(chat.id, waiting.client_id, Kind.TEXT, "", body, waiting.extra)
            sent = await self._exchange.client.put(request)
        except NotConnected as error:  # this client has ended; what is kept is sent by the next one
            waiting.refusal = error.text if error.code != NotConnected.CLOSED else ""
        except ClientError as error:
            waiting.refusal = error.text
            self._done(waiting)
        else:
            chat.waiting.remove(waiting)
            self._done(waiting)
            self.was_sent(chat, chat.own_message(sent, Kind.TEXT, body, waiting.extra))
        self._exchange.view.changed()

    def _done(self, waiting: Waiting) -> None:
        self._unsent.remove(waiting.client_id)
        self._keep_soon()

    def _keep_soon(self) -> None:
        if self._keeping is None:
            self._keeping = self._exchange.clock.callLater(KEEP_SECONDS, self._keep)

    def _keep(self) -> None:
        self._keeping = None
        try:
            self._unsent.save()
        except StateError as error:
            self._exchange.view.notice(error.text)
