"""Coming in and going out: by password, by device token, by resume token."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from imserver.core.errors import ACCOUNT_FROZEN, ChatError, Code
from imserver.core.events import Done, LoggedIn
from imserver.core.history import last_id
from imserver.core.names import fold, shown
from imserver.core.requests import LogIn, LogInWithToken, LogOut, Resume
from imserver.core.values import AccountRecord, DeviceRecord, Membership

if TYPE_CHECKING:
    from imserver.core.core import Core
    from imserver.core.session import Session

Check = Callable[[], Awaitable[bool]]


class Logins:
    """Unknown names, wrong passwords and dead tokens get one answer, after the same work."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._claimed: list[tuple[int, str]] = []  # (account, device name) of logins under way

    async def log_in(self, session: "Session", request: LogIn) -> LoggedIn | None:
        """With name and password; a new device token every time."""
        record = await self._check_password(session, fold(request.name), request.password)
        if session.closed:
            return None
        claim = record.account.number, self._device_name(session, record.account.number, request.device)
        self._claimed.append(claim)
        try:
            device, token = await self._put_device(*claim)
            return await self._enter(
                session, record, device, token, lambda: self._is_unchanged(record, request.password, device)
            )
        finally:
            self._claimed.remove(claim)

    async def _put_device(self, account: int, name: str) -> tuple[DeviceRecord, bytes]:
        """The device with a new token.  Those that are connected are not unseen, whenever they connected."""
        core, token = self._core, self._core.token_bytes(32)
        online = [(one.device_id, core.wall_ms()) for one in core.router.sessions_of(account)]
        if online:
            await core.store.save_seen(online)
        device, displaced = await core.store.put_device(
            account, name, hashlib.sha256(token).digest(), core.wall_ms(), core.limits.max_devices
        )
        for gone in displaced:
            core.end_device(account, gone, Code.REVOKED, "this device was displaced by a newer one")
        return device, token

    async def _check_password(self, session: "Session", name: str, password: str) -> AccountRecord:
        core = self._core
        suspect = core.throttle.begin_login(name, session.address)
        record = await core.store.account_named(name)
        usable = record is not None and not record.deleted
        too_long = len(password) > core.limits.max_password_bytes
        try:
            hashed = record.password_hash if record is not None and usable else ""
            matches = await core.passwords.verify(hashed, "" if too_long else password, suspect)
        except ChatError:
            core.throttle.login_not_tried(name, session.address)
            raise
        if record is None or not usable or too_long or not matches:
            raise self._wrong(session)
        core.throttle.login_succeeded(name, session.address)
        _check_not_frozen(record)
        if core.passwords.is_outdated(record.password_hash):
            return await self._rehash(record, password)
        return record

    async def _rehash(self, record: AccountRecord, password: str) -> AccountRecord:
        hashed = await self._core.passwords.hash(password)
        await self._core.store.set_password_hash(record.account.number, record.password_hash, hashed)
        return replace(record, password_hash=hashed)

    def _wrong(self, session: "Session") -> ChatError:
        """The refusal of a failed login; after a few of them the connection ends."""
        session.login_tries += 1
        if session.login_tries >= self._core.limits.login_tries:
            session.leaving = Code.WRONG_CREDENTIALS, "too many failed logins on this connection"
        return wrong_credentials()

    def _device_name(self, session: "Session", account: int, wanted: str) -> str:
        """The name asked for, or the lowest slot of this wire that is not in use."""
        name = shown(wanted, "device name", self._core.limits.max_device_name_chars)
        if name:
            return name
        taken = {one.device.device.name for one in self._core.router.sessions_of(account) if one.device}
        taken |= {name for number, name in self._claimed if number == account}
        slots = (f"{session.capabilities.wire}-{n}" for n in range(1, len(taken) + 2))
        return next(slot for slot in slots if slot not in taken)

    async def log_in_with_token(self, session: "Session", request: LogInWithToken) -> LoggedIn | None:
        """With a device token, which stays valid: LoggedIn.token is empty."""
        digest = hashlib.sha256(request.token).digest()
        device = await self._core.store.device_with_token(digest)

        async def is_valid() -> bool:
            return (
                device is not None
                and await self._core.store.device_with_token(digest) is not None
                and await self._password_hash(device) is not None
            )

        return await self._return(session, device, is_valid)

    async def resume(self, session: "Session", request: Resume) -> LoggedIn | None:
        """With the token of a connection lost a moment ago."""
        taken = self._core.resume_tokens.take(request.token)
        device = await self._core.store.device_with_id(taken.device) if taken is not None else None

        async def is_valid() -> bool:
            return (
                taken is not None
                and device is not None
                and await self._password_hash(device) == taken.password_hash
            )

        return await self._return(session, device, is_valid)

    async def _return(
        self, session: "Session", device: DeviceRecord | None, is_valid: Check
    ) -> LoggedIn | None:
        record = await self._core.store.account_numbered(device.account) if device is not None else None
        if device is None or record is None or record.deleted:
            raise self._wrong(session)
        _check_not_frozen(record)
        return await self._enter(session, record, device, b"", is_valid)

    async def _enter(
        self, session: "Session", record: AccountRecord, device: DeviceRecord, token: bytes, is_valid: Check
    ) -> LoggedIn | None:
        """Put the session in the device's place, find out what the device lacks, and open the gate.

        From the moment the session is known to the router, whatever ends its right ends it; what happened
        before that moment is found by checking the right once more after it.
        """
        core, account = self._core, record.account
        if session.capabilities.lobby:
            await core.groups.enter_lobby(account.number)
        if session.closed:
            return None
        core.end_device(account.number, device.id, Code.REPLACED, "this device has connected anew")
        session.account, session.device = account, device
        session.rates = core.rates[account.number]
        session.missed = {}
        core.entered(session)
        behind = await self._where_behind(session)
        if not await is_valid():
            raise wrong_credentials()
        if session.closed:
            return None
        self._take_positions(session, behind)
        resume_token = core.resume_tokens.issue(device.id, record.password_hash)
        return LoggedIn(account, device.device.name, token, resume_token, core.store.log_epoch())

    async def _is_unchanged(self, record: AccountRecord, password: str, device: DeviceRecord) -> bool:
        """The password is still the one that was checked, and the device still there; otherwise its token ends."""
        current = await self._password_hash(device)
        if current == record.password_hash:
            return True
        # Another login may have hashed the same password anew.
        if current is not None and await self._core.passwords.verify(current, password):
            return True
        await self._core.store.end_token(device.id)
        return False

    async def _password_hash(self, device: DeviceRecord) -> str | None:
        """Of the device's account, now; None if the account or the device or its token has ended, or it is frozen."""
        record = await self._core.store.account_numbered(device.account)
        if record is None or record.deleted or record.frozen:
            return None
        current = await self._core.store.device_with_id(device.id)
        if current is None or not current.has_token:
            return None
        return record.password_hash

    async def _where_behind(self, session: "Session") -> list[Membership]:
        """The conversations in which this device lacks messages."""
        found: list[Membership] = []
        page, after = self._core.limits.sync_page_items, 0
        while True:
            part = await self._core.store.memberships(session.number, session.device_id, after, page, True)
            found += part
            after = last_id(part, page)
            if not after:
                return found

    @staticmethod
    def _take_positions(session: "Session", behind: Sequence[Membership]) -> None:
        """Where the device is behind; everywhere else its position is the newest message.  From now on it is pushed to."""
        window, missed = session.window, session.missed or {}
        for membership in behind:
            delivered = max(membership.delivered_seq, membership.joined_seq)
            window.position(membership.conversation.id, delivered)
            if not session.capabilities.fetches:
                window.behind[membership.conversation.id] = membership.last_seq
        for conversation, first_seq in missed.items():
            window.position(conversation, first_seq - 1)
            window.behind[conversation] = first_seq
        session.missed = None

    async def log_out(self, session: "Session", request: LogOut) -> Done:
        """End this device's token, answer, close."""
        await self._core.store.end_token(session.device_id)
        self._core.resume_tokens.revoke(session.device_id)
        session.leaving = Code.LOGGED_OUT, "you have logged out"
        return Done()


def _check_not_frozen(record: AccountRecord) -> None:
    """Told only to those who could otherwise come in."""
    if record.frozen:
        raise ChatError(Code.FORBIDDEN, ACCOUNT_FROZEN)


def wrong_credentials() -> ChatError:
    """The one answer to every login that fails."""
    return ChatError(Code.WRONG_CREDENTIALS, "name or password is wrong, or the token is no longer valid")
