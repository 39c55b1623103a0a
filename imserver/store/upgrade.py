"""SQL functions of the migrations: what SQL itself cannot compute."""

from collections.abc import Callable
from typing import Any
from zlib import crc32

import apsw

from imserver.core import client_ids
from imserver.store import runs


def register(connection: apsw.Connection) -> None:
    """Give a connection all of them."""
    functions: tuple[Callable[..., Any], ...] = (
        id_stem,
        id_number,
        run_sizes,
        run_checksum,
        message_is_sound,
    )
    for function in functions:
        connection.create_scalar_function(function.__name__, function, deterministic=True)


# -- 002: messages become runs of one ------------------------------------------------------------------------


def id_stem(client_id: bytes) -> bytes:
    """Of a client id."""
    return client_ids.split(client_id)[0]


def id_number(client_id: bytes) -> int:
    """Of a client id."""
    return client_ids.split(client_id)[1]


def run_sizes(body: bytes) -> bytes:
    """Of a run of one."""
    return runs.sizes_of([body])


def run_checksum(
    conversation: int,
    seq: int,
    sender: int,
    client_id: bytes,
    kind: int,
    content_type: bytes,
    body: bytes,
    time_ms: int,
) -> int:
    """Of a run of one."""
    stem, number = client_ids.split(client_id)
    sizes = runs.sizes_of([body])
    return runs.checksum(conversation, seq, seq, sender, stem, number, kind, content_type, time_ms, 0, sizes)


def message_is_sound(*row: Any) -> bool:
    """Whether a row of schema 1 is what was written: (conversation, ... body, time_ms, checksum); content_type as bytes."""
    *fields, time_ms, expected = row
    try:
        content_type = fields[5].decode()
        return isinstance(time_ms, int) and len(content_type) <= 256 and _old_checksum(*fields) == expected
    except (TypeError, ValueError, AttributeError):
        return False


def _old_checksum(
    conversation: int, seq: int, sender: int, client_id: bytes, kind: int, content_type: bytes, body: bytes
) -> int:
    start = crc32(client_id, conversation * 31 + seq * 37 + sender * 41 + kind)
    return crc32(body, crc32(content_type, start) if content_type else start)
