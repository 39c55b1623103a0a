"""Client ids as a stem and a number."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imserver.core import client_ids

IDS = st.binary(max_size=64)


class ClientIdTests(SynchronousTestCase):
    @given(IDS)
    def test_there_and_back(self, client_id: bytes) -> None:
        """An id is its stem and number, whatever it is."""
        self.assertEqual(client_ids.joined(*client_ids.split(client_id)), client_id)

    @given(IDS, IDS)
    def test_no_two_alike(self, one: bytes, other: bytes) -> None:
        """Different ids never have the same stem and number."""
        self.assertEqual(client_ids.split(one) == client_ids.split(other), one == other)

    def test_edges(self) -> None:
        """Eight bytes below 2**63 are a number; everything else is a stem of its own."""
        self.assertEqual(client_ids.split(b"1234567"), (b"1234567", client_ids.NO_NUMBER))
        self.assertEqual(client_ids.split(bytes(8)), (b"", 0))
        self.assertEqual(client_ids.split(b"stem" + b"\x7f" + b"\xff" * 7), (b"stem", 2**63 - 1))
        self.assertEqual(client_ids.split(b"\x80" + bytes(7)), (b"\x80" + bytes(7), client_ids.NO_NUMBER))

    def test_counting(self) -> None:
        """Numbers near the end do not count on, because the ids after them are of other stems."""
        self.assertTrue(client_ids.can_count(0))
        self.assertFalse(client_ids.can_count(client_ids.NO_NUMBER))
        self.assertFalse(client_ids.can_count(2**63 - 2))
