"""Runs as rows of the database, and the conditions under which a stored run is still what it was.

One checksum covers a row's header and the lengths and checksums of its bodies, so that a damaged body costs
one message and a damaged header one run.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate, groupby, pairwise
from operator import eq
from struct import Struct, error, pack, unpack
from typing import Any
from zlib import crc32

from imserver.core.client_ids import NO_NUMBER
from imserver.core.run import Run
from imserver.core.values import Gone, Kind
from imserver.store import extras

# Without the names of the columns, because the library compares all of it again for every row.
INSERT = "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_HEADER = Struct("<9q")
_SIZES_OF_ONE = Struct("<2I")
Row = tuple[int, int, int, int, bytes, int, int, str, int, bool, bytes, bytes, int, str | None]


def row(run: Run) -> Row:
    """What INSERT wants."""
    conversation, first_seq, sender, stem = run.conversation, run.first_seq, run.sender, run.stem
    number, kind, content_type, time_ms = run.number, run.kind, run.content_type, run.time_ms
    withheld, bodies = run.withheld, run.bodies
    extra = None if run.extra is None else extras.encoded(run.extra)
    count = len(bodies)
    last_seq = first_seq + count - 1
    sizes = sizes_of(bodies)
    check = checksum(
        conversation, first_seq, last_seq, sender, stem, number, kind, content_type.encode(), time_ms, withheld, sizes,
        b"" if extra is None else extra.encode(),
    )  # fmt: skip
    return (
        conversation, first_seq, last_seq, sender, stem, number, kind, content_type, time_ms, withheld, sizes,
        bodies[0] if count == 1 else b"".join(bodies), check, extra,
    )  # fmt: skip


def sizes_of(bodies: Sequence[bytes]) -> bytes:
    """Their lengths, then their checksums."""
    if len(bodies) == 1:
        return _SIZES_OF_ONE.pack(len(bodies[0]), crc32(bodies[0]))
    return pack(f"<{2 * len(bodies)}I", *map(len, bodies), *map(crc32, bodies))


def checksum(
    conversation: int,
    first_seq: int,
    last_seq: int,
    sender: int,
    stem: bytes,
    number: int,
    kind: int,
    content_type: bytes,
    time_ms: int,
    withheld: int,
    sizes: bytes,
    extra: bytes = b"",
) -> int:
    """CRC-32 of all but the bodies; a disk that flips bits is found out."""
    header = _HEADER.pack(
        conversation, first_seq, last_seq, sender, number, kind, time_ms, withheld, len(stem)
    )
    return crc32(b"".join((header, stem, content_type, sizes, extra)))


def stored(row: Sequence[Any]) -> list[Run]:
    """A row as its messages, in order, with tombstones where a body is damaged; empty if its header is.

    A row is that of INSERT, with text as bytes, and the sender's name.
    """
    (
        conversation, first_seq, last_seq, sender, stem, number, kind, content_type, time_ms, withheld, sizes,
        bodies, expected, extra, sender_name,
    ) = row  # fmt: skip
    try:
        check = checksum(
            conversation, first_seq, last_seq, sender, stem, number, kind, content_type, time_ms, withheld, sizes,
            extra or b"",
        )  # fmt: skip
    except (error, TypeError):  # it holds NULL
        return []
    if check != expected:
        return []
    name, content_type, withheld = sender_name.decode(errors="replace"), content_type.decode(), withheld != 0
    lengths, checks = _lengths_and_checks(sizes)
    parts = _cut(bodies or b"", lengths)
    run = Run(
        conversation, first_seq, sender, name, stem, number, kind, content_type, parts, time_ms, withheld,
        extras.decoded(extra) if extra else None,
    )  # fmt: skip
    actual = tuple(map(crc32, parts))
    return [run] if actual == checks else _torn(run, map(eq, actual, checks))


def _lengths_and_checks(sizes: bytes) -> tuple[Sequence[int], Sequence[int]]:
    numbers = unpack(f"<{len(sizes) // 4}I", sizes)
    count = len(numbers) // 2
    return numbers[:count], numbers[count:]


def _cut(bodies: bytes, lengths: Sequence[int]) -> list[bytes]:
    if len(lengths) == 1:
        return [bodies]
    return [bodies[start:end] for start, end in pairwise(accumulate(lengths, initial=0))]


def _torn(run: Run, is_sound: Iterable[bool]) -> list[Run]:
    """Its pieces, sound and damaged in turn."""
    pieces: list[Run] = []
    start = 0
    for sound, group in groupby(is_sound):
        end = start + sum(1 for _ in group)
        piece = run.part(start, end)
        pieces.append(piece if sound else piece.gone(Gone.DAMAGED))
        start = end
    return pieces


def damaged(conversation: int, first_seq: int, last_seq: int) -> Run:
    """Tombstones for messages of which nothing is known."""
    bodies = [b""] * (last_seq - first_seq + 1)
    return Run(conversation, first_seq, 0, "", b"", NO_NUMBER, Kind.TOMBSTONE, Gone.DAMAGED, bodies, 0)


def is_damaged(run: Run) -> bool:
    """Whether tombstones stand for it because of damage."""
    return run.kind == Kind.TOMBSTONE and run.content_type == Gone.DAMAGED
