"""Rows of the database as values."""

from typing import Any

from imserver.core.values import (
    Account,
    AccountRecord,
    Conversation,
    ConversationKind,
    Device,
    DeviceRecord,
    Membership,
)

Row = tuple[Any, ...]


def account_record(row: Row) -> AccountRecord:
    """(number, name, display_name, signature, password_hash, deleted_ms)"""
    return AccountRecord(Account(*row[:4]), row[4], row[5] != 0)


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
