"""How a device proves who it is: by what costs least and lasts shortest first."""

from collections.abc import Iterator

from imserver.client.errors import RequestRefused
from imserver.client.link import Link
from imserver.client.state import DeviceState
from imserver.core.errors import Code
from imserver.core.events import LoggedIn
from imserver.core.requests import LogIn, LogInWithToken, Resume


class Credentials:
    """What this device has: a resume token of the connection before, the device's token, a password.

    A password is used for the first login only and then forgotten; the token that it brought replaces it.
    """

    def __init__(self, state: DeviceState, password: str = "") -> None:
        self._state = state
        self._password = password
        self._resume_token = b""

    def requests(self) -> Iterator[Resume | LogInWithToken | LogIn]:
        """What to try, in turn."""
        if self._password:
            yield LogIn(self._state.name, self._password, self._state.device)
            return
        if self._resume_token:
            token, self._resume_token = self._resume_token, b""
            yield Resume(token)
        if self._state.token:
            yield LogInWithToken(self._state.token)

    def renew(self, logged_in: LoggedIn) -> None:
        """Remember for next time what the server gave."""
        self._password = ""
        self._resume_token = logged_in.resume_token
        self._state.name = logged_in.account.name
        self._state.device = logged_in.device
        self._state.token = logged_in.token or self._state.token


async def log_in(link: Link, credentials: Credentials) -> LoggedIn:
    """Log in by the first credential that the server takes; raises the last RequestRefused, or NotConnected."""
    refusal = RequestRefused(Code.WRONG_CREDENTIALS, "this device is not logged in")
    for request in credentials.requests():
        try:
            logged_in: LoggedIn = await link.request(request)
        except RequestRefused as error:
            if error.code != Code.WRONG_CREDENTIALS:
                raise
            refusal = error
        else:
            credentials.renew(logged_in)
            return logged_in
    raise refusal
