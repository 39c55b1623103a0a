"""What a message may hold: see also test_messages.py, which asks through the core."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.content import check_content
from imserver.core.errors import ChatError
from imserver.core.limits import Limits
from imserver.core.requests import Send
from imserver.core.values import Kind


class ContentTests(SynchronousTestCase):
    @given(st.binary(max_size=70), st.integers(0, 5), st.text(max_size=4), st.binary(max_size=40))
    def test_rules(self, client_id: bytes, kind: int, content_type: str, body: bytes) -> None:
        """A text is UTF-8 without U+0000 and has no type; an opaque one has a printable type and any body."""
        try:
            text: str | None = body.decode()
        except UnicodeDecodeError:
            text = None
        is_text = (
            kind in (Kind.TEXT, Kind.RICH) and text is not None and "\0" not in text and not content_type
        )
        is_opaque = kind == Kind.OPAQUE and content_type != "" and content_type.isprintable()
        expected = 1 <= len(client_id) <= 64 and (is_text or is_opaque)
        try:
            check_content(Send(1, client_id, kind, content_type, body), Limits())
            accepted = True
        except ChatError as error:
            self.assertEqual(error.code, "BAD_REQUEST")
            accepted = False
        self.assertEqual(accepted, expected)
