"""imserver.core.codes: codes that people type."""

import secrets

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.codes import digest, new_code


class CodesTests(SynchronousTestCase):
    def test_form(self) -> None:
        """Sixteen small letters and digits 2 to 7 in groups of four; 80 bits, of which none is given away."""
        asked: list[int] = []

        def token_bytes(length: int) -> bytes:
            asked.append(length)
            return secrets.token_bytes(length)

        for _ in range(100):
            self.assertRegex(new_code(token_bytes), r"\A[a-z2-7]{4}(-[a-z2-7]{4}){3}\Z")
        self.assertEqual(set(asked), {10})
        self.assertNotEqual(new_code(lambda n: b"\0" * n), new_code(lambda n: b"\0" * (n - 1) + b"\1"))

    def test_digest(self) -> None:
        """Capitals, dashes and blanks do not matter; letters do."""
        code = "mfrg-gzdf-mzto-yabc"
        spellings = (code, code.upper(), code.replace("-", ""), f" {code.replace('-', ' ')}\n")
        self.assertEqual(len({digest(each) for each in spellings}), 1)
        self.assertNotEqual(digest(code), digest("mfrg-gzdf-mzto-yabd"))
        self.assertEqual(len(digest("\ud800")), 32)
