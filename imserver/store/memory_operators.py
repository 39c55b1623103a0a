"""What operators ask of the store, in memory."""

from dataclasses import replace
from typing import Any

from imserver.core.statistics import StoreStatistics
from imserver.core.values import AccountRecord, GroupSummary, Invitation
from imserver.store.memory_tables import MemoryTables, StoredInvitation, is_valid


class MemoryOperators:
    """IOperators over MemoryTables."""

    _tables: MemoryTables
    _last_invitation = 0

    async def accounts(self, after: int, limit: int) -> list[AccountRecord]:
        found = sorted(self._tables.accounts.items())
        return [record for number, record in found if number > after and not record.deleted][:limit]

    async def freeze(self, number: int, now_ms: int) -> None:
        self._change(number, frozen=True)

    async def unfreeze(self, number: int) -> None:
        self._change(number, frozen=False)

    async def set_administrator(self, number: int, administrator: bool) -> None:
        self._change(number, administrator=administrator)

    def _change(self, number: int, **changes: Any) -> None:
        if self._tables.account(number):
            record = self._tables.accounts[number]
            self._tables.accounts[number] = replace(record, **changes)

    async def groups(self, after: int, limit: int) -> list[GroupSummary]:
        found = sorted((log.number, id, log) for id, log in self._tables.logs.items() if log.number > after)
        return [
            GroupSummary(number, log.title, self._tables.member_count(id), log.last_seq)
            for number, id, log in found[:limit]
        ]

    async def invite(self, code_sha256: bytes, uses: int, expires_ms: int, now_ms: int) -> Invitation:
        self._last_invitation += 1
        invitation = Invitation(self._last_invitation, uses, expires_ms)
        self._tables.invitations[invitation.id] = StoredInvitation(invitation, code_sha256)
        return invitation

    async def invitations(self, after: int, limit: int, now_ms: int) -> list[Invitation]:
        found = [stored.invitation for stored in self._tables.invitations.values()]
        return [one for one in found if one.id > after and is_valid(one, now_ms)][:limit]

    async def withdraw_invitation(self, id: int, now_ms: int) -> bool:
        stored = self._tables.invitations.pop(id, None)
        return stored is not None and is_valid(stored.invitation, now_ms)

    def statistics(self) -> StoreStatistics:
        return StoreStatistics(messages=sum(log.last_seq for log in self._tables.logs.values()))
