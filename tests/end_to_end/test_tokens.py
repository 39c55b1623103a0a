"""T22: a device's token is good until something ends it, a resume token once; neither outlives its right."""

from imserver.core.errors import Code
from imserver.core.events import Done, LoggedIn, Refused
from imserver.core.requests import (
    ChangePassword,
    DeleteAccount,
    LogIn,
    LogInWithToken,
    LogOut,
    Request,
    Resume,
    RevokeDevice,
)
from tests.end_to_end.drill import DEEP
from tests.end_to_end.peer import PASSWORD, Peer
from tests.end_to_end.siege import Siege

LOGINS = 1_000 if DEEP else 50
TOKEN_BYTES = 32
NEW_PASSWORD = "a new password"


class TokenTests(Siege):
    """Carol has a phone and a laptop; each step is a connection of its own."""

    def setUp(self) -> None:
        self.begin()
        self.addCleanup(self.assert_no_errors)
        with Peer(self.plain) as peer:
            peer.register("carol")
        self.phone, self.laptop = self.log_in("phone"), self.log_in("laptop")

    def test_again_and_again(self) -> None:
        """A device's token brings it back, and only it, as often as it likes, also after a restart or a crash."""
        for end in (self.daemon.stop, self.daemon.kill):
            for _ in range(3):
                self.assert_returns(self.phone, "phone")
                self.assert_returns(self.laptop, "laptop")
            end()
            self.start_again()
        self.assert_returns(self.phone, "phone")

    def test_logged_out(self) -> None:
        """Logging out ends both tokens of this device."""
        self.act(LogOut())
        self.assert_only_laptop_returns()

    def test_revoked(self) -> None:
        """So does revoking it, from this device or another."""
        self.act(RevokeDevice("phone"))
        self.assert_only_laptop_returns()
        self.phone = self.log_in("phone")
        self.act(RevokeDevice("phone"), self.laptop)
        self.assert_only_laptop_returns()

    def test_new_password(self) -> None:
        """A new password ends all tokens but the device's that asked for it, and every resume token from before."""
        self.act(ChangePassword(PASSWORD, NEW_PASSWORD))
        self.assert_refused(
            LogInWithToken(self.laptop.token),
            Resume(self.laptop.resume_token),
            Resume(self.phone.resume_token),
        )
        self.assert_returns(self.phone, "phone")

    def test_deleted(self) -> None:
        """With the account all of its tokens end."""
        self.act(DeleteAccount(PASSWORD))
        self.assert_gone(self.phone)
        self.assert_gone(self.laptop)

    def test_renewed(self) -> None:
        """A login by password has a new token, and the device's earlier one ends: nobody else can have set it."""
        renewed = self.log_in("phone")
        self.assert_only_laptop_returns()
        self.assert_returns(renewed, "phone")

    def test_resumed(self) -> None:
        """A resume token works once, for its own device, and the next one works then."""
        again = self.enter(Resume(self.phone.resume_token))
        self.assertEqual((again.account.name, again.device, again.token), ("carol", "phone", b""))
        self.assert_refused(Resume(self.phone.resume_token))
        self.enter(Resume(again.resume_token))
        self.assert_returns(self.laptop, "laptop")

    def test_resumed_twice_at_once(self) -> None:
        """Also when two connections use it at the same time."""
        peers = [self.peer(self.plain) for _ in range(10)]
        for peer in peers:
            peer.tell(Resume(self.phone.resume_token))
        answers = [peer.hear()[1] for peer in peers]
        self.assertEqual(sum(isinstance(answer, LoggedIn) for answer in answers), 1)
        self.assertEqual(sum(isinstance(answer, Refused) for answer in answers), len(peers) - 1)

    def test_resume_after_restart(self) -> None:
        """A restart ends resume tokens; the device's own one does instead."""
        self.assertEqual(self.daemon.stop(), 0)
        self.start_again()
        self.assert_refused(Resume(self.phone.resume_token))
        self.assert_returns(self.phone, "phone")

    def test_confused(self) -> None:
        """One kind of token is not the other, and neither is almost one."""
        for token in (self.phone.token, self.phone.resume_token):
            almost = bytes([token[0] ^ 1]) + token[1:]
            for wrong in (almost, token[:-1], token + b"\0", token * 2, token.hex().encode(), b""):
                self.assert_refused(LogInWithToken(wrong), Resume(wrong))
        self.assert_refused(LogInWithToken(self.phone.resume_token), Resume(self.phone.token))
        self.assert_returns(self.phone, "phone")

    def test_all_differ(self) -> None:
        """No token comes twice, and each is as long as it says."""
        tokens = []
        for _ in range(LOGINS):
            logged_in = self.log_in("phone")
            tokens += [logged_in.token, logged_in.resume_token]
        self.assertEqual(len(set(tokens)), 2 * LOGINS)
        self.assertEqual({len(token) for token in tokens}, {TOKEN_BYTES})

    # -- steps

    def start_again(self) -> None:
        """On new ports, because the configuration names none."""
        self.daemon.start()
        self.plain = self.daemon.listeners()[-4]

    def enter(self, request: Request) -> LoggedIn:
        """Come and leave."""
        with Peer(self.plain) as peer:
            return peer.expect(request, LoggedIn)

    def log_in(self, device: str) -> LoggedIn:
        """By password."""
        return self.enter(LogIn("carol", PASSWORD, device))

    def act(self, request: Request, device: LoggedIn | None = None) -> None:
        """As the phone, or another device; its resume token becomes the one that this login brought."""
        device = device or self.phone
        with Peer(self.plain) as peer:
            device.resume_token = peer.log_in_with_token(device.token).resume_token
            peer.expect(request, Done)

    def assert_returns(self, device: LoggedIn, name: str) -> None:
        """By its token, as the same device of the same account."""
        again = self.enter(LogInWithToken(device.token))
        self.assertEqual((again.account, again.device), (device.account, name))

    def assert_only_laptop_returns(self) -> None:
        """The phone does not."""
        self.assert_gone(self.phone)
        self.assert_returns(self.laptop, "laptop")

    def assert_gone(self, device: LoggedIn) -> None:
        """Neither by its token nor by its resume token."""
        self.assert_refused(LogInWithToken(device.token), Resume(device.resume_token))

    def assert_refused(self, *requests: Request) -> None:
        """All of them, as any token would be that never was."""
        for request in requests:
            with Peer(self.plain) as peer:
                self.assertEqual(peer.expect(request, Refused).code, Code.WRONG_CREDENTIALS, request)
