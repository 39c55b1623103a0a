"""Where people write: Enter sends, Alt-Enter begins a new line, Tab completes."""

from collections.abc import Callable

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.widgets import TextArea

from imserver.client.screen.completion import Completion

MAX_SHOWN_LINES = 5
Completer = Callable[[str], Completion]


class EntryLine(TextArea):
    """Several lines of text; `complete` gets what stands before the cursor."""

    BINDINGS = [
        Binding("alt+enter,ctrl+j,shift+enter", "new_line", "New line", show=False, priority=True),
    ]

    class Submitted(Message):
        """A text is to be sent, or an order to be obeyed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Choices(Message):
        """Tab has several ways to go on."""

        def __init__(self, words: tuple[str, ...]) -> None:
            super().__init__()
            self.words = words

    def __init__(self, complete: Completer, *, id: str) -> None:
        super().__init__(
            id=id, soft_wrap=True, show_line_numbers=False, compact=True, highlight_cursor_line=False
        )
        self._complete = complete

    def on_key(self, event: events.Key) -> None:
        """Called by textual before the text area looks at the key."""
        if event.key == "enter":
            event.prevent_default().stop()
            self._submit()
        elif event.key == "tab":
            event.prevent_default().stop()
            self._tab()

    def action_new_line(self) -> None:
        """Alt-Enter."""
        self.insert("\n")

    def take(self, draft: str) -> None:
        """Go on with this text."""
        self.text = draft
        self.move_cursor(self.document.end)

    def _submit(self) -> None:
        text = self.text
        self.text = ""
        if text.strip():
            self.post_message(self.Submitted(text.strip("\n")))

    def _tab(self) -> None:
        row, column = self.cursor_location
        before = self.document.get_line(row)[:column]
        completion = self._complete(before)
        self.replace(completion.line, (row, 0), (row, column))
        if completion.choices:
            self.post_message(self.Choices(completion.choices))
