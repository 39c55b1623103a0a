"""Accounts: making one, changing it, its devices, its end."""

from dataclasses import replace
from typing import TYPE_CHECKING

from imserver.core import codes, names
from imserver.core.errors import ChatError, Code, not_invited
from imserver.core.events import AccountFound, DeviceList, Done, Registered
from imserver.core.requests import (
    ChangePassword,
    DeleteAccount,
    ListDevices,
    LookUp,
    Register,
    RevokeDevice,
    UpdateProfile,
)
from imserver.core.values import Account, AccountRecord

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session


ACCOUNT_DELETED = "the account was deleted"


class Accounts:
    """Names and numbers are given once and never again."""

    def __init__(self, core: "Core") -> None:
        self._core = core

    async def register(self, session: "Session", request: Register) -> Registered:
        """A new account; it still has to log in."""
        core = self._core
        if not (core.registration_open or request.invitation):
            raise ChatError(Code.REGISTRATION_CLOSED, "ask the operator of this server for an account")
        name = names.login_name(request.name)
        shown = names.shown(request.display_name, "display name", core.limits.max_display_name_chars)
        signature = names.shown(request.signature, "signature", core.limits.max_signature_chars)
        names.check_password(request.password, core.limits)
        core.throttle.register(session.address, session.trusted_address)
        invitation = b"" if core.registration_open else await self._invitation(request.invitation)
        is_open = session.capabilities.open_contacts
        account = await self.create(name, shown or name, request.password, is_open, invitation)
        if signature:
            await core.store.set_profile(account.number, account.display_name, signature)
            account = replace(account, signature=signature)
        return Registered(account)

    async def _invitation(self, code: str) -> bytes:
        """The digest of a valid code, which is looked at before anything is hashed slowly."""
        digest = codes.digest(code)
        if not await self._core.store.is_invited(digest, self._core.wall_ms()):
            raise not_invited()
        return digest

    async def create(
        self,
        name: str,
        display_name: str,
        password: str,
        open_to_contacts: bool = False,
        invitation: bytes = b"",
    ) -> Account:
        """A new account of a name and with a password that have been checked; raises NAME_TAKEN."""
        core = self._core
        if await core.store.account_named(name) is not None:
            raise ChatError(Code.NAME_TAKEN, "that name is taken; choose another")
        hashed = await core.passwords.hash(password)
        return await core.store.create_account(
            name, display_name, hashed, core.wall_ms(), open_to_contacts, invitation
        )

    async def change_password(self, session: "Session", request: ChangePassword) -> Done | None:
        """Every other session and device token of the account ends."""
        core = self._core
        names.check_password(request.new_password, core.limits)
        await self._check(session, request.old_password)
        hashed = await core.passwords.hash(request.new_password)
        if session.closed:
            return None
        await core.store.set_password(session.number, hashed, session.device_id)
        self.end_sessions(session.number, "the password was changed", but=session)
        if session.closed:  # perhaps by a login in its place, whose token would be the one that was kept
            await core.store.end_token(session.device_id)
        return Done()

    async def delete(self, session: "Session", request: DeleteAccount) -> Done | None:
        """The account ends; its messages stay where they were sent."""
        await self._check(session, request.password)
        if session.closed:
            return None
        await self.end(session.number, but=session)
        session.leaving = Code.REVOKED, ACCOUNT_DELETED
        return Done()

    async def end(self, number: int, but: "Session | None" = None) -> None:
        """The account and its sessions end, but for that session, which its caller ends."""
        core = self._core
        contacts = [contact for contact, _ in await core.store.contact_numbers(number)]
        departures = await core.store.delete_account(number, core.wall_ms())
        self.end_sessions(number, ACCOUNT_DELETED, but)
        core.contacts.account_ended(number, contacts)
        core.rosters.account_ended(number)
        for departure in departures:
            await core.groups.show(departure)

    def end_sessions(
        self, number: int, why: str, but: "Session | None" = None, code: Code = Code.REVOKED
    ) -> None:
        """Every session of the account ends now, but for that one."""
        for session in self._core.router.sessions_of(number):
            if session is not but:
                session.close(code, why)

    async def _check(self, session: "Session", password: str) -> None:
        """The password of whoever is logged in; throttled like a login."""
        core = self._core
        assert session.account is not None
        core.throttle.begin_login(session.account.name, session.address)
        try:
            record = await core.store.account_numbered(session.number)
            matches = record is not None and await core.passwords.verify(record.password_hash, password)
        except ChatError:
            core.throttle.login_not_tried(session.account.name, session.address)
            raise
        if not matches:
            raise ChatError(Code.WRONG_CREDENTIALS, "the password is wrong")
        core.throttle.login_succeeded(session.account.name, session.address)

    async def update_profile(self, session: "Session", request: UpdateProfile) -> Done:
        """What others see of it."""
        limits = self._core.limits
        await self._core.store.set_profile(
            session.number,
            names.shown(request.display_name, "display name", limits.max_display_name_chars),
            names.shown(request.signature, "signature", limits.max_signature_chars),
        )
        self._core.tidings.profile_changed(session.number)
        return Done()

    async def list_devices(self, session: "Session", request: ListDevices) -> DeviceList:
        """Its devices, the longest unseen first."""
        return DeviceList([record.device for record in await self._core.store.devices_of(session.number)])

    async def revoke_device(self, session: "Session", request: RevokeDevice) -> Done:
        """One of its devices ends, now."""
        device = await self._core.store.revoke_device(session.number, request.device)
        if not device:
            raise ChatError(Code.NOT_FOUND, "you have no device of that name")
        why = Code.REVOKED, "this device was revoked"
        if device == session.device_id:
            session.leaving = why
        else:
            self._core.end_device(session.number, device, *why)
        return Done()

    async def look_up(self, session: "Session", request: LookUp) -> AccountFound:
        """Somebody by name or number."""
        return AccountFound((await self.find(request.name, request.number)).account)

    async def find(self, name: str, number: int) -> AccountRecord:
        """An account in use, by name, or by number where the name is empty; raises NOT_FOUND."""
        store = self._core.store
        record = await (store.account_named(names.fold(name)) if name else store.account_numbered(number))
        if record is None or record.deleted:
            raise ChatError(Code.NOT_FOUND, "there is no such account")
        return record
