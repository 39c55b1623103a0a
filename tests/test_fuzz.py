"""The fuzzer finds what is wrong, and a short run of it finds nothing."""

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from imserver.core.errors import WireError
from tests import fuzz
from tests.fuzz import Target

INPUTS = 3_000


class FuzzTest(SynchronousTestCase):
    def test_decoders(self) -> None:
        """Every decoder bears some thousand inputs; `make fuzz` tries a million."""
        for name, target in fuzz.targets().items():
            self.assertIsNone(fuzz.fuzz(target, INPUTS, seed=7), name)

    def test_seeds_are_good(self) -> None:
        """Mutations start from inputs that the decoder accepts."""
        for name, target in fuzz.targets().items():
            for seed in target.seeds:
                target.decode(seed, Random(1))
                self.assertTrue(seed, name)

    def test_the_same_seed_gives_the_same_inputs(self) -> None:
        """A failure can be repeated."""
        one, other = (fuzz.mutations([b"abcdef", b"xyz"], Random(3)) for _ in range(2))
        self.assertEqual([next(one) for _ in range(50)], [next(other) for _ in range(50)])

    def test_a_decoder_that_raises_is_found(self) -> None:
        """Any exception that is not the decoder's own clear error counts."""

        def decode(data: bytes, random: Random) -> None:
            if len(data) > 8 and data[8] > 200:
                raise IndexError("on purpose")

        found = fuzz.fuzz(Target(decode, [b"0123456789"]), INPUTS, seed=1)
        assert found is not None
        self.assertIsInstance(found.error, IndexError)
        self.assertGreater(found.data[8], 200)

    def test_a_framing_that_depends_on_the_cuts_is_found(self) -> None:
        """Frames must not change with the segments they come in."""

        class Forgetful(fuzz.Int32Framing):
            def receive(self, data: bytes) -> None:
                if self.unread_bytes == 3:
                    raise WireError("on purpose")
                super().receive(data)

        seeds = fuzz.targets()["int32-framing"].seeds
        found = fuzz.fuzz(Target(fuzz._chunked(Forgetful), seeds), INPUTS, seed=1)
        assert found is not None
        self.assertIsInstance(found.error, AssertionError)
