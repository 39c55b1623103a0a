"""What later messages make of earlier ones: an edit stands in the place of what it is about, a recall leaves it empty.

Who reads does not see them as messages of their own.  A conversation is read from its end, so they are met before
what they are about, and are remembered until that is.
"""

from imserver.core.values import Gone, Kind, Message

SILENT = frozenset((Kind.EDIT, Kind.RECALL))
MAX_EDITS = 500
MAX_EDIT_BYTES = 256 * 1024
MAX_RECALLS = 10_000


def about(message: Message) -> int:
    """The seq of the message that this one is about; 0: none."""
    return message.extra.about if message.extra is not None else 0


class Amendments:
    """Those of one conversation; beyond the bounds those that were met first are forgotten."""

    def __init__(self) -> None:
        self._edits: dict[int, Message] = {}
        self._recalled: dict[int, None] = {}

    def take(self, message: Message) -> None:
        """Learn from a message, whatever it is."""
        if message.kind == Kind.EDIT and about(message) not in self._recalled:
            self._take_edit(message)
        elif message.kind == Kind.RECALL:
            self._edits.pop(about(message), None)
            self._recalled[about(message)] = None
            if len(self._recalled) > MAX_RECALLS:
                del self._recalled[next(iter(self._recalled))]

    def edit_of(self, message: Message) -> Message | None:
        """The newest edit of a message, if there is anything left of that."""
        return None if message.kind == Kind.TOMBSTONE else self._edits.get(message.seq)

    def is_silent(self, message: Message) -> bool:
        """Whether it is not to be seen as a message of its own.

        A recall destroys the edits of a message, too.  What is recalled, though no recall is about it, was one.
        """
        is_recalled = message.kind == Kind.TOMBSTONE and message.content_type == Gone.RECALLED
        return message.kind in SILENT or (is_recalled and message.seq not in self._recalled)

    def clear(self) -> None:
        """Forget all."""
        self._edits.clear()
        self._recalled.clear()

    def _take_edit(self, edit: Message) -> None:
        held = self._edits.get(about(edit))
        if held is None or held.seq < edit.seq:
            self._edits[about(edit)] = edit
        size = sum(len(each.body) for each in self._edits.values())
        while len(self._edits) > 1 and (len(self._edits) > MAX_EDITS or size > MAX_EDIT_BYTES):
            size -= len(self._edits.pop(next(iter(self._edits))).body)
