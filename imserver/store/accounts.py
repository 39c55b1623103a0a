"""Accounts and their devices in SQLite."""

from collections.abc import Callable, Sequence

import apsw

from imserver.core.changes import GroupOutcome
from imserver.core.errors import ChatError, Code, not_invited
from imserver.core.values import Account, AccountRecord, DeviceRecord
from imserver.store import rows
from imserver.store.contact_tables import forget_account
from imserver.store.group_commit import GroupCommit
from imserver.store.group_rules import GroupRules
from imserver.store.groups import SqliteTables
from imserver.store.numbers import own_number
from imserver.store.tails import Tails

_CREATE = """
    INSERT INTO accounts (number, name, display_name, signature, password_hash, created_ms, open_to_contacts)
    VALUES (?, ?, ?, '', ?, ?, ?)"""
_NEXT_NUMBER = "UPDATE meta SET value = value + 1 WHERE name = 'next_number' RETURNING value - 1"
_NAMED = """
    SELECT number, name, display_name, signature, password_hash, deleted_ms, frozen_ms, administrator
    FROM accounts WHERE name = ?"""
_NUMBERED = """
    SELECT number, name, display_name, signature, password_hash, deleted_ms, frozen_ms, administrator
    FROM accounts WHERE number = ?"""
_SET_HASH = "UPDATE accounts SET password_hash = ? WHERE number = ? AND deleted_ms = 0"
_RENEW_HASH = (
    "UPDATE accounts SET password_hash = ? WHERE number = ? AND password_hash = ? AND deleted_ms = 0"
)
_SET_PROFILE = "UPDATE accounts SET display_name = ?, signature = ? WHERE number = ? AND deleted_ms = 0"
_END_TOKENS = "UPDATE devices SET token_sha256 = NULL WHERE account = ? AND id <> ?"
_DELETE = """
    UPDATE accounts SET display_name = '', signature = '', password_hash = '', administrator = 0, deleted_ms = ?
    WHERE number = ? AND deleted_ms = 0"""
_IS_INVITED = "SELECT 1 FROM invitations WHERE code_sha256 = ? AND uses_left > 0 AND expires_ms > ?"
_USE_INVITATION = """
    UPDATE invitations SET uses_left = uses_left - 1
    WHERE code_sha256 = ? AND uses_left > 0 AND expires_ms > ? RETURNING id"""
_CONVERSATIONS_OF = "SELECT conversation FROM members WHERE account = ?"
_FORGET_GROUPS = """
    DELETE FROM members WHERE account = ? AND conversation IN (SELECT id FROM conversations WHERE lower IS NULL)"""
_FORGET_REQUESTS = "DELETE FROM join_requests WHERE account = ?"
_FORGET_DEVICES = "DELETE FROM devices WHERE account = ?"

_DEVICE = """
    SELECT id, account, name, created_ms, last_seen_ms, token_sha256 IS NOT NULL FROM devices WHERE id = ?"""
_DEVICE_WITH_TOKEN = """
    SELECT id, account, name, created_ms, last_seen_ms, TRUE FROM devices WHERE token_sha256 = ?"""
_DEVICES_OF = """
    SELECT id, account, name, created_ms, last_seen_ms, token_sha256 IS NOT NULL FROM devices
    WHERE account = ? ORDER BY last_seen_ms, id"""
_RENEW_TOKEN = """
    UPDATE devices SET token_sha256 = ?, last_seen_ms = ? WHERE account = ? AND name = ?
    RETURNING id"""
_ADD_DEVICE = """
    INSERT INTO devices (account, name, token_sha256, created_ms, last_seen_ms) VALUES (?, ?, ?, ?, ?)
    RETURNING id"""
_COPY_CURSORS = """
    INSERT INTO device_cursors (device, conversation, delivered_seq)
    SELECT ?, c.conversation, max(c.delivered_seq) FROM device_cursors c JOIN devices d ON d.id = c.device
    WHERE d.account = ? GROUP BY c.conversation"""
_DISPLACED = """
    SELECT id FROM devices WHERE account = ? AND id <> ?
    ORDER BY last_seen_ms DESC, id DESC LIMIT -1 OFFSET ?"""
_REMOVE_DEVICE = "DELETE FROM devices WHERE id = ?"
_REVOKE = "DELETE FROM devices WHERE account = ? AND name = ? RETURNING id"
_END_TOKEN = "UPDATE devices SET token_sha256 = NULL WHERE id = ?"
_SEEN = "UPDATE devices SET last_seen_ms = max(last_seen_ms, ?2) WHERE id = ?1"


