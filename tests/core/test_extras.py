"""What a message may have beside its body, by kind."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.content import check_content
from imserver.core.errors import ChatError
from imserver.core.limits import Limits
from imserver.core.requests import Send
from imserver.core.values import Extra, Kind

LIMITS = replace(Limits(), max_mentions=3, max_burn_seconds=60)
SAYING = (Kind.TEXT, Kind.RICH, Kind.OPAQUE)
EXTRAS = st.builds(
    Extra,
    st.sampled_from((-1, 0, 1, 2**62 - 1, 2**62, 2**63)),
    st.lists(st.integers(0, 9), max_size=4),
    st.sampled_from((0, 0, 0, 1)),
    st.sampled_from((-1, 0, 0, 1, 60, 61)),
)


def accepted(send: Send) -> bool:
    try:
        check_content(send, LIMITS)
    except ChatError as error:
        assert error.code == "BAD_REQUEST", error
        return False
    return True


def is_right(kind: Kind, body: bytes, extra: Extra | None) -> bool:
    """By the table in docs/wires/native.md."""
    about, mentions, origin, burn = (
        (extra.about, len(extra.mentions), extra.origin, extra.burn_seconds) if extra else (0, 0, 0, 0)
    )
    if origin or not 0 <= about < 2**62 or mentions > 3 or not 0 <= burn <= 60:
        return False
    if kind in SAYING:
        return True
    if kind == Kind.EDIT:
        return about > 0 and not burn
    if kind == Kind.RECALL:
        return about > 0 and not (burn or mentions or body)
    return not (burn or mentions or body)


class ExtrasTests(SynchronousTestCase):
    @given(
        st.sampled_from((*SAYING, Kind.EDIT, Kind.RECALL, Kind.ATTENTION)), st.none() | EXTRAS, st.booleans()
    )
    def test_table(self, kind: Kind, extra: Extra | None, says: bool) -> None:
        """Who says something mentions, replies and burns; an edit and a recall are about something; nothing else."""
        body, content_type = b"text" if says else b"", "a/b" if kind == Kind.OPAQUE else ""
        send = Send(1, b"id", kind, content_type, body, extra)
        self.assertEqual(accepted(send), is_right(kind, body, extra), send)

    def test_text_of_an_edit(self) -> None:
        """It is a text like any other."""
        for body in (b"\xff", b"a\0b"):
            self.assertFalse(accepted(Send(1, b"id", Kind.EDIT, "", body, Extra(about=1))))
        self.assertFalse(accepted(Send(1, b"id", Kind.EDIT, "a/b", b"text", Extra(about=1))))

    def test_no_types(self) -> None:
        """What says nothing has no content type; the server's own kinds are nobody's."""
        for kind in (Kind.RECALL, Kind.ATTENTION, Kind.NOTICE, Kind.TOMBSTONE):
            self.assertFalse(accepted(Send(1, b"id", kind, "a/b", b"", Extra(about=1))))
        for kind in (Kind.NOTICE, Kind.TOMBSTONE, 9):
            self.assertFalse(accepted(Send(1, b"id", kind, "", b"", Extra(about=1))))
