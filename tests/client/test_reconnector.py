"""Logging in, coming back, and when not to."""

from collections.abc import Iterable

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imserver.client.backoff import Backoff
from imserver.client.errors import ClientError, NotConnected, RequestRefused
from imserver.client.link import Link
from imserver.client.login import Credentials
from imserver.client.reconnector import STABLE_SECONDS, Reconnector, connect
from imserver.client.state import DeviceState
from imserver.core.events import Closing, Event, LoggedIn, Refused, Welcome
from imserver.core.requests import Hello, LogIn, LogInWithToken, Request, Resume
from tests.client.fake_server import BOB, PASSWORD, FakeServer


class ReconnectorTests(SynchronousTestCase):
    """The waits are 0.5, 1, 2 ... seconds."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.server = FakeServer(self.clock)
        self.state = DeviceState(name=BOB.name)
        self.ups: list[LoggedIn] = []
        self.downs: list[str] = []
        self.ends: list[str] = []

    # what a reconnector's user has

    def event_arrived(self, tag: int, event: Event) -> None:
        """Nothing comes by itself here."""

    def link_up(self, link: Link, welcome: Welcome, logged_in: LoggedIn) -> None:
        """Logged in."""
        self.ups.append(logged_in)

    def link_down(self, loss: NotConnected) -> None:
        """Lost."""
        self.downs.append(loss.code)

    def gone(self, reason: ClientError) -> None:
        """For good."""
        self.ends.append(reason.code)

    def start(self, password: str = PASSWORD) -> "Deferred[LoggedIn]":
        """Log in."""
        credentials = Credentials(self.state, password)
        self.reconnector = Reconnector(self.clock, self.server, credentials, Backoff(lambda: 0.5), self)
        started = Deferred.fromCoroutine(self.reconnector.start())
        self.server.settle()
        return started

    def come_back(self, seconds: float) -> None:
        """Let time pass, and what happens then happen."""
        self.clock.advance(seconds)
        self.server.settle()

    def logins(self) -> list[type[Request]]:
        """What was tried, in order."""
        return [type(request) for request in self.server.heard if not isinstance(request, Hello)]

    # -- logging in

    def test_password_then_resume_then_token(self) -> None:
        """The password is used once; then what the server gave, the short-lived token first."""
        self.successResultOf(self.start())
        self.server.connection.cut()
        self.come_back(0.5)
        self.server.resume_tokens.clear()
        self.server.connection.cut()
        self.come_back(1.0)
        self.assertEqual(self.logins(), [LogIn, Resume, Resume, LogInWithToken])
        self.assertEqual((len(self.ups), self.downs, self.ends), (3, ["LOST", "LOST"], []))
        self.assertEqual((self.state.token, self.state.device), (b"token", "imchat-1"))

    def test_with_the_token_of_an_earlier_run(self) -> None:
        """No password is needed."""
        self.state.token = b"token"
        self.successResultOf(self.start(""))
        self.assertEqual(self.logins(), [LogInWithToken])

    def test_the_first_login_is_refused(self) -> None:
        """It is raised, the connection is closed, and nothing is tried again."""
        error = self.failureResultOf(self.start("wrong"), RequestRefused).value
        self.assertEqual(error.code, "WRONG_CREDENTIALS")
        self.come_back(100)
        self.assertEqual((self.logins(), self.server.connected, self.ends), ([LogIn], False, []))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nothing_to_log_in_with(self) -> None:
        """Is a refusal too."""
        self.failureResultOf(self.start(""), RequestRefused)

    def test_the_first_connection_fails(self) -> None:
        """It is raised, and nothing is tried again."""
        self.server.reachable = False
        error = self.failureResultOf(self.start(), NotConnected).value
        self.assertEqual(error.code, NotConnected.UNREACHABLE)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_no_host_has_that_name(self) -> None:
        """It is raised like every connection that cannot be made."""
        nowhere = HostnameEndpoint(self.clock, "a..b", 1)
        connecting = Deferred.fromCoroutine(connect(self.clock, nowhere, lambda tag, event: None))
        error = self.failureResultOf(connecting, NotConnected).value
        self.assertEqual((error.code, error.text), (NotConnected.UNREACHABLE, "invalid hostname: a..b"))

    # -- coming back

    def test_the_waits_grow(self) -> None:
        """While the server cannot be reached; when it is back, so is the client."""
        self.successResultOf(self.start())
        self.server.reachable = False
        self.server.connection.cut()
        for seconds in (0.5, 1.0, 2.0, 4.0):
            self.come_back(seconds)
        self.server.reachable = True
        self.come_back(7.9)
        self.assertEqual(len(self.ups), 1)
        self.come_back(0.1)
        self.assertEqual(len(self.ups), 2)

    def test_waits_are_short_again_after_a_stable_link(self) -> None:
        """A link that lasted proves that all is well; one that was lost at once does not."""
        self.successResultOf(self.start())
        self.server.connection.cut()
        self.come_back(0.5)
        self.server.connection.cut()
        self.come_back(0.5)
        self.assertEqual(len(self.ups), 2)
        self.come_back(0.5)
        self.come_back(STABLE_SECONDS)
        self.server.connection.cut()
        self.come_back(0.5)
        self.assertEqual(len(self.ups), 4)

    def refuse_login(self, request: Request, code: str, retry_after_ms: int) -> Refused | None:
        """Refuse anything but a greeting."""
        return None if isinstance(request, Hello) else Refused(code, "", retry_after_ms)

    def test_the_server_says_when(self) -> None:
        """A login that is refused for now is tried again when the server says."""
        self.successResultOf(self.start())
        self.server.override = lambda request: self.refuse_login(request, "TRY_LATER", 3000)
        self.server.connection.cut()
        self.come_back(0.5)
        self.server.override = lambda request: None
        self.come_back(2.9)
        self.assertEqual(len(self.ups), 1)
        self.come_back(0.1)
        self.assertEqual(len(self.ups), 2)
        self.assertEqual(self.logins(), [LogIn, Resume, LogInWithToken])

    def test_a_failing_server(self) -> None:
        """Refusals that say nothing about the credentials are waited out too."""
        self.successResultOf(self.start())
        self.server.override = lambda request: self.refuse_login(request, "UNAVAILABLE_STORAGE", 0)
        self.server.connection.cut()
        self.come_back(0.5)
        self.server.override = lambda request: None
        self.come_back(1.0)
        self.assertEqual((len(self.ups), self.ends), (2, []))

    # -- the end

    def close_with(self, codes: Iterable[str]) -> list[str]:
        """The server closes the connection, once for each code; -> how it ended."""
        for code in codes:
            self.setUp()
            self.successResultOf(self.start())
            self.server.connection.tell(Closing(code, ""))
            self.server.settle()
            self.server.connection.cut()
            self.come_back(100)
            self.assertEqual(self.clock.getDelayedCalls() != [], not self.ends)
        return self.ends

    def test_this_device_has_no_business_here_any_more(self) -> None:
        """Replaced, revoked or logged out: coming back would fight with its successor, or fail."""
        for code in ("REPLACED", "REVOKED", "FORBIDDEN", "LOGGED_OUT"):
            self.assertEqual(self.close_with((code,)), [code])

    def test_any_other_reason(self) -> None:
        """The client comes back."""
        self.assertEqual(self.close_with(("STOPPING", "TOO_SLOW", "INTERNAL", "A_NEW_ONE")), [])

    def test_credentials_that_have_ended(self) -> None:
        """If nothing is taken any more, that is the end."""
        self.successResultOf(self.start())
        self.server.token = b"another"
        self.server.resume_tokens.clear()
        self.server.connection.cut()
        self.come_back(0.5)
        self.assertEqual(self.ends, ["WRONG_CREDENTIALS"])

    def test_frozen_account(self) -> None:
        """An account that has been frozen meanwhile is not let in by trying again."""
        self.successResultOf(self.start())
        self.patch(self.server, "_log_in", lambda *_: Refused("FORBIDDEN", "frozen"))
        self.server.connection.cut()
        self.come_back(0.5)
        self.assertEqual(self.ends, ["FORBIDDEN"])

    def test_a_user_that_fails(self) -> None:
        """Is logged, and is the end."""
        self.successResultOf(self.start())
        self.patch(self, "link_down", lambda loss: 1 // 0)
        self.server.connection.cut()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.ends, ["INTERNAL"])

    def test_stopped_while_connected(self) -> None:
        """The link is closed, and that is the end."""
        self.successResultOf(self.start())
        self.reconnector.stop()
        self.clock.advance(0)
        self.assertEqual((self.downs, self.ends), (["CLOSED"], ["CLOSED"]))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stopped_while_waiting(self) -> None:
        """It does not come back."""
        self.successResultOf(self.start())
        self.server.connection.cut()
        self.reconnector.stop()
        self.assertEqual(self.ends, ["CLOSED"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stopped_while_logging_in(self) -> None:
        """The connection that was being made is closed."""
        self.successResultOf(self.start())
        self.server.connection.cut()
        self.clock.advance(0.5)
        self.reconnector.stop()
        self.clock.advance(0)
        self.assertEqual((self.ends, self.server.connected), (["CLOSED"], False))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stopped_while_the_server_closes(self) -> None:
        """It ends, though the connection does so for a reason for which it would come back."""
        self.successResultOf(self.start())
        self.server.connection.tell(Closing("SHUTTING_DOWN", "back in a minute"))
        self.server.connection.deliver()
        self.reconnector.stop()
        self.come_back(1.0)
        self.assertEqual(self.ends, ["CLOSED"])
