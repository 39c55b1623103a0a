"""The list on the left: who there is, what is unread, and which conversation is open."""

from rich.text import Text
from textual.events import Click, Resize
from textual.message import Message

from imserver.client.screen.listing import Entry
from imserver.client.screen.rows import RowsView
from imserver.client.screen.wording import fitted, settled

MAX_SHOWN_UNREAD = 999


class Sidebar(RowsView):
    """Shows entries; the one that is open stays in sight."""

    can_focus = False

    class Chosen(Message):
        """Somebody clicked on an entry."""

        def __init__(self, entry: Entry) -> None:
            super().__init__()
            self.entry = entry

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.entries: list[Entry] = []
        self._open = -1

    def show(self, entries: list[Entry], opened: int) -> None:
        """These entries, of which number `opened` is open (-1: none)."""
        moved = opened != self._open
        self.entries, self._open = entries, opened
        width = self.row_width
        self.show_rows([_row(entry, n == opened, width) for n, entry in enumerate(entries)])
        if moved and opened >= 0:
            self._bring_into_sight(opened)

    def _bring_into_sight(self, place: int) -> None:
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if not top <= place < top + height:
            self.scroll_to(y=max(0, place - height // 2), animate=False, immediate=True)

    def on_resize(self, event: Resize) -> None:
        """Called by textual."""
        self.show(self.entries, self._open)

    def on_click(self, event: Click) -> None:
        """Called by textual."""
        place = event.y + self.scroll_offset.y
        if 0 <= place < len(self.entries):
            self.post_message(self.Chosen(self.entries[place]))


def _row(entry: Entry, is_open: bool, width: int) -> Text:
    count = f" {min(entry.unread, MAX_SHOWN_UNREAD)}" if entry.unread else ""
    title = fitted(f"{entry.mark} {settled(entry.title)}", max(0, width - len(count)))
    style = "reverse" if is_open else "bold" if entry.unread else ""
    return Text(title + count, style)
