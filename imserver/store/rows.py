"""Rows of the database as values."""

from typing import Any

from imserver.core.values import (
    Account,
    AccountRecord,
    Conversation,
    ConversationKind,
    Device,
    DeviceRecord,
    JoinRequest,
    Member,
    Membership,
)

Row = tuple[Any, ...]


def account_record(row: Row) -> AccountRecord:
    """(number, name, display_name, signature, password_hash, deleted_ms, frozen_ms, administrator)"""
    return AccountRecord(Account(*row[:4]), row[4], row[5] != 0, row[6] != 0, row[7] != 0)


def device_record(row: Row) -> DeviceRecord:
    """(id, account, name, created_ms, last_seen_ms, has_token)"""
    return DeviceRecord(row[0], row[1], Device(*row[2:5]), row[5] != 0)


def conversation(row: Row) -> Conversation:
    """(id, kind, title, then number, name, display_name, signature of both peers or NULLs, then number, announcement, join_policy)"""
    peers = () if row[3] is None else (Account(*row[3:7]), Account(*row[7:11]))
    return Conversation(row[0], ConversationKind(row[1]), row[2], peers, *row[11:14])


def membership(row: Row) -> Membership:
    """(as conversation, then last_seq, joined_seq, left_seq, delivered_seq, read_seq, role)"""
    return Membership(conversation(row[:14]), *row[14:20])


def member(row: Row) -> Member:
    """(number, name, display_name, signature, joined_seq, role, muted_until_ms)"""
    return Member(Account(*row[:4]), *row[4:7])


def join_request(row: Row) -> JoinRequest:
    """(conversation, number, name, display_name, signature, text, time_ms)"""
    return JoinRequest(row[0], Account(*row[1:5]), row[5], row[6])
