"""A widget that shows ready-made rows of text, as many as there may be: only those in sight are drawn."""

from collections.abc import Sequence

from rich.text import Text
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip


class RowsView(ScrollView):
    """Rows of cells, scrolled up and down."""

    DEFAULT_CSS = """
    RowsView { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._texts: Sequence[Text] = ()

    @property
    def row_width(self) -> int:
        """How many cells a row may have."""
        return max(1, self.scrollable_content_region.width)

    @property
    def is_at_end(self) -> bool:
        """The last row is in sight."""
        return self.scroll_offset.y >= self.max_scroll_y

    def show_rows(self, texts: Sequence[Text]) -> None:
        """These rows from now on."""
        self._texts = texts
        self.virtual_size = Size(self.row_width, len(texts))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Called by textual for each row in sight."""
        place = y + self.scroll_offset.y
        if not 0 <= place < len(self._texts):
            return Strip.blank(self.size.width, self.rich_style)
        text = self._texts[place]
        strip = Strip(text.render(self.app.console), text.cell_len)
        return strip.adjust_cell_length(self.size.width).apply_style(self.rich_style)
