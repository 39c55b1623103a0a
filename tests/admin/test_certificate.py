"""imserver.admin.certificate: what is made can be used, by nobody else, and replaces nothing."""

from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from twisted.trial.unittest import SynchronousTestCase

from imserver.admin import certificate
from imserver.admin.errors import AdminError, UsageError
from imserver.net.tls import make_context


class CertificateTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir(parents=True)
        self.cert, self.key = folder / "a.crt", folder / "a.key"
        self.now = certificate.now().replace(microsecond=0)

    def make(self, *names: str, days: int = 10) -> str:
        return certificate.make(names, days, self.cert, self.key, self.now)

    def test_made(self) -> None:
        """The daemon can use both; names and addresses are in it; it is valid as long as asked."""
        fingerprint = self.make("chat.example.org", "*.example.net", "10.0.0.1", "[::1]")
        make_context(self.cert, self.key)
        made = x509.load_pem_x509_certificate(self.cert.read_bytes())
        names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.assertEqual(names.get_values_for_type(x509.DNSName), ["chat.example.org", "*.example.net"])
        self.assertEqual(
            names.get_values_for_type(x509.IPAddress), [ip_address("10.0.0.1"), ip_address("::1")]
        )
        self.assertEqual(made.not_valid_after_utc, self.now + timedelta(days=10))
        self.assertEqual(certificate.expires(self.cert), made.not_valid_after_utc)
        self.assertEqual(fingerprint.replace(":", ""), made.fingerprint(hashes.SHA256()).hex().upper())

    def test_private(self) -> None:
        """Nobody else can read either."""
        self.make("a")
        self.assertEqual([path.stat().st_mode & 0o777 for path in (self.cert, self.key)], [0o600, 0o600])

    def test_nothing_is_overwritten(self) -> None:
        """Neither key nor certificate; and no key is left without its certificate."""
        self.key.write_text("old")
        self.assertRaises(AdminError, self.make, "a")
        self.assertEqual((self.key.read_text(), self.cert.exists()), ("old", False))
        self.key.unlink()
        self.cert.write_text("old")
        self.assertRaises(AdminError, self.make, "a")
        self.assertEqual((self.cert.read_text(), self.key.exists()), ("old", False))

    def test_impossible_place(self) -> None:
        """A folder that is not there is one sentence."""
        self.key = self.key.parent / "none" / "a.key"
        self.assertIn("cannot be written", str(self.assertRaises(AdminError, self.make, "a")))

    def test_bad_names(self) -> None:
        """What can be in no certificate is refused, before anything is written."""
        for name in (
            "",
            "a..b",
            ".",
            "grüße.example",
            "*.",
            "a b",
            "chat.example.org:8890",
            "-a",
            "a.*.b",
            "x" * 64,
        ):
            self.assertRaises(UsageError, self.make, name)
        self.assertFalse(self.key.exists() or self.cert.exists())
