"""What operators do to accounts and devices.  Who may ask for it is decided where it can be asked (imserver/operator)."""

from typing import TYPE_CHECKING

from imserver.core import codes, names
from imserver.core.errors import ACCOUNT_FROZEN, ChatError, Code
from imserver.core.values import Account, AccountRecord, DeviceRecord, Invitation, Privacy

if TYPE_CHECKING:
    from imserver.core.core import Core

SERVER_ACCOUNT = "imserver"  # speaks for the server; nobody can log in to it
MS_A_DAY = 86_400_000
_LOGGED_OUT = "the operator of this server has logged this device out; log in again"


class Administration:
    """Accounts are named by their login names; raises NOT_FOUND for those that are not in use.

    What ends a right acts on live sessions before the call returns.
    """

    def __init__(self, core: "Core") -> None:
        self._core = core

    async def find(self, name: str) -> AccountRecord:
        """The account in use of that name; raises FORBIDDEN for the server's own."""
        if names.fold(name) == SERVER_ACCOUNT:
            raise ChatError(Code.FORBIDDEN, "that account is the server's own")
        if not name:
            raise ChatError(Code.BAD_NAME, "an account has a name")
        return await self._core.accounts.find(name, 0)

    async def server_account(self) -> Account:
        """The account that speaks for the server, made at need; no password is that of an empty hash."""
        store = self._core.store
        record = await store.account_named(SERVER_ACCOUNT)
        if record is not None:
            return record.account
        account = await store.create_account(SERVER_ACCOUNT, SERVER_ACCOUNT, "", self._core.wall_ms())
        await store.set_privacy(account.number, Privacy(findable=False, open_to_contacts=False))
        return account

    # -- accounts

    async def create(self, name: str, password: str) -> str:
        """A new account, also while registration is closed; -> its password, generated if none is given."""
        core = self._core
        name = names.login_name(name)
        password = self._accepted(password)
        await core.accounts.create(name, name, password)
        return password

    async def delete(self, name: str) -> None:
        """It ends; name and number are never used again, its messages stay."""
        await self._core.accounts.end((await self.find(name)).account.number)

    async def freeze(self, name: str) -> None:
        """Its sessions end and nothing opens it, until it is unfrozen; name, messages and devices stay."""
        number = (await self.find(name)).account.number
        await self._core.store.freeze(number, self._core.wall_ms())
        # Not as revoked, because clients then forget their tokens, which will be good again.
        self._core.accounts.end_sessions(number, ACCOUNT_FROZEN, code=Code.FORBIDDEN)

    async def unfreeze(self, name: str) -> None:
        """It can log in again, its devices with the tokens they have."""
        await self._core.store.unfreeze((await self.find(name)).account.number)

    async def set_administrator(self, name: str, administrator: bool) -> None:
        """Give it the right to the operator's commands, or take it away."""
        await self._core.store.set_administrator((await self.find(name)).account.number, administrator)

    async def reset_password(self, name: str, password: str) -> str:
        """Another password, generated if none is given, which is returned; every session and token ends."""
        core = self._core
        number = (await self.find(name)).account.number
        password = self._accepted(password)
        await core.store.set_password(number, await core.passwords.hash(password), 0)
        core.accounts.end_sessions(number, "the operator of this server has reset the password")
        return password

    def _accepted(self, password: str) -> str:
        if not password:
            return codes.new_code(self._core.token_bytes)
        names.check_password(password, self._core.limits)
        return password

    # -- devices

    async def devices(self, name: str) -> list[DeviceRecord]:
        """All of the account's, the longest unseen first."""
        return await self._core.store.devices_of((await self.find(name)).account.number)

    async def log_out(self, name: str, device: str = "") -> int:
        """End sessions and tokens of that device, or of all, so that they need the password; -> how many sessions ended.

        Raises NOT_FOUND for a device that the account has not.
        """
        core, ended = self._core, 0
        chosen = [one for one in await self.devices(name) if device in ("", one.device.name)]
        if device and not chosen:
            raise ChatError(Code.NOT_FOUND, "the account has no device of that name")
        for one in chosen:
            await core.store.end_token(one.id)
            ended += sum(session.device_id == one.id for session in core.router.sessions_of(one.account))
            core.end_device(one.account, one.id, Code.LOGGED_OUT, _LOGGED_OUT)
        return ended

    # -- invitations

    async def invite(self, days: int, uses: int) -> tuple[Invitation, str]:
        """-> an invitation for so many accounts within so many days, and its code, which only its digest is kept of."""
        core, code = self._core, codes.new_code(self._core.token_bytes)
        now_ms = core.wall_ms()
        return await core.store.invite(codes.digest(code), uses, now_ms + days * MS_A_DAY, now_ms), code

    async def withdraw_invitation(self, id: int) -> None:
        """Nobody registers with it any more; raises NOT_FOUND if nobody could."""
        if not await self._core.store.withdraw_invitation(id, self._core.wall_ms()):
            raise ChatError(Code.NOT_FOUND, "there is no such invitation, or it has ended")
