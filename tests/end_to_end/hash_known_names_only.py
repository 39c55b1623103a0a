"""A mutant of the daemon that hashes no password for names that do not exist; the drill of T12 must hear it."""

from twisted.scripts.twistd import run

from imserver.passwords import Argon2Passwords

_verify = Argon2Passwords.verify


async def verify(self: Argon2Passwords, password_hash: str, password: str, suspect: bool = False) -> bool:
    """Save the work where there is nothing to compare with."""
    return bool(password_hash) and await _verify(self, password_hash, password, suspect)


if __name__ == "__main__":
    Argon2Passwords.verify = verify  # type: ignore[method-assign]
    run()