class SqliteAccounts:
    """IAccounts over a GroupCommit."""

    _connection: apsw.Connection
    _commits: GroupCommit
    _tables: SqliteTables
    _tails: Tails
    _token_bytes: Callable[[int], bytes]

    async def create_account(
        self,
        name: str,
        display_name: str,
        password_hash: str,
        now_ms: int,
        open_to_contacts: bool = False,
        invitation_sha256: bytes = b"",
    ) -> Account:
        """See IAccounts."""

        def create() -> Account:
            if invitation_sha256:
                self._use_invitation(invitation_sha256, now_ms)
            return self._create(name, display_name, password_hash, now_ms, open_to_contacts)

        return await self._commits.write(create)

    async def is_invited(self, invitation_sha256: bytes, now_ms: int) -> bool:
        """See IAccounts."""
        return await self._commits.read(
            lambda: self._connection.execute(_IS_INVITED, (invitation_sha256, now_ms)).get is not None
        )

    def _use_invitation(self, invitation_sha256: bytes, now_ms: int) -> None:
        if self._connection.execute(_USE_INVITATION, (invitation_sha256, now_ms)).get is None:
            raise not_invited()

    def _create(
        self, name: str, display_name: str, password_hash: str, now_ms: int, open_to_contacts: bool
    ) -> Account:
        number = own_number(name) or self._free_number()
        if self._record(_NAMED, name) or self._record(_NUMBERED, number):
            raise ChatError(Code.NAME_TAKEN, "that name is taken; choose another")
        values = (number, name, display_name, password_hash, now_ms, open_to_contacts)
        self._connection.execute(_CREATE, values)
        return Account(number, name, display_name, "")

    def _free_number(self) -> int:
        while True:
            number: int = self._connection.execute(_NEXT_NUMBER).get
            if self._record(_NUMBERED, number) is None:
                return number

    def _record(self, query: str, key: str | int) -> AccountRecord | None:
        row = self._connection.execute(query, (key,)).get
        return row and rows.account_record(row)

    async def account_named(self, name: str) -> AccountRecord | None:
        """See IAccounts."""
        return await self._commits.read(lambda: self._record(_NAMED, name))

    async def account_numbered(self, number: int) -> AccountRecord | None:
        """See IAccounts."""
        return await self._commits.read(lambda: self._record(_NUMBERED, number))

    async def set_password(self, number: int, password_hash: str, keep_device: int) -> None:
        """See IAccounts."""

        def replace() -> None:
            self._connection.execute(_SET_HASH, (password_hash, number))
            self._connection.execute(_END_TOKENS, (number, keep_device))

        await self._commits.write(replace)

    async def set_password_hash(self, number: int, old_hash: str, new_hash: str) -> None:
        """See IAccounts."""
        await self._execute(_RENEW_HASH, (new_hash, number, old_hash))

    async def set_profile(self, number: int, display_name: str, signature: str) -> None:
        """See IAccounts."""
        await self._execute(_SET_PROFILE, (display_name, signature, number))

    async def _execute(self, statement: str, values: tuple[int | str, ...]) -> None:
        def execute() -> None:
            self._connection.execute(statement, values)

        await self._commits.write(execute)

    async def delete_account(self, number: int, now_ms: int) -> list[GroupOutcome]:
        """See IAccounts."""
        return await self._commits.write(lambda: self._delete(number, now_ms))

    def _delete(self, number: int, now_ms: int) -> list[GroupOutcome]:
        gone = GroupRules(self._tables, self._token_bytes).end_account(number, now_ms)
        forget_account(self._connection, number)
        for conversation in _ids(self._connection.execute(_CONVERSATIONS_OF, (number,))):
            self._tails.forget(conversation)
        for statement in (_FORGET_DEVICES, _FORGET_GROUPS, _FORGET_REQUESTS):
            self._connection.execute(statement, (number,))
        self._connection.execute(_DELETE, (now_ms, number))
        return gone

    async def put_device(
        self, account: int, name: str, token_sha256: bytes, now_ms: int, max_devices: int
    ) -> tuple[DeviceRecord, list[int]]:
        """See IAccounts."""
        return await self._commits.write(lambda: self._put(account, name, token_sha256, now_ms, max_devices))

    def _put(
        self, account: int, name: str, token_sha256: bytes, now_ms: int, max_devices: int
    ) -> tuple[DeviceRecord, list[int]]:
        record = self._record(_NUMBERED, account)
        if record is None or record.deleted:
            raise ChatError(Code.NOT_FOUND, "there is no such account")
        id = self._connection.execute(_RENEW_TOKEN, (token_sha256, now_ms, account, name)).get
        if id is None:
            values = (account, name, token_sha256, now_ms, now_ms)
            id = self._connection.execute(_ADD_DEVICE, values).get
            self._connection.execute(_COPY_CURSORS, (id, account))
        displaced = _ids(self._connection.execute(_DISPLACED, (account, id, max_devices - 1)))
        for other in displaced:
            self._connection.execute(_REMOVE_DEVICE, (other,))
        return rows.device_record(self._connection.execute(_DEVICE, (id,)).get), displaced

    async def device_with_token(self, token_sha256: bytes) -> DeviceRecord | None:
        """See IAccounts."""
        return await self._commits.read(lambda: self._device(_DEVICE_WITH_TOKEN, token_sha256))

    async def device_with_id(self, device: int) -> DeviceRecord | None:
        """See IAccounts."""
        return await self._commits.read(lambda: self._device(_DEVICE, device))

    def _device(self, query: str, key: int | bytes) -> DeviceRecord | None:
        row = self._connection.execute(query, (key,)).get
        return row and rows.device_record(row)

    async def devices_of(self, account: int) -> list[DeviceRecord]:
        """See IAccounts."""
        return await self._commits.read(
            lambda: [rows.device_record(row) for row in self._connection.execute(_DEVICES_OF, (account,))]
        )

    async def revoke_device(self, account: int, name: str) -> int:
        """See IAccounts."""
        return await self._commits.write(lambda: self._revoke(account, name))

    def _revoke(self, account: int, name: str) -> int:
        return self._connection.execute(_REVOKE, (account, name)).get or 0

    async def end_token(self, device: int) -> None:
        """See IAccounts."""
        await self._execute(_END_TOKEN, (device,))

    async def save_seen(self, seen: Sequence[tuple[int, int]]) -> None:
        """See IAccounts."""

        def save() -> None:
            self._connection.executemany(_SEEN, seen)

        await self._commits.write(save)


def _ids(cursor: apsw.Cursor) -> list[int]:
    return [row[0] for row in cursor]
