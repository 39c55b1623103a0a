"""Single-use tokens that bring a client back after a short loss of its connection.

They live in memory only: a resume that fails costs a login with the device's token, never a message.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from imserver.core.limits import Limits


@dataclass(slots=True, frozen=True)
class Resumable:
    """The device, as long as this is its account's password hash."""

    device: int
    password_hash: str = field(repr=False)


class ResumeTokens:
    """At most one token a device; it ends `resume_seconds` after its connection did, and with the password."""

    def __init__(
        self, limits: Callable[[], Limits], now: Callable[[], float], token_bytes: Callable[[int], bytes]
    ) -> None:
        self._limits = limits
        self._now = now
        self._token_bytes = token_bytes
        self._issued: dict[bytes, Resumable] = {}  # by digest
        self._digests: dict[int, bytes] = {}  # device -> digest
        self._ends: dict[int, float] = {}  # device without a connection -> when its token ends; oldest first

    def issue(self, device: int, password_hash: str) -> bytes:
        """A new token in place of the device's last one."""
        self.revoke(device)
        token = self._token_bytes(32)
        digest = hashlib.sha256(token).digest()
        self._issued[digest] = Resumable(device, password_hash)
        self._digests[device] = digest
        return token

    def disconnected(self, device: int) -> None:
        """The clock of its token starts."""
        if device in self._digests:
            self._ends.pop(device, None)
            self._ends[device] = self._now() + self._limits().resume_seconds
            self._drop_ended()

    def take(self, token: bytes) -> Resumable | None:
        """Use the token up: -> what it was issued for, or None."""
        self._drop_ended()
        taken = self._issued.get(hashlib.sha256(token).digest())
        if taken is not None:
            self.revoke(taken.device)
        return taken

    def revoke(self, device: int) -> None:
        """The device's token ends, if there is one."""
        digest = self._digests.pop(device, None)
        if digest is not None:
            del self._issued[digest]
        self._ends.pop(device, None)

    def _drop_ended(self) -> None:
        now, most = self._now(), self._limits().max_limiter_entries
        while self._ends:
            device, end = next(iter(self._ends.items()))
            if end > now and len(self._ends) <= most:
                return
            self.revoke(device)
