"""Where people write: Enter sends, Alt-Enter begins a new line, Tab completes."""

from collections.abc import Callable, Mapping

from textual import events
from textual.widgets import TextArea

Completer = Callable[[str], str]
Keys = Mapping[str, Callable[[], None]]


class EntryLine(TextArea):
    """Several lines of text; `complete` gets what stands before the cursor, `submit` a text with Enter.

    All keys that mean something are obeyed here, at once, also `others`: as bindings they would overtake, or be
    overtaken by, those that come with them, and a text would go to the conversation opened after it.
    """

    def __init__(self, complete: Completer, submit: Callable[[str], None], others: Keys, *, id: str) -> None:
        super().__init__(
            id=id, soft_wrap=True, show_line_numbers=False, compact=True, highlight_cursor_line=False
        )
        self.cursor_blink = False  # over a slow line it would be the only thing that moves
        self._complete = complete
        self._submit = submit
        self._keys: Keys = {
            **others,
            "enter": self._enter,
            "ctrl+j": self._new_line,
            "alt+enter": self._new_line,
            "shift+enter": self._new_line,
            "tab": self._tab,
        }

    def on_key(self, event: events.Key) -> None:
        """Called by textual before the text area looks at the key."""
        handler = self._keys.get(event.key)
        if handler is not None:
            event.prevent_default().stop()
            handler()

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
