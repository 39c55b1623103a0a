"""The filled-in templates are the frames that the codec would have made."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from bench.frames import CODEC, body, client_id, composer, tag
from imserver.core.requests import Send
from imserver.core.values import Kind
from imserver.net.framing import Int32Framing


class ComposerTests(SynchronousTestCase):
    @given(
        conversation=st.integers(1, 2**53 - 1),
        source=st.binary(min_size=8, max_size=8),
        first=st.integers(1, 10**9),
        count=st.integers(1, 5),
    )
    def test_same_as_the_codec(self, conversation: int, source: bytes, first: int, count: int) -> None:
        """Each frame decodes to the Send with its number, whatever bytes surround the template's places."""
        framing = Int32Framing(1024)
        framing.receive(composer(conversation, source)(first, count))
        expected = [
            (tag(n), Send(conversation, client_id(source, n), Kind.TEXT, "", body(n)))
            for n in range(first, first + count)
        ]
        self.assertEqual([CODEC.decode(frame) for frame in framing.frames()], expected)

    def test_size(self) -> None:
        """A body has 100 bytes."""
        self.assertEqual(len(body(1)), 100)
