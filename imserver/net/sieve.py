"""A protobuf message taken in as it arrives, without one large field, which is counted and never held."""

from imserver.core.errors import Code, WireError

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5  # wire types
_FIXED = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}
_MAX_HEAD_BYTES = 20  # two varints
_TORN = WireError("a field ends after its message")


class Sieve:
    """Takes a message of `length` bytes; `kept` is what it is without the content of field `skipped`.

    At most `max_kept` bytes are kept, and at most `max_skipped` of the field's content are skipped; the heads
    of skipped fields count as kept, so that many small ones cost no more than others.  Raises WireError for
    what is more, and for what is no message.
    """

    __slots__ = (
        *("_field_left", "_head", "_is_kept", "_max_kept", "_max_skipped", "_number", "_room"),
        *("kept", "left", "skipped_bytes"),
    )

    def __init__(self, number: int, length: int, max_kept: int, max_skipped: int) -> None:
        self._number = number
        self._max_kept = max_kept
        self._room = max_kept
        self._max_skipped = max_skipped
        self._head = bytearray()  # of a field: its tag, and its length or number
        self._field_left = 0  # of the content after the head
        self._is_kept = True
        self.kept = bytearray()
        self.left = length
        self.skipped_bytes = 0

    def feed(self, data: memoryview) -> None:
        """Take at most `left` further bytes."""
        at = 0
        while at < len(data):
            if self._field_left:
                content = data[at : at + self._field_left]
                at += len(content)
                self._take_content(content)
            else:
                self.left -= 1
                self._take_head(data[at])
                at += 1
        if not self.left and (self._field_left or self._head):
            raise _TORN

    def _take_content(self, content: memoryview) -> None:
        self.left -= len(content)
        self._field_left -= len(content)
        if self._is_kept:
            self._keep(content)
        else:
            self.skipped_bytes += len(content)

    def _take_head(self, byte: int) -> None:
        self._head.append(byte)
        if byte & 0x80:
            if len(self._head) > _MAX_HEAD_BYTES:
                raise _TORN
            return
        tag, end = _varint(self._head, 0)
        kind = tag & 7
        if kind in _FIXED:
            self._begin(tag >> 3, _FIXED[kind])
        elif kind not in (_VARINT, _BYTES):
            raise WireError("groups belong to no message here")
        elif end < len(self._head):
            self._begin(tag >> 3, _varint(self._head, end)[0] if kind == _BYTES else 0)

    def _begin(self, number: int, size: int) -> None:
        """The head is complete; `size` bytes of content follow."""
        if size > self.left:
            raise _TORN
        self._is_kept = number != self._number
        self._field_left = size
        if self._is_kept:
            self._keep(self._head)
        else:
            self._count(len(self._head))
            if self.skipped_bytes + size > self._max_skipped:
                raise WireError(
                    f"field {number} may have at most {self._max_skipped} bytes", Code.FRAME_TOO_LARGE
                )
        self._head = bytearray()

    def _keep(self, data: memoryview | bytearray) -> None:
        self._count(len(data))
        self.kept += data

    def _count(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise WireError(
                f"beside that field there may be at most {self._max_kept} bytes", Code.FRAME_TOO_LARGE
            )


def _varint(data: bytearray, start: int) -> tuple[int, int]:
    """-> the number that starts there, and where the next one does."""
    value = 0
    for at in range(start, len(data)):
        value |= (data[at] & 0x7F) << (7 * (at - start))
        if not data[at] & 0x80:
            return value, at + 1
    return value, len(data)
