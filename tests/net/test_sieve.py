"""imserver.net.sieve"""

from collections.abc import Sequence

from google.protobuf.internal import encoder
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.core.errors import WireError
from imserver.net.sieve import Sieve
from tests.net.test_framing import CUTS, pieces

SKIPPED = 5


def varint(number: int) -> bytes:
    return bytes(encoder._VarintBytes(number))


def field(number: int, kind: int, content: bytes) -> bytes:
    head = varint(number << 3 | kind)
    return head + varint(len(content)) + content if kind == 2 else head + content


FIELDS = st.one_of(
    st.tuples(st.integers(1, 2**29 - 1), st.just(2), st.binary(max_size=20)),
    st.tuples(st.just(SKIPPED), st.just(2), st.binary(max_size=40)),
    st.tuples(st.integers(1, 9), st.just(0), st.integers(0, 2**64 - 1).map(varint)),
    st.tuples(st.integers(1, 9), st.just(1), st.binary(min_size=8, max_size=8)),
    st.tuples(st.integers(1, 9), st.just(5), st.binary(min_size=4, max_size=4)),
)


def sift(sieve: Sieve, chunks: Sequence[bytes]) -> bytes | None:
    """-> what was kept; None if it was no message."""
    try:
        for chunk in chunks:
            sieve.feed(memoryview(chunk))
    except WireError:
        return None
    return bytes(sieve.kept)


class SieveTests(SynchronousTestCase):
    """Sieve"""

    @given(st.lists(FIELDS, max_size=8), CUTS)
    def test_any_message(self, fields: Sequence[tuple[int, int, bytes]], cuts: Sequence[int]) -> None:
        """However it arrives, all is kept but that field, and the field's content is counted."""
        data = b"".join(field(*one) for one in fields)
        sieve = Sieve(SKIPPED, len(data), 1000, 1000)
        kept = b"".join(field(*one) for one in fields if one[0] != SKIPPED)
        self.assertEqual(sift(sieve, pieces(data, cuts)), kept)
        pictures = [content for number, kind, content in fields if number == SKIPPED and kind == 2]
        others = [one for one in fields if one[0] == SKIPPED and one[1] in (1, 5)]
        self.assertEqual(sieve.skipped_bytes, sum(map(len, pictures)) + sum(len(one[2]) for one in others))
        self.assertEqual(sieve.left, 0)

    @given(st.binary(max_size=60), CUTS)
    def test_any_bytes(self, data: bytes, cuts: Sequence[int]) -> None:
        """Any bytes in any pieces are a message or are refused, the same way."""
        outcomes = [
            sift(Sieve(SKIPPED, len(data), 20, 20), chunks) for chunks in ([data], pieces(data, cuts))
        ]
        self.assertEqual(*outcomes)

    def test_limits(self) -> None:
        """What is kept and what is skipped have limits of their own, reached by one field or by many."""
        for content, fits in ((b"x" * 100, True), (b"x" * 101, False)):
            data = field(SKIPPED, 2, content)
            self.assertEqual(sift(Sieve(SKIPPED, len(data), 20, 100), [data]) == b"", fits)
            data = field(SKIPPED, 2, content[:60]) + field(SKIPPED, 2, content[60:])
            self.assertEqual(sift(Sieve(SKIPPED, len(data), 20, 100), [data]) == b"", fits)
            data = field(1, 2, content[:60]) + field(2, 2, content[60:])
            self.assertEqual(sift(Sieve(SKIPPED, len(data), 104, 9), [data]) == data, fits)

    def test_refused_before_it_is_there(self) -> None:
        """A field over the limit is refused by its head alone."""
        sieve = Sieve(SKIPPED, 1_000_000, 20, 100)
        self.assertRaises(WireError, sieve.feed, memoryview(field(SKIPPED, 2, b"x" * 101)[:2]))

    def test_many_empty_fields(self) -> None:
        """Heads of skipped fields count as kept: nobody makes us look at millions of them."""
        data = field(SKIPPED, 2, b"") * 100
        self.assertIsNone(sift(Sieve(SKIPPED, len(data), 199, 1000), [data]))
        self.assertEqual(sift(Sieve(SKIPPED, len(data), 200, 1000), [data]), b"")

    def test_torn(self) -> None:
        """A field that ends after its message, a head without end, and groups belong to no message."""
        for data in (b"\x0a\x05abc", b"\x2a\x05abc", b"\x08", b"\x09abc", b"\x0b\x0c", b"\xff" * 40, b"\x0a"):
            self.assertIsNone(sift(Sieve(SKIPPED, len(data), 100, 100), [data]), data)
