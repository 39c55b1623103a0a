"""The conversation that is open: follows what arrives while the end is in sight, and otherwise stays where it is."""

from textual.events import Resize
from textual.message import Message

from imserver.client.screen.chat import Chat
from imserver.client.screen.page import Page, Row
from imserver.client.screen.rows import RowsView

NEAR_ROWS = 3  # so close to either end more is asked for


class History(RowsView):
    """Goes on in each conversation where it was left."""

    can_focus = False

    class OlderWanted(Message):
        """Somebody scrolls towards what was said before."""

    class NewerWanted(Message):
        """Somebody scrolls towards what was said since."""

    class EndSeen(Message):
        """The newest message is in sight."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._chat: Chat | None = None
        self._page: Page | None = None
        self._rows: list[Row] = []
        self._placing = False
        self._placed_size = self.size
        self._follows = True  # what arrives, because the end is in sight, whatever height is left for it

    def show(self, chat: Chat | None) -> None:
        """Show the conversation as it is now."""
        self._page = self._page or Page(self.app.console)
        anchor = None if self._follows else self._anchor()
        if chat is not self._chat:
            if self._chat is not None:
                self._chat.anchor = anchor
            anchor = chat.anchor if chat is not None else None
        self._chat = chat
        self._rows = self._page.rows(chat, self.row_width) if chat is not None else []
        self._placing = True
        self.show_rows([row.text for row in self._rows])
        self.scroll_to(y=self._place_of(anchor), animate=False, immediate=True, force=True)
        self._placing = False
        self._placed_size = self.size
        self._follows = anchor is None or (self.is_at_end and self.size.height > NEAR_ROWS)
        self._look()

    def end(self) -> None:
        """Go to the newest message."""
        self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Called by textual."""
        super().watch_scroll_y(old_value, new_value)
        if (
            not self._placing and self.size == self._placed_size
        ):  # otherwise nobody has scrolled: it was resized
            self._follows = self.is_at_end
            self._look()

    def on_resize(self, event: Resize) -> None:
        """Called by textual; rows are wrapped anew."""
        if self.size.width:
            self.show(self._chat)

    def _look(self) -> None:
        """Which end is near?"""
        chat = self._chat
        if chat is None:
            return
        if chat.older and chat.messages and self.scroll_offset.y < NEAR_ROWS:
            self.post_message(self.OlderWanted())
        if self.scroll_offset.y > self.max_scroll_y - NEAR_ROWS and chat.newer:
            self.post_message(self.NewerWanted())
        if self.is_at_end and not chat.newer:
            self.post_message(self.EndSeen())

    def _anchor(self) -> tuple[int, int] | None:
        """The first message in sight, and how many rows of it are above."""
        for place in range(self.scroll_offset.y, len(self._rows)):
            if seq := self._rows[place].seq:
                return seq, place - self.scroll_offset.y
        return None

    def _place_of(self, anchor: tuple[int, int] | None) -> int:
        if anchor is None:
            return int(self.max_scroll_y)
        seq, below = anchor
        return next((n - below for n, row in enumerate(self._rows) if row.seq >= seq), int(self.max_scroll_y))
