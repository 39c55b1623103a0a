"""Where people write: Enter sends, Alt-Enter begins a new line, Tab completes."""

from collections.abc import Callable

from textual import events
from textual.widgets import TextArea

Completer = Callable[[str], str]


class EntryLine(TextArea):
    """Several lines of text; `complete` gets what stands before the cursor, `submit` a text with Enter.

    Both are called as the keys come, and no key here has priority: whatever is typed quickly, or arrives at
    once from far away, is obeyed in its order, so that a text never goes to the conversation opened after it.
    """

    BINDINGS = [
        ("pageup", "screen.page(-1)"),
        ("pagedown", "screen.page(1)"),
        ("ctrl+end", "screen.end"),
    ]

    def __init__(self, complete: Completer, submit: Callable[[str], None], *, id: str) -> None:
        super().__init__(
            id=id, soft_wrap=True, show_line_numbers=False, compact=True, highlight_cursor_line=False
        )
        self._complete = complete
        self._submit = submit

    def on_key(self, event: events.Key) -> None:
        """Called by textual before the text area looks at the key."""
        handler = _KEYS.get(event.key)
        if handler is not None:
            event.prevent_default().stop()
            handler(self)

    def take(self, draft: str) -> None:
        """Go on with this text."""
        self.text = draft
        self.move_cursor(self.document.end)

    def _enter(self) -> None:
        text = self.text
        self.text = ""
        self._submit(text.strip("\n") if text.strip() else "")

    def _new_line(self) -> None:
        self.insert("\n")

    def _tab(self) -> None:
        row, column = self.cursor_location
        line = self._complete(self.document.get_line(row)[:column])
        self.replace(line, (row, 0), (row, column))


_KEYS: dict[str, Callable[[EntryLine], None]] = {
    "enter": EntryLine._enter,
    "ctrl+j": EntryLine._new_line,
    "alt+enter": EntryLine._new_line,
    "shift+enter": EntryLine._new_line,
    "tab": EntryLine._tab,
}
