"""Accounts and devices in memory."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from imserver.core.changes import GroupOutcome
from imserver.core.errors import ChatError, Code, not_invited
from imserver.core.values import Account, AccountRecord, Device, DeviceRecord
from imserver.store.group_rules import GroupRules
from imserver.store.memory_contacts import MemoryContactTables
from imserver.store.memory_tables import MemoryTables, StoredDevice
from imserver.store.numbers import FIRST_NUMBER, own_number


class MemoryAccounts:
    """IAccounts over MemoryTables."""

    _tables: MemoryTables
    _token_bytes: Callable[[int], bytes]
    _contacts: MemoryContactTables
    _last_device = 0

    async def create_account(
        self,
        name: str,
        display_name: str,
        password_hash: str,
        now_ms: int,
        open_to_contacts: bool = False,
        invitation_sha256: bytes = b"",
    ) -> Account:
        accounts = self._tables.accounts
        invited = self._tables.invitation(invitation_sha256, now_ms)
        if invitation_sha256 and invited is None:
            raise not_invited()
        number = own_number(name) or next(n for n in range(FIRST_NUMBER, 2**31) if n not in accounts)
        if number in accounts or await self.account_named(name):
            raise ChatError(Code.NAME_TAKEN, "that name is taken; choose another")
        account = Account(number, name, display_name, "")
        accounts[number] = AccountRecord(account, password_hash, False)
        if invited is not None:
            invited.invitation = replace(invited.invitation, uses_left=invited.invitation.uses_left - 1)
        if open_to_contacts:
            self._contacts.open.add(number)
        return account

    async def is_invited(self, invitation_sha256: bytes, now_ms: int) -> bool:
        return self._tables.invitation(invitation_sha256, now_ms) is not None

    async def account_named(self, name: str) -> AccountRecord | None:
        return next((r for r in self._tables.accounts.values() if r.account.name == name), None)

    async def account_numbered(self, number: int) -> AccountRecord | None:
        return self._tables.accounts.get(number)

    async def set_password(self, number: int, password_hash: str, keep_device: int) -> None:
        record = await self.account_numbered(number)
        if record is not None:
            await self.set_password_hash(number, record.password_hash, password_hash)
        for device in self._devices(number):
            if device.record.id != keep_device:
                device.set_token(None)

    async def set_password_hash(self, number: int, old_hash: str, new_hash: str) -> None:
        record = self._tables.accounts[number]
        if not record.deleted and record.password_hash == old_hash:
            self._tables.accounts[number] = replace(record, password_hash=new_hash)

    async def set_profile(self, number: int, display_name: str, signature: str) -> None:
        account = self._tables.account(number)
        if account:
            changed = replace(account, display_name=display_name, signature=signature)
            self._tables.accounts[number] = replace(self._tables.accounts[number], account=changed)

    async def delete_account(self, number: int, now_ms: int) -> list[GroupOutcome]:
        gone = GroupRules(self._tables, self._token_bytes).end_account(number, now_ms)
        account = self._tables.account(number)
        if account:
            forgotten = replace(account, display_name="", signature="")
            self._tables.accounts[number] = replace(
                self._tables.accounts[number],
                account=forgotten,
                password_hash="",
                deleted=True,
                administrator=False,
            )
        self._contacts.forget_account(number)
        for device in self._devices(number):
            del self._tables.devices[device.record.id]
        for log in self._tables.logs.values():
            log.requests.pop(number, None)
            if not log.peers:
                log.places.pop(number, None)
        return gone

    def _devices(self, account: int) -> list[StoredDevice]:
        """The longest unseen first."""
        found = [device for device in self._tables.devices.values() if device.record.account == account]
        return sorted(found, key=lambda device: (device.record.device.last_seen_ms, device.record.id))

    async def put_device(
        self, account: int, name: str, token_sha256: bytes, now_ms: int, max_devices: int
    ) -> tuple[DeviceRecord, list[int]]:
        if self._tables.account(account) is None:
            raise ChatError(Code.NOT_FOUND, "there is no such account")
        stored = next((d for d in self._devices(account) if d.record.device.name == name), None)
        stored = stored or self._add_device(account, name, now_ms)
        stored.set_token(token_sha256)
        self._see(stored, now_ms)
        others = [device.record.id for device in self._devices(account) if device is not stored]
        displaced = others[: max(0, len(others) + 1 - max_devices)]
        for id in displaced:
            del self._tables.devices[id]
        return stored.record, displaced

    def _add_device(self, account: int, name: str, now_ms: int) -> StoredDevice:
        self._last_device += 1
        stored = StoredDevice(DeviceRecord(self._last_device, account, Device(name, now_ms, now_ms)), None)
        for other in self._devices(account):
            for conversation, seq in other.cursors.items():
                stored.cursors[conversation] = max(seq, stored.cursors.get(conversation, 0))
        self._tables.devices[self._last_device] = stored
        return stored

    @staticmethod
    def _see(stored: StoredDevice, now_ms: int) -> None:
        device = stored.record.device
        seen = replace(device, last_seen_ms=max(now_ms, device.last_seen_ms))
        stored.record = replace(stored.record, device=seen)

    async def device_with_token(self, token_sha256: bytes) -> DeviceRecord | None:
        return next((d.record for d in self._tables.devices.values() if d.token_sha256 == token_sha256), None)

    async def device_with_id(self, device: int) -> DeviceRecord | None:
        return self._tables.devices[device].record if device in self._tables.devices else None

    async def devices_of(self, account: int) -> list[DeviceRecord]:
        return [device.record for device in self._devices(account)]

    async def revoke_device(self, account: int, name: str) -> int:
        stored = next((d for d in self._devices(account) if d.record.device.name == name), None)
        if stored is None:
            return 0
        del self._tables.devices[stored.record.id]
        return stored.record.id

    async def end_token(self, device: int) -> None:
        if device in self._tables.devices:
            self._tables.devices[device].set_token(None)

    async def save_seen(self, seen: Sequence[tuple[int, int]]) -> None:
        for device, now_ms in seen:
            if device in self._tables.devices:
                self._see(self._tables.devices[device], now_ms)
