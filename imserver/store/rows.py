"""Rows of the database as values, and the conditions under which a stored message is still what it was."""

from typing import Any
from zlib import crc32

from imserver.core.values import (
    Account,
    AccountRecord,
    Conversation,
    ConversationKind,
    Device,
    DeviceRecord,
    Kind,
    Membership,
    Message,
)

DAMAGED_CONTENT_TYPE = "application/vnd.imserver.damaged"
Row = tuple[Any, ...]


def account_record(row: Row) -> AccountRecord:
    """(number, name, display_name, signature, password_hash, deleted_ms, frozen_ms, administrator)"""
    return AccountRecord(Account(*row[:4]), row[4], row[5] != 0, row[6] != 0, row[7] != 0)


def device_record(row: Row) -> DeviceRecord:
    """(id, account, name, created_ms, last_seen_ms)"""
    return DeviceRecord(row[0], row[1], Device(*row[2:5]))


def conversation(row: Row) -> Conversation:
    """(id, kind, title, then number, name, display_name, signature of both peers or NULLs)"""
    peers = () if row[3] is None else (Account(*row[3:7]), Account(*row[7:11]))
    return Conversation(row[0], ConversationKind(row[1]), row[2], peers)


def membership(row: Row) -> Membership:
    """(as conversation, then last_seq, joined_seq, left_seq, delivered_seq, read_seq)"""
    return Membership(conversation(row[:11]), *row[11:16])


def message(row: Row) -> Message:
    """(conversation, seq, sender, sender's name, client_id, kind, content_type, body, time_ms, checksum), names as bytes

    A row that is not what was written becomes a tombstone: one bad row must not end a client's
    synchronisation, and its content must not be shown (T25).
    """
    conversation, seq, sender, name, client_id, kind, content_type, body, time_ms, expected = row
    if checksum(conversation, seq, sender, client_id, kind, content_type, body) != expected:
        kind, content_type, body = Kind.OPAQUE, DAMAGED_CONTENT_TYPE, b""
    else:
        content_type = content_type.decode()
    return Message(
        conversation, seq, sender, name.decode(errors="replace"), client_id, kind, content_type, body, time_ms
    )


def checksum(
    conversation: int, seq: int, sender: int, client_id: bytes, kind: int, content_type: bytes, body: bytes
) -> int:
    """CRC-32 of all that matters about a message; a disk that flips bits is found out."""
    start = crc32(client_id, conversation * 31 + seq * 37 + sender * 41 + kind)
    return crc32(body, crc32(content_type, start) if content_type else start)
