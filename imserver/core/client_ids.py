"""Client ids: bytes that a device gives its messages, so that a retry is recognised.

Nearly every client makes them of something of its own and a counter.  An id of at least 8 bytes is taken as a
stem and a big-endian number of 8 bytes; ids that count up are then one entry of an index, however many.
"""

NUMBER_BYTES = 8
NO_NUMBER = -1  # of ids that are too short, or whose number is over 2**63 - 1: their own stem


def split(client_id: bytes) -> tuple[bytes, int]:
    """-> (stem, number); no two ids have the same."""
    number = int.from_bytes(client_id[-NUMBER_BYTES:])
    if len(client_id) < NUMBER_BYTES or number >> 63:
        return client_id, NO_NUMBER
    return client_id[:-NUMBER_BYTES], number


def joined(stem: bytes, number: int) -> bytes:
    """The id again."""
    return stem if number == NO_NUMBER else stem + number.to_bytes(NUMBER_BYTES)


def can_count(number: int) -> bool:
    """Whether ids that follow, as many as there may be in a run, are of the same stem."""
    return NO_NUMBER < number < 2**63 - 2**16
