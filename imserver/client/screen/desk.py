"""The main view: the list, the conversation, the line to write, and what is said about them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Footer, Static, TextArea

from imserver.client.errors import ClientError, NotConnected
from imserver.client.screen.chat import Chat
from imserver.client.screen.completion import complete
from imserver.client.screen.entrance import NewPassword
from imserver.client.screen.entry_line import EntryLine, Keys
from imserver.client.screen.exchange import Exchange
from imserver.client.screen.forms import PasswordForm, Sheet
from imserver.client.screen.history import History
from imserver.client.screen.listing import Entry, entries
from imserver.client.screen.orders import help_lines, is_order, obey
from imserver.client.screen.people import in_words, wish
from imserver.client.screen.sidebar import Sidebar
from imserver.client.screen.status import NOTICE_SECONDS, Status, heading, not_sent
from imserver.client.screen.wording import settled

if TYPE_CHECKING:
    from imserver.client.screen.app import ScreenApp

NARROW_CELLS = 60
LOW_ROWS = 10


class Desk(Screen[None]):
    """The View of an exchange, and the Desk of the orders.  Its app sees to being logged in."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NARROW_CELLS, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (LOW_ROWS, "-high")]
    BINDINGS = [  # for the footer, and for the mouse on it; the keys themselves are obeyed by the entry line
        Binding("f1", "help", "Help", key_display="F1"),
        Binding("ctrl+q", "app.quit", "Quit", priority=True),
        Binding("f2", "toggle_list", "List", key_display="F2"),
        Binding("f3", "next_unread", "Unread", key_display="F3"),
        Binding("alt+down", "move(1)", "Next", key_display="M-↓"),
        Binding("alt+up", "move(-1)", "Previous", key_display="M-↑"),
    ]
    app: "ScreenApp"

    def __init__(self) -> None:
        super().__init__()
        self.exchange: Exchange
        self._status = Status()
        self._written: dict[str, str] = {}
        self._changing = False
        self._asked_until = 0.0
        self._leaving = False

    def compose(self) -> ComposeResult:
        """Called by textual."""
        with Horizontal():
            with Vertical(id="people"):
                yield Static(id="own")
                yield Sidebar(id="list")
            with Vertical(id="talk"):
                yield Static(id="heading")
                yield History(id="history")
        yield Static(id="status")
        yield EntryLine(self._complete, self._submit, self._keys(), id="entry")
        yield Footer()

    def _keys(self) -> Keys:
        return {
            "f1": self.action_help,
            "f2": self.action_toggle_list,
            "f3": self.action_next_unread,
            "alt+down": lambda: self.action_move(1),
            "alt+up": lambda: self.action_move(-1),
            "ctrl+n": lambda: self.action_move(1),
            "ctrl+p": lambda: self.action_move(-1),
            "pageup": lambda: self._page(-1),
            "pagedown": lambda: self._page(1),
            "ctrl+end": self._end,
        }

    def on_mount(self) -> None:
        """Called by textual."""
        self.set_interval(1.0, self._second_passed)
        self.watch(self.app, "app_focus", self.changed, init=False)
        self.query_one(EntryLine).focus()

    def _second_passed(self) -> None:
        self.exchange.burn()
        self._show_status()

    def on_screen_resume(self) -> None:
        """Nothing lies above it any more."""
        self.changed()

    # -- what the exchange tells

    def changed(self) -> None:
        """Draw again soon, once for whatever has changed until then."""
        if not self._changing:
            self._changing = True
            self.call_later(self._show)

    def connection_changed(self, text: str) -> None:
        """A connection is lost, or up again."""
        if not text and self._status.loss:
            self.notice("Connected again.")
        self._status.loss = text
        self.changed()

    def notice(self, text: str) -> None:
        """Something to read for a while."""
        self._status.note(text, self.exchange.clock.seconds())
        self.changed()

    def ring(self) -> None:
        """The terminal's bell."""
        self.app.bell()

    def ended(self, reason: ClientError) -> None:
        """The client has ended; unless this program wanted it, somebody has to decide how to go on."""
        if reason.code != NotConnected.CLOSED:
            self.call_later(self.app.begin_again, reason.text)
        elif not self._leaving:
            self.call_later(self.app.begin_again, "You have logged out.")

    # -- what orders do

    def open_chat(self, chat: Chat) -> None:
        """Show this conversation, and go on with what was being written there."""
        entry, before = self.query_one(EntryLine), self.exchange.chats.open
        if before is not chat:
            if before is not None:
                before.draft = entry.text
                self.exchange.typing(before, False)
            self.exchange.open(chat)
            entry.take(chat.draft)
        self.remove_class("-list")
        self.changed()

    def sheet(self, title: str, lines: Sequence[str]) -> None:
        """Lines to read."""
        self.app.call_later(self.app.push_screen, Sheet(title, lines))

    def change_password(self) -> None:
        """Ask for it, above everything else."""
        self.app.call_later(self.app.push_screen, PasswordForm(), self._password_given)

    def _password_given(self, password: NewPassword | None) -> None:
        if password is not None:
            self.exchange.spawn(self.app.change_password(password))

    def leave(self) -> None:
        """End; while texts wait, only when that is said twice."""
        waiting, now = self.exchange.chats.waiting, self.exchange.clock.seconds()
        if waiting and now >= self._asked_until:
            self._asked_until = now + NOTICE_SECONDS
            self.notice(not_sent(waiting))
        else:
            self._leaving = True
            self.app.exit()

    # -- drawing

    def _show(self) -> None:
        self._changing = False
        if not self.is_mounted:
            return
        listed = self._entries()
        chats = self.exchange.chats
        opened = next((n for n, each in enumerate(listed) if each.chat is chats.open), -1)
        self.query_one(Sidebar).show(listed, opened if chats.open else -1)
        self.query_one(History).show(chats.open)
        self.set_class(chats.open is None, "-nothing")
        self._show_status()

    def _show_status(self) -> None:
        now, chats = self.exchange.clock.seconds(), self.exchange.chats
        state = "not connected" if self._status.loss else in_words(self.exchange.people.own)
        own = f"{chats.own.name} - {state}" if chats.own.name else ""
        status = self._status.line(chats.waiting, now)
        self._write("#heading", heading(chats.open, self.exchange.people, now), "reverse")
        self._write("#own", own, "dim")
        self._write("#status", status, "bold")
        self.query_one("#status").display = bool(status)

    def _write(self, place: str, text: str, style: str) -> None:
        """Only what is new: nothing goes over the line while nothing happens."""
        if self._written.get(place) != text:
            self._written[place] = text
            self.query_one(place, Static).update(Text(settled(text), style))

    def _entries(self) -> list[Entry]:
        return entries(self.exchange.chats, self.exchange.people)

    # -- what people do

    def _submit(self, text: str) -> None:
        chat = self.exchange.chats.open
        self.remove_class("-list")
        if is_order(text):
            self.exchange.spawn(obey(self, text))
        elif text and chat is None:
            self.query_one(EntryLine).take(text)
            self.notice("Say to whom: choose a conversation, or write /msg NAME.")
        elif text and chat is not None:
            self.exchange.saying.say(chat, text.removeprefix("/") if text.startswith("//") else text)
            self._end()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Somebody types."""
        chat = self.exchange.chats.open
        if chat is not None and event.text_area.has_focus:
            self.exchange.typing(chat, bool(event.text_area.text) and not is_order(event.text_area.text))

    def on_sidebar_chosen(self, event: Sidebar.Chosen) -> None:
        """A click on the list."""
        self._choose(event.entry)

    def on_history_older_wanted(self) -> None:
        """Scrolled near the top."""
        if self.exchange.chats.open is not None:
            self.exchange.scrolled_up(self.exchange.chats.open)

    def on_history_newer_wanted(self) -> None:
        """Scrolled near the bottom of a stretch that is not the last."""
        if self.exchange.chats.open is not None:
            self.exchange.scrolled_down(self.exchange.chats.open)

    def on_history_end_seen(self) -> None:
        """The newest message is in sight, if somebody looks."""
        chat = self.exchange.chats.open
        is_seen = self.app.app_focus and self.is_active and self.query_one("#talk").display
        if chat is not None and is_seen:
            self.exchange.read(chat)

    def action_help(self) -> None:
        """F1."""
        self.sheet("imchat", help_lines())

    def action_toggle_list(self) -> None:
        """F2."""
        self.toggle_class("-list")
        self.changed()

    def action_next_unread(self) -> None:
        """F3."""
        unread = [chat for chat in self.exchange.chats.newest_first() if chat.unread]
        if unread:
            self.open_chat(unread[0])
        else:
            self.notice("Nothing is unread.")

    def action_move(self, step: int) -> None:
        """Alt-Down and Alt-Up."""
        is_listed = self.has_class("-list")
        # Those with whom there is no conversation are passed over, because choosing them would begin one.
        listed = [entry for entry in self._entries() if entry.chat is not None]
        if listed:
            chats = self.exchange.chats
            opened = next((n for n, each in enumerate(listed) if each.chat is chats.open), None)
            place = 0 if opened is None or chats.open is None else opened + step
            self._choose(listed[min(max(place, 0), len(listed) - 1)])
            self.set_class(is_listed, "-list")

    def _page(self, step: int) -> None:
        history = self.query_one(History)
        history.scroll_relative(y=step * max(1, history.size.height - 2), animate=False, immediate=True)

    def _end(self) -> None:
        if self.exchange.chats.open is not None:
            self.exchange.back_to_the_end(self.exchange.chats.open)
        self.query_one(History).end()

    def _choose(self, entry: Entry) -> None:
        if entry.chat is not None:
            self.open_chat(entry.chat)
        elif entry.request is not None:
            self.notice(wish(entry.request))
        elif entry.account is not None:
            self.exchange.spawn(obey(self, f"/msg {entry.account.name}"))

    def _complete(self, before: str) -> str:
        chats = self.exchange.chats
        names = set(chats.open.names.values()) if chats.open is not None and before[:1] != "/" else set()
        names = names or chats.names() | self.exchange.people.names()
        groups = [chat.title for chat in chats.newest_first() if chat.is_group and not chat.left]
        completion = complete(before, names - {chats.own.name}, groups)
        if completion.choices:
            self.notice("  ".join(completion.choices))
        return completion.line
