"""What operators ask of the store, in SQLite."""

from typing import Any

import apsw

from imserver.core.values import AccountRecord, GroupSummary, Invitation
from imserver.store import rows
from imserver.store.group_commit import GroupCommit
from imserver.store.log import last_seq

_ACCOUNTS = """
    SELECT number, name, display_name, signature, password_hash, deleted_ms, frozen_ms, administrator
    FROM accounts WHERE number > ? AND deleted_ms = 0 ORDER BY number LIMIT ?"""
_FREEZE = "UPDATE accounts SET frozen_ms = ? WHERE number = ? AND deleted_ms = 0"
_SET_ADMINISTRATOR = "UPDATE accounts SET administrator = ? WHERE number = ? AND deleted_ms = 0"
_GROUPS = """
    SELECT c.id, c.number, c.title,
        (SELECT count(*) FROM members m WHERE m.conversation = c.id AND m.left_seq = 0)
    FROM conversations c WHERE c.number > ? ORDER BY c.number LIMIT ?"""
_FORGET_INVITATIONS = "DELETE FROM invitations WHERE uses_left = 0 OR expires_ms <= ?"
_INVITE = "INSERT INTO invitations (code_sha256, uses_left, expires_ms) VALUES (?, ?, ?) RETURNING id"
_INVITATIONS = """
    SELECT id, uses_left, expires_ms FROM invitations
    WHERE id > ? AND uses_left > 0 AND expires_ms > ? ORDER BY id LIMIT ?"""
_WITHDRAW = "DELETE FROM invitations WHERE id = ? AND uses_left > 0 AND expires_ms > ? RETURNING id"


class SqliteOperators:
    """IOperators over a GroupCommit."""

    _connection: apsw.Connection
    _commits: GroupCommit

    async def accounts(self, after: int, limit: int) -> list[AccountRecord]:
        """See IOperators."""
        return await self._commits.read(
            lambda: [rows.account_record(row) for row in self._connection.execute(_ACCOUNTS, (after, limit))]
        )

    async def freeze(self, number: int, now_ms: int) -> None:
        """See IOperators."""
        await self._change(_FREEZE, (now_ms, number))

    async def unfreeze(self, number: int) -> None:
        """See IOperators."""
        await self._change(_FREEZE, (0, number))

    async def set_administrator(self, number: int, administrator: bool) -> None:
        """See IOperators."""
        await self._change(_SET_ADMINISTRATOR, (administrator, number))

    async def _change(self, statement: str, values: tuple[int, int]) -> None:
        await self._commits.write(lambda: self._connection.execute(statement, values).get)

    async def groups(self, after: int, limit: int) -> list[GroupSummary]:
        """See IOperators."""
        return await self._commits.read(
            lambda: [
                self._summary(*row) for row in self._connection.execute(_GROUPS, (after, limit)).fetchall()
            ]
        )

    def _summary(self, id: Any, number: Any, title: Any, members: Any) -> GroupSummary:
        return GroupSummary(number, title, members, last_seq(self._connection, id))

    async def invite(self, code_sha256: bytes, uses: int, expires_ms: int, now_ms: int) -> Invitation:
        """See IOperators."""

        def invite() -> Invitation:
            self._connection.execute(_FORGET_INVITATIONS, (now_ms,))
            id = self._connection.execute(_INVITE, (code_sha256, uses, expires_ms)).get
            return Invitation(id, uses, expires_ms)

        return await self._commits.write(invite)

    async def invitations(self, after: int, limit: int, now_ms: int) -> list[Invitation]:
        """See IOperators."""
        return await self._commits.read(
            lambda: [
                Invitation(*row) for row in self._connection.execute(_INVITATIONS, (after, now_ms, limit))
            ]
        )

    async def withdraw_invitation(self, id: int, now_ms: int) -> bool:
        """See IOperators."""
        return await self._commits.write(
            lambda: self._connection.execute(_WITHDRAW, (id, now_ms)).get is not None
        )
