"""imserver.store.memory keeps a store's promises."""

from twisted.trial.unittest import SynchronousTestCase

from imserver.store.memory import MemoryStore
from tests.contracts.store import StoreContract


class MemoryStoreTests(StoreContract, SynchronousTestCase):
    """The contract."""

    def make_store(self) -> MemoryStore:
        return MemoryStore()
